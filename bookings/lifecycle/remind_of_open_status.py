"""Asking the salon how a visit went (contract §1.4); the client is asked by `bookings.mails.review`."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import translation

from bookings.lifecycle.inapp_lines import TITLES, summary
from bookings.models import Booking
from notifications import inapp
from notifications.models import Notification
from notifications.one_by_one import one_by_one
from staff.models import SalonSettings

FOLLOWUP = "booking.followup"
ASKED_WITHIN = timedelta(hours=48)
BATCH = 500


def remind_of_ended(*, now: datetime) -> int:
    """One `booking.followup` line for each scheduled booking that ended in the last 48 h; gives how many.

    Two sweepers at once ask once: the booking is locked while the line is looked for and written.
    """
    asked = Notification.objects.filter(booking_id=OuterRef("pk"), type=FOLLOWUP)
    due = Booking.objects.filter(
        status=Booking.Status.SCHEDULED, end_at__lte=now, end_at__gt=now - ASKED_WITHIN
    ).exclude(Exists(asked))
    salon = SalonSettings.load()
    ids = due.order_by("end_at", "pk").values_list("pk", flat=True)[:BATCH]
    return one_by_one(_ask, ids, salon=salon, now=now)


def _ask(booking_id: int, *, salon: SalonSettings, now: datetime) -> int:
    with transaction.atomic(), translation.override(salon.locale):
        booking = (
            Booking.objects.select_for_update(no_key=True, of=("self",))
            .select_related("client", "service")
            .get(pk=booking_id)
        )
        already = Notification.objects.filter(booking_id=booking_id, type=FOLLOWUP).exists()
        if already or booking.status != Booking.Status.SCHEDULED or booking.end_at > now:
            return 0
        inapp.tell_staff(
            staff_ids=[booking.staff_id],
            and_admins=True,
            type=FOLLOWUP,
            title=str(TITLES[FOLLOWUP]),
            body=summary(booking, salon=salon),
            booking_id=booking_id,
            now=now,
        )
    return 1
