"""`manage.py erase_client ID`: the person goes, the salon's books stay."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from bookings.personal_data import UpcomingBookings, erase_client
from staff.access.actor import Actor
from staff.wire.refusals import Conflict, NotFound

ACTOR = Actor(type="system", id=None, name="erase_client", channel="command", is_admin=True)


class Command(BaseCommand):
    help = (
        "Erase a client's personal data for good. Bookings, prices and the history of changes stay without "
        "the person. Backups made before still hold it: erase again after restoring one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_id", type=int, metavar="ID")
        parser.add_argument(
            "--cancel",
            action="store_true",
            help="cancel the bookings still to come, without a mail; refused otherwise",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            erased = erase_client(
                client_id=options["client_id"],
                cancel_upcoming=options["cancel"],
                actor=ACTOR,
                now=timezone.now(),
            )
        except UpcomingBookings as refused:
            raise CommandError(f"{refused.message} Or say --cancel.") from refused
        except (Conflict, NotFound) as refused:
            raise CommandError(refused.message) from refused
        self.stdout.write(
            f"Client {options['client_id']} is erased: {erased.bookings} bookings kept without the person "
            f"({erased.cancelled} of them cancelled now), {erased.messages} messages emptied."
        )
