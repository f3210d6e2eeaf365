"""How many bookings each person has in each status; the triggers that count, and the first count, come after
every migrate (bookings/kept_totals.py)."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

EVENTS = ("insert", "update", "delete", "truncate")


def drop_triggers(apps: Any, schema_editor: Any) -> None:
    """On the way back: without its table no booking could be written."""
    for event in EVENTS:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP FUNCTION IF EXISTS booking_total_{event}() CASCADE")
        else:
            schema_editor.execute(f"DROP TRIGGER IF EXISTS booking_total_{event}")


class Migration(migrations.Migration):
    dependencies = [("bookings", "0018_shipped_rules")]

    operations = [
        migrations.CreateModel(
            name="BookingTotal",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "staff_id", "status", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("staff_id", models.BigIntegerField()),
                ("status", models.CharField(max_length=12)),
                ("number", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(migrations.RunPython.noop, drop_triggers),
    ]
