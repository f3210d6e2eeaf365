"""The salon's country, by which national telephone numbers are read (contract §6a)."""

from django.db import migrations, models

import staff.models.settings


class Migration(migrations.Migration):
    dependencies = [("staff", "0002_settings_row")]
    operations = [
        migrations.AddField(
            model_name="salonsettings",
            name="country",
            field=models.CharField(
                blank=True, default=staff.models.settings.first_country, max_length=2, null=True
            ),
        ),
    ]
