"""The rules against a booking at a time, in the order in which they are named: one table for every channel.

Availability offers a start when no rule speaks against it, `explain` names the first that does, a
client's own booking is refused with the same code and sentence, and a staff member's booking goes through
with the rules marked `warns` as `warnings` (a desk knows better; docs/adr/0020). A rule that neither warns
nor is refused to everybody (`holiday` by `bookings.slots.refused_to_everybody`, `slot_taken` by the
database) binds clients alone.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bookings.errors import HolidayClosed, SlotTaken
from bookings.slots.availability.agenda import Agenda, Terms
from bookings.slots.stretches import WorkPart, busy_stretches, envelope, work_parts
from staff.salon.parts import Parts
from staff.salon.schedule import local_dates


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a time is refused or warned of. `booking_id` is the booking in the way, if it may be seen; `part`
    the number of the part that does not fit, of a service with several."""

    code: str
    message: str
    booking_id: int | None = None
    part: int | None = None


class Case(NamedTuple):
    """One wish: the service from `start_at` to `end_at` (UTC, without buffers) with one staff member.

    `parts`: the service's in a booking of that length, as kept. What binds the person binds each part that
    is work: a gap may lie in their lunch, or belong to somebody else.
    """

    terms: Terms
    agenda: Agenda
    start_at: datetime
    end_at: datetime
    parts: Parts = ()

    @property
    def work(self) -> list[WorkPart]:
        return work_parts(self.start_at, self.end_at, self.parts)


class Hit(NamedTuple):
    """The rule speaks against the case; `message` where it can say more than the table does.

    `part`: the number of the part that does not fit, of a service with several.
    """

    booking_id: int | None = None
    message: str | None = None
    part: int | None = None


HIT = Hit()


@dataclass(frozen=True, slots=True)
class Rule:
    code: str
    message: str
    check: Callable[[Case], Hit | None]
    warns: bool = False


def objections_to(case: Case, *, binding: Container[str] | None = None) -> Iterator[Objection]:
    """Every rule that speaks against the case, in the order of the table; with `binding`, of those alone."""
    for rule in RULES:
        hit = rule.check(case) if binding is None or rule.code in binding else None
        if hit is not None:
            yield _objection(rule, case.terms, hit)


def first_objection_to(case: Case, *, binding: Container[str] | None = None) -> Objection | None:
    return next(objections_to(case, binding=binding), None)


def warnings_about(case: Case) -> list[Objection]:
    """The rules that speak against the case and that staff may overrule."""
    return [objection for objection in objections_to(case) if objection.code in WARNINGS]


def closed_on(day: date, name: str) -> str:
    """The sentence with which a holiday is refused."""
    named = f" ({name})" if name else ""
    return f"The salon is closed on {day:%Y-%m-%d}{named}; choose another date."


def _objection(rule: Rule, terms: Terms, hit: Hit) -> Objection:
    notice = int(terms.notice / timedelta(minutes=1))
    message = hit.message or rule.message.format(notice=notice, horizon=terms.horizon_days)
    if hit.part is not None:
        message = f"{message.removesuffix('.')} (part {hit.part} of the service)."
    return Objection(rule.code, message, hit.booking_id, hit.part)


def _does_not_offer(case: Case) -> Hit | None:
    return None if case.agenda.offers_service else HIT


def _touches_holiday(case: Case) -> Hit | None:
    holidays = case.terms.holidays
    if not holidays:
        return None
    touched = local_dates(case.start_at, case.end_at, zone=case.terms.zone)
    closed = next((day for day in touched if day in holidays), None)
    return None if closed is None else Hit(message=closed_on(closed, holidays[closed]))


def _has_begun(case: Case) -> Hit | None:
    return HIT if case.start_at < case.terms.now else None


def _is_too_soon(case: Case) -> Hit | None:
    return HIT if case.start_at < case.terms.soonest else None


def _is_too_far_ahead(case: Case) -> Hit | None:
    return HIT if case.start_at >= case.terms.too_far else None


def _is_second_of_a_doubled_hour(case: Case) -> Hit | None:
    return HIT if case.start_at.astimezone(case.terms.zone).fold else None


def _is_outside_working_hours(case: Case) -> Hit | None:
    if case.agenda.works(case.start_at, case.end_at):
        return None
    part = next((each for each in case.work if not case.agenda.works(each.start_at, each.end_at)), None)
    if part is None:
        return None
    timetable, zone = case.agenda.timetable, case.terms.zone
    touched = local_dates(part.start_at, part.end_at, zone=zone)
    exception = next((each for day in touched if (each := timetable.exception_on(day))), None)
    if exception is None:
        return Hit(part=_number(case, part))
    named = f" ({exception.name})" if exception.name else ""
    message = f"This staff member does not work at that time: other hours hold that day{named}."
    return Hit(message=message, part=_number(case, part))


def _is_in_time_off(case: Case) -> Hit | None:
    if not case.agenda.is_away(case.start_at, case.end_at):
        return None
    part = next((each for each in case.work if case.agenda.is_away(each.start_at, each.end_at)), None)
    return None if part is None else Hit(part=_number(case, part))


def _is_taken(case: Case) -> Hit | None:
    before, after = case.terms.before, case.terms.after
    first = case.agenda.busy_at(*envelope(case.start_at, case.end_at, before=before, after=after))
    if first is None or not case.parts:
        return None if first is None else Hit(first.booking_id)
    stretches = busy_stretches(case.start_at, case.end_at, parts=case.parts, before=before, after=after)
    for part, stretch in zip(case.work, stretches, strict=True):
        busy = case.agenda.busy_at(*stretch)
        if busy is not None:
            return Hit(busy.booking_id, part=part.number)
    return None


def _number(case: Case, part: WorkPart) -> int | None:
    return part.number if case.parts else None


RULES = (
    Rule(
        "staff_does_not_offer_service",
        "This staff member does not offer this service.",
        _does_not_offer,
        warns=True,
    ),
    Rule(HolidayClosed.code, HolidayClosed.message, _touches_holiday),
    Rule("in_the_past", "That time has already passed; choose a later one.", _has_begun),
    Rule(
        "min_notice", "Bookings are taken at least {notice} minutes ahead; choose a later time.", _is_too_soon
    ),
    Rule(
        "beyond_horizon",
        "Bookings are taken at most {horizon} days ahead; choose an earlier time.",
        _is_too_far_ahead,
    ),
    Rule(
        "doubled_hour",
        "The clocks are set back and this hour comes twice; only the first one can be booked here.",
        _is_second_of_a_doubled_hour,
    ),
    Rule(
        "outside_working_hours",
        "This staff member does not work at that time.",
        _is_outside_working_hours,
        warns=True,
    ),
    Rule("time_off", "This staff member is away at that time.", _is_in_time_off, warns=True),
    Rule(SlotTaken.code, SlotTaken.message, _is_taken),
)

WARNINGS = frozenset(rule.code for rule in RULES if rule.warns)
