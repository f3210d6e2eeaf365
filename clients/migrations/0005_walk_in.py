"""One client for who walks in (contract §11). The database fills the mark in too, for an older release."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("clients", "0004_searched")]

    operations = [
        migrations.AddField(
            "client", "is_walk_in", models.BooleanField(db_default=False, default=False, editable=False)
        ),
        migrations.AddConstraint(
            "client",
            models.UniqueConstraint(
                condition=models.Q(is_walk_in=True), fields=["is_walk_in"], name="client_one_walk_in"
            ),
        ),
    ]
