"""A line for the desk about a client (contract §6a). The database fills it in too, for an older release."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("clients", "0002_plain_texts"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="alert",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="What the desk must not miss, in one line. The client never sees it.",
                max_length=200,
            ),
        ),
    ]
