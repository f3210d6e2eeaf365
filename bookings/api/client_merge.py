"""POST /api/clients/:id/merge: two records of one person become one (contract §1.5).

Here and not in `clients`, because it moves bookings. No status, no time and no announcement changes, so
nobody is mailed; every moved booking gets an audit row and another version, and webhooks say so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import waitlist, webhooks
from bookings.lifecycle.locks import VisitChanged, begin_again, lock_visits
from bookings.models import Booking, BookingEvent, NoShowFee, Visit, stamp
from bookings.reminders.on_client_merge import hand_over
from clients.models import Client
from clients.printing import ClientJson, client_json
from clients.records import AlreadyMerged, lock_clients
from clients.walk_in import refuse_walk_in
from notifications.models import InboundText, Job, Message
from notifications.outbox import Recipient
from staff.access.actor import Actor
from staff.access.auth import IsAdminOrKey, actor_of, salon_of
from staff.wire.fields import StrictIdField
from staff.wire.reading import checked_body
from staff.wire.refusals import BadRequest, NotFound
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.text import LONGEST_STRING
from staff.wire.views import GatedView

REASON = "The client was merged into another record of the same person."
LONGEST_ALERT = 200
BETWEEN_ALERTS = "; "
FILLED_WHEN_EMPTY = ("last_name", "email", "phone", "mobile", "birthday", "locale")


class MergeSerializer(serializers.Serializer):
    into = StrictIdField(help_text="The client who stays.")


class ClientMergeView(GatedView):
    permission_classes = [IsAdminOrKey]

    @documented(
        "Merge a client into another",
        request=MergeSerializer,
        answer=ClientJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        tags=["clients"],
        description="Bookings, waitlist entries, fees and messages move to `into`, whose empty fields are "
        "filled from this client; this one is archived for good. Consent is not carried over. Answers the "
        "client who stays.",
    )
    def post(self, request: Request, id: int) -> Response:
        into_id = checked_body(MergeSerializer, request)["into"]
        stays = merge(client_id=id, into_id=into_id, actor=actor_of(request), now=timezone.now())
        return Response(client_json(stays, zone=salon_of(request).zone))


@begin_again
def merge(*, client_id: int, into_id: int, actor: Actor, now: datetime) -> Client:
    """The client who stays. Raises NotFound, BadRequest (`into`), AlreadyMerged, IsWalkIn.

    Locks in the door's order; begins again where the one that goes has been booked meanwhile.
    """
    if client_id == into_id:
        raise BadRequest.field("into", "A client cannot be merged into itself; send another id.")
    with transaction.atomic():
        visits = lock_visits(Visit.objects.filter(client_id=client_id))
        theirs = Booking.objects.filter(client_id=client_id).order_by("pk")
        bookings = list(theirs.select_for_update(no_key=True))
        if any(each.visit_id not in visits for each in bookings if each.visit_id is not None):
            raise VisitChanged
        goes, stays = _locked_pair(client_id, into_id)
        if list(theirs.values_list("pk", flat=True)) != [each.pk for each in bookings]:
            raise VisitChanged
        waitlist.lock_open_of([client_id, into_id])
        _move_bookings(bookings, goes=goes, stays=stays, actor=actor, now=now)
        _move_the_rest(goes=goes, stays=stays, now=now)
        hand_over(goes_id=goes.pk, stays_id=stays.pk, now=now)
        _join(goes=goes, stays=stays, now=now)
    return stays


def _locked_pair(client_id: int, into_id: int) -> tuple[Client, Client]:
    clients = lock_clients([client_id, into_id])
    goes, stays = clients.get(client_id), clients.get(into_id)
    if goes is None:
        raise NotFound("Client not found")
    if stays is None:
        raise BadRequest.field("into", "There is no such client; send the id of an existing one.")
    refuse_walk_in(goes, stays)
    if goes.merged_into_id is not None:
        raise AlreadyMerged
    if stays.archived_at is not None:
        raise BadRequest.field("into", "This client is archived; bring it back first, or send another id.")
    return goes, stays


def _move_bookings(
    bookings: list[Booking], *, goes: Client, stays: Client, actor: Actor, now: datetime
) -> None:
    Booking.objects.filter(pk__in=[booking.pk for booking in bookings]).update(
        client_id=stays.pk, version=F("version") + 1, updated_at=stamp(now)
    )
    Visit.objects.filter(client_id=goes.pk).update(
        client_id=stays.pk, version=F("version") + 1, updated_at=stamp(now)
    )
    events = BookingEvent.objects.bulk_create(
        BookingEvent(
            booking=booking,
            at=now,
            door=actor.channel,
            actor_type=actor.type,
            actor_id=actor.id,
            actor_name=actor.name,
            from_status=booking.status,
            to_status=booking.status,
            changes={"client_id": [goes.pk, stays.pk]},
            reason=REASON,
        )
        for booking in bookings
    )
    webhooks.announce(events, now=now)


def _move_the_rest(*, goes: Client, stays: Client, now: datetime) -> None:
    waitlist.join(goes_id=goes.pk, stays_id=stays.pk, now=now)
    NoShowFee.objects.filter(client_id=goes.pk).update(client_id=stays.pk)
    Message.objects.filter(client_id=goes.pk).update(client_id=stays.pk)
    InboundText.objects.filter(client_id=goes.pk).update(client_id=stays.pk)
    Job.objects.filter(recipient=Recipient.client(goes.pk), state=Job.State.PENDING).update(
        recipient=Recipient.client(stays.pk)
    )
    Client.objects.filter(merged_into_id=goes.pk).update(merged_into_id=stays.pk)


def _join(*, goes: Client, stays: Client, now: datetime) -> None:
    """`stays` gets what it lacked and all missed visits, `goes` is archived.

    Notes stand one below the other, as far as a text may be long; alerts stand side by side, and where both
    together are too long for one, the notes begin with the one that goes.
    """
    changes: dict[str, Any] = {
        name: getattr(goes, name) for name in FILLED_WHEN_EMPTY if not getattr(stays, name)
    }
    changes["alert"], left_over = _both_alerts(stays.alert, goes.alert)
    changes["notes"] = "\n".join(filter(None, (left_over, stays.notes, goes.notes)))[:LONGEST_STRING]
    changes["no_show_count"] = stays.no_show_count + goes.no_show_count
    for name, value in changes.items():
        setattr(stays, name, value)
    stays.save(update_fields=[*changes, "updated_at"])
    goes.no_show_count = 0
    goes.merged_into = stays
    goes.archived_at = goes.archived_at or now
    goes.save(update_fields=["no_show_count", "merged_into", "archived_at", "updated_at"])


def _both_alerts(stays: str, goes: str) -> tuple[str, str]:
    """One alert of both, and what found no room in it."""
    known = list(filter(None, stays.split(BETWEEN_ALERTS)))
    new = [part for part in goes.split(BETWEEN_ALERTS) if part and part not in known]
    both = BETWEEN_ALERTS.join((*known, *new))
    return (both, "") if len(both) <= LONGEST_ALERT else (stays, BETWEEN_ALERTS.join(new))
