"""`manage.py export_client ID`: everything we hold about a client, as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from bookings.personal_data import export_client
from staff.models import SalonSettings
from staff.wire.refusals import NotFound


class Command(BaseCommand):
    help = "Write everything about a client as JSON: to standard output, or to a new FILE."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("client_id", type=int, metavar="ID")
        parser.add_argument("file", type=Path, metavar="FILE", nargs="?")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = export_client(
                client_id=options["client_id"], salon=SalonSettings.load(), now=timezone.now()
            )
        except NotFound as refused:
            raise CommandError(refused.message) from refused
        text = json.dumps(found, indent=2, ensure_ascii=False)
        file: Path | None = options["file"]
        if file is None:
            self.stdout.write(text)
            return
        try:
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"Cannot write {file}: {error.strerror}") from error
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write(f"{text}\n")
        self.stdout.write(f"{file}: {len(found['bookings'])} bookings, {len(found['messages'])} messages.")
