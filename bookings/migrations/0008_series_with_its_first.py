"""The first booking of a series has its series_id as well (contract §6a)."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models import F, Q


def name_first(apps: Any, schema_editor: Any) -> None:
    bookings = apps.get_model("bookings", "Booking").objects
    named = bookings.filter(series_id__isnull=False).order_by().values("series_id").distinct()
    bookings.filter(pk__in=named, series_id=None).update(series_id=F("pk"))


class Migration(migrations.Migration):
    dependencies = [("bookings", "0007_searched_waitlist")]
    operations = [
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(
                condition=Q(series_id__isnull=False), fields=["series_id", "id"], name="booking_series"
            ),
        ),
        migrations.RunPython(name_first, migrations.RunPython.noop),
    ]
