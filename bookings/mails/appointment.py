"""What mails about one appointment have in common: what is asked before, what is kept after (contract §1.4).

`Booking.announced_*` is what the client was last told; `sent` keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from bookings.lifecycle.announced import TOLD_IN_PERSON, Announced
from bookings.lifecycle.mail_types import STANDING_MAILS
from bookings.mails.client_mail import ClientMail, find_recipient, not_needed
from bookings.models import Booking, BookingEvent, Visit, counted
from bookings.why_not_sent import Reason
from notifications.handlers import NotNeeded
from notifications.models import Job, Message

Status = Booking.Status
Told = TypeVar("Told")

MEANWHILE = {
    Status.SCHEDULED: Reason.ACCEPTED_MEANWHILE,
    Status.PROVISIONAL: Reason.PROVISIONAL_MEANWHILE,
    Status.COMPLETED: Reason.COMPLETED_MEANWHILE,
    Status.CANCELLED: Reason.CANCELLED_MEANWHILE,
    Status.NO_SHOW: Reason.NO_SHOW_MEANWHILE,
}
"""Why a mail is moot, by the status its booking has come to."""

NOTHING_STANDS: Mapping[str, Any] = {"announces": None}
"""`announces` of a mail after which the client believes that there is no appointment."""


class AppointmentMail(ClientMail):
    """A mail that changes what the client believes about their booking."""

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Keeps what the client now believes of each booking it was about, if that is still theirs."""
        client = find_recipient(job)
        if client is None or job.booking_id is None:
            return
        told = message.facts.get("announces_each", {job.booking_id: message.facts.get("announces")})
        give_time_to_think_again(job, [int(each) for each in told], client_id=client.pk, now=now)
        newer = told_in_person_since(job, [int(each) for each in told])
        for booking_id, announced in told.items():
            if int(booking_id) not in newer:
                keep_announced(int(booking_id), client_id=client.pk, announced=announced)


def announces(items: Sequence[Booking]) -> dict[str, Any]:
    """What the client believes once they have read this mail; kept by the handler's `sent`.

    Of a visit of several bookings, or of a series, by booking id.
    """
    return {"announces": _belief(items[0])} if _is_alone(items) else announces_each(items)


def announces_each(items: Iterable[Booking]) -> dict[str, Any]:
    """As `announces`, by booking id; of one that is cancelled that there is none."""
    return {"announces_each": {str(each.pk): _belief(each) for each in items}}


def _belief(booking: Booking) -> dict[str, Any] | None:
    """Of one that is done already, in a visit that is not, as of the others: that it is part of it."""
    if booking.status == Status.CANCELLED:
        return None
    return {
        "as": booking.status if booking.stands else Status.SCHEDULED,
        "start_at": booking.start_at.isoformat(),
        "end_at": booking.end_at.isoformat(),
        "staff_id": booking.staff_id,
    }


def takes_back(items: Sequence[Booking]) -> Mapping[str, Any]:
    """After this mail the client believes that there are none of these."""
    return NOTHING_STANDS if _is_alone(items) else {"announces_each": {str(each.pk): None for each in items}}


def _is_alone(items: Sequence[Booking]) -> bool:
    """Its visit has no other booking: who reads `announces` without an id takes it for the job's booking."""
    visit = items[0].visit
    return len(items) == 1 and (visit is None or len(visit.items) == 1)


def of_visit(booking: Booking) -> list[Booking]:
    """All bookings of its visit in their order, with all that a mail says of them."""
    if booking.visit_id is None:
        return [booking]
    items = list(_WITH_ALL.filter(visit_id=booking.visit_id).order_by("position", "pk"))
    items = items if len(items) > 1 else [booking]
    for each in items:
        if each.visit is not None:
            each.visit.items = items
    return items


def in_payload(job: Job) -> list[list[Booking]]:
    """The visits of which a mail about several of them may tell, by their start."""
    found: dict[int, list[Booking]] = {}
    for booking in _WITH_ALL.filter(pk__in=job.payload["booking_ids"]).order_by("start_at", "pk"):
        found.setdefault(booking.visit_id or -booking.pk, []).append(booking)
    return list(found.values())


