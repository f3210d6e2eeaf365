"""`manage.py make_key NAME`: an API key, on standard output."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from staff.access.keys import make_key
from staff.models import ApiKey


class Command(BaseCommand):
    help = "Print a new API key; only its hash is kept."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--dialect", choices=ApiKey.Dialect.values, default=ApiKey.Dialect.NATIVE.value)
        parser.add_argument("--mode", choices=[str(mode.label) for mode in ApiKey.Mode], default="read_write")
        parser.add_argument("--days", type=int, help="how long it is valid; for ever unless said")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name or len(name) > 200:
            raise CommandError("Give the key a name of at most 200 characters.")
        days = options["days"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError("--days goes from 1 to 3650.")
        now = timezone.now()
        fields = {
            "name": name,
            "dialect": options["dialect"],
            "mode": next(mode.value for mode in ApiKey.Mode if mode.label == options["mode"]),
            "expires_at": None if days is None else now + timedelta(days=days),
        }
        _key, secret = make_key(fields=fields, by=None, now=now)
        self.stdout.write(secret)
