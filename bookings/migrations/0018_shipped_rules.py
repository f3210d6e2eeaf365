"""The rules that every salon begins with: on where there is no booking yet, else for the salon to switch on."""

from __future__ import annotations

from datetime import time
from typing import Any

from django.db import migrations


def ship(apps: Any, schema_editor: Any) -> None:
    rules = apps.get_model("bookings", "ReminderRule").objects
    is_active = not apps.get_model("bookings", "Booking").objects.exists()
    rules.create(
        name="Two days before",
        days_before=2,
        at=time(18),
        channel="mail",
        asks_confirmation=True,
        is_active=is_active,
    )
    rules.create(name="Three hours before", minutes_before=180, channel="sms", is_active=is_active)


class Migration(migrations.Migration):
    dependencies = [("bookings", "0017_calendar_feeds")]

    operations = [migrations.RunPython(ship, migrations.RunPython.noop)]
