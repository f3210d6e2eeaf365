from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("notifications", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                fields=["recipient", "booking_id", "id"],
                condition=Q(state__in=["pending", "claimed"]),
                name="job_live",
            ),
        ),
    ]
