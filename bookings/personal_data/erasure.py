"""Erasing one client: the bookings stay, the person goes (reliability §6).

What stays is what the salon's books need: when who was booked for what and at which price, every change with
its time and door, that a message of a kind was sent, ratings, fees. What goes: the client's row and those
merged into it, notes, addresses, words of messages, comments, names in the audit trail and in in-app lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import F, Q, QuerySet

from bookings import lifecycle, waitlist, webhooks
from bookings.lifecycle.audit import record
from bookings.lifecycle.locks import VisitChanged, begin_again, lock_bookings
from bookings.models import (
    Booking,
    BookingEvent,
    Feedback,
    NoShowFee,
    OnlineSubmission,
    Reminded,
    Visit,
    VisitQuerySet,
    WaitlistEntry,
    WaitlistOffer,
    stamp,
)
from bookings.noshow.waive_or_refund import waive
from bookings.slots.busy import lock_staff
from bookings.why_not_sent import Reason
from clients.models import Client
from clients.walk_in import refuse_walk_in
from notifications import outbox
from notifications.channels.opt_outs import forget_numbers, is_being_texted
from notifications.models import Job, Message, Notification, WebhookDelivery
from notifications.outbox import Recipient
from notifications.outbox.states import IS_CLAIMED, IS_PENDING
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import Conflict, NotFound

CANCELLED_BECAUSE = "The client's personal data is erased."
WAIVED_BECAUSE = "The client's personal data was erased."
WORDS = ("notes", "internal_notes")
"""Fields whose old and new value the audit trail holds as people wrote them."""

WHO_ACCEPTED = ("ip", "user_agent")
"""Of the terms that were accepted (contract §8 "policy kept")."""

FORGOTTEN_MESSAGE = {
    "to": "",
    "subject": "",
    "html": "",
    "text": "",
    "ics": "",
    "headers": {},
    "facts": {},
}


class UpcomingBookings(Conflict):
    code = "upcoming_bookings"


class StillSending(Conflict):
    code = "still_sending"
    message = "A message to this client is being sent at this moment; try again in a few minutes."


class MergedAway(Conflict):
    code = "client_merged"


@dataclass(frozen=True, slots=True)
class Erased:
    """How much of the person there was."""

    bookings: int
    cancelled: int
    messages: int


@begin_again
def erase_client(*, client_id: int, cancel_upcoming: bool, actor: Actor, now: datetime) -> Erased:
    """All of it or nothing. Raises NotFound, UpcomingBookings (unless they are to be cancelled, which
    happens silently, through the door), StillSending, MergedAway, IsWalkIn."""
    salon = SalonSettings.load()
    with transaction.atomic():
        booking_ids, staff_ids = _lock_around(client_id, now=now)
        client, everybody, names = _people(client_id)
        theirs = Booking.objects.filter(client_id__in=everybody).order_by("pk")
        waitlist.lock_open_of(everybody)
        offering = _live_offers(WaitlistEntry.objects.filter(client_id__in=everybody))
        if not booking_ids.issuperset(theirs.values_list("pk", flat=True)) or not staff_ids.issuperset(
            offering.values_list("staff_id", flat=True)
        ):
            raise VisitChanged
        cancelled = _cancel_upcoming(everybody, really=cancel_upcoming, actor=actor, salon=salon, now=now)
        bookings = list(theirs)
        _close_fees(everybody, now=now)
        messages = _silence(everybody, now=now)
        _leave_waitlist(everybody, salon=salon, now=now)
        _empty_bookings(bookings, actor=actor, now=now)
        _forget_in_history(bookings, everybody)
        _forget_names(bookings, names, everybody)
        Client.objects.filter(merged_into=client).delete()
        client.delete()
    return Erased(bookings=len(bookings), cancelled=cancelled, messages=messages)


def _lock_around(client_id: int, *, now: datetime) -> tuple[set[int], set[int]]:
    """What the door would lock one after the other, at once and in its order: visits, bookings with the first
    ones of their sessions, the staff of those to come and of offers. Gives the ids of bookings and staff."""
    theirs = Q(client_id=client_id) | Q(client__merged_into_id=client_id)
    locked = lock_bookings(set(Booking.objects.filter(theirs).order_by().values_list("pk", flat=True)))
    upcoming = Booking.objects.occupying().filter(theirs, end_at__gt=now)
    offers = _live_offers(WaitlistEntry.objects.filter(theirs))
    staff = lock_staff(
        *upcoming.values_list("staff_id", flat=True), *offers.values_list("staff_id", flat=True)
    )
    return set(locked), set(staff)


def _live_offers(entries: QuerySet[WaitlistEntry]) -> QuerySet[WaitlistOffer]:
    return WaitlistOffer.objects.filter(entry__in=entries, state=WaitlistOffer.State.LIVE)


def _people(client_id: int) -> tuple[Client, list[int], list[str]]:
    """The client, the ids of all their records, and the names that stand in texts."""
    rows = Client.objects.select_for_update().filter(Q(pk=client_id) | Q(merged_into_id=client_id))
    found = {client.pk: client for client in rows.order_by("pk")}
    client = found.get(client_id)
    if client is None:
        raise NotFound("Client not found")
    refuse_walk_in(client)
    if client.merged_into_id is not None:
        raise MergedAway(f"This record was merged into client {client.merged_into_id}; erase that one.")
    return client, list(found), sorted({each.name for each in found.values() if each.name})


def _cancel_upcoming(
    everybody: Sequence[int], *, really: bool, actor: Actor, salon: SalonSettings, now: datetime
) -> int:
    upcoming = list(
        Booking.objects.occupying()
        .filter(client_id__in=everybody, end_at__gt=now)
        .order_by("pk")
        .values_list("pk", flat=True)
    )
    if upcoming and not really:
        ids = ", ".join(map(str, upcoming))
        raise UpcomingBookings(f"The client still has bookings to come ({ids}); cancel them first.")
    for booking_id in upcoming:
        lifecycle.cancel(
            actor=actor,
            booking_id=booking_id,
            how=lifecycle.How(reason=CANCELLED_BECAUSE, notify_client=False, among_others=True),
            salon=salon,
            now=now,
        )
    return len(upcoming)


def _close_fees(everybody: Sequence[int], *, now: datetime) -> None:
    """Nobody can be asked any more: what is due is waived, and its session expires at Stripe."""
    due = NoShowFee.objects.filter(client_id__in=everybody, state=NoShowFee.State.DUE)
    for fee_id in list(due.order_by("pk").values_list("pk", flat=True)):
        waive(fee_id=fee_id, reason=WAIVED_BECAUSE, now=now)


def _silence(everybody: Sequence[int], *, now: datetime) -> int:
    """No further mail, no words of those before; gives how many there were."""
    recipients = [Recipient.client(pk) for pk in everybody]
    for recipient in recipients:
        outbox.drop(recipient=recipient, reason=Reason.CLIENT_ERASED, now=now)
    jobs = Job.objects.filter(recipient__in=recipients)
    numbers = _numbers(everybody)
    if jobs.filter(IS_CLAIMED).exists() or is_being_texted(numbers):
        raise StillSending
    # What was cut off in mid-sending is not tried again.
    cut_off = jobs.filter(IS_PENDING)
    forget_numbers(numbers, client_ids=everybody)
    messages = Message.objects.filter(client_id__in=everybody)
    messages.filter(job__in=cut_off).update(state=Message.State.UNCERTAIN, reason=Reason.CLIENT_ERASED)
    Reminded.objects.filter(client_id__in=everybody).delete()
    cut_off.update(state=Job.State.UNCERTAIN, finished_at=now, dedupe_key=None)
    jobs.update(last_error="")
    return messages.update(**FORGOTTEN_MESSAGE)


def _numbers(everybody: Sequence[int]) -> set[str]:
    pairs = Client.objects.filter(pk__in=everybody).values_list("phone", "mobile")
    return {number for pair in pairs for number in pair if number}


def _leave_waitlist(everybody: Sequence[int], *, salon: SalonSettings, now: datetime) -> None:
    entries = WaitlistEntry.objects.filter(client_id__in=everybody)
    waits = entries.filter(status__in=[WaitlistEntry.Status.WAITING, WaitlistEntry.Status.NOTIFIED])
    for entry_id in list(waits.order_by("pk").values_list("pk", flat=True)):
        waitlist.cancel(entry_id=entry_id, salon=salon, now=now)
    Booking.objects.filter(waitlist__in=entries).update(
        waitlist=None, version=F("version") + 1, updated_at=stamp(now)
    )
    entries.delete()


def _empty_bookings(bookings: Sequence[Booking], *, actor: Actor, now: datetime) -> None:
    ids = [booking.pk for booking in bookings]
    Booking.objects.filter(pk__in=ids).update(
        client=None,
        notes="",
        internal_notes="",
        foreign_data={},
        version=F("version") + 1,
        updated_at=stamp(now),
    )
    visits = Visit.objects.filter(pk__in={booking.visit_id for booking in bookings})
    _forget_who_accepted(visits)
    OnlineSubmission.objects.filter(visit__in=visits).delete()
    visits.update(client=None, contact_typed=None, version=F("version") + 1, updated_at=stamp(now))
    Feedback.objects.filter(booking_id__in=ids).update(comment="")
    events = [
        record(
            booking,
            actor=actor,
            from_status=booking.status,
            changes={"client_id": [booking.client_id, None]},
            reason="",
            now=now,
        )
        for booking in bookings
    ]
    webhooks.announce(events, now=now)


def _forget_who_accepted(visits: VisitQuerySet) -> None:
    """What was accepted, and when, stays (contract §8 "policy kept")."""
    accepted = list(visits.filter(policy__isnull=False).only("policy"))
    for visit in accepted:
        visit.policy = {name: value for name, value in visit.policy.items() if name not in WHO_ACCEPTED}
    Visit.objects.bulk_update(accepted, ["policy"], batch_size=500)


def _forget_in_history(bookings: Sequence[Booking], everybody: Sequence[int]) -> None:
    """From, to, when and the channel stay; what people wrote, and the client's name as actor, go."""
    events = BookingEvent.objects.filter(booking__in=bookings)
    events.update(reason="")
    changed = [event for event in events if any(name in event.changes for name in WORDS)]
    for event in changed:
        event.changes |= {name: [None, None] for name in WORDS if name in event.changes}
    BookingEvent.objects.bulk_update(changed, ["changes"], batch_size=500)
    BookingEvent.objects.filter(actor_type="client", actor_id__in=everybody).update(actor_name="")


def _forget_names(bookings: Sequence[Booking], names: Sequence[str], everybody: Sequence[int]) -> None:
    """In-app lines, delivered webhooks and Django admin's own log."""
    ids = [booking.pk for booking in bookings]
    WebhookDelivery.objects.filter(booking_id__in=ids).update(body="", response_excerpt="")
    Notification.objects.filter(booking_id__in=ids).update(body="")
    for name in names:
        Notification.objects.filter(body__contains=name).update(body="")
        LogEntry.objects.filter(object_repr__contains=name).update(object_repr="", change_message="")
    LogEntry.objects.filter(
        content_type__app_label="clients", object_id__in=[str(pk) for pk in everybody]
    ).update(object_repr="", change_message="")
