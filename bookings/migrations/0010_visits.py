"""What a client comes for in one go: a visit, and what its bookings keep of it (contract §7)."""

from __future__ import annotations

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0009_hold_persons"),
        ("clients", "0004_searched"),
        ("staff", "0006_parts_of_services"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # The column stays until no release writes it any more; rows of this one have 0 in it.
        migrations.AlterField(
            model_name="booking",
            name="sequence",
            field=models.PositiveIntegerField(default=0, db_default=0, editable=False),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[migrations.RemoveField(model_name="booking", name="sequence")]
        ),
        migrations.AddField(
            model_name="booking",
            name="parts",
            field=models.JSONField(
                blank=True, db_default=models.Value([], models.JSONField()), default=list, editable=False
            ),
        ),
        migrations.AddField(
            model_name="booking",
            name="position",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, editable=False),
        ),
        migrations.AddField(
            model_name="booking",
            name="announced_staff_id",
            field=models.BigIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="booking",
            name="staff_requested",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.CreateModel(
            name="Visit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("scheduled", "Scheduled"),
                            ("provisional", "Provisional"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                            ("no-show", "No-show"),
                        ],
                        max_length=12,
                    ),
                ),
                ("start_at", models.DateTimeField()),
                ("end_at", models.DateTimeField()),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("link_nonce", models.PositiveIntegerField(default=0, editable=False)),
                ("client_confirmed_at", models.DateTimeField(editable=False, null=True)),
                ("policy", models.JSONField(editable=False, null=True)),
                ("late", models.BooleanField(default=False, editable=False)),
                ("created_at", models.DateTimeField()),
                ("updated_at", models.DateTimeField()),
                (
                    "client",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="visits",
                        to="clients.client",
                    ),
                ),
            ],
            options={
                "ordering": ["-start_at", "-id"],
            },
        ),
        migrations.AddField(
            model_name="booking",
            name="visit",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="bookings",
                to="bookings.visit",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["visit", "id"], name="booking_visit"),
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(
                models.OrderBy(models.F("start_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="visit_list",
            ),
        ),
        migrations.AddIndex(
            model_name="visit",
            index=models.Index(
                models.F("client_id"),
                models.OrderBy(models.F("start_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="visit_client_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="visit",
            constraint=models.CheckConstraint(
                condition=models.Q(("end_at__gt", models.F("start_at"))), name="visit_times_in_order"
            ),
        ),
    ]
