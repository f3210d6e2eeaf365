"""After a restore: let the held jobs go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from notifications.held_after_restore import release

SEND, COUNT_AS_SENT = "send", "count-as-sent"


class Command(BaseCommand):
    help = (
        "Let the jobs go that a restore has parked. What is still to come is done at its time; --overdue "
        "says what becomes of mails whose time has passed since the backup was made."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--overdue",
            choices=[COUNT_AS_SENT, SEND],
            required=True,
            help="count-as-sent: the old installation has sent them (it ran on after the backup); "
            "send: nobody has (it stopped before).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        released = release(send_overdue=options["overdue"] == SEND, now=timezone.now())
        self.stdout.write(
            f"{released.due_now} jobs are due now, {released.due_later} later, "
            f"{released.counted_as_sent} mails are counted as sent."
        )
