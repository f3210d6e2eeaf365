"""GET /api/agenda: all that a screen shows of some days of the salon, in one call (contract §11)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.agenda.blocks import comes_first, newest_fees, together
from bookings.agenda.days import Span, holds_in, hours_of, shown_bookings, shown_people, time_off_in
from bookings.api.agenda_printing import (
    BLOCK_COLUMNS,
    OWN,
    AgendaBookingJson,
    AgendaJson,
    AgendaPrinter,
    More,
    beside_of,
    days_json,
)
from bookings.api.changes import cursor_at
from bookings.api.serializers import Row
from bookings.reminders.asked import asked_by_visit
from clients.walk_in import known_walk_in_id
from staff.access.actor import Actor
from staff.access.auth import actor_of, salon_of
from staff.models import SalonSettings, Staff
from staff.wire.conditional import IF_NONE_MATCH, answer_if_new
from staff.wire.query import Query, QueryDate, QueryId, QueryNumber
from staff.wire.schema import documented
from staff.wire.times import LATEST_DATE, local_date

MOST_DAYS = 8


class AgendaQuery(Query):
    date = QueryDate(help_text="The first salon date; today if it is left out.")
    days = QueryNumber(smallest=1, largest=MOST_DAYS, initial=1, help_text="How many dates.")
    location_id = QueryId(help_text="Only who works there, or has a booking there in these days.")


class AgendaView(APIView):
    @documented(
        "The salon's day",
        description="People, their hours, time off, holds and bookings with their marks. The number of "
        "statements does not grow with what there is. The ETag is of all but `now` and `cursor`.",
        answer=AgendaJson,
        parameters=[*AgendaQuery.parameters(), IF_NONE_MATCH],
        tags=["agenda"],
    )
    def get(self, request: Request) -> Response:
        asked, salon, now = AgendaQuery.of(request), salon_of(request), timezone.now()
        first = asked["date"] or local_date(now, zone=salon.zone)
        last = min(first + timedelta(days=asked["days"] - 1), LATEST_DATE)
        printer = AgendaPrinter(salon)
        cursor = cursor_at(now)
        shown = _Shown(
            span=Span(first, last, salon.zone),
            actor=actor_of(request),
            person=request.user if isinstance(request.user, Staff) else None,
            location_id=asked["location_id"],
            salon=salon,
            now=now,
        )
        return answer_if_new(
            request, shown.printed(printer), beside={"now": printer.when(now), "cursor": cursor}
        )


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is asked for, and by whom; `person` None: a key."""

    span: Span
    actor: Actor
    person: Staff | None
    location_id: int | None
    salon: SalonSettings
    now: datetime

    def printed(self, printer: AgendaPrinter) -> dict[str, Any]:
        """AgendaJson but for `now` and `cursor`. Eleven statements, whatever there is."""
        span, salon = self.span, self.salon
        people = shown_people(span, actor=self.actor, location_id=self.location_id)
        ids = [each.pk for each in people]
        hours = hours_of(ids, span)
        sees_all = self.person is not None and self.person.sees_all_bookings
        return {
            "salon": {
                "name": salon.business_name,
                "timezone": salon.timezone,
                "currency": salon.currency,
                "agenda_step_minutes": salon.agenda_step_minutes,
                "walk_in_client_id": known_walk_in_id(),
                "double_booking": salon.double_booking,
            },
            "caller": {
                "staff_id": None if self.person is None else self.person.pk,
                "is_admin": self.actor.is_admin,
                "own_agenda_only": self.actor.agenda_of is not None,
            },
            "days": days_json(span, hours),
            "staff": printer.people(people, hours, span.dates),
            "time_off": [
                printer.away(each) for each in time_off_in(ids, span, actor=self.actor, sees_all=sees_all)
            ],
            "holds": [printer.hold(each) for each in holds_in(ids, span, now=self.now)],
            "bookings": self._blocks(ids, printer),
        }

    def _blocks(self, staff_ids: Collection[int], printer: AgendaPrinter) -> list[AgendaBookingJson]:
        """Four statements."""
        shown = shown_bookings(self.span, actor=self.actor).filter(staff_id__in=staff_ids)
        visits, fees = together(shown, actor=self.actor), newest_fees(shown)
        asked = asked_by_visit(visits.booking_ids)
        rows = shown.annotate(comes_first=comes_first()).order_by("start_at", "pk")
        return [
            printer.block(row, More._make(values[OWN:]), beside_of(row, visits, fees, asked))
            for values in rows.values_list(*BLOCK_COLUMNS)
            for row in (Row._make(values[:OWN]),)
        ]
