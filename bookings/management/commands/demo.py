"""`manage.py demo`: fill an empty installation with a salon to try things on; safe to repeat."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from bookings.demo import NotEmpty, make_demo_salon


class Command(BaseCommand):
    help = (
        "Make the demo salon, once, in an empty installation: staff, services, clients and two weeks of "
        "bookings around today. Its clients are never mailed; the logins are in DATA_DIR/demo-logins.txt."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_demo_salon(now=timezone.now())
        except NotEmpty as refused:
            self.stdout.write(refused.message)
            return
        if made.bookings:
            self.stdout.write(
                f"Demo salon: {made.staff} staff, {made.services} services, {made.clients} clients, "
                f"{made.bookings} bookings around today."
            )
        else:
            self.stdout.write("The demo salon is there already.")
