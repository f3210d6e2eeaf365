"""Who gets no texts: by number, whoever has it (contract §10 "words")."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from clients.models import Client
from notifications.channels.sealing import digest_of, digests_of
from notifications.models import SMS, InboundText, Job, Message, Notification, OptOut
from notifications.outbox.states import IS_CLAIMED
from staff.storage.storing import locked
from staff.wire.refusals import BadRequest, Conflict


class AlreadyLifted(Conflict):
    code = "already_lifted"


def is_opted_out(number: str) -> bool:
    """By this number (E.164), also after its client was erased."""
    return _standing(number).exists()


def opt_out(number: str, *, source: OptOut.Source, now: datetime) -> bool:
    """From now on this number gets no text; False when that was so already."""
    if is_opted_out(number):
        return False
    try:
        with transaction.atomic():
            OptOut.objects.create(number=number, digest=digest_of(number), source=source, created_at=now)
    except IntegrityError:
        return False
    return True


def lift(opt_out_id: int, *, reason: str, by: int, now: datetime) -> OptOut:
    """They asked for texts again, and staff say why. Raises NotFound, BadRequest, AlreadyLifted."""
    if not reason.strip():
        raise BadRequest.field("reason", "Say why: who asked for texts again, and how.")
    with transaction.atomic():
        row = locked(OptOut.objects.all(), opt_out_id)
        if row.lifted_at is not None:
            raise AlreadyLifted("This number gets texts again already.")
        row.lifted_at, row.lifted_by, row.lifted_because = now, by, reason.strip()
        row.save(update_fields=["lifted_at", "lifted_by", "lifted_because"])
    return row


def forget_numbers(numbers: Collection[str], *, client_ids: Collection[int]) -> None:
    """An erasure: what they wrote goes, and their numbers; a STOP is still known by its digest.

    A number that somebody else has as well stays theirs, with what is known to be from or to them; what
    either of the two may have written goes.
    """
    given = [each for each in numbers if each]
    inbound = InboundText.objects.filter(Q(number__in=given, client_id=None) | Q(client_id__in=client_ids))
    inbound.delete()
    wanted = [each for each in given if not _is_somebody_elses(each, client_ids)]
    InboundText.objects.filter(number__in=wanted).delete()
    for number in wanted:
        # By today's key: the one of that day may be gone before the number is asked for again.
        OptOut.objects.filter(number=number, lifted_at=None).update(digest=digest_of(number))
    OptOut.objects.filter(number__in=wanted).update(number="", lifted_because="")
    Message.objects.filter(channel=SMS, to__in=wanted).update(to="", text="")
    for number in wanted:
        Notification.objects.filter(type="message.inbound", body__contains=number).update(body="")


def _is_somebody_elses(number: str, client_ids: Collection[int]) -> bool:
    others = Client.objects.filter(Q(phone=number) | Q(mobile=number)).exclude(pk__in=client_ids)
    return others.exists()


def is_being_texted(numbers: Collection[str]) -> bool:
    """Whether a text to one of them is in a worker's hands."""
    return Job.objects.filter(
        IS_CLAIMED, channel=SMS, message__to__in=[each for each in numbers if each]
    ).exists()


def _standing(number: str) -> QuerySet[OptOut]:
    theirs = Q(number=number) | Q(digest__in=digests_of(number))
    return OptOut.objects.filter(theirs, kind=SMS, lifted_at=None)
