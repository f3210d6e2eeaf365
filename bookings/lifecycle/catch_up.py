"""What an older release wrote while it ran beside this one, made whole (docs/adr/0107).

It knows no visits: what it books has none, and what it moves, cancels or gives to another client leaves its
visit as it was. To be called once the older release has ended; safe to repeat, and while people book.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from bookings.lifecycle import visit_row
from bookings.lifecycle.locks import begin_again, lock_bookings
from bookings.models import Booking, Visit

BATCH = 500


@dataclass(frozen=True)
class CaughtUp:
    """How many bookings got a visit, visits became true to their bookings, series got their first one."""

    visits: int
    corrected: int
    series: int


def catch_up(*, since: datetime, now: datetime) -> CaughtUp:
    """Of what was changed `since` (UTC). Each booking and each visit is a transaction of its own."""
    without = list(Booking.objects.filter(visit=None).order_by("pk").values_list("pk", flat=True))
    given = sum(_give_visit(each, now=now) for each in without)
    corrected = sum(_correct(each, now=now) for each in _untrue(since=since))
    named = sum(_name_series(each, now=now) for each in _unnamed(since=since))
    return CaughtUp(visits=given, corrected=corrected, series=named)


@begin_again
@transaction.atomic
def _give_visit(booking_id: int, *, now: datetime) -> bool:
    booking = lock_bookings([booking_id])[booking_id]
    if booking.visit_id is not None:
        return False
    visit_row.show_anew([booking], now=now)
    visit_row.begin([booking], now=now)
    booking.announced_staff_id = booking.staff_id if booking.announced_as else None
    booking.save(update_fields=["visit", "position", "announced_staff_id"])
    return True


def _untrue(*, since: datetime) -> Iterator[int]:
    """An item of each visit that says something else than its bookings, by the ids of the visits."""
    changed = Booking.objects.filter(updated_at__gte=since, visit__isnull=False).order_by()
    ids = sorted(set(changed.values_list("visit_id", flat=True)))
    for begin in range(0, len(ids), BATCH):
        some = ids[begin : begin + BATCH]
        items: dict[int | None, list[Booking]] = {}
        for booking in Booking.objects.filter(visit_id__in=some).order_by("pk"):
            items.setdefault(booking.visit_id, []).append(booking)
        for visit in Visit.objects.filter(pk__in=some).order_by("pk"):
            visit.items = items.get(visit.pk, [])
            if visit.items and not visit_row.is_true(visit):
                yield visit.items[0].pk


@begin_again
@transaction.atomic
def _correct(booking_id: int, *, now: datetime) -> bool:
    booking = lock_bookings([booking_id])[booking_id]
    visit = booking.visit
    if visit is None or visit_row.is_true(visit):
        return False
    strangers = [each for each in visit.items if each.client_id != visit.client_id]
    for each in strangers:
        each.visit = visit
        visit_row.keep_true(
            each, of_other_client=True, moved=False, together=False, changed_by_client=None, now=now
        )
        visit_row.show_anew([each], now=now)
        each.save(update_fields=["visit", "position"])
    if not strangers:
        visit_row.store(visit, now=now)
    return True


def _unnamed(*, since: datetime) -> list[int]:
    """The first bookings of series, which have their ids as well."""
    changed = Booking.objects.filter(updated_at__gte=since, series_id__isnull=False)
    named = changed.order_by().values("series_id").distinct()
    first = Booking.objects.filter(pk__in=named, series_id=None).order_by("pk")
    return list(first.values_list("pk", flat=True))


@begin_again
@transaction.atomic
def _name_series(booking_id: int, *, now: datetime) -> bool:
    booking = lock_bookings([booking_id])[booking_id]
    if booking.series_id is not None:
        return False
    booking.series_id = booking.pk
    visit_row.show_anew([booking], now=now)
    booking.save(update_fields=["series_id"])
    return True
