"""One booking goes out of a visit of several, to another client: what its others then owe (contract §7).

Its own mails and its own fee stand in `effects`, as those of any booking that comes to another client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bookings import noshow
from bookings.lifecycle.audit import record
from bookings.lifecycle.former_client import told_before
from bookings.lifecycle.mail_types import OF_THE_WHOLE_VISIT, STANDING_MAILS, mail_to_client
from bookings.lifecycle.outcome import Change
from bookings.lifecycle.series_mails import SERIES_KEYS
from bookings.models import Booking, Visit
from bookings.why_not_sent import Reason
from clients.records import count_no_show
from notifications import outbox
from notifications.outbox import Due, Recipient

CANCELLED = Booking.Status.CANCELLED
COMPLETED = Booking.Status.COMPLETED
NO_SHOW = Booking.Status.NO_SHOW
PROVISIONAL = Booking.Status.PROVISIONAL
SCHEDULED = Booking.Status.SCHEDULED

ASKING = ("booking.provisional", "visit.requested")

ANOTHER_ITEM_LEFT = "Another booking of the visit went to another client; the fee is made anew."


def leave_mails(change: Change, visit: Visit) -> None:
    """The mails of the visit that one booking went out of are about its others from now on: before anything
    is dropped that names the booking."""
    outbox.hand_over(
        visit_id=visit.pk, booking_id=change.booking.pk, to=visit.items[0].pk, types=OF_THE_WHOLE_VISIT
    )


def tell_of_leaving(change: Change) -> list[Due]:
    """One booking went out of `change.left_visit` to another client: the former one's visit is updated, or
    cancelled where nothing of it is left; or confirmed where only that one was still asked for."""
    visit, before = change.left_visit, change.before
    if visit is None or before is None or before.client_id is None or not before.for_somebody:
        return []
    if not any(each.stands for each in visit.items):
        why = Reason.CANCELLED_MEANWHILE if visit.status == CANCELLED else Reason.VISIT_CLOSED
        outbox.drop(visit_id=visit.pk, types=STANDING_MAILS, reason=why, sparing=SERIES_KEYS, now=change.now)
    recipient = Recipient.client(before.client_id)
    being_told = outbox.on_its_way(visit_id=visit.pk, types=OF_THE_WHOLE_VISIT, recipient=recipient)
    if not change.notify_client or before.end_at <= change.now or before.status == CANCELLED:
        return []
    if not before.announced_as and not being_told:
        if before.status != PROVISIONAL:
            return []
        return _confirmation(change, visit, client_id=before.client_id)
    if visit.status in (COMPLETED, NO_SHOW):
        return []
    type = "booking.updated"
    payload: dict[str, Any] = {"left": change.booking.pk}
    if visit.status == CANCELLED:
        told = told_before(before, being_told=being_told)
        type, payload = "booking.cancelled", {"announced_each": {str(change.booking.pk): told}}
    # This one tells of all that has changed.
    outbox.drop(
        visit_id=visit.pk,
        types=["booking.updated"],
        reason=Reason.DRAGGED_BACK,
        recipient=recipient,
        sparing=SERIES_KEYS,
        now=change.now,
    )
    return [_mail(change, visit, type, client_id=before.client_id, payload=payload)]


def _mail(
    change: Change, visit: Visit, type: str, *, client_id: int, payload: Mapping[str, Any] | None = None
) -> Due:
    """To the former client, about the others."""
    return mail_to_client(
        type,
        [change],
        booking=visit.items[0],
        client=visit.client,
        client_id=client_id,
        run_at=change.now,
        payload=payload,
    )


def _confirmation(change: Change, visit: Visit, *, client_id: int) -> list[Due]:
    """Nothing of it is asked any more, and the request, which has not left, would not be true."""
    if visit.status != SCHEDULED:
        return []
    outbox.drop(visit_id=visit.pk, types=ASKING, reason=Reason.ACCEPTED_MEANWHILE, now=change.now)
    return [_mail(change, visit, "booking.created", client_id=client_id)]


def fee_of_who_stays(change: Change, visit: Visit) -> list[Due]:
    """One booking went out of the `visit`: what is due for the others is made anew where it differs."""
    before, gone = change.before, change.booking
    if before is None or before.status == CANCELLED:
        return []
    missed = [each for each in visit.items if each.status == NO_SHOW]
    stands = any(each.stands for each in visit.items)
    dues: list[Due] = []
    if before.status == NO_SHOW:
        for item in (gone, *missed):
            dues += noshow.undo(booking=item, now=change.now)
        if not missed:
            count_no_show(before.client_id, by=-1)
    if missed and not stands and (before.stood or before.status == NO_SHOW):
        event = record(
            missed[0],
            actor=change.actor,
            from_status=NO_SHOW,
            changes={},
            reason=ANOTHER_ITEM_LEFT,
            now=change.now,
        )
        dues += noshow.charge(bookings=missed, event=event, salon=change.salon, now=change.now)
    return dues