_WITH_ALL = Booking.objects.select_related("client", "staff", "service", "location", "visit")


def status_of(items: Sequence[Booking]) -> Status:
    """The visit's, as its bookings have it now."""
    visit = items[0].visit
    return Status(items[0].status if visit is None or len(items) == 1 else visit.status)


def is_what_was_told(items: Sequence[Booking], *, as_: Status | None = None) -> bool:
    """The client believes exactly in what stands of these, at these times; `as_`: told with this status."""
    known = [each for each in items if each.announced_as]
    if as_ is not None and any(each.announced_as != as_ for each in known):
        return False
    return {(each.pk, each.announced_start_at, each.announced_end_at) for each in known} == {
        (each.pk, each.start_at, each.end_at) for each in items if each.status != Status.CANCELLED
    }


def sorted_out(
    visits: Iterable[list[Booking]], *, tell: Callable[[list[Booking]], Told]
) -> list[tuple[list[Booking], Told]]:
    """The visits that are news, with what `tell` gives; it raises NotNeeded for one that is none.

    Raises what it raised for the first one when none is left.
    """
    fresh: list[tuple[list[Booking], Told]] = []
    moot: NotNeeded | None = None
    for items in visits:
        try:
            fresh.append((items, tell(items)))
        except NotNeeded as why:
            moot = moot or why
    if not fresh:
        raise moot or not_needed(Reason.GONE)
    return fresh


def require_status(items: Sequence[Booking], *wanted: Status) -> None:
    status = status_of(items)
    if status not in wanted:
        raise not_needed(MEANWHILE[status])


def require_not_ended(items: Sequence[Booking], *, now: datetime) -> None:
    if max(each.end_at for each in counted(items)) <= now:
        raise not_needed(Reason.ALREADY_ENDED)


def links_are_spent(items: Sequence[Booking], *, now: datetime) -> bool:
    """Whether accept and decline would answer 410: at the start, or after the time to answer."""
    return answer_until(items) <= now


def answer_until(items: Sequence[Booking]) -> datetime:
    """The earliest deadline of the requests among these counts."""
    asked = [each for each in items if each.provisional_token is not None] or items
    return min(min(each.provisional_expires_at or each.start_at, each.start_at) for each in asked)


def asking(items: Sequence[Booking]) -> Booking | None:
    """The booking whose links the one mail of a visit carries."""
    return next((each for each in items if each.provisional_token is not None), None)


def give_time_to_think_again(job: Job, booking_ids: Sequence[int], *, client_id: int, now: datetime) -> None:
    """From a mail about a change that the salon made: not from the first one, nor from one sent again, nor
    from one about what the client did themselves (contract §8 "windows")."""
    if job.type not in STANDING_MAILS:
        return
    visits = Visit.objects.filter(bookings__in=booking_ids, client_id=client_id, changed_by_client=False)
    if job.type != "booking.updated":
        visits = visits.filter(created_at__lt=job.created_at)
    Visit.objects.filter(pk__in=visits.order_by().values("pk")).update(grace_from=now)


def told_in_person_since(job: Job, booking_ids: Sequence[int]) -> set[int]:
    """Those of the bookings of which the client was told in person while this mail was leaving."""
    if job.sending_at is None:
        return set()
    told = BookingEvent.objects.filter(
        booking_id__in=booking_ids, at__gt=job.sending_at, changes__has_key=TOLD_IN_PERSON
    )
    return set(told.values_list("booking_id", flat=True))


def keep_announced(booking_id: int, *, client_id: int, announced: Mapping[str, Any] | None) -> None:
    """Stores what the client believes of this booking, if it is still theirs; None: that there is none."""
    now_announced = Announced.read(announced)
    Booking.objects.filter(pk=booking_id, client_id=client_id).update(
        announced_as=now_announced.status,
        announced_staff_id=now_announced.staff_id,
        announced_start_at=now_announced.start_at,
        announced_end_at=now_announced.end_at,
    )
