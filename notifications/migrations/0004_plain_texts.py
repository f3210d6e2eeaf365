"""The salon's own subjects and bodies as contract §6a keeps them."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from staff.storage.migrate_texts import read_again
from staff.wire.text import plain_line, plain_prose


def texts(apps: Any, schema_editor: Any) -> None:
    read_again(apps.get_model("notifications", "FollowupSequence"), {"name": plain_line})
    read_again(apps.get_model("notifications", "FollowupStep"), {"subject": plain_line, "body": plain_prose})
    read_again(
        apps.get_model("notifications", "MessageText"), {"subject": plain_line, "introduction": plain_prose}
    )


class Migration(migrations.Migration):
    dependencies = [("notifications", "0003_webhook_deliveries")]
    operations = [migrations.RunPython(texts, migrations.RunPython.noop)]
