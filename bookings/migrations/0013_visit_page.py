"""The client's own page: its links, the windows a booking freezes, what the client did (contract §8)."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0012_holds_of_a_visit")]
    operations = [
        migrations.AddField(
            model_name="booking",
            name="client_cancel_minutes",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="booking",
            name="client_reschedule_minutes",
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="visit",
            name="client_moves",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="visit",
            name="changed_by_client",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name="visit",
            name="grace_from",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.CreateModel(
            name="VisitLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                (
                    "visit",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to="bookings.visit"
                    ),
                ),
            ],
        ),
    ]
