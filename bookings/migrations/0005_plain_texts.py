"""Notes of bookings and of the waitlist in NFC, without blanks around them (contract §6a)."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from staff.storage.migrate_texts import read_again
from staff.wire.text import plain_prose


def texts(apps: Any, schema_editor: Any) -> None:
    notes = {"notes": plain_prose, "internal_notes": plain_prose}
    read_again(apps.get_model("bookings", "Booking"), notes)
    read_again(apps.get_model("bookings", "WaitlistEntry"), {"notes": plain_prose})


class Migration(migrations.Migration):
    dependencies = [("bookings", "0004_stripe_session_states")]
    operations = [migrations.RunPython(texts, migrations.RunPython.noop)]
