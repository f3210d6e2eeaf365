"""What somebody of the salon has told the client in person, in place of a mail (contract §11 "notify: false";
docs/adr/0097).

The write owes no mail about itself, and what the client believes becomes what now stands. A mail that an
earlier write owes leaves all the same, and says what is true then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bookings.lifecycle.announced import TOLD_IN_PERSON, Announced, assign, last_announced
from bookings.lifecycle.how import How
from bookings.lifecycle.mail_types import STANDING_MAILS
from bookings.lifecycle.outcome import Before, Change
from bookings.models import Booking
from notifications.models import Job
from notifications.outbox import Recipient
from staff.wire.refusals import BadRequest

AUDITED = {TOLD_IN_PERSON: [None, True]}
"""In the history's `changes`."""

OWED = "owed"
"""In a job's payload: ids of bookings of which it tells although the client has been told since."""

CANNOT_ASK = "A request is asked by mail, for its links; leave notify out."


def refuse_to_ask() -> BadRequest:
    """The refusal of a request of which nobody would be mailed the links."""
    return BadRequest.field("notify", CANNOT_ASK)


def keep_announced(booking: Booking, *, before: Before, how: How) -> None:
    """What the client believes of a changed booking, not saved yet.

    Another client knows what the log says, one who declined on our page believes in no booking, and who was
    told in person in what now stands.
    """
    declined = how.announced_by_page and booking.status == Booking.Status.CANCELLED
    if declined or before.client_id != booking.client_id:
        known = not declined and booking.client_id is not None
        log = last_announced(booking, client_id=booking.client_id or 0) if known else None
        assign(booking, log or Announced())
    if how.told_in_person:
        believe(booking, before=before)


def believe(booking: Booking, *, before: Before | None = None) -> None:
    """The client believes what now stands; `before` None: it is new.

    Of what was cancelled before they have been told nothing new, and of a visit that is over only who knew
    of it is told.
    """
    if booking.status == Booking.Status.CANCELLED:
        if before is not None and before.status != Booking.Status.CANCELLED:
            assign(booking, Announced())
        return
    if booking.stands or booking.announced_as:
        status = booking.status if booking.stands else Booking.Status.SCHEDULED
        assign(booking, Announced(status, booking.start_at, booking.end_at, booking.staff_id))


def keep_owed(changes: Sequence[Change]) -> None:
    """Pending mails of earlier writes that would find nothing new in what was told in person are noted to be
    owed. One statement for each client, and one for each such mail; none where all had been told."""
    news: dict[int, list[Booking]] = {}
    for each in changes:
        client_id = each.booking.client_id
        if client_id is not None and _was_to_be_told(each):
            news.setdefault(client_id, []).append(each.booking)
    for client_id, bookings in sorted(news.items()):
        waiting = Job.objects.filter(
            state=Job.State.PENDING, type__in=STANDING_MAILS, recipient=Recipient.client(client_id)
        )
        for job in waiting.order_by("pk").select_for_update(no_key=True):
            owed = {each.pk for each in bookings if _is_about(job, each)}
            if owed - set(job.payload.get(OWED, ())):
                job.payload = {**job.payload, OWED: sorted({*owed, *job.payload.get(OWED, ())})}
                job.save(update_fields=["payload"])


def is_owed(payload: dict[str, Any], items: Iterable[Booking]) -> bool:
    """Whether a mail has to tell of these although the client knows them as they are."""
    owed = payload.get(OWED, ())
    return any(each.pk in owed for each in items)


def _was_to_be_told(change: Change) -> bool:
    """It stood otherwise than the client knew, before they were told in person."""
    before = change.before
    if not change.told_in_person or before is None or change.client_changed:
        return False
    known = (before.announced_as, before.announced_start_at, before.announced_end_at)
    return before.stood and change.stands and known != (before.status, before.start_at, before.end_at)


def _is_about(job: Job, booking: Booking) -> bool:
    if booking.pk == job.booking_id or booking.pk in job.payload.get("booking_ids", ()):
        return True
    return job.visit_id is not None and job.visit_id == booking.visit_id
