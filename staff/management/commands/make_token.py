"""`manage.py make_token EMAIL`: a Bearer token for the API, on standard output."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from knox.models import AuthToken
from knox.settings import knox_settings

from staff.models import Staff
from staff.wire.addresses import login_address


class Command(BaseCommand):
    help = "Print a token for the header 'Authorization: Bearer <token>' of this staff member."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--hours", type=int, help="how long it is valid; 8 unless said")

    def handle(self, *args: Any, **options: Any) -> None:
        person = Staff.objects.filter(email=login_address(options["email"])).first()
        if person is None:
            raise CommandError(f"Nobody has the address {options['email']}; `make_admin` makes somebody.")
        if not person.is_active:
            raise CommandError(f"{person.email} is deactivated and cannot log in.")
        hours = options["hours"]
        if hours is not None and not 1 <= hours <= 24 * 365:
            raise CommandError("--hours goes from 1 to 8760.")
        expiry = knox_settings.TOKEN_TTL if hours is None else timedelta(hours=hours)
        _row, token = AuthToken.objects.create(person, expiry=expiry)
        self.stdout.write(token)
