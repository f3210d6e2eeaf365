"""When people work and when the salon is shut: working hours, time off, holidays (contract §1.5).

Who may write whose: administrators everybody's, staff their own. Reading it back is `staff.salon.schedule`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from staff.access.actor import Actor
from staff.models import Holiday, Staff, TimeOff, WorkingHours
from staff.salon.affected import Touched
from staff.salon.schedule import ONE_DAY, instant_on
from staff.salon.timetable import Hours, kept_nights_end, nights_end
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest, Forbidden
from staff.wire.times import day_start


def time_off_visible_to(actor: Actor, *, sees_all: bool) -> QuerySet[TimeOff]:
    """Reasons are private: administrators, keys and the front desk see everybody's, others their own."""
    rows = TimeOff.objects.all()
    if actor.is_admin or sees_all:
        return rows
    return rows.filter(staff_id=actor.id or 0)


def check_may_write(actor: Actor, *, staff_id: int) -> None:
    """Raises Forbidden for another's hours."""
    if not actor.is_admin and actor.id != staff_id:
        raise Forbidden("You may change your own hours only; ask an administrator.", code="not_yours")


def add_working_hours(*, actor: Actor, fields: Mapping[str, Any]) -> WorkingHours:
    """Raises Forbidden, BadRequest."""
    check_may_write(actor, staff_id=fields["staff_id"])
    hours = WorkingHours(**fields)
    _check_hours(hours)
    return stored(hours)


def change_working_hours(hours_id: int, *, actor: Actor, fields: Mapping[str, Any]) -> WorkingHours:
    """Raises NotFound, Forbidden, BadRequest."""
    with transaction.atomic():
        hours = locked(WorkingHours.objects.all(), hours_id)
        check_may_write(actor, staff_id=hours.staff_id)
        check_may_write(actor, staff_id=fields.get("staff_id", hours.staff_id))
        return store_changes(hours, fields, check=_check_hours)


def remove_working_hours(hours_id: int, *, actor: Actor) -> WorkingHours:
    """The row as it was. Raises NotFound, Forbidden."""
    with transaction.atomic():
        hours = locked(WorkingHours.objects.all(), hours_id)
        check_may_write(actor, staff_id=hours.staff_id)
        WorkingHours.objects.filter(pk=hours.pk).delete()
    return hours


def replace_week(
    staff_id: int, *, actor: Actor, rows: Iterable[Mapping[str, Any]]
) -> tuple[list[WorkingHours], list[WorkingHours]]:
    """All working hours of this person, or nothing; gives those before and those now.

    Raises NotFound, Forbidden, BadRequest.
    """
    with transaction.atomic():
        person = locked(Staff.objects.all(), staff_id)
        check_may_write(actor, staff_id=person.pk)
        week = [WorkingHours(staff=person, **fields) for fields in rows]
        for hours in week:
            _check_hours(hours)
        before = list(WorkingHours.objects.filter(staff=person))
        WorkingHours.objects.filter(staff=person).delete()
        WorkingHours.objects.bulk_create(week)
        return before, list(WorkingHours.objects.filter(staff=person))


def hours_touched(*, before: Sequence[WorkingHours], after: Sequence[WorkingHours], now: datetime) -> Touched:
    """The bookings ahead that lie outside the hours since the rows `after` were written in place of `before`.

    On the days on which one of them opens that was not there before or is gone; on all days of who kept no
    hours before, and was bound by none. One statement.
    """
    was, now_is = {_as_hours(row) for row in before}, {_as_hours(row) for row in after}
    written = was ^ now_is
    others = WorkingHours.objects.exclude(pk__in=[row.pk for row in after if row.pk is not None])
    bound = {staff_id for staff_id, _ in was} | set(
        others.filter(staff__in={staff_id for staff_id, _ in now_is}).values_list("staff_id", flat=True)
    )

    def concerns(staff_id: int, day: date) -> bool:
        new = staff_id not in bound
        return any(whose == staff_id and (new or hours.opens_on(day)) for whose, hours in written)

    people = frozenset(staff_id for staff_id, _ in written)
    night_ends = nights_end((hours.opens, hours.closes) for _, hours in written)
    return Touched(now, staff_ids=people, outside_hours=True, concerns=concerns, night_ends=night_ends)


def _as_hours(row: WorkingHours) -> tuple[int, Hours]:
    return row.staff_id, Hours(*(getattr(row, name) for name in Hours._fields))


def day_touched(day: date, *, zone: ZoneInfo) -> Touched:
    """The whole salon date, and what stands in the night that would open on it. Two statements."""
    return Touched(
        day_start(day, zone=zone),
        day_start(day + ONE_DAY, zone=zone),
        night_ends_at=instant_on(day + ONE_DAY, kept_nights_end(None), zone=zone),
    )


def add_time_off(*, actor: Actor, fields: Mapping[str, Any]) -> TimeOff:
    """Raises Forbidden, BadRequest."""
    check_may_write(actor, staff_id=fields["staff_id"])
    away = TimeOff(**fields)
    _check_time_off(away)
    return stored(away)


def change_time_off(
    rows: QuerySet[TimeOff], time_off_id: int, *, actor: Actor, fields: Mapping[str, Any]
) -> TimeOff:
    """One of the `rows` the actor may see. Raises NotFound, Forbidden, BadRequest."""
    with transaction.atomic():
        away = locked(rows, time_off_id)
        check_may_write(actor, staff_id=away.staff_id)
        check_may_write(actor, staff_id=fields.get("staff_id", away.staff_id))
        return store_changes(away, fields, check=_check_time_off)


def remove_time_off(rows: QuerySet[TimeOff], time_off_id: int, *, actor: Actor) -> None:
    """Raises NotFound, Forbidden."""
    with transaction.atomic():
        away = locked(rows, time_off_id)
        check_may_write(actor, staff_id=away.staff_id)
        away.delete()


def add_holiday(*, fields: Mapping[str, Any]) -> Holiday:
    """Raises AlreadyThere for a date that is one."""
    return stored(Holiday(**fields), unique="date")


def change_holiday(holiday_id: int, *, fields: Mapping[str, Any]) -> Holiday:
    """Raises NotFound, AlreadyThere."""
    with transaction.atomic():
        return store_changes(locked(Holiday.objects.all(), holiday_id), fields, unique="date")


def remove_holiday(holiday_id: int) -> None:
    """Raises NotFound."""
    with transaction.atomic():
        locked(Holiday.objects.all(), holiday_id).delete()


def _check_hours(hours: WorkingHours) -> None:
    if hours.closes == hours.opens:
        raise BadRequest.field(
            "closes", "It must differ from opens; what closes earlier than it opens closes on the next day."
        )
    if hours.valid_from and hours.valid_until and hours.valid_until < hours.valid_from:
        raise BadRequest.field("valid_until", "It must not be before valid_from.")


def _check_time_off(away: TimeOff) -> None:
    if away.end_at <= away.start_at:
        raise BadRequest.field("end_at", "It must be later than start_at.")
