"""Requests that a client made online, which the salon answers (contract §9 "request").

They are provisional without a token: no link accepts or declines them, and only their start ends them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import translation

from bookings.lifecycle.how import How
from bookings.lifecycle.inapp_lines import TITLES, summary
from bookings.lifecycle.locks import begin_again, lock_bookings, lock_visits
from bookings.lifecycle.visit_items import Step, change_items
from bookings.models import Booking, BookingQuerySet, Visit
from notifications import inapp
from notifications.models import Notification
from notifications.one_by_one import one_by_one
from staff.access.actor import SYSTEM
from staff.models import SalonSettings

WAITING = "booking.request_waiting"
BATCH = 200


def lapse_unanswered(*, now: datetime) -> int:
    """Cancel the requests whose start has come unanswered; gives how many visits. Safe for many workers."""
    due = _asked().filter(start_at__lte=now).order_by("start_at", "pk")
    return one_by_one(_lapse, due.values_list("pk", flat=True)[:BATCH], now=now)


def remind_of_waiting(*, now: datetime) -> int:
    """One `booking.request_waiting` line to the admins for each visit that waits `request_hours` for an
    answer; gives how many."""
    salon = SalonSettings.load()
    together = Booking.objects.filter(visit_id=OuterRef(OuterRef("visit_id"))).order_by().values("pk")
    told = Notification.objects.filter(booking_id__in=together, type=WAITING)
    asked_before = now - timedelta(hours=salon.request_hours)
    due = _asked().filter(created_at__lte=asked_before, start_at__gt=now).exclude(Exists(told))
    ids = due.order_by("created_at", "pk").values_list("visit_id", flat=True)[:BATCH]
    return one_by_one(_remind, dict.fromkeys(ids), salon=salon, now=now)


def _asked() -> BookingQuerySet:
    found: BookingQuerySet = Booking.objects.waiting_for_salon().filter(source=Booking.ONLINE)
    return found


@begin_again
def _lapse(booking_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        booking = lock_bookings([booking_id])[booking_id]
        if not booking.asked_online or booking.start_at > now:
            return 0
        change_items(
            [Step(each, {"status": Booking.Status.CANCELLED}) for each in _asked_together(booking)],
            actor=SYSTEM,
            how=How(lapsed=True, reason="not answered before its start"),
            salon=SalonSettings.load(),
            now=now,
        )
    return 1


def _asked_together(booking: Booking) -> Sequence[Booking]:
    """One answer is for all of the visit that still ask."""
    items = [booking] if booking.visit is None else booking.visit.items
    return [each for each in items if each.asked_online]


def _remind(visit_id: int, *, salon: SalonSettings, now: datetime) -> int:
    """Two sweepers at once say it once: the visit is locked while the line is looked for and written."""
    with transaction.atomic(), translation.override(salon.locale):
        visit = lock_visits(Visit.objects.filter(pk=visit_id))[visit_id]
        ids = [each.pk for each in visit.items]
        waiting = next((each for each in visit.items if each.asked_online), None)
        if waiting is None or Notification.objects.filter(booking_id__in=ids, type=WAITING).exists():
            return 0
        inapp.tell_admins(
            type=WAITING,
            title=str(TITLES[WAITING]),
            body=summary(waiting, salon=salon),
            booking_id=waiting.pk,
            now=now,
        )
    return 1
