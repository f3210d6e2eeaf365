"""The country of the salon's own zone; names and addresses without what nobody sees (contract §6a)."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from staff.storage.migrate_texts import read_again
from staff.wire.addresses import login_address, mail_address
from staff.wire.countries import country_of_zone
from staff.wire.text import plain_line, plain_prose


def country(apps: Any, schema_editor: Any) -> None:
    for salon in apps.get_model("staff", "SalonSettings").objects.all():
        salon.country = country_of_zone(salon.timezone)
        salon.save(update_fields=["country"])


def texts(apps: Any, schema_editor: Any) -> None:
    salon = {"business_name": plain_line, "business_phone": plain_line, "reply_to": mail_address}
    read_again(apps.get_model("staff", "SalonSettings"), salon | {"business_address": plain_prose})
    read_again(
        apps.get_model("staff", "Staff"), {"name": plain_line, "phone": plain_line, "email": login_address}
    )
    read_again(apps.get_model("staff", "Service"), {"name": plain_line, "category": plain_line})
    read_again(apps.get_model("staff", "Location"), {"name": plain_line, "address": plain_prose})
    read_again(apps.get_model("staff", "Holiday"), {"name": plain_line})
    read_again(apps.get_model("staff", "TimeOff"), {"reason": plain_prose})


class Migration(migrations.Migration):
    dependencies = [("staff", "0003_country")]
    operations = [
        migrations.RunPython(country, migrations.RunPython.noop),
        migrations.RunPython(texts, migrations.RunPython.noop),
    ]
