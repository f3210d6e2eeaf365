"""The free starts as the booking page tells them: days with their number, parts of the day, sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.utils import dateformat
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.online import OnlineDay, OnlineStart
from bookings.pages.booking_state import print_start
from notifications.letters.language import clock_time, short_date
from notifications.letters.plain import one_line

NOON = "12:00"
EVENING = "17:00"


class Slot(NamedTuple):
    """One start. The label is a sentence of three parts: `day`, `time`, `with_whom`; the first one is read
    out, not shown, for it stands above."""

    value: str
    day: str
    time: str
    with_whom: str
    seats: str


class PartOfDay(NamedTuple):
    """`radios`: its starts to choose from, as they stand in the page."""

    name: str
    radios: SafeString


class DayOfTimes(NamedTuple):
    """One salon date; `is_open`: its times are shown without being asked for."""

    name: str
    free: str
    parts: Sequence[PartOfDay]
    is_open: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """How starts are told on one page, in the active language. `places`: by the key of a person the name of
    their branch, where the reader has to be told. `_people` and `_behind` keep what was said of the same
    people before: a page has hundreds of starts."""

    zone: ZoneInfo
    places: Mapping[str, str] = field(default_factory=dict)
    _people: dict[tuple[str, ...], str] = field(default_factory=dict)
    _behind: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def days(self, days: Iterable[OnlineDay], *, shows_people: bool) -> list[DayOfTimes]:
        """The first day with a free time is open. `shows_people`: who does it is seen, not only read out."""
        told: list[DayOfTimes] = []
        nothing_open = True
        for day in days:
            told.append(self._day(day, shows_people=shows_people, is_open=nothing_open and bool(day.starts)))
            nothing_open = nothing_open and not day.starts
        return told

    def sentence(self, start: OnlineStart) -> str:
        """ "Thursday 26 November, 10:15, with Bea"."""
        slot = self.slot(start, day=short_date(start.start_at, zone=self.zone))
        return ", ".join((slot.day, slot.time, slot.with_whom))

    def slots(self, starts: Iterable[OnlineStart]) -> list[Slot]:
        return [self.slot(each, day=short_date(each.start_at, zone=self.zone)) for each in starts]

    def slot(self, start: OnlineStart, *, day: str) -> Slot:
        """`day`: the name of its date."""
        at = clock_time(start.start_at, zone=self.zone)
        return Slot(print_start(start.start_at), day, at, self.with_whom(start), _seats(start))

    def with_whom(self, start: OnlineStart) -> str:
        """ "with Bea", or with everybody of a visit in the order of its items, and at which branch."""
        keys = tuple(each.staff_key for each in start.items)
        if keys not in self._people:
            names = dict.fromkeys(one_line(each.staff_name, longest=60) for each in start.items)
            where = dict.fromkeys(self.places[key] for key in keys if key in self.places)
            self._people[keys] = ", ".join([_people(list(names)), *where])
        return self._people[keys]

    def _day(self, day: OnlineDay, *, shows_people: bool, is_open: bool) -> DayOfTimes:
        # Translators: Django's date format characters for weekday, day and month.
        name = dateformat.format(day.date, pgettext("date without year", "l j F"))
        free = _free_count(len(day.starts)) if day.starts else _("nothing free")
        parts = self._parts(day.starts, day=name, shows_people=shows_people)
        return DayOfTimes(name, free, parts, is_open)

    def _parts(self, starts: Iterable[OnlineStart], *, day: str, shows_people: bool) -> list[PartOfDay]:
        morning: list[str] = []
        afternoon: list[str] = []
        evening: list[str] = []
        before = format_html(_AWAY, f"{day}, ")
        for start in starts:
            at = clock_time(start.start_at, zone=self.zone)
            part = morning if at < NOON else afternoon if at < EVENING else evening
            after = self._after(start, shows_people=shows_people)
            # No template: it would take as long as finding the times of a large salon.
            part.append(_RADIO % (print_start(start.start_at), before, at, after))
        named = ((_("Morning"), morning), (_("Afternoon"), afternoon), (_("Evening"), evening))
        return [PartOfDay(name, mark_safe("".join(lines))) for name, lines in named if lines]

    def _after(self, start: OnlineStart, *, shows_people: bool) -> str:
        """What stands behind the time, escaped."""
        key = (start.seats_left, *[each.staff_key for each in start.items])
        if key not in self._behind:
            form = f"<small>{_AWAY}{{}}</small>" if shows_people else _AWAY.replace("{}", "{}{}")
            who = format_html(form, ", ", self.with_whom(start))
            seats = _seats(start)
            self._behind[key] = who + (format_html("<small>{}</small>", seats) if seats else "")
        return self._behind[key]


_AWAY = '<span class="away">{}</span>'
_RADIO = """<label class="slot"><input type="radio" name="start" value="%s"><span>%s%s%s</span></label>
"""


def _seats(start: OnlineStart) -> str:
    """Of a class that stands there, how many are left."""
    left = start.seats_left
    if left is None:
        return ""
    return ngettext("%(number)d place left", "%(number)d places left", left) % {"number": left}


def _people(names: Sequence[str]) -> str:
    if len(names) == 1:
        return pgettext("a person", "with %(name)s") % {"name": names[0]}
    several = {"names": ", ".join(names[:-1]), "last": names[-1]}
    return pgettext("people", "with %(names)s and %(last)s") % several


def _free_count(number: int) -> str:
    return ngettext("%(number)d free time", "%(number)d free times", number) % {"number": number}
