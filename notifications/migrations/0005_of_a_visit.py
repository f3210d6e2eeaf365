"""Jobs and messages say which visit they are about (contract §7 "mails")."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0004_plain_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="visit_id",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="visit_id",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(fields=["visit_id", "id"], name="message_visit"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["visit_id", "recipient", "id"],
                condition=models.Q(("state__in", ["pending", "claimed"]), ("visit_id__isnull", False)),
                name="job_live_visit",
            ),
        ),
    ]
