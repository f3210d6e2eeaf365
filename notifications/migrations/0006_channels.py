"""Channels that are not mail, what comes back of them, and which job is a text (contract §10)."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0005_of_a_visit"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="channel",
            field=models.CharField(db_default="email", default="email", max_length=10),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("channel", "sms")), fields=["external_id"], name="job_text"
            ),
        ),
        migrations.AddField(
            model_name="message",
            name="cost",
            field=models.DecimalField(blank=True, decimal_places=4, max_digits=10, null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="currency",
            field=models.CharField(blank=True, db_default="", default="", max_length=3),
        ),
        migrations.AddField(
            model_name="message",
            name="segments",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="messagetext",
            name="text",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The SMS. {salon}, {text} (our sentence) and {link} stand for what they say; without {link} it is put at the end.",
                max_length=480,
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="channel",
            field=models.CharField(
                choices=[("email", "Mail"), ("sms", "SMS")], default="email", max_length=10
            ),
        ),
        migrations.AlterField(
            model_name="message",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "Waiting"),
                    ("sent", "Sent"),
                    ("delivered", "Delivered"),
                    ("kept", "Kept: no mail server is set"),
                    ("not_sent", "Not sent"),
                    ("uncertain", "Uncertain"),
                ],
                default="waiting",
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Channel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(choices=[("sms", "SMS")], default="sms", max_length=10)),
                (
                    "provider",
                    models.CharField(choices=[("seven", "seven.io"), ("twilio", "Twilio")], max_length=20),
                ),
                ("name", models.CharField(max_length=100)),
                ("sender", models.CharField(max_length=40)),
                ("credentials", models.TextField(editable=False)),
                ("secret", models.CharField(editable=False, max_length=64, unique=True)),
                ("is_active", models.BooleanField(default=True)),
                ("daily_cap", models.PositiveIntegerField(default=200)),
                ("unsigned_inbound", models.BooleanField(default=False)),
                ("counted_on", models.DateField(editable=False, null=True)),
                ("counted", models.PositiveIntegerField(default=0, editable=False)),
                ("cap_told_on", models.DateField(editable=False, null=True)),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                ("paused_until", models.DateTimeField(editable=False, null=True)),
                ("down_told_at", models.DateTimeField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("daily_cap__gte", 1)), name="channel_cap_at_least_one"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="message",
            name="sent_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="messages",
                to="notifications.channel",
            ),
        ),
        migrations.CreateModel(
            name="OptOut",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(choices=[("sms", "SMS")], default="sms", max_length=10)),
                ("number", models.CharField(blank=True, default="", max_length=20)),
                ("digest", models.CharField(max_length=64)),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("reply", "They wrote STOP"),
                            ("provider", "The provider refuses the number"),
                        ],
                        max_length=10,
                    ),
                ),
                ("created_at", models.DateTimeField()),
                ("lifted_at", models.DateTimeField(blank=True, null=True)),
                (
                    "lifted_by",
                    models.BigIntegerField(blank=True, help_text="The staff member's number.", null=True),
                ),
                ("lifted_because", models.CharField(blank=True, default="", max_length=300)),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["number"], name="opt_out_number")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at__isnull", True)),
                        fields=("kind", "digest"),
                        name="opt_out_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InboundText",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider_id", models.CharField(max_length=100)),
                ("number", models.CharField(max_length=20)),
                ("client_id", models.BigIntegerField(blank=True, db_index=True, null=True)),
                ("text", models.TextField(blank=True, default="")),
                (
                    "meaning",
                    models.CharField(
                        choices=[
                            ("stop", "Wants no more texts"),
                            ("yes", "Confirmed a visit"),
                            ("other", "For the desk"),
                        ],
                        max_length=10,
                    ),
                ),
                ("received_at", models.DateTimeField()),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="inbound_texts",
                        to="notifications.channel",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["number"], name="inbound_text_number")],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "provider_id"), name="inbound_text_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider_id", models.CharField(max_length=100)),
                ("state", models.CharField(help_text="Our word: sent, delivered or failed.", max_length=20)),
                (
                    "code",
                    models.CharField(
                        blank=True, default="", help_text="The provider's own word.", max_length=60
                    ),
                ),
                ("received_at", models.DateTimeField()),
                (
                    "channel",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="receipts",
                        to="notifications.channel",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["received_at"], name="receipt_received")],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "provider_id", "state"), name="receipt_once")
                ],
            },
        ),
    ]
