"""Days on which other hours hold (contract §6a, /api/opening-exceptions); read by `staff.salon.timetable`.

Names: add_exception, change_exception, remove_exception, exceptions, touched_by, check_apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet

from staff.access.actor import Actor
from staff.models import OpeningException, Staff
from staff.salon.affected import Touched
from staff.salon.schedule import ONE_DAY, instant_on
from staff.salon.timetable import exceptional, kept_nights_end, nights_end
from staff.storage.storing import locked
from staff.wire.refusals import BadRequest, Forbidden
from staff.wire.times import day_start, print_clock

LONGEST_DAYS = 366
HOURS_A_DAY = 24
Scope = OpeningException.Scope


def exceptions() -> QuerySet[OpeningException]:
    return OpeningException.objects.prefetch_related("people")


def add_exception(*, actor: Actor, fields: Mapping[str, Any]) -> OpeningException:
    """Raises Forbidden, BadRequest."""
    with transaction.atomic():
        return _store(OpeningException(date_to=fields["date_from"]), actor=actor, fields=fields)


def change_exception(
    exception_id: int, *, actor: Actor, fields: Mapping[str, Any]
) -> tuple[OpeningException, OpeningException]:
    """As it was and as it is; absent fields keep their value. Raises NotFound, Forbidden, BadRequest."""
    with transaction.atomic():
        before = locked(exceptions(), exception_id)
        _check_may_write(actor, _people_of(before))
        after = _store(locked(OpeningException.objects.all(), exception_id), actor=actor, fields=fields)
    return before, after


def remove_exception(exception_id: int, *, actor: Actor) -> OpeningException:
    """The exception as it was. Raises NotFound, Forbidden."""
    with transaction.atomic():
        exception = locked(exceptions(), exception_id)
        _check_may_write(actor, _people_of(exception))
        OpeningException.objects.filter(pk=exception.pk).delete()
    return exception


def touched_by(*exceptions: OpeningException, zone: ZoneInfo, now: datetime) -> Touched:
    """The bookings ahead that lie outside the hours since these exceptions came, changed or went: of the
    people they are about, on the days on which they hold. What comes every year has no last day.

    Before they are deleted, as far as the row is gone by then (`people` are read here).
    """
    holding = [(_whom(each), exceptional(each)) for each in exceptions]
    everybody = any(whom is None for whom, _ in holding)
    people = None if everybody else frozenset(pk for whom, _ in holding for pk in whom or ())

    def concerns(staff_id: int, day: date) -> bool:
        return any(each.holds_on(day) for whom, each in holding if whom is None or staff_id in whom)

    first = min(each.date_from for each in exceptions)
    last = max(each.date_to for each in exceptions)
    starts_at = max(now, day_start(first, zone=zone))
    written = nights_end(stretch for _, each in holding for stretch in each.hours)
    night_ends = max(written, kept_nights_end(people))
    ends_at = None
    if not any(each.every_year for each in exceptions):
        ends_at = instant_on(last + ONE_DAY, night_ends, zone=zone)
        starts_at = min(starts_at, ends_at)
    return Touched(
        starts_at,
        ends_at,
        staff_ids=people,
        outside_hours=True,
        concerns=concerns,
        night_ends=night_ends,
    )


def _whom(exception: OpeningException) -> frozenset[int] | None:
    """Whose hours it is about; None: everybody's."""
    if exception.scope == Scope.STAFF:
        return frozenset(person.pk for person in exception.people.all())
    if exception.scope == Scope.LOCATION:
        return frozenset(Staff.objects.filter(location=exception.location_id).values_list("pk", flat=True))
    return None


def _store(exception: OpeningException, *, actor: Actor, fields: Mapping[str, Any]) -> OpeningException:
    values = dict(fields)
    people = _people_of(exception)
    if "staff_ids" in values:
        people = values.pop("staff_ids") or []
    moved = "date_from" in values and "date_to" not in values and exception.date_to < values["date_from"]
    if moved:
        values["date_to"] = values["date_from"]
    if "hours" in values:
        values["hours"] = [_stretch(each) for each in values["hours"]]
        check_apart(values["hours"])
    for name, value in values.items():
        setattr(exception, name, value)
    if people and exception.location_id is not None:
        raise BadRequest.field("location_id", "Send staff_ids or a location_id, not both.")
    exception.scope = Scope.STAFF if people else Scope.LOCATION if exception.location_id else Scope.SALON
    _check_may_write(actor, people)
    _check_dates(exception.date_from, exception.date_to)
    exception.save()
    exception.people.set(people)
    return exceptions().get(pk=exception.pk)


def _people_of(exception: OpeningException) -> list[int]:
    return list(Staff.objects.filter(opening_exceptions=exception.pk or 0).values_list("pk", flat=True))


def check_apart(hours: Sequence[Sequence[str]]) -> None:
    """Stretches of a day may touch, and one may pass midnight. Raises BadRequest where two overlap."""
    stretches = sorted(
        (opens, closes if closes > opens else f"{int(closes[:2]) + HOURS_A_DAY}{closes[2:]}")
        for opens, closes in hours
    )
    for (opens, closes), (next_opens, _) in pairwise(stretches):
        if next_opens < closes:
            raise BadRequest.field(
                "hours", f"What opens at {next_opens} begins before the hours from {opens} have ended."
            )


def _stretch(hours: Mapping[str, time]) -> list[str]:
    if hours["opens"] == hours["closes"]:
        raise BadRequest.field("hours", "closes must differ from opens; an empty list means closed.")
    return [print_clock(hours["opens"]), print_clock(hours["closes"])]


def _check_may_write(actor: Actor, people: list[int]) -> None:
    if not actor.is_admin and people != [actor.id]:
        raise Forbidden("You may change your own hours only; ask an administrator.", code="not_yours")


def _check_dates(first: date, last: date) -> None:
    if last < first:
        raise BadRequest.field("date_to", "It must not be before date_from.")
    if (last - first).days >= LONGEST_DAYS:
        raise BadRequest.field("date_to", f"An exception lasts at most {LONGEST_DAYS} days.")
