"""Every booking that has none gets a visit of its own, in batches (contract §7 "a booking").

The visit has the booking's key, and a version from which its calendar entry's SEQUENCE rises above what has
been sent. A row written meanwhile by an older release gets its visit with its next change.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, transaction

from staff.storage.brief_locks import give_up_soon

BATCH = 5_000


def give_visits(apps: Any, schema_editor: Any) -> None:
    bookings = apps.get_model("bookings", "Booking").objects.filter(visit=None)
    visits = apps.get_model("bookings", "Visit").objects
    reached = 0
    while True:
        with transaction.atomic():
            give_up_soon(schema_editor.connection)
            rows = list(bookings.filter(pk__gt=reached).select_for_update().order_by("pk")[:BATCH])
            if not rows:
                return
            made = visits.bulk_create(
                visits.model(
                    key=row.key,
                    client_id=row.client_id,
                    status=row.status,
                    start_at=row.start_at,
                    end_at=row.end_at,
                    version=row.version,
                    created_at=row.created_at,
                    updated_at=row.updated_at,
                )
                for row in rows
            )
            for row, visit in zip(rows, made, strict=True):
                row.visit_id = visit.pk
                row.announced_staff_id = row.staff_id if row.announced_as else None
            bookings.model.objects.bulk_update(rows, ["visit", "announced_staff_id"], batch_size=500)
            reached = rows[-1].pk


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("bookings", "0010_visits")]
    operations = [migrations.RunPython(give_visits, migrations.RunPython.noop, elidable=True)]
