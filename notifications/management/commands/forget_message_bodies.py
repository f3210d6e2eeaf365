"""Empty the words of old messages; the log of what was sent to whom and when stays."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.retention import forget_bodies


class Command(BaseCommand):
    help = "Empty text, HTML and calendar of messages older than N days. Run it daily from cron."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--older-than-days", type=int, required=True, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["older_than_days"]
        if not 0 <= days <= 36_500:
            raise CommandError("--older-than-days must be from 0 to 36500.")
        forgotten = forget_bodies(before=timezone.now() - timedelta(days=days))
        self.stdout.write(f"{forgotten} message bodies forgotten.")
