"""The calls of the access matrix: to rows that are there, with bodies that work, and taken back."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone

from bookings.online import challenge
from tests.cast.access import HOOK, Caller, House, make_callers, make_house, moment, writes
from tests.cast.access_table import DRY_RUNS, READS, dry_run_of, expected, is_page
from tests.cast.factories import PASSWORD
from tests.cast.online import solution

PLACES: dict[str, Callable[[House], Any]] = {
    "/api/bookings/": lambda house: house.booking.pk,
    "/api/visits/": lambda house: house.booking.visit_id,
    "/api/holds/": lambda house: house.hold.token,
    "/api/clients/": lambda house: house.bob.pk,
    "/api/waitlist/": lambda house: house.entry.pk,
    "/api/waitlist/<id>/offer": lambda house: house.unoffered.pk,
    "/api/reviews/": lambda house: house.review.pk,
    "/api/staff/": lambda house: house.spare.pk,
    "/api/services/": lambda house: house.service.pk,
    "/api/locations/": lambda house: house.location.pk,
    "/api/holidays/": lambda house: house.holiday.pk,
    "/api/working-hours/": lambda house: house.hours.pk,
    "/api/opening-exceptions/": lambda house: house.exception.pk,
    "/api/time-off/": lambda house: house.time_off.pk,
    "/api/api-keys/": lambda house: house.key.pk,
    "/api/followup-sequences/": lambda house: house.sequence.pk,
    "/api/reminder-rules/": lambda house: house.rule.pk,
    "/api/notifications/": lambda house: house.notification.pk,
    "/api/jobs/": lambda house: house.job.pk,
    "/api/webhooks/": lambda house: house.endpoint.pk,
    "/api/webhooks/deliveries/": lambda house: house.delivery.pk,
    "/api/channels/": lambda house: house.channel.pk,
    "/api/opt-outs/": lambda house: house.opt_out.pk,
    "/api/public/visits/": lambda house: house.page_token,
    "/api/public/provisional/": lambda house: house.request.provisional_token,
    "/api/public/feedback/": lambda house: house.visit.feedback_token,
    "/api/public/waitlist/": lambda house: house.offer.token,
    "/api/public/unsubscribe/": lambda house: house.unsubscribe_token,
    "/api/calendar-feeds/": lambda house: house.feed.pk,
    "/calendar/": lambda house: house.feed_token,
    "/v/": lambda house: house.page_token,
    "/provisional/": lambda house: house.request.provisional_token,
    "/feedback/": lambda house: house.visit.feedback_token,
    "/waitlist/": lambda house: house.offer.token,
    "/unsubscribe/": lambda house: house.unsubscribe_token,
    "/password-reset/": lambda house: house.reset_token,
    "/pay/": lambda house: house.fee.pay_token,
    "/book/": lambda house: house.location.slug,
    "/api/v3/appointments/": lambda house: house.booking.key,
}
"""What stands in the place of `<...>`, by the beginning of the route, or by the whole of it."""

QUERIES: dict[tuple[str, str], Callable[[House], dict[str, Any]]] = {
    ("GET", "/api/availability"): lambda house: {
        "service_id": house.service.pk,
        "date_from": house.at(0)[:10],
        "date_to": house.at(4)[:10],
        "explain": 1,
    },
    ("GET", "/api/public/availability"): lambda house: {"items": f"{house.cut.key}:any"},
    ("GET", "/api/public/visits/<token>/availability"): lambda house: {
        "date_from": house.at(0)[:10],
        "date_to": house.at(4)[:10],
    },
    ("PUT", "/api/working-hours"): lambda house: {"staff_id": house.bea.pk},
    ("DELETE", "/api/services/<id>/durations"): lambda house: {"staff_id": house.bea.pk},
    ("GET", "/wp-admin/admin-ajax.php"): lambda house: {
        "action": "wpamelia_api",
        "call": "/api/v1/appointments",
    },
    ("POST", "/wp-admin/admin-ajax.php"): lambda house: {
        "action": "wpamelia_api",
        "call": f"/api/v1/appointments/status/{house.booking.pk}",
    },
}

BODIES: dict[tuple[str, str], Callable[[House], Any]] = {
    ("POST", "/api/bookings"): lambda house: house.order(),
    ("PUT", "/api/bookings/<id>"): lambda house: (
        {"notes": "changed", "start_at": house.at(1, 11)} | {"end_at": house.at(1, 12)}
    ),
    ("POST", "/api/bookings/<id>/messages"): lambda house: {"type": "confirmation"},
    ("POST", "/api/visits"): lambda house: {
        "client_id": house.bob.pk,
        "items": [{"service_id": house.cut.pk, "staff_id": house.bea.pk}] * 2,
        "start_at": house.at(2, 13),
    },
    ("PUT", "/api/visits/<id>"): lambda house: {"notes": "changed", "start_at": house.at(1, 11)},
    ("POST", "/api/holds"): lambda house: {
        "service_id": house.service.pk,
        "staff_id": house.bea.pk,
        "start_at": house.at(2, 15),
    },
    ("POST", "/api/clients"): lambda house: {"first_name": "Carol"},
    ("PUT", "/api/clients/<id>"): lambda house: {"first_name": "Robert"},
    ("POST", "/api/clients/<id>/merge"): lambda house: {"into": house.alice.pk},
    ("POST", "/api/waitlist"): lambda house: {
        "client_id": house.bob.pk,
        "service_id": house.service.pk,
        "date": house.at(2)[:10],
    },
    ("PUT", "/api/waitlist/<id>"): lambda house: {"notes": "any hour"},
    ("POST", "/api/waitlist/<id>/offer"): lambda house: {
        "staff_id": house.bea.pk,
        "start_at": house.at(3, 15),
    },
    ("POST", "/api/staff"): lambda house: {"name": "New Person", "role": "admin", "email": "new@example.com"},
    ("PUT", "/api/staff/<id>"): lambda house: {"name": "Renamed", "role": "admin"},
    ("POST", "/api/services"): lambda house: {"name": "Colour", "duration_minutes": 90},
    ("PUT", "/api/services/<id>/durations"): lambda house: {
        "staff_id": house.bea.pk,
        "parts": [{"kind": "work", "minutes": 50}],
    },
    ("PUT", "/api/services/<id>"): lambda house: {"price": "99.00"},
    ("POST", "/api/locations"): lambda house: {"name": "North", "slug": "north"},
    ("PUT", "/api/locations/<id>"): lambda house: {"name": "South"},
    ("POST", "/api/holidays"): lambda house: {"date": house.at(40)[:10]},
    ("PUT", "/api/holidays/<id>"): lambda house: {"name": "Renamed"},
    ("POST", "/api/working-hours"): lambda house: {
        "staff_id": house.bea.pk,
        "weekday": 6,
        "opens": "10:00",
        "closes": "12:00",
    },
    ("PUT", "/api/working-hours/<id>"): lambda house: {"closes": "18:00"},
    ("PUT", "/api/working-hours"): lambda house: {
        "hours": [{"weekday": 6, "opens": "10:00", "closes": "12:00"}],
    },
    ("POST", "/api/opening-exceptions"): lambda house: {
        "staff_ids": [house.bea.pk],
        "date_from": house.at(6)[:10],
        "hours": [],
    },
    ("PUT", "/api/opening-exceptions/<id>"): lambda house: {"name": "Renamed"},
    ("POST", "/api/time-off"): lambda house: {
        "staff_id": house.bea.pk,
        "start_at": house.at(9),
        "end_at": house.at(10),
    },
    ("PUT", "/api/time-off/<id>"): lambda house: {"reason": "dentist"},
    ("PUT", "/api/settings"): lambda house: {"business_name": "Another name"},
    ("POST", "/api/api-keys"): lambda house: {"name": "Partner", "mode": "read_write"},
    ("PUT", "/api/api-keys/<id>"): lambda house: {"mode": "read_write"},
    ("POST", "/api/followup-sequences"): lambda house: {"name": "Thanks"},
    ("PUT", "/api/followup-sequences/<id>"): lambda house: {"name": "Renamed"},
    ("POST", "/api/reminder-rules"): lambda house: {"name": "Soon", "when": {"minutes_before": 60}},
    ("PUT", "/api/reminder-rules/<id>"): lambda house: {"when": {"days_before": 1, "at": "18:00"}},
    ("POST", "/api/webhooks"): lambda house: {"url": HOOK},
    ("PUT", "/api/webhooks/<id>"): lambda house: {"events": ["booking.created"]},
    ("POST", "/api/channels"): lambda house: {
        "provider": "seven",
        "name": "SMS",
        "sender": "Salon",
        "credentials": {"api_key": "key"},
    },
    ("PUT", "/api/channels/<id>"): lambda house: {"sender": "Zonne"},
    ("POST", "/api/channels/<id>/test"): lambda house: {"to": "+31612345678"},
    ("POST", "/api/opt-outs/<id>/lift"): lambda house: {"reason": "Asked for it at the desk."},
    ("POST", "/api/calendar-feeds"): lambda house: {"scope": "own", "detail": "full"},
    ("POST", "/api/auth/login"): lambda house: {"email": house.bea.email, "password": PASSWORD},
    ("POST", "/api/auth/password"): lambda house: {"old": PASSWORD, "new": "another horse, another staple"},
    ("POST", "/api/auth/password-reset"): lambda house: {"email": house.bea.email},
    ("POST", "/api/auth/password-reset/confirm"): lambda house: {
        "token": house.reset_token,
        "new": "another horse, another staple",
    },
    ("POST", "/api/public/holds"): lambda house: {
        "items": [{"service": str(house.cut.key)}],
        "start_at": house.at(2, 15),
        "proof": solution(challenge(now=timezone.now())),
    },
    ("POST", "/api/public/bookings"): lambda house: {
        "items": [{"service": str(house.cut.key)}],
        "start_at": house.at(2, 15),
        "first_name": "Noor",
        "last_name": "Visser",
        "email": f"{secrets.token_hex(4)}@example.com",
    },
    ("POST", "/api/public/visits/<token>/confirm"): lambda house: {"shown": house.shown},
    ("POST", "/api/public/visits/<token>/cancel"): lambda house: {"shown": house.shown},
    ("POST", "/api/public/visits/<token>/note"): lambda house: {"shown": house.shown, "notes": "tea, please"},
    ("POST", "/api/public/visits/<token>/reschedule"): lambda house: {
        "shown": house.shown,
        "start_at": house.at(3, 14),
    },
    ("POST", "/v/<token>/confirm"): lambda house: {"shown": house.shown},
    ("POST", "/v/<token>/cancel"): lambda house: {"shown": house.shown},
    ("POST", "/v/<token>/note"): lambda house: {"shown": house.shown, "notes": "tea, please"},
    ("POST", "/v/<token>/move"): lambda house: {
        "shown": house.shown,
        "start": f"{moment(3, 14).isoformat()} {house.bea.pk}",
    },
    ("POST", "/api/public/feedback/<token>"): lambda house: {"rating": 5},
    ("POST", "/feedback/<token>"): lambda house: {"rating": "5"},
    ("POST", "/password-reset/<token>"): lambda house: dict.fromkeys(
        ("new", "again"), "another horse, another staple"
    ),
    ("POST", "/api/v1/appointments.php"): lambda house: {"start": house.at(0)[:10], "end": house.at(5)[:10]},
    ("POST", "/api/v1/write/appointment-status.php"): lambda house: {
        "appointment_id": str(house.booking.pk),
        "status": 25,
    },
    ("POST", "/wp-admin/admin-ajax.php"): lambda house: {"status": "pending", "packageCustomerId": None},
    ("POST", "/api/v3/appointments"): lambda house: {
        "calendar_key": str(house.bea.key),
        "service_list": [str(house.service.key)],
        "attendees": [{"person_key": str(house.bob.key)}],
        "start": {"dateTime": house.at(1, 15).replace(" ", "T") + ":00"},
    },
    ("PATCH", "/api/v3/appointments/<key>"): lambda house: {"status": "IN_PROGRESS"},
    ("PATCH", "/api/v3/appointments/<key>/reschedule"): lambda house: {
        "start": {"dateTime": house.at(1, 15).replace(" ", "T") + ":00"}
    },
}
"""Bodies that work; a PATCH without one takes that of PUT."""

PLACES |= {
    dry_run_of(start): place
    for start, place in PLACES.items()
    if any(route.startswith(f"{start}<") for route in DRY_RUNS)
}
QUERIES |= {
    (method, dry_run_of(route)): query
    for (method, route), query in QUERIES.items()
    if method in DRY_RUNS.get(route, ())
}
BODIES |= {
    (method, dry_run_of(route)): body
    for (method, route), body in BODIES.items()
    if method in DRY_RUNS.get(route, ())
}


def address(route: str, method: str, house: House) -> str:
    """The route with a row that exists in its place; a pattern stands for a cut link."""
    path = route
    if route.startswith("/^"):
        path = "/pay/" if "pay" in route else "/book/a/b" if "book" in route else "/feedback/a/b"
    elif "<" in route:
        start, _, rest = route.partition("<")
        path = f"{start}{PLACES.get(route, PLACES[start])(house)}{rest.partition('>')[2]}"
    query = QUERIES.get(("GET" if method == "HEAD" else method, route))
    return path if query is None else f"{path}?{'&'.join(f'{k}={v}' for k, v in query(house).items())}"


def body_of(route: str, method: str, house: House) -> Any:
    body = BODIES.get((method, route)) or (BODIES.get(("PUT", route)) if method == "PATCH" else None)
    return {} if body is None else body(house)


@contextmanager
def taken_back() -> Iterator[list[str]]:
    """The writing statements of what is done inside, which is then rolled back."""
    savepoint = transaction.savepoint()
    try:
        with writes() as written:
            yield written
    finally:
        transaction.savepoint_rollback(savepoint)


def best_of(route: str, method: str, callers: dict[str, Caller]) -> Caller:
    """Somebody who may."""
    for name in ("admin", "staff", "native both", "simplespa both", "amelia both", "eagenda both"):
        if 200 in expected(route, method, callers[name], personal=False):
            return callers[name]
    return callers["anonymous"]


def _key_for(where: str, number: int) -> dict[str, str]:
    """Who books online names each booking."""
    return {"Idempotency-Key": f"knock-{number:022}"} if where == "/api/public/bookings" else {}


class Knocker:
    """Calls from a new address every time, so that no throttle for an address is met."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.client = Client(raise_request_exception=False)
        self.calls = 0

    def __call__(self, route: str, method: str, caller: Caller) -> tuple[Any, list[str]]:
        """The answer and the writing statements it took; nothing of it stays."""
        with taken_back() as written:
            return self.send(route, method, caller, body_of(route, method, self.house)), written

    def send(self, route: str, method: str, caller: Caller, body: Any) -> Any:
        """The answer, with its `body` read; what it did stays."""
        return self.send_to(address(route, method, self.house), method, caller, body)

    def send_to(self, where: str, method: str, caller: Caller, body: Any) -> Any:
        self.calls += 1
        number = self.calls
        come: dict[str, Any] = {
            "headers": {**caller.headers, **_key_for(where, number)},
            "REMOTE_ADDR": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        }
        if method in READS:
            response = self.client.generic(method, where, **come)
        elif is_page(where) and method == "POST":
            response = self.client.post(where, body, **come)
        else:
            response = self.client.generic(method, where, json.dumps(body), "application/json", **come)
        response.body = b"".join(response.streaming_content) if response.streaming else response.content
        return response


@contextmanager
def standing(django_db_blocker: Any) -> Iterator[tuple[House, dict[str, Caller]]]:
    """One salon for a whole module; whoever calls takes it back."""
    with override_settings(WEBHOOK_ALLOW_PRIVATE=True), django_db_blocker.unblock(), transaction.atomic():
        made = make_house()
        yield made, make_callers(made)
        transaction.set_rollback(True)
