"""A hold keeps seats for some persons (contract §6a "class seats")."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0008_series_with_its_first")]
    operations = [
        migrations.AddField(model_name="hold", name="persons", field=models.PositiveIntegerField(default=1)),
    ]
