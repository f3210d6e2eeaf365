"""The database fills in what clients are searched by too, for an older release (docs/adr/0107)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients", "0005_walk_in")]

    operations = [
        migrations.AlterField(
            "client", "searched", models.TextField(db_default="", default="", editable=False)
        ),
    ]
