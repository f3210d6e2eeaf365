"""The holds of a visit have one token (contract §7 "holds")."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0011_a_visit_for_every_booking")]
    operations = [
        migrations.AlterField(
            model_name="hold", name="token", field=models.CharField(db_index=True, max_length=64)
        ),
    ]
