"""What the salon shows to the public, and what clients may do themselves (contract §8, §9)."""

from __future__ import annotations

import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0006_parts_of_services"),
    ]

    operations = [
        migrations.AddField(
            model_name="salonsettings",
            name="brand_color",
            field=models.CharField(blank=True, db_default="", default="", max_length=7),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="client_cancel_minutes",
            field=models.PositiveIntegerField(
                db_default=1440, default=1440, validators=[django.core.validators.MaxValueValidator(525600)]
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="client_may_change_staff",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="client_reschedule_minutes",
            field=models.PositiveIntegerField(
                db_default=1440, default=1440, validators=[django.core.validators.MaxValueValidator(525600)]
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="embed_origins",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="grace_minutes",
            field=models.PositiveIntegerField(
                db_default=30, default=30, validators=[django.core.validators.MaxValueValidator(10080)]
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="imprint_url",
            field=models.URLField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="late_cancel",
            field=models.CharField(
                choices=[
                    ("refuse", "Refuse, and show the telephone number"),
                    ("allow", "Allow, and mark the visit as late"),
                ],
                db_default="refuse",
                default="refuse",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="online_booking",
            field=models.CharField(
                choices=[
                    ("off", "Off"),
                    ("instant", "A client's booking stands at once"),
                    ("request", "A client asks, and the salon answers"),
                ],
                db_default="off",
                default="off",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="online_verify",
            field=models.CharField(
                choices=[
                    ("never", "Never"),
                    ("attack", "While many submissions come in"),
                    ("always", "Always"),
                ],
                db_default="attack",
                default="attack",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="policy_text",
            field=models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="policy_version",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="privacy_url",
            field=models.URLField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="request_hours",
            field=models.PositiveIntegerField(
                db_default=12,
                default=12,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(8760),
                ],
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="reschedule_limit",
            field=models.PositiveSmallIntegerField(
                blank=True,
                db_default=3,
                default=3,
                null=True,
                validators=[django.core.validators.MaxValueValidator(1000)],
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="client_cancel_minutes",
            field=models.PositiveIntegerField(
                blank=True, null=True, validators=[django.core.validators.MaxValueValidator(525600)]
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="client_may_change_staff",
            field=models.BooleanField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="service",
            name="client_reschedule_minutes",
            field=models.PositiveIntegerField(
                blank=True, null=True, validators=[django.core.validators.MaxValueValidator(525600)]
            ),
        ),
        migrations.AddField(
            model_name="service",
            name="description",
            field=models.TextField(blank=True, db_default="", default="", max_length=2000),
        ),
        migrations.AddField(
            model_name="service",
            name="hidden",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="service",
            name="online",
            field=models.BooleanField(db_default=True, default=True),
        ),
        migrations.AddField(
            model_name="staff",
            name="bio",
            field=models.TextField(blank=True, db_default="", default="", max_length=2000),
        ),
        migrations.AddField(
            model_name="staff",
            name="online",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Clients may choose this person when they book online.",
            ),
        ),
    ]
