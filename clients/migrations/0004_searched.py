"""Clients are searched by one folded text, by trigrams on PostgreSQL (contract §6a)."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models

from staff.storage.columns import SearchedIndex
from staff.storage.migrate_texts import fill_searched, trigrams


def fill(apps: Any, schema_editor: Any) -> None:
    client = apps.get_model("clients", "Client")
    fill_searched(client, texts=("first_name", "last_name", "email"), numbers=("phone", "mobile"))


class Migration(migrations.Migration):
    dependencies = [("clients", "0003_client_alert")]
    operations = [
        migrations.RunPython(trigrams, migrations.RunPython.noop),
        migrations.AddField("client", "searched", models.TextField(default="", editable=False)),
        migrations.AddIndex(
            "client",
            SearchedIndex(fields=["searched"], name="client_searched", opclasses=["gin_trgm_ops"]),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
