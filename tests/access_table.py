"""The table of the access matrix: who gets what where, with bodies that work; and how to knock.

`RULES_TABLE` says what each kind of caller gets, `ROUTES` which rule holds at a route for a method.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLResolver, get_resolver

from tests.access_cast import HOOK, Caller, House, make_callers, make_house, writes
from tests.factories import PASSWORD

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
READS = ("GET", "HEAD", "OPTIONS")

# `staff` is Bea, whose rows they are; `other` is Cora; `desk` sees all bookings; `native` and the dialects
# are API keys within their mode (beyond it: 403). `404*`: only with the personal agenda on, else ok.
RULES_TABLE = """
rule               anonymous staff other desk  admin native simplespa amelia eagenda
logged in          401       ok    ok    ok    ok    ok     401       401    401
a person           401       ok    ok    ok    ok    403    401       401    401
sees it            401       ok    404*  ok    ok    ok     401       401    401
for Bea            401       ok    403*  ok    ok    ok     401       401    401
one's own line     401       ok    404   404   404   403    401       401    401
one's own hours    401       ok    403   403   ok    403    401       401    401
sees Bea's leave   401       ok    404   ok    ok    ok     401       401    401
Bea's leave        401       ok    404   403   ok    403    401       401    401
admin              401       403   403   403   ok    403    401       401    401
admin or key       401       403   403   403   ok    ok     401       401    401
anyone             ok        ok    ok    ok    ok    ok     ok        ok     ok
anyone but keys    ok        ok    ok    ok    ok    403    401       401    401
nobody knows it    404       404   404   404   404   404    404       404    404
needs signature    400       400   400   400   400   400    400       400    400
simplespa read     401       401   401   401   401   401    ok        401    401
simplespa write    401       401   401   401   401   401    ok        401    401
amelia             403       403   403   403   403   403    403       ok     403
eagenda            401       401   401   401   401   401    401       401    ok
"""

ROUTES: dict[str, dict[str, str]] = {
    "/api/bookings": {"GET": "logged in", "POST": "for Bea"},
    "/api/bookings/changes": {"GET": "logged in"},
    "/api/bookings/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "sees it"),
    "/api/bookings/<id>/events": {"GET": "sees it"},
    "/api/bookings/<id>/messages": {"GET": "sees it"},
    "/api/availability": {"GET": "logged in"},
    "/api/holds": {"POST": "for Bea"},
    "/api/holds/<token>": {"DELETE": "logged in"},
    "/api/clients": {"GET": "logged in", "POST": "logged in"},
    "/api/clients/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "logged in"),
    "/api/clients/<id>/merge": {"POST": "admin or key"},
    "/api/waitlist": {"GET": "logged in", "POST": "logged in"},
    "/api/waitlist/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "logged in"),
    "/api/reviews": {"GET": "logged in"},
    "/api/reviews/summary": {"GET": "logged in"},
    "/api/reviews/<id>": {"GET": "sees it"},
    "/api/staff": {"GET": "logged in", "POST": "admin"},
    "/api/staff/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/services": {"GET": "logged in", "POST": "admin"},
    "/api/services/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/locations": {"GET": "logged in", "POST": "admin"},
    "/api/locations/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/holidays": {"GET": "logged in", "POST": "admin"},
    "/api/holidays/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/working-hours": {"GET": "logged in", "POST": "one's own hours"},
    "/api/working-hours/<id>": {
        "GET": "logged in",
        **dict.fromkeys(("PUT", "PATCH", "DELETE"), "one's own hours"),
    },
    "/api/time-off": {"GET": "logged in", "POST": "one's own hours"},
    "/api/time-off/<id>": {
        "GET": "sees Bea's leave",
        **dict.fromkeys(("PUT", "PATCH", "DELETE"), "Bea's leave"),
    },
    "/api/settings": {"GET": "logged in", "PUT": "admin", "PATCH": "admin"},
    "/api/api-keys": {"GET": "admin", "POST": "admin"},
    "/api/api-keys/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "admin"),
    "/api/followup-sequences": {"GET": "logged in", "POST": "admin"},
    "/api/followup-sequences/<id>": {
        "GET": "logged in",
        **dict.fromkeys(("PUT", "PATCH", "DELETE"), "admin"),
    },
    "/api/notifications": {"GET": "a person"},
    "/api/notifications/unread-count": {"GET": "a person"},
    "/api/notifications/read-all": {"POST": "a person"},
    "/api/notifications/<id>": {"GET": "one's own line"},
    "/api/notifications/<id>/read": {"POST": "one's own line"},
    "/api/jobs": {"GET": "admin"},
    "/api/jobs/<id>": {"GET": "admin"},
    "/api/jobs/<id>/retry": {"POST": "admin"},
    "/api/webhooks": {"GET": "admin", "POST": "admin"},
    "/api/webhooks/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "admin"),
    "/api/webhooks/<id>/deliveries": {"GET": "admin"},
    "/api/webhooks/deliveries/<id>/replay": {"POST": "admin"},
    "/api/auth/login": {"POST": "anyone but keys"},
    "/api/auth/logout": {"POST": "a person"},
    "/api/auth/logout-all": {"POST": "a person"},
    "/api/auth/me": {"GET": "a person"},
    "/api/auth/password": {"POST": "a person"},
    "/api/auth/password-reset": {"POST": "anyone but keys"},
    "/api/auth/password-reset/confirm": {"POST": "anyone but keys"},
    # Without a login. What the token's holder sees: business, first name, service, staff member, time.
    "/api/public/provisional/<token>": {"GET": "anyone"},
    "/api/public/provisional/<token>/accept": {"POST": "anyone"},
    "/api/public/provisional/<token>/decline": {"POST": "anyone"},
    "/api/public/feedback/<token>": {"GET": "anyone", "POST": "anyone"},
    "/api/public/waitlist/<token>": {"GET": "anyone"},
    "/api/public/waitlist/<token>/take": {"POST": "anyone"},
    "/api/public/unsubscribe/<token>": {"GET": "anyone", "POST": "anyone"},
    "/provisional/<token>/accept": {"GET": "anyone", "POST": "anyone"},
    "/provisional/<token>/decline": {"GET": "anyone", "POST": "anyone"},
    "/feedback/<token>": {"GET": "anyone", "POST": "anyone"},
    "/waitlist/<token>": {"GET": "anyone", "POST": "anyone"},
    "/unsubscribe/<token>": {"GET": "anyone", "POST": "anyone"},
    "/password-reset/<token>": {"GET": "anyone", "POST": "anyone"},
    "/pay/<token>": {"GET": "anyone", "POST": "anyone"},
    "/^(?:provisional|feedback|waitlist|unsubscribe|password-reset)(?:/.*)?$": {
        "GET": "nobody knows it",
        "POST": "nobody knows it",
    },
    "/^pay(?:/.*)?$": {"GET": "nobody knows it", "POST": "nobody knows it"},
    "/api/stripe/webhook": {"POST": "needs signature"},
    # Without a login, about the program and not about the salon.
    "/api/schema": {"GET": "anyone"},
    "/api/docs": {"GET": "anyone"},
    "/healthz": {"GET": "anyone"},
    "/readyz": {"GET": "anyone"},
    # The foreign formats: keys of their own dialect and nobody else.
    "/api/v1/appointments.php": {"POST": "simplespa read"},
    "/api/v1/write/appointment-status.php": {"POST": "simplespa write"},
    "/api/v1/clients.php": {"POST": "simplespa read"},
    "/api/v1/services.php": {"POST": "simplespa read"},
    "/api/v1/staff.php": {"POST": "simplespa read"},
    "/wp-admin/admin-ajax.php": {"GET": "amelia", "POST": "amelia"},
    "/api/v3/appointments": {"GET": "eagenda", "POST": "eagenda"},
    "/api/v3/appointments/<key>": dict.fromkeys(("GET", "PATCH", "DELETE"), "eagenda"),
    "/api/v3/appointments/<key>/reschedule": {"PATCH": "eagenda"},
    "/api/v3/calendars": {"GET": "eagenda"},
    "/api/v3/services": {"GET": "eagenda"},
    "/api/v3/people": {"GET": "eagenda"},
    "/api/v3/accounts": {"GET": "eagenda"},
}

ADMIN_SITE = "/admin"
"""Everything under it is one rule, in test_access_admin.py."""

PLACES: dict[str, Callable[[House], Any]] = {
    "/api/bookings/": lambda house: house.booking.pk,
    "/api/holds/": lambda house: house.hold.token,
    "/api/clients/": lambda house: house.bob.pk,
    "/api/waitlist/": lambda house: house.entry.pk,
    "/api/reviews/": lambda house: house.review.pk,
    "/api/staff/": lambda house: house.spare.pk,
    "/api/services/": lambda house: house.service.pk,
    "/api/locations/": lambda house: house.location.pk,
    "/api/holidays/": lambda house: house.holiday.pk,
    "/api/working-hours/": lambda house: house.hours.pk,
    "/api/time-off/": lambda house: house.time_off.pk,
    "/api/api-keys/": lambda house: house.key.pk,
    "/api/followup-sequences/": lambda house: house.sequence.pk,
    "/api/notifications/": lambda house: house.notification.pk,
    "/api/jobs/": lambda house: house.job.pk,
    "/api/webhooks/": lambda house: house.endpoint.pk,
    "/api/webhooks/deliveries/": lambda house: house.delivery.pk,
    "/api/public/provisional/": lambda house: house.request.provisional_token,
    "/api/public/feedback/": lambda house: house.visit.feedback_token,
    "/api/public/waitlist/": lambda house: house.offer.token,
    "/api/public/unsubscribe/": lambda house: house.unsubscribe_token,
    "/provisional/": lambda house: house.request.provisional_token,
    "/feedback/": lambda house: house.visit.feedback_token,
    "/waitlist/": lambda house: house.offer.token,
    "/unsubscribe/": lambda house: house.unsubscribe_token,
    "/password-reset/": lambda house: house.reset_token,
    "/pay/": lambda house: house.fee.pay_token,
    "/api/v3/appointments/": lambda house: house.booking.key,
}
"""What stands in the place of `<...>`, by the beginning of the route."""

QUERIES: dict[tuple[str, str], Callable[[House], dict[str, Any]]] = {
    ("GET", "/api/availability"): lambda house: {
        "service_id": house.service.pk,
        "date_from": house.at(0)[:10],
        "date_to": house.at(4)[:10],
        "explain": 1,
    },
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
    ("POST", "/api/staff"): lambda house: {"name": "New Person", "role": "admin", "email": "new@example.com"},
    ("PUT", "/api/staff/<id>"): lambda house: {"name": "Renamed", "role": "admin"},
    ("POST", "/api/services"): lambda house: {"name": "Colour", "duration_minutes": 90},
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
    ("POST", "/api/webhooks"): lambda house: {"url": HOOK},
    ("PUT", "/api/webhooks/<id>"): lambda house: {"events": ["booking.created"]},
    ("POST", "/api/auth/login"): lambda house: {"email": house.bea.email, "password": PASSWORD},
    ("POST", "/api/auth/password"): lambda house: {"old": PASSWORD, "new": "another horse, another staple"},
    ("POST", "/api/auth/password-reset"): lambda house: {"email": house.bea.email},
    ("POST", "/api/auth/password-reset/confirm"): lambda house: {
        "token": house.reset_token,
        "new": "another horse, another staple",
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
        "attendees": [{"person_key": str(house.bob.key)}],
        "start": {"dateTime": house.at(1, 15).replace(" ", "T") + ":00"},
    },
    ("PATCH", "/api/v3/appointments/<key>"): lambda house: {"status": "IN_PROGRESS"},
    ("PATCH", "/api/v3/appointments/<key>/reschedule"): lambda house: {
        "start": {"dateTime": house.at(1, 15).replace(" ", "T") + ":00"}
    },
}
"""Bodies that work; a PATCH without one takes that of PUT."""

STATUSES = {"/readyz": (200, 503)}
"""Where `ok` is not only 2xx: readiness says what it found."""


@lru_cache
def rules() -> dict[str, dict[str, str]]:
    """Rule -> kind of caller -> what it gets."""
    head, *lines = RULES_TABLE.strip().splitlines()
    kinds = head.split()[1:]
    width = head.index(kinds[0])
    return {line[:width].strip(): dict(zip(kinds, line[width:].split(), strict=True)) for line in lines}


def url_map(patterns: list[Any] | None = None, before: str = "/") -> Iterator[str]:
    """Every route of the product as the URL configuration spells it, `<id:id>` without its converter."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from url_map(each.url_patterns, route)
        else:
            yield re.sub(r"<\w+:(\w+)>", r"<\1>", route)


