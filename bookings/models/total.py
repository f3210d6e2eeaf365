"""How many bookings there are, kept by the database itself (docs/adr/0109)."""

from __future__ import annotations

from functools import cache

from django.db import models
from django.db.models import F, Func

from bookings.models.booking import Booking
from staff.storage.prepared_statements import Blank, Prepared


class BookingTotal(models.Model):
    """So many bookings has one person in one status. Written by triggers alone (`bookings.kept_totals`).

    No foreign key: a person who leaves without a booking leaves zeros behind, which count for nothing.
    """

    pk = models.CompositePrimaryKey("staff_id", "status")
    staff_id = models.BigIntegerField()
    status = models.CharField(max_length=12)
    number = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.staff_id}: {self.number} {self.status}"


def kept_total(*, staff_id: int | None = None, status: str | None = None) -> int:
    """How many bookings have this status (None: any but cancelled), with this person (None: with anybody)."""
    asked = _sum(of_one=staff_id is not None, of_status=status is not None)
    [(total,)] = asked.rows(staff_id=staff_id or 0, status=status or "")
    return int(total or 0)


@cache
def _sum(*, of_one: bool, of_status: bool) -> Prepared:
    totals = BookingTotal.objects.order_by()
    if of_one:
        totals = totals.filter(staff_id=Blank("staff_id", models.BigAutoField()))
    if of_status:
        totals = totals.filter(status=Blank("status", models.CharField()))
    else:
        totals = totals.exclude(status=Booking.Status.CANCELLED)
    number = Func(F("number"), function="SUM", output_field=models.BigIntegerField())
    return Prepared(lambda: totals.values_list(number))
