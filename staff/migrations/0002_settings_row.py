"""The salon's settings are one row that is always there."""

from __future__ import annotations

from typing import Any

from django.db import migrations


def make_row(apps: Any, schema_editor: Any) -> None:
    apps.get_model("staff", "SalonSettings").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [("staff", "0001_initial")]
    operations = [migrations.RunPython(make_row, migrations.RunPython.noop)]
