"""A write of one booking reads that one and those of its visit and session, however many there are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bookings.lifecycle.locks import lock_bookings
from bookings.models import Booking
from tests.cast.bookings import make_cast
from tests.cast.plans import plans_of

pytestmark = pytest.mark.django_db

OTHERS = 3000


def test_locking_a_booking_looks_it_up_by_indexes() -> None:
    salon = make_cast()
    booking = salon.book()
    now = timezone.now()
    Booking.objects.bulk_create(
        Booking(
            client=salon.bob,
            staff=salon.bea,
            service=salon.service,
            start_at=now + timedelta(hours=number),
            end_at=now + timedelta(hours=number + 1),
            created_at=now,
            updated_at=now,
        )
        for number in range(OTHERS)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE bookings_booking")
    with transaction.atomic():
        plans = [each for each in plans_of(lambda: lock_bookings([booking["id"]])) if "booking" in each]
    assert len(plans) == 3
    for plan in plans:
        # All that are left out one by one are read first, by whatever index.
        assert "hashed SubPlan" not in plan, plan
        assert "SCAN bookings_booking" not in plan, plan
        assert "Seq Scan on bookings_booking" not in plan, plan
