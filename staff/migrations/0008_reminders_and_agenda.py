"""What the salon chose of reminders, SMS and the agenda (contract §10, §11)."""

from __future__ import annotations

import datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("staff", "0007_online_booking"),
    ]

    operations = [
        migrations.AddField(
            model_name="salonsettings",
            name="agenda_step_minutes",
            field=models.PositiveSmallIntegerField(
                choices=[(5, "5 minutes"), (10, "10 minutes"), (15, "15 minutes"), (30, "30 minutes")],
                db_default=15,
                default=15,
            ),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="quiet_from",
            field=models.TimeField(db_default=datetime.time(21, 0), default=datetime.time(21, 0)),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="quiet_to",
            field=models.TimeField(db_default=datetime.time(8, 0), default=datetime.time(8, 0)),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="sms_when_no_mail",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="salonsettings",
            name="unconfirmed_action",
            field=models.CharField(
                choices=[
                    ("none", "Nothing"),
                    ("notify", "Tell the desk"),
                    ("release", "Give the time to others, where the client accepted that"),
                ],
                db_default="none",
                default="none",
                max_length=10,
            ),
        ),
    ]
