"""`manage.py backup FILE`: the whole database in one file, while the salon works on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.management.database_copies import back_up


class Command(BaseCommand):
    help = "Write the whole database to a new FILE (pg_dump -Fc, or a SQLite file). The salon may work on."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        back_up(file)
        self.stdout.write(f"{file}: {file.stat().st_size:,} bytes.")
