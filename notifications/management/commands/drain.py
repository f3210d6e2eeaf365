"""Carry out what is due once, without a broker or a worker."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from notifications import outbox
from notifications.execution import run_due


class Command(BaseCommand):
    help = "Carry out the jobs that are due, once, in this process. A worker may be running at the same time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--at-most", type=int, default=1_000_000, help="stop after so many jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        outbox.release_leases(now=timezone.now())
        taken = run_due(at_most=options["at_most"])
        self.stdout.write(f"{taken} jobs carried out.")
