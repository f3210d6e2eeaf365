"""One party per staff member and instant, refused by PostgreSQL itself.

Not in `Meta`: an ExclusionConstraint there breaks `migrate` on SQLite, which has triggers with the
same meaning instead (bookings/slots/sqlite_guard.py, installed after every migrate).
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

CONSTRAINT = """
CREATE EXTENSION IF NOT EXISTS btree_gist;
ALTER TABLE bookings_busytime ADD CONSTRAINT busy_time_one_party EXCLUDE USING gist (
    staff_id WITH =, party WITH <>, tstzrange(starts_at, ends_at) WITH &&
)
"""


def add(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CONSTRAINT)


def drop(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE bookings_busytime DROP CONSTRAINT busy_time_one_party")


class Migration(migrations.Migration):
    dependencies = [("bookings", "0001_initial")]
    operations = [migrations.RunPython(add, drop)]
