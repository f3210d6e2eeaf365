"""Parts of services, and a person's own minutes (contract §7)."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0005_opening_exceptions"),
    ]

    operations = [
        migrations.AddField(
            model_name="salonsettings",
            name="visit_max_wait_minutes",
            field=models.PositiveSmallIntegerField(
                db_default=15, default=15, validators=[django.core.validators.MaxValueValidator(720)]
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="parts",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.CreateModel(
            name="ServiceDuration",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "duration_minutes",
                    models.PositiveIntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1440),
                        ]
                    ),
                ),
                ("parts", models.JSONField(blank=True, default=list)),
                (
                    "service",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="durations",
                        to="staff.service",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="durations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["service_id", "staff_id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("service", "staff"), name="service_duration_one_per_person"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("duration_minutes__gte", 1), ("duration_minutes__lte", 1440)),
                        name="own_duration_in_a_day",
                    ),
                ],
            },
        ),
    ]
