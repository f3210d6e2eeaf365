"""`manage.py restore FILE`: fill an empty database from a backup; nothing leaves until it is released."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from bookings import lifecycle, waitlist
from config.management.database_copies import restore
from notifications.held_after_restore import hold_all


class Command(BaseCommand):
    help = (
        "Fill this database, which must be empty, from a FILE that `backup` wrote. Every job is parked: no "
        "mail leaves until `release_jobs`. Start web and workers afterwards."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        restore(options["file"])
        call_command("migrate", interactive=False, verbosity=0)
        call_command("createcachetable", verbosity=0)
        now = timezone.now()
        # What has run out since the backup was made: the old installation has told of it already.
        while lifecycle.lapse_due(now=now):
            pass
        waitlist.sweep_offers(now=now)
        self.stdout.write(
            f"Restored. {hold_all()} jobs are parked: no mail about the past leaves before "
            "`manage.py release_jobs --overdue=count-as-sent` (or =send)."
        )
