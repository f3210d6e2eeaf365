"""`manage.py make_admin EMAIL`: make an administrator, or make somebody one."""

from __future__ import annotations

import secrets
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from staff.models import Staff
from staff.salon.people import change_person, hire
from staff.wire.addresses import BadAddress, mail_address
from staff.wire.refusals import Refused


class Command(BaseCommand):
    help = (
        "Make an administrator. Without --password or --password-stdin a new person gets a random password, "
        "which is printed; an existing person keeps theirs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", help="of a new person; else what stands before the @")
        password = parser.add_mutually_exclusive_group()
        password.add_argument("--password", help="visible to others on this machine; better --password-stdin")
        password.add_argument("--password-stdin", action="store_true", help="read it from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        email = _checked(options["email"])
        password = sys.stdin.readline().rstrip("\r\n") if options["password_stdin"] else options["password"]
        if password == "":
            raise CommandError("The password is empty.")
        person = Staff.objects.filter(email=email).first()
        try:
            if person is None:
                self._hire(email, name=options["name"], password=password)
            else:
                self._promote(person, password=password)
        except Refused as refused:
            raise CommandError(refused.message) from refused

    def _hire(self, email: str, *, name: str | None, password: str | None) -> None:
        given = password or secrets.token_urlsafe(12)
        hire(
            fields={
                "name": name or email.partition("@")[0],
                "email": email,
                "password": given,
                "role": Staff.Role.ADMIN,
                "bookable": False,
            }
        )
        self.stdout.write(f"Made administrator {email}.")
        if password is None:
            self.stdout.write(f"Password: {given}")

    def _promote(self, person: Staff, *, password: str | None) -> None:
        fields: dict[str, Any] = {"role": Staff.Role.ADMIN, "is_active": True}
        if password is not None:
            fields["password"] = password
        change_person(person.pk, fields=fields)
        self.stdout.write(f"{person.email} is an administrator now.")
        if password is None and not person.has_usable_password():
            self.stdout.write("They have no password yet; give one with --password-stdin.")


def _checked(email: str) -> str:
    try:
        return mail_address(email).lower()
    except BadAddress as wrong:
        raise CommandError(f"{email!r} is not an e-mail address.") from wrong
