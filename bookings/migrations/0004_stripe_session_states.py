"""The states of a Checkout Session are checked by the database, as every other state is."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("bookings", "0003_spent_token"),
    ]

    operations = [
        migrations.AlterField(
            model_name="stripesession",
            name="state",
            field=models.CharField(
                choices=[
                    ("creating", "Creating"),
                    ("doubtful", "Doubtful"),
                    ("open", "Open"),
                    ("processing", "Processing"),
                    ("failed", "Failed"),
                    ("paid", "Paid"),
                    ("surplus", "Surplus"),
                    ("refunded", "Refunded"),
                    ("expired", "Expired"),
                    ("lost", "Lost"),
                    ("refused", "Refused"),
                    ("wrong_amount", "Wrong amount"),
                ],
                default="creating",
                max_length=12,
            ),
        ),
        migrations.AddConstraint(
            model_name="stripesession",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "state__in",
                        [
                            "creating",
                            "doubtful",
                            "open",
                            "processing",
                            "failed",
                            "paid",
                            "surplus",
                            "refunded",
                            "expired",
                            "lost",
                            "refused",
                            "wrong_amount",
                        ],
                    )
                ),
                name="stripe_session_state_known",
            ),
        ),
    ]
