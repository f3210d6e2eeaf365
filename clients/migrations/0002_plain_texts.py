"""Names, addresses and numbers of clients as contract §6a keeps them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import migrations

from staff.storage.migrate_texts import read_again
from staff.wire.addresses import mail_address
from staff.wire.phones import number_alone
from staff.wire.text import plain_line, plain_prose


def texts(apps: Any, schema_editor: Any) -> None:
    country = apps.get_model("staff", "SalonSettings").objects.values_list("country", flat=True).first()
    clients = apps.get_model("clients", "Client")
    lines = dict.fromkeys(("first_name", "last_name", "phone", "mobile"), plain_line)
    read_again(clients, {**lines, "email": mail_address, "notes": plain_prose})
    # Apart, so that a number that cannot be read is without what nobody sees all the same.
    read_again(clients, dict.fromkeys(("phone", "mobile"), partial(number_alone, region=country)))


class Migration(migrations.Migration):
    dependencies = [("clients", "0001_initial"), ("staff", "0004_plain_texts")]
    operations = [migrations.RunPython(texts, migrations.RunPython.noop)]
