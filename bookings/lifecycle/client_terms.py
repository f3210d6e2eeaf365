"""What the client of a visit may do until when (contract §8 "windows"; docs/adr/0085).

All of it is elapsed time in UTC; pages and mails print the deadlines on the salon's wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bookings.errors import NotAllowed, RescheduleLimitReached, TooLate
from bookings.lifecycle.policy import windows_of
from bookings.models import Booking, Visit, counted
from bookings.slots.availability.moving import is_movable
from staff.models import SalonSettings
from staff.wire.times import print_when

Status = Booking.Status


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """`cancel_until` and `move_until`: the last instant (UTC) at which it is free. None: nothing of the visit
    stands. `open`: something stands, and nothing has begun. `late_allowed`: what is too late may be done all
    the same, and is noted. `moves_left`: None without a limit. `movable`: no class seat, all still online.
    """

    open: bool
    cancel_until: datetime | None
    move_until: datetime | None
    late_allowed: bool
    moves_left: int | None
    movable: bool
    now: datetime
    salon: SalonSettings

    @property
    def cancel_is_late(self) -> bool:
        return self.cancel_until is None or self.now > self.cancel_until

    @property
    def move_is_late(self) -> bool:
        return self.move_until is None or self.now > self.move_until

    @property
    def may_cancel(self) -> bool:
        return self.open and (not self.cancel_is_late or self.late_allowed)

    @property
    def may_move(self) -> bool:
        in_time = not self.move_is_late or self.late_allowed
        return self.open and self.movable and self.moves_left != 0 and in_time

    def check_open(self) -> None:
        """Raises NotAllowed where nothing stands, TooLate once it has begun."""
        if self.cancel_until is None:
            raise NotAllowed("Nothing of this appointment stands any more.")
        if not self.open:
            raise self._too_late(self.cancel_until)

    def check_cancel(self) -> None:
        """Raises NotAllowed, TooLate."""
        self.check_open()
        if not self.may_cancel:
            raise self._too_late(self.cancel_until)

    def check_move(self) -> None:
        """Raises NotAllowed, TooLate, RescheduleLimitReached."""
        self.check_open()
        if not self.movable:
            raise NotAllowed("This appointment cannot be moved here; please contact the salon.")
        if self.move_is_late and not self.late_allowed:
            raise self._too_late(self.move_until)
        if self.moves_left == 0:
            raise RescheduleLimitReached

    def _too_late(self, until: datetime | None) -> TooLate:
        return TooLate(
            deadline=print_when(until, zone=self.salon.zone) or "", telephone=self.salon.business_phone
        )


def terms_for(visit: Visit, *, salon: SalonSettings, now: datetime) -> ClientTerms:
    """Of a visit whose `items` are read, with their services and people."""
    items = standing(visit)
    limit = salon.reschedule_limit
    cancel_until, move_until = deadlines(visit, salon=salon)
    return ClientTerms(
        open=bool(items) and not has_begun(visit, now=now),
        cancel_until=cancel_until,
        move_until=move_until,
        late_allowed=salon.late_cancel == SalonSettings.LateCancel.ALLOW,
        moves_left=None if limit is None else max(0, limit - visit.client_moves),
        movable=bool(items) and is_movable(items),
        now=now,
        salon=salon,
    )


def deadlines(visit: Visit, *, salon: SalonSettings) -> tuple[datetime | None, datetime | None]:
    """Until when cancelling and moving are free (UTC): the largest window of what stands before the first
    start, or, where that is later, the end of the time to think again. Never after the start."""
    items = standing(visit)
    if not items:
        return None, None
    start_at = first_start(visit)
    begins = max(filter(None, (visit.created_at, visit.grace_from)))
    grace = min(begins + timedelta(minutes=salon.grace_minutes), start_at)
    windows = windows_of(items, salon=salon)
    cancel, move = (max(start_at - timedelta(minutes=each), grace) for each in windows)
    return cancel, move


def standing(visit: Visit) -> list[Booking]:
    return [each for each in visit.items if each.stands]


def first_start(visit: Visit) -> datetime:
    """Of what is not cancelled: once that has begun nothing is free any more."""
    return min(each.start_at for each in counted(visit.items))


def has_begun(visit: Visit, *, now: datetime) -> bool:
    """Its first item has begun, or one is done or missed already."""
    return first_start(visit) <= now or any(
        not each.stands for each in visit.items if each.status != Status.CANCELLED
    )
