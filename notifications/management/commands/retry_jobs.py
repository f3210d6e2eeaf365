"""Try again what was given up: one job, a type, or everything that is dead."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications import outbox
from notifications.models import Job
from staff.wire.refusals import Conflict, NotFound


class Command(BaseCommand):
    help = (
        "Make dead jobs due again: --dead all of them, --type those of one type, --id one job, which may "
        "also be uncertain (its mail may then arrive twice, with the same Message-ID)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--id", type=int, help="this job, dead or uncertain")
        parser.add_argument("--type", help="dead jobs of this type, such as booking.created")
        parser.add_argument("--dead", action="store_true", help="every dead job")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["id"] is None and not options["type"] and not options["dead"]:
            raise CommandError("Say which jobs: --id, --type or --dead.")
        if options["id"] is not None:
            self._retry_one(options["id"])
            return
        retried = sum(self._retried(job_id) for job_id in _dead(options["type"]))
        self.stdout.write(f"{retried} jobs are due again.")

    def _retry_one(self, job_id: int) -> None:
        try:
            outbox.retry(job_id, now=timezone.now())
        except (NotFound, Conflict) as refused:
            raise CommandError(refused.message) from refused
        self.stdout.write(f"Job {job_id} is due again.")

    def _retried(self, job_id: int) -> bool:
        """Whether it was still dead when its turn came."""
        try:
            outbox.retry(job_id, now=timezone.now())
        except (NotFound, Conflict):
            return False
        return True


def _dead(job_type: str | None) -> list[int]:
    dead = Job.objects.filter(state=Job.State.DEAD)
    if job_type:
        dead = dead.filter(type=job_type)
    return list(dead.order_by("id").values_list("id", flat=True))
