"""manage.py compile_texts: writes the .mo files that Django reads from the .po files that people edit."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.management.catalogues import BadCatalogue, is_current, mo_bytes, po_files, read_po


class Command(BaseCommand):
    help = "Compiles the translations of mails and pages; needs no gettext tools."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="only say whether the .mo files are current")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stale = [path for path in po_files() if not is_current(path)]
            if options["check"] and stale:
                names = ", ".join(str(path) for path in stale)
                raise CommandError(f"Run `manage.py compile_texts`: the texts of {names} have changed.")
            for path in stale:
                path.with_suffix(".mo").write_bytes(mo_bytes(read_po(path)))
                self.stdout.write(f"compiled {path.with_suffix('.mo')}")
        except BadCatalogue as error:
            raise CommandError(str(error)) from error
