"""What the tests of public pages need: a request, a visit, an offer, and everything that is stored."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from bookings import lifecycle, waitlist
from bookings.lifecycle.book import Order
from bookings.models import Booking, WaitlistEntry, WaitlistOffer
from clients.models import Client
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service, Staff
from tests.cast.factories import make_ada, make_alice, make_bea, make_client, make_salon, make_service
from tests.cast.rows import Rows, rows_of

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
START = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""Tuesday 24 November 2026, 10:00 in Amsterdam."""
END = START + timedelta(hours=1)
FACTS = (
    "Service Haircut With Bea Bakker Date Tuesday 24 November 2026 "
    "Time 10:00 to 11:00 (Europe/Amsterdam, CET)"
)
"""What a page says of the booking of the cast."""
OURS = ("staff", "clients", "notifications", "bookings")


@dataclass
class Cast:
    salon: SalonSettings
    service: Service
    bea: Staff
    ada: Staff
    alice: Client

    def order(self, **changes: Any) -> Order:
        fields: dict[str, Any] = {
            "client_id": self.alice.pk,
            "staff_id": self.bea.pk,
            "service_id": self.service.pk,
            "start_at": START,
            "end_at": END,
        }
        return Order(**(fields | changes))

    def booked(self, **changes: Any) -> Booking:
        return lifecycle.book(actor=SYSTEM, order=self.order(**changes)).booking

    def requested(self, **changes: Any) -> Booking:
        """A request that was mailed to Alice and waits for her answer until START at the latest."""
        return self.booked(provisional=True, **changes)

    def completed(
        self, *, client: Client | None = None, start_at: datetime | None = None, **changes: Any
    ) -> Booking:
        """A visit that is over: its feedback link is open."""
        start_at = start_at or NOW - timedelta(days=1)
        booking = self.booked(
            start_at=start_at,
            end_at=start_at + timedelta(hours=1),
            client_id=(client or self.alice).pk,
            **changes,
        )
        return changed(booking, status="completed")

    def offered(self, **changes: Any) -> WaitlistOffer:
        """Alice waits; Bob's slot at START is freed and offered to her."""
        bob = make_client("Bob", "Brown")
        booking = self.booked(client_id=bob.pk)
        day = START.date()
        entry = WaitlistEntry.objects.create(client=self.alice, service=self.service, date=day, **changes)
        lifecycle.cancel(actor=SYSTEM, booking_id=booking.pk)
        return WaitlistOffer.objects.get(entry=entry)


def make_cast(**salon: Any) -> Cast:
    chosen = {"business_phone": "+31 20 123 4567", "reply_to": "hello@salon.example"} | salon
    service = make_service()
    return Cast(
        salon=make_salon(**chosen),
        service=service,
        bea=make_bea(services=[service]),
        ada=make_ada(),
        alice=make_alice(marketing_consent=True),
    )


def changed(booking: Booking, **changes: Any) -> Booking:
    """The booking after the salon changed it."""
    return lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes=changes).booking


def browser(**environ: Any) -> Browser:
    """A browser that sends no CSRF token, to a server that looks for one."""
    return Browser(enforce_csrf_checks=True, **environ)


def everything() -> Rows:
    """Every row of ours: equal before and after what must change nothing."""
    return rows_of(model for app in OURS for model in apps.get_app_config(app).get_models())


def text_of(answer: Any) -> str:
    """What a person reads on the page, entities resolved."""
    body = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", answer.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def heading_of(answer: Any) -> str:
    found = re.search(r"<h1>(.*?)</h1>", answer.content.decode(), re.DOTALL)
    return html.unescape(found[1]) if found else ""


def button_of(answer: Any) -> dict[str, str]:
    """What the page's button posts."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.content.decode())
    return {name: html.unescape(value) for name, value in fields}


def swept(*, now: datetime) -> None:
    """The periodic jobs that end requests and offers nobody took."""
    lifecycle.lapse_due(now=now)
    waitlist.sweep_offers(now=now)


def erased(client: Client) -> None:
    """As after an erasure: the bookings stay without their client."""
    with transaction.atomic():
        Booking.objects.filter(client=client).update(client=None)


def statements_of(call: Callable[[], Any]) -> list[str]:
    """The statements of a call, without those of the throttle's cache and its savepoints."""
    with CaptureQueriesContext(connection) as seen:
        call()
    table = str(settings.CACHES["default"].get("LOCATION", ""))
    return [
        query["sql"]
        for query in seen.captured_queries
        if "SAVEPOINT" not in query["sql"] and not (table and table in query["sql"])
    ]
