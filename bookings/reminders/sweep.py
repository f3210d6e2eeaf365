"""Keeping what is planned true to rules, channels, quiet hours, time zone and release (contract §10)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import Prefetch, Q

from bookings.models import Booking, ReminderRule, Visit, VisitQuerySet
from bookings.models.reminder import LONGEST_DAYS
from bookings.reminders.plan import differs, plan_again
from bookings.reminders.rules import in_force
from notifications import outbox
from notifications.models.jobs import ONE_PENDING
from staff.models import SalonSettings

EVERY = timedelta(minutes=5)
AHEAD = timedelta(days=LONGEST_DAYS + 2)
"""A reminder that is due within fourteen days is planned: its visit begins at most that much later."""

BATCH = 200


def keep_planned(*, now: datetime) -> int:
    """Plans what is missing and re-times what differs, each five minutes; gives of how many batches something
    differed. Safe for many workers."""
    if not cache.add("reminders.keep_planned", 1, timeout=int(EVERY.total_seconds()) - 1):
        return 0
    return plan_ahead(now=now)


def plan_ahead(*, now: datetime) -> int:
    """As `keep_planned`, whenever it is called."""
    salon, rules = SalonSettings.load(), in_force()
    written = 0
    for ids in _batches(now=now):
        visits = _with_all(Visit.objects.filter(pk__in=ids))
        if differs(list(visits), rules=rules, salon=salon, now=now):
            try:
                _write(ids, rules=rules, salon=salon, now=now)
            except IntegrityError as error:
                # Who books at this moment was quicker; the others of the batch have their turn next time.
                if ONE_PENDING not in str(error):
                    raise
            written += 1
    return written


def _batches(*, now: datetime) -> Iterator[list[int]]:
    """By the start, a page at a time: visits that come in between are planned by who books them."""
    ahead = Visit.objects.filter(
        status=Booking.Status.SCHEDULED, client__isnull=False, start_at__gt=now, start_at__lt=now + AHEAD
    ).order_by("start_at", "pk")
    after: tuple[datetime, int] | None = None
    while True:
        page = ahead
        if after is not None:
            page = ahead.filter(Q(start_at__gt=after[0]) | Q(start_at=after[0], pk__gt=after[1]))
        rows = list(page.values_list("start_at", "pk")[:BATCH])
        if not rows:
            return
        yield [pk for _, pk in rows]
        after = rows[-1]


def _write(ids: Sequence[int], *, rules: Sequence[ReminderRule], salon: SalonSettings, now: datetime) -> None:
    """Who is being changed at this moment is planned by who does it."""
    with transaction.atomic():
        free = Visit.objects.filter(pk__in=ids).select_for_update(no_key=True, skip_locked=True, of=("self",))
        visits = list(_with_all(free.order_by("pk")))
        outbox.enqueue(plan_again(visits, rules=rules, salon=salon, now=now), now=now)


def _with_all(visits: VisitQuerySet) -> VisitQuerySet:
    items = Booking.objects.select_related("client")
    found: VisitQuerySet = visits.prefetch_related(Prefetch("bookings", items))
    return found
