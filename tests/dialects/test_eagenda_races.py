"""Two doors at one appointment at once, in real threads (contract §4, §5; reliability §2)."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import time_machine

from bookings.models import Booking
from tests.cast.bookings import MORNING, make_cast
from tests.cast.factories import caller, make_key
from tests.cast.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 10


def test_a_detail_written_meanwhile_is_not_erased() -> None:
    """Arrived is shown as CONFIRMED: in whichever order the two come, arrived is what stays."""
    with time_machine.travel(MORNING):
        salon = make_cast()
        eagenda, simplespa = (
            caller(make_key(dialect=dialect, mode=3)[1]) for dialect in ("eagenda", "simplespa")
        )
        for number in range(ROUNDS):
            booking = salon.book(
                start_at=f"2026-03-24 {number + 8:02}:00", end_at=f"2026-03-24 {number + 8:02}:30"
            )
            Booking.objects.filter(pk=booking["id"]).update(status="provisional")
            answers: list[Any] = at_once(
                partial(
                    eagenda.patch,
                    f"/api/v3/appointments/{booking['key']}/",
                    {"status": "CONFIRMED"},
                    format="json",
                ),
                partial(
                    simplespa.post,
                    "/api/v1/write/appointment-status.php",
                    {"appointment_id": str(booking["id"]), "status": 25},
                    format="json",
                ),
            )
            assert [answer.status_code for answer in answers] == [200, 200]
            stored = Booking.objects.get(pk=booking["id"])
            assert (stored.status, stored.status_detail) == ("scheduled", "arrived")
