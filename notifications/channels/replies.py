"""What somebody writes back: STOP, yes, or something for the desk (contract §10 "words")."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from clients.models import Client
from notifications import outbox
from notifications.channels.opt_outs import opt_out
from notifications.channels.provider import Written
from notifications.channels.providers import provider_of
from notifications.channels.reply_words import meaning_of
from notifications.inapp import tell_admins
from notifications.models import SMS, Channel, InboundText, OptOut
from notifications.outbox import Due
from staff.models import SalonSettings
from staff.wire.phones import e164
from staff.wire.text import plain_line

LONGEST = 2000
STOPPED = "channel.stopped"
Meaning = InboundText.Meaning


def take_reply(channel: Channel, written: Written, *, signed_by_provider: bool, now: datetime) -> bool:
    """False for old news, and for what is nobody's number. Unsigned, only a STOP counts: nothing else of it
    is stored."""
    number = _number(written.number)
    text = plain_line(_storable(written.text))[:LONGEST]
    meaning = meaning_of(text)
    if number is None or not written.provider_id or (not signed_by_provider and meaning != Meaning.STOP):
        return False
    if InboundText.objects.filter(channel=channel, provider_id=written.provider_id).exists():
        return False
    if meaning == Meaning.YES and not _confirms(number, now=now):
        meaning = Meaning.OTHER
    try:
        with transaction.atomic():
            row = InboundText.objects.create(
                channel=channel,
                provider_id=written.provider_id,
                number=number,
                client_id=_client_id(number),
                text=text,
                meaning=meaning,
                received_at=now,
            )
            if meaning == Meaning.OTHER:
                _tell_desk(row, now=now)
            elif meaning == Meaning.STOP and opt_out(number, source=OptOut.Source.REPLY, now=now):
                _confirm_stop(row, channel, now=now)
    except IntegrityError:
        return False
    return True


def _confirms(number: str, *, now: datetime) -> bool:
    """In a transaction of its own, before anything of the text is stored: the door locks visits first. Cut
    off in between, the provider sends it again, nothing asks any more, and the desk reads it."""
    if not settings.CONFIRM_BY_REPLY:
        return False
    confirm: Callable[..., bool] = import_string(settings.CONFIRM_BY_REPLY)
    return confirm(number=number, now=now)


def _confirm_stop(row: InboundText, channel: Channel, *, now: datetime) -> None:
    """Once; not where the provider says it itself, and takes nothing for this number from then on."""
    if provider_of(channel).answers_stop_itself:
        return
    outbox.enqueue(
        [
            Due(
                type=STOPPED,
                once_key=f"{STOPPED}:{row.pk}",
                run_at=now,
                client_id=row.client_id,
                to=row.number,
                payload={"channel_id": channel.pk},
                channel=SMS,
            )
        ],
        now=now,
    )


def _tell_desk(row: InboundText, *, now: datetime) -> None:
    client = Client.objects.filter(pk=row.client_id).first() if row.client_id else None
    with translation.override(SalonSettings.load().locale):
        who = row.number if client is None else f"{client.name}, {row.number}"
        tell_admins(
            type="message.inbound", title=_("A text from a client"), body=f"{who}: {row.text}", now=now
        )


def _client_id(number: str) -> int | None:
    """The one client with this number; None where there are several, or none."""
    theirs = Client.objects.filter(Q(mobile=number) | Q(phone=number), merged_into=None, archived_at=None)
    ids = list(theirs.order_by("pk").values_list("pk", flat=True)[:2])
    return ids[0] if len(ids) == 1 else None


def _storable(given: str) -> str:
    """No column holds a NUL or a lone surrogate; a signed text with one is read all the same."""
    return given.replace("\0", " ").encode("utf-8", "replace").decode()


def _number(given: str) -> str | None:
    """Providers leave out the plus."""
    digits = given.strip()
    if not digits.startswith(("+", "00")) and digits.isascii() and digits.isdigit():
        digits = f"+{digits}"
    return e164(digits)
