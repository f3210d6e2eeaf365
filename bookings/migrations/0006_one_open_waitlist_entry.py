"""Nobody waits twice for the same: of open entries alike one stays, the others are cancelled (contract §6a)."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models
from django.db.models.functions import Coalesce

OPEN = ("waiting", "notified")


def keep_one(apps: Any, schema_editor: Any) -> None:
    """The older, a notified one before a waiting one. The next sweep passes on what the others were offered."""
    entries = apps.get_model("bookings", "WaitlistEntry").objects.filter(status__in=OPEN)
    # "notified" sorts before "waiting".
    rows = entries.order_by("status", "id").values_list("id", "client_id", "service_id", "date", "staff_id")
    kept: set[tuple[Any, ...]] = set()
    more: list[int] = []
    for entry_id, *wanted in rows.iterator():
        if tuple(wanted) in kept:
            more.append(entry_id)
        kept.add(tuple(wanted))
    for begin in range(0, len(more), 500):
        entries.filter(id__in=more[begin : begin + 500]).update(status="cancelled")


class Migration(migrations.Migration):
    dependencies = [("bookings", "0005_plain_texts")]
    operations = [
        migrations.RunPython(keep_one, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="waitlistentry",
            constraint=models.UniqueConstraint(
                models.F("client"),
                models.F("service"),
                models.F("date"),
                Coalesce("staff", 0),
                condition=models.Q(("status__in", ["waiting", "notified"])),
                name="waitlist_one_open_entry",
            ),
        ),
    ]
