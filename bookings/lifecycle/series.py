"""A recurring booking: every occurrence through the door, one mail for all of them (contract §6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from bookings import waitlist
from bookings.errors import ClientAlreadyInSession, HolidayClosed, SlotTaken
from bookings.lifecycle.book import Order, book
from bookings.lifecycle.outcome import Outcome, Warning
from bookings.lifecycle.series_mails import announce_series
from bookings.models import Booking
from bookings.slots.busy import lock_staff
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest, Refused
from staff.wire.times import SwallowedTime, local_date, print_when

TIME_OFF = "time_off"
SWALLOWED = "no_such_time"


class StaffAway(BadRequest):
    """The staff member has time off: a warning for one booking, skipped in a series (contract §6a)."""

    code = TIME_OFF
    message = "The staff member has time off then."


class StartSwallowed(BadRequest):
    """Daylight saving skips the start. The sentence names the time, so it is not put before it again."""

    code = SWALLOWED

    def __init__(self, swallowed: SwallowedTime) -> None:
        super().__init__(swallowed.message, details={"start_at": [swallowed.message]})


IN_THE_WAY = (SlotTaken, HolidayClosed, ClientAlreadyInSession, StaffAway)
"""What may be skipped: the calendar is against this occurrence, not the order."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """An occurrence that was left out; `start_at` is printed: the clocks may skip it, so that there is no
    such instant. `booking_id`: the booking that stays where it is, of several that were to move."""

    start_at: str
    code: str
    message: str
    booking_id: int | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """The occurrences that were booked, in order, and those that were skipped."""

    outcomes: list[Outcome]
    skipped: list[Skipped] = field(default_factory=list)


def book_series(
    *,
    actor: Actor,
    order: Order,
    starts: Sequence[datetime],
    swallowed: Sequence[SwallowedTime] = (),
    skip_conflicts: bool = False,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> Series:
    """Book `order` at each of `starts` (UTC): all or nothing, or without those that the calendar refuses.

    Every booking of the series has the id of the first one as its `series_id`. To skip conflicts is to skip
    the staff member's time off as well; `swallowed` are the starts that were skipped before. The client
    gets one confirmation with all dates. Raises what `book` raises, naming the occurrence; the first refusal
    when nothing at all could be booked; BadRequest for what cannot recur.
    """
    if order.waitlist_id or order.hold_token or order.session_of or order.provisional:
        raise BadRequest.field(
            "recurrence", "cannot go together with waitlist_id, hold_token, session_of or provisional."
        )
    salon = salon or SalonSettings.load()
    length = order.end_at - order.start_at
    with transaction.atomic():
        if order.status in Booking.OCCUPYING:
            lock_staff(order.staff_id)
            waitlist.lock_open_entries(
                [
                    waitlist.Coming(order.client_id, order.service_id, local_date(each, zone=salon.zone))
                    for each in starts
                ]
            )
        now = now or timezone.now()
        outcomes, skipped = book_each(
            starts,
            lambda start_at: book(
                actor=actor,
                order=replace(order, start_at=start_at, end_at=start_at + length, in_series=True),
                salon=salon,
                now=now,
            ),
            skip_conflicts=skip_conflicts,
            zone=salon.zone,
        )
        name_series([outcome.booking for outcome in outcomes])
        announce_series(
            [outcome.booking for outcome in outcomes],
            salon=salon,
            notify_client=order.mails_client,
            now=now,
        )
    skipped += [skipped_by_clocks(each) for each in swallowed]
    return Series(outcomes=outcomes, skipped=sorted(skipped, key=lambda each: each.start_at))


class Booked(Protocol):
    @property
    def warnings(self) -> list[Warning]: ...


Occurrence = TypeVar("Occurrence", bound=Booked)


def book_each(
    starts: Sequence[datetime],
    book_at: Callable[[datetime], Occurrence],
    *,
    skip_conflicts: bool,
    zone: ZoneInfo,
) -> tuple[list[Occurrence], list[Skipped]]:
    """What `book_at` booked at each of `starts`, all of them or without those that the calendar refuses.

    Raises what it raises, naming the occurrence; the first refusal when nothing at all could be booked.
    """
    booked: list[Occurrence] = []
    skipped: list[Skipped] = []
    first_refusal: Refused | None = None
    for start_at in starts:
        try:
            with transaction.atomic():
                outcome = book_at(start_at)
                if skip_conflicts and any(warning.code == TIME_OFF for warning in outcome.warnings):
                    raise StaffAway
            booked.append(outcome)
        except IN_THE_WAY as refused:
            when = print_when(start_at, zone=zone)
            first_refusal = first_refusal or naming(refused, when)
            if not skip_conflicts:
                raise first_refusal from refused
            skipped.append(Skipped(when, refused.code, refused.message))
    if first_refusal is not None and not booked:
        raise first_refusal
    return booked, skipped


def name_series(bookings: Sequence[Booking]) -> None:
    """The first of them gives its id to all, itself included; in the caller's transaction."""
    series_id = bookings[0].pk
    Booking.objects.filter(pk__in=[each.pk for each in bookings]).update(series_id=series_id)
    for booking in bookings:
        booking.series_id = series_id


def skipped_by_clocks(swallowed: SwallowedTime) -> Skipped:
    return Skipped(printed_wall(swallowed.wall), SWALLOWED, swallowed.message)


def printed_wall(wall: datetime) -> str:
    """A time on the salon's wall clock, also one that never was."""
    return wall.isoformat(" ", "seconds")


def naming(refused: Refused, when: str) -> Refused:
    """The same refusal, saying which occurrence it is about."""
    named = type(refused)(f"{when}: {refused.message}", code=refused.code, conflicts=refused.conflicts)
    named.details = refused.details
    return named