def is_of_admin(route: str) -> bool:
    return route == ADMIN_SITE or route.startswith(ADMIN_SITE + "/")


def address(route: str, method: str, house: House) -> str:
    """The route with a row that exists in its place; a pattern stands for a cut link."""
    path = route
    if route.startswith("/^"):
        path = "/pay/" if "pay" in route else "/feedback/a/b"
    elif "<" in route:
        start, _, rest = route.partition("<")
        path = f"{start}{PLACES[start](house)}{rest.partition('>')[2]}"
    query = QUERIES.get(("GET" if method == "HEAD" else method, route))
    return path if query is None else f"{path}?{'&'.join(f'{k}={v}' for k, v in query(house).items())}"


def body_of(route: str, method: str, house: House) -> Any:
    body = BODIES.get((method, route)) or (BODIES.get(("PUT", route)) if method == "PATCH" else None)
    return {} if body is None else body(house)


def expected(route: str, method: str, caller: Caller, *, personal: bool) -> tuple[int, ...]:
    """The statuses that are right. OPTIONS is judged as the route's first method, but sees no row."""
    row = ROUTES[route]
    asked = "GET" if method == "HEAD" else method
    name = row.get(asked) or (next(iter(row.values())) if method == "OPTIONS" else None)
    if name is None:
        return (401, 403, 404, 405)
    given = rules()[name][caller.kind]
    if caller.dead and name == "anyone but keys" and caller.name.endswith("key"):
        given = "401"
    reads = (asked in READS and name != "simplespa write") or name == "simplespa read"
    if caller.mode and given != "403" and given != "401" and not name.startswith(OPEN_TO_ALL):
        given = given if caller.mode in ("both", "read" if reads else "write") else "403"
    if given.endswith("*"):
        given = given[:-1] if personal and method != "OPTIONS" else "ok"
    if method == "OPTIONS" and given in ("404", "400"):
        given = "ok"
    if method == "OPTIONS" and is_page(route):
        return (405,)
    return STATUSES.get(route, tuple(range(200, 300))) if given == "ok" else (int(given),)


OPEN_TO_ALL = ("anyone", "nobody", "needs signature")


def is_page(route: str) -> bool:
    """HTML: its own methods and no OPTIONS."""
    return not route.startswith(("/api", "/wp-admin", "/healthz", "/readyz"))


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
            "headers": caller.headers,
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
