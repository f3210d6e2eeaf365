"""What the desk is told of a write that is made all the same (contract §6a, warnings of POST and PUT)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bookings.lifecycle.outcome import Change, Warning
from bookings.slots.availability import Objection
from bookings.slots.warn_or_refuse import ON_WAITLIST
from notifications.outbox import Due

NOBODY_CAN_ANSWER = (
    "This client has no e-mail address: nobody gets the request, and nobody can answer it. It lapses."
)
NOBODY_IS_MAILED = "This client has no e-mail address: the mail about this goes to nobody."


def warnings_about(change: Change, *, objections: Iterable[Objection], dues: Iterable[Due]) -> list[Warning]:
    """`objections` to the time, and what the change and the mails it owes (`dues`) say besides."""
    return [
        *(
            Warning(each.code, each.message)
            for each in objections
            if each != ON_WAITLIST or change.waited.others
        ),
        *_about_client(change, dues),
        *_about_staff(change),
    ]


def _about_client(change: Change, dues: Iterable[Due]) -> Iterator[Warning]:
    client = change.booking.client
    if client is None:
        return
    mailed_later = change.in_series and change.stands and change.notify_client and not change.ended
    to_nobody = any(due.client_id == client.pk and not due.to for due in dues)
    if to_nobody or (mailed_later and not client.email):
        asked = change.booking.provisional_token is not None
        yield Warning("no_address", NOBODY_CAN_ANSWER if asked else NOBODY_IS_MAILED)
    if client.archived_at is not None:
        yield Warning("client_archived", "This client is archived.")


def _about_staff(change: Change) -> Iterator[Warning]:
    staff = change.booking.staff
    if change.restaffed and change.stands and change.booking.staff_requested:
        yield Warning("staff_requested", "The client asked for another person, and is told of the change.")
    if change.retimed and not (staff.is_active and staff.bookable):
        yield Warning("staff_not_bookable", "This staff member takes no bookings any more.")
