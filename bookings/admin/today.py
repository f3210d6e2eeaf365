"""What an owner sees first: the day by person, and what needs somebody (contract §11 "Admin for an owner").

Named in `settings.FIRST_PAGE_TODAY`; five statements, however much is booked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, islice
from typing import NamedTuple
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext

from bookings.models import Booking, Visit, WaitlistEntry
from notifications.models import Job
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.salon.schedule import ONE_DAY
from staff.wire.times import day_start

MOST_ROWS = 300
"""Of one day; the agenda shows all."""


class Needed(NamedTuple):
    """Something that waits for a person, and the list of it. `urgent`: nothing happens until then."""

    told: str
    address: str
    urgent: bool


class Day(NamedTuple):
    """One person's bookings today."""

    person: str
    bookings: Sequence[Booking]


class Today(NamedTuple):
    days: Sequence[Day]
    more: int
    needed: Sequence[Needed]


def today(actor: Actor, *, salon: SalonSettings, now: datetime) -> Today:
    """`now` is UTC; the day is the salon's."""
    date = now.astimezone(salon.zone).date()
    begins, ends, after = (day_start(date + ONE_DAY * days, zone=salon.zone) for days in range(3))
    rows = list(
        Booking.objects.visible_to(actor)
        .filter(start_at__gte=begins, start_at__lt=ends)
        .exclude(status=Booking.Status.CANCELLED)
        .select_related("client", "service", "staff")
        .order_by("staff__name", "staff_id", "start_at", "id")[: MOST_ROWS + 1]
    )
    by_person = groupby(islice(rows, MOST_ROWS), key=lambda each: each.staff)
    visits = Visit.objects.visible_to(actor)
    found = [
        _requests(Booking.objects.visible_to(actor)),
        _dead(),
        *_unconfirmed(visits, now=now, ends=ends, after=after),
        _waiting(salon, now=now),
    ]
    return Today(
        days=[Day(person.name, list(booked)) for person, booked in by_person],
        more=max(0, len(rows) - MOST_ROWS),
        needed=[each for each in found if each is not None],
    )


def _requests(bookings: QuerySet[Booking]) -> Needed | None:
    asked = bookings.waiting_for_salon().order_by()  # type: ignore[attr-defined]
    count = asked.aggregate(count=Count("visit_id", distinct=True))["count"]
    told = ngettext(
        "%(count)d request waits for your answer", "%(count)d requests wait for your answer", count
    )
    return _needed(told, count, "bookings_visit", {"requests": "waiting"}, urgent=True)


def _dead() -> Needed | None:
    states = [Job.State.DEAD, Job.State.UNCERTAIN]
    count = Job.objects.filter(state__in=states).order_by().count()
    told = ngettext(
        "%(count)d message or task was given up: look at it and try it again",
        "%(count)d messages or tasks were given up: look at them and try them again",
        count,
    )
    return _needed(told, count, "notifications_job", {"state__in": ",".join(states)}, urgent=True)


def _unconfirmed(
    visits: QuerySet[Visit], *, now: datetime, ends: datetime, after: datetime
) -> list[Needed | None]:
    """Those of the rest of today, and of tomorrow."""
    coming = Q(status=Booking.Status.SCHEDULED, client_confirmed_at__isnull=True)
    counts = visits.filter(coming, start_at__gte=now, start_at__lt=after).aggregate(
        today=Count("pk", filter=Q(start_at__lt=ends)), tomorrow=Count("pk", filter=Q(start_at__gte=ends))
    )
    told = (
        ngettext(
            "%(count)d visit of today is not confirmed by its client",
            "%(count)d visits of today are not confirmed by their clients",
            counts["today"],
        ),
        ngettext(
            "%(count)d visit of tomorrow is not confirmed by its client",
            "%(count)d visits of tomorrow are not confirmed by their clients",
            counts["tomorrow"],
        ),
    )
    asked = {"status__exact": "scheduled", "client_confirmed_at__isnull": "True"}
    spans = ({"start_at__gte": now, "start_at__lt": ends}, {"start_at__gte": ends, "start_at__lt": after})
    return [
        _needed(text, counts[day], "bookings_visit", asked | _moments(span), urgent=False)
        for text, day, span in zip(told, ("today", "tomorrow"), spans, strict=True)
    ]


def _waiting(salon: SalonSettings, *, now: datetime) -> Needed | None:
    date = now.astimezone(salon.zone).date()
    days = {"date__gte": str(date), "date__lt": str(date + timedelta(days=7))}
    count = WaitlistEntry.objects.filter(status=WaitlistEntry.Status.WAITING, **days).order_by().count()
    told = ngettext(
        "%(count)d client waits for a place within a week",
        "%(count)d clients wait for a place within a week",
        count,
    )
    return _needed(told, count, "bookings_waitlistentry", {"status__exact": "waiting", **days}, urgent=False)


def _needed(told: str, count: int, model: str, query: dict[str, str], *, urgent: bool) -> Needed | None:
    if not count:
        return None
    address = f"{reverse(f'admin:{model}_changelist')}?{urlencode(query)}"
    return Needed(told % {"count": count}, address, urgent)


def _moments(span: dict[str, datetime]) -> dict[str, str]:
    return {name: timezone.localtime(each).isoformat() for name, each in span.items()}
