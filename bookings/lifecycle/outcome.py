"""What a door function gives back, and what one change was."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bookings.models import Booking, BookingEvent, Visit
from bookings.waitlist import NOBODY, BookedEntries
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.money import print_amount


@dataclass(frozen=True, slots=True)
class Warning:
    """Something staff may do all the same, said in the answer's `warnings`."""

    code: str
    message: str


def printed_price(price: Decimal | None, *, salon: SalonSettings) -> str | None:
    """A price as the history keeps it."""
    return None if price is None else print_amount(price, currency=salon.currency)


@dataclass(frozen=True, slots=True)
class Outcome:
    booking: Booking
    warnings: list[Warning] = field(default_factory=list)
    changed: bool = True


@dataclass(frozen=True, slots=True)
class Before:
    """A booking as it was before the change (times UTC)."""

    client_id: int | None
    staff_id: int
    service_id: int
    start_at: datetime
    end_at: datetime
    status: str
    announced_as: str
    announced_start_at: datetime | None
    announced_end_at: datetime | None
    asked_online: bool
    for_somebody: bool

    @property
    def stood(self) -> bool:
        """It occupied its staff member."""
        return self.status in Booking.OCCUPYING

    @classmethod
    def of(cls, booking: Booking) -> Before:
        return cls(
            client_id=booking.client_id,
            staff_id=booking.staff_id,
            service_id=booking.service_id,
            start_at=booking.start_at,
            end_at=booking.end_at,
            status=booking.status,
            announced_as=booking.announced_as,
            announced_start_at=booking.announced_start_at,
            announced_end_at=booking.announced_end_at,
            asked_online=booking.asked_online,
            for_somebody=booking.for_somebody,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one booking, saved and audited: what the effects are decided from.

    `event` is its identity: every job it causes carries the event's id in its once_key.
    `notify_client` False: no mail to the client from this change. `told_in_person`: somebody has told them,
    so there is none either. `announced_by_page` True: the client
    did it on our page, which says what happened in place of a mail. `lapsed`: nobody answered.
    `in_series`: one of several bookings made together, which are announced together. `waited`: the client's
    waitlist entries that it booked. `left_visit`: the one it went out of, to another client.
    """

    booking: Booking
    before: Before | None
    event: BookingEvent
    salon: SalonSettings
    actor: Actor
    now: datetime
    notify_client: bool = True
    told_in_person: bool = False
    announced_by_page: bool = False
    lapsed: bool = False
    in_series: bool = False
    waited: BookedEntries = NOBODY
    left_visit: Visit | None = None

    @property
    def of_several(self) -> bool:
        """It belongs to a visit of several bookings, whose mails `visit_mails` owes."""
        visit = self.booking.visit
        return visit is not None and len(visit.items) > 1

    @property
    def created(self) -> bool:
        return self.before is None

    @property
    def by_client(self) -> bool:
        """The client did it themselves, by one of our links."""
        return self.actor.type == "client"

    def entered(self, *statuses: str) -> bool:
        """The booking is in one of `statuses` now and was in another status before."""
        status_before = "" if self.before is None else self.before.status
        return self.booking.status in statuses and status_before != self.booking.status

    def left(self, statuses: str | Collection[str]) -> bool:
        """The booking was in one of `statuses` and is in another status now."""
        wanted = (statuses,) if isinstance(statuses, str) else tuple(statuses)
        return (
            self.before is not None
            and self.before.status in wanted
            and self.before.status != self.booking.status
        )

    def took_up(self, status: str) -> bool:
        """`status` began for this client: the booking entered it, or got this client while in it."""
        return self.booking.status == status and (self.entered(status) or self.client_changed)

    def gave_up(self, status: str) -> bool:
        """`status` ended for the client of before: the booking left it, or lost that client while in it."""
        was = self.before is not None and self.before.status == status
        return was and (self.booking.status != status or self.client_changed)

    @property
    def moved(self) -> bool:
        return self.before is not None and (self.before.start_at, self.before.end_at) != (
            self.booking.start_at,
            self.booking.end_at,
        )

    @property
    def retimed(self) -> bool:
        """It occupies its staff member at another time than before, or anew."""
        return self.stands and (not self.stood or self.moved or self.restaffed or self.reserviced)

    @property
    def reserviced(self) -> bool:
        return self.before is not None and self.before.service_id != self.booking.service_id

    @property
    def restaffed(self) -> bool:
        return self.before is not None and self.before.staff_id != self.booking.staff_id

    @property
    def client_changed(self) -> bool:
        return self.before is not None and self.before.client_id != self.booking.client_id

    @property
    def names_walk_in(self) -> bool:
        """Who walked in, and has begun, is known now: a note of who it was, of which nobody is told."""
        before, visit = self.before, self.booking.visit
        if before is None or not self.client_changed or before.client_id is None or before.for_somebody:
            return False
        return before.start_at <= self.now or (visit is not None and visit.start_at <= self.now)

    @property
    def stands(self) -> bool:
        """The booking occupies its staff member now."""
        return self.booking.stands

    @property
    def stood(self) -> bool:
        return self.before is not None and self.before.stood

    @property
    def is_for_reminders(self) -> bool:
        """Others may be owed than before: not after a note or another price."""
        before = self.before
        return (
            before is None
            or before.status != self.booking.status
            or self.client_changed
            or self.moved
            or self.restaffed
            or self.reserviced
        )

    @property
    def ended(self) -> bool:
        """It has already ended: nobody is mailed about its times any more (contract §1.3 "past")."""
        return self.booking.end_at <= self.now

    @property
    def freed_slot(self) -> bool:
        """The slot it had is free again: a closing, a move away, another staff member."""
        return self.stood and (not self.stands or self.moved or self.restaffed)
