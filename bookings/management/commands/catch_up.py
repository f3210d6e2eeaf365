"""`manage.py catch_up`: after an upgrade beside an older release, once that has ended (docs/adr/0107)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Booking, WaitlistEntry
from clients.models import Client
from staff.storage.migrate_texts import fill_searched


class Command(BaseCommand):
    help = (
        "Make whole what an older release wrote while it ran beside this one: visits of its bookings, and "
        "what its clients and waitlist entries are searched by. Run it once the older release has ended; "
        "safe to repeat, and the salon may work on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=7, help="of what was changed so many days ago or less"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        since = now - timedelta(days=options["days"])
        found = lifecycle.catch_up(since=since, now=now)
        clients = fill_searched(
            Client, texts=("first_name", "last_name", "email"), numbers=("phone", "mobile"), since=since
        )
        waiting = fill_searched(WaitlistEntry, texts=("notes",), since=since)
        self.stdout.write(
            f"{found.visits} bookings got their visit, {found.corrected} visits what their bookings say, "
            f"{found.series} series their first booking; {clients} clients and {waiting} waitlist entries "
            "can be searched for."
        )
        left = {
            name: model._default_manager.filter(updated_at__lt=since).count()
            for name, model in (
                ("bookings", Booking),
                ("clients", Client),
                ("waitlist entries", WaitlistEntry),
            )
        }
        if any(left.values()):
            named = ", ".join(f"{number} {name}" for name, number in left.items())
            self.stdout.write(
                f"Left out: {named} that were last changed before {since:%Y-%m-%d %H:%M} UTC. If the older "
                "release ran beside this one before that, repeat this with more --days."
            )
