"""Lists of moments, narrowed by salon dates (contract §1.2): filters for `staff.wire.filters`.

date_from = FromDay("start_at", "gte", help_text="First salon date of start_at, inclusive.")
date_to = UpToDay("start_at", help_text="Last salon date of start_at, inclusive.")
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.db.models import DateTimeField
from rest_framework.request import Request

from staff.access.auth import salon_of
from staff.salon.schedule import ONE_DAY
from staff.wire.filters import DateFilter
from staff.wire.times import day_start


class FromDay(DateFilter):
    """From the first instant of this day on the salon's wall clock: with "gt" what ends after it."""

    any_value = DateTimeField

    def compared(self, value: date, request: Request) -> datetime:
        return day_start(value, zone=salon_of(request).zone)


class UpToDay(FromDay):
    """What comes before the end of this day."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "lt", **kwargs)

    def compared(self, value: date, request: Request) -> datetime:
        return super().compared(value + ONE_DAY, request)
