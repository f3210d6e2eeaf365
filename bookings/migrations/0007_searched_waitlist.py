"""What is noted of a waiting client is searched folded (contract §6a)."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from staff.storage.migrate_texts import fill_searched


def fill(apps: Any, schema_editor: Any) -> None:
    fill_searched(apps.get_model("bookings", "WaitlistEntry"), texts=("notes",))


class Migration(migrations.Migration):
    dependencies = [("bookings", "0006_one_open_waitlist_entry")]
    operations = [
        migrations.AddField("waitlistentry", "searched", models.TextField(default="", editable=False)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
