"""Moving a visit on the client's own page (contract §8 "moving")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bookings.lifecycle import fingerprint
from bookings.pages.visit import VisitPage
from bookings.self_service.visit_moves import TakenMeanwhile, move, names_of, starts_for
from bookings.slots.availability.chains import Placed
from notifications.letters.language import clock_time, moment_form, short_date
from staff.models import SalonSettings
from staff.wire.times import BadTime, local_date, parse_date, parse_when

DAYS_SHOWN = 14


class OfferedDay(NamedTuple):
    """`choices`: its starts as radio buttons, as they stand in the page."""

    heading: str
    choices: SafeString


_CHOICE = """<label><input type="radio" name="start" value="%s"><span>%s</span></label>
"""


class Telling:
    """How the starts of one page are told, in the active language; `names` of people by id. What is the same
    for many starts is put in words once: a page has hundreds."""

    def __init__(self, zone: ZoneInfo, names: Mapping[int, str]) -> None:
        self._zone, self._names = zone, names
        self._form = escape(_("%(moment)s, with %(name)s"))
        self._moment = escape(moment_form())
        self._people: dict[tuple[int, ...], tuple[str, str]] = {}

    def day(self, starts: Sequence[Sequence[Placed]]) -> OfferedDay:
        """Starts of one salon date."""
        day = short_date(starts[0][0].start_at, zone=self._zone)
        count = len(starts)
        heading = ngettext("%(day)s, %(count)d time", "%(day)s, %(count)d times", count)
        return OfferedDay(heading % {"day": day, "count": count}, self.choices(starts, day=day))

    def choices(self, starts: Iterable[Sequence[Placed]], *, day: str = "") -> SafeString:
        """One line for each. `day`: their date in words, where it is one and known. No template: it would
        take as long as finding the times of a large salon."""
        known = escape(day)
        return mark_safe("".join(_CHOICE % self._choice(placed, day=known) for placed in starts))

    def _choice(self, placed: Sequence[Placed], *, day: str) -> tuple[str, str]:
        """Its value and its label, escaped. `day` is too."""
        start_at, zone = placed[0].start_at, self._zone
        names, numbers = self._who(tuple([each.staff_id for each in placed]))
        date = day or escape(short_date(start_at, zone=zone))
        at = self._moment % {"date": date, "time": clock_time(start_at, zone=zone)}
        return f"{start_at.isoformat()} {numbers}", self._form % {"moment": at, "name": names}

    def _who(self, staff_ids: tuple[int, ...]) -> tuple[str, str]:
        """Their names, escaped, and their ids."""
        if staff_ids not in self._people:
            names = (self._names.get(each, "") for each in dict.fromkeys(staff_ids))
            self._people[staff_ids] = escape(", ".join(names)), "-".join(map(str, staff_ids))
        return self._people[staff_ids]


class MovePage(VisitPage):
    """The starts of two weeks, one radio button each; `?from=` names the first day."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        self.terms.check_move()
        return self.offer(self.first_day(request.GET.get("from", "")))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        self.read(token)
        chosen = parse_choice(request.POST.get("start", ""), salon=self.salon)
        if chosen is None:
            self.terms.check_move()
            first = self.first_day(request.POST.get("from", ""))
            return self.offer(first, alert=_("Please choose a time."), status=HTTPStatus.BAD_REQUEST)
        start_at, staff_ids = chosen
        try:
            move(
                self.asked(),
                visit=self.visit,
                start_at=start_at,
                staff_ids=staff_ids,
                salon=self.salon,
                now=self.now,
            )
        except TakenMeanwhile as taken:
            return self.offer_nearest(taken)
        moved = [_("Your appointment is moved.")]
        if self.visit.client is not None and self.visit.client.email:
            moved.append(_("An e-mail with the new time is on its way to you."))
        return self.again(" ".join(moved))

    def first_day(self, asked: str) -> date:
        """Today, unless a later day is asked for."""
        today = local_date(self.now, zone=self.salon.zone)
        try:
            return max(today, parse_date(asked)) if asked else today
        except BadTime:
            return today

    def offer(self, first: date, *, alert: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
        last = first + timedelta(days=DAYS_SHOWN - 1)
        days = starts_for(self.visit, first=first, last=last, salon=self.salon, now=self.now)
        telling = Telling(self.salon.zone, names_of(placed for day in days for placed in day.starts))
        offered = [telling.day(day.starts) for day in days if day.starts]
        today = local_date(self.now, zone=self.salon.zone)
        horizon = today + timedelta(days=self.salon.booking_horizon_days)
        earlier = max(today, first - timedelta(days=DAYS_SHOWN))
        later = last + timedelta(days=1)
        return self.choose(
            offered,
            first=first,
            alert=alert,
            status=status,
            earlier=f"{self.to('move')}?from={earlier}" if first > today else "",
            later=f"{self.to('move')}?from={later}" if later <= horizon else "",
        )

    def offer_nearest(self, taken: TakenMeanwhile) -> HttpResponse:
        telling = Telling(self.salon.zone, names_of(taken.nearest))
        choices = telling.choices(taken.nearest)
        said = _("That time has just been taken. These are the nearest free ones.")
        none = _("That time has just been taken. Please look for another one.")
        return self.choose(
            [OfferedDay(_("Nearest"), choices)] if choices else [],
            first=self.first_day(self.request.POST.get("from", "")),
            alert=said if choices else none,
            status=taken.http_status,
            later=self.to("move"),
        )

    def choose(
        self,
        days: Sequence[OfferedDay],
        *,
        first: date,
        alert: str,
        status: int,
        earlier: str = "",
        later: str = "",
    ) -> HttpResponse:
        late = _("It is late to move it. You still can, and we will note it.")
        left = self.terms.moves_left
        often = ngettext(
            "You can move it %(count)d more time.", "You can move it %(count)d more times.", left or 0
        ) % {"count": left or 0}
        return self.page(
            "pages/visit_move.html",
            heading=_("Move your appointment"),
            status=status,
            alert=alert,
            sentences=[late] if self.terms.move_is_late else [],
            facts=self.facts,
            days=days,
            shown=fingerprint(self.visit),
            first=first.isoformat(),
            often=often if left is not None else "",
            back=self.to(),
            earlier=earlier,
            later=later,
        )


def parse_choice(value: str, *, salon: SalonSettings) -> tuple[datetime, list[int]] | None:
    """The start and the people of a radio button; None for anything else."""
    start, _space, people = value.partition(" ")
    numbers = people.split("-")
    if not all(each.isascii() and each.isdigit() and len(each) < 19 for each in numbers):
        return None
    try:
        return parse_when(start, zone=salon.zone), [int(each) for each in numbers]
    except BadTime:
        return None
