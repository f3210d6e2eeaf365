"""`manage.py first_run`: bring the database up to date and make the first admin; safe to repeat."""

from __future__ import annotations

import json
import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from staff.management.expanding import migrate
from staff.management.first_logins import keep_login, kept_logins
from staff.models import Staff
from staff.wire.addresses import login_address

DEFAULT_ADMIN_EMAIL = "admin@example.com"


class Command(BaseCommand):
    help = "Migrate, make the first admin and, with DEMO=1, the demo salon; then say how to begin."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        migrate()
        call_command("createcachetable", verbosity=0)
        self._make_first_admin()
        if settings.DEMO and "demo" in get_commands():
            call_command("demo", stdout=self.stdout)
        self._say_how_to_begin()

    def _make_first_admin(self) -> None:
        if Staff.objects.filter(role=Staff.Role.ADMIN, is_active=True).exists():
            return
        email = login_address(settings.ADMIN_EMAIL or DEFAULT_ADMIN_EMAIL)
        password = settings.ADMIN_PASSWORD or secrets.token_urlsafe(9)
        Staff.objects.create_superuser(email, password, name="Admin")
        if not settings.ADMIN_PASSWORD:
            keep_login(role="admin", email=email, password=password)

    def _say_how_to_begin(self) -> None:
        address = settings.PUBLIC_URL
        logins = kept_logins()
        lines = [
            "",
            f"  Bookings       {address}",
            f"  Admin pages    {address}/admin/",
            f"  API            {address}/api/docs",
            "",
        ]
        for login in logins:
            lines.append(f"  {login.role:<6} {login.email:<28} {login.password}")
        if logins:
            body = json.dumps({"email": logins[0].email, "password": logins[0].password})
        else:
            body = json.dumps({"email": settings.ADMIN_EMAIL or DEFAULT_ADMIN_EMAIL, "password": "..."})
            lines.append(
                "  Logins were made earlier; `manage.py changepassword <email>` sets a new password."
            )
        lines += [
            "",
            "  Try:",
            f"  curl -s {address}/api/auth/login -H 'Content-Type: application/json' -d '{body}'",
            "",
            "  Ctrl-C stops everything.",
            "",
        ]
        self.stdout.write("\n".join(lines))
