"""Names, addresses and numbers of clients as contract §6a keeps them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import migrations

from staff.storage.rereading import read_again
from staff.wire.addresses import mail_address
from staff.wire.phones import number_alone
from staff.wire.text import plain_line, plain_prose


def texts(apps: Any, schema_editor: Any) -> None:
    country = apps.get_model("staff", "SalonSettings").objects.values_list("country", flat=True).first()
    number = partial(number_alone, region=country)
    read_again(
        apps.get_model("clients", "Client"),
        {
            "first_name": plain_line,
            "last_name": plain_line,
            "email": mail_address,
            "phone": number,
            "mobile": number,
            "notes": plain_prose,
        },
    )


class Migration(migrations.Migration):
    dependencies = [("clients", "0001_initial"), ("staff", "0004_plain_texts")]
    operations = [migrations.RunPython(texts, migrations.RunPython.noop)]
