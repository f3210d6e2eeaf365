"""The database fills in what an older release does not know of holds and of who waits (docs/adr/0107)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("bookings", "0019_kept_totals")]

    operations = [
        migrations.AlterField("hold", "persons", models.PositiveIntegerField(db_default=1, default=1)),
        migrations.AlterField(
            "waitlistentry", "searched", models.TextField(db_default="", default="", editable=False)
        ),
    ]
