"""The table of the access matrix: who gets what where.

`RULES_TABLE` says what each kind of caller gets, `ROUTES` which rule holds at a route for a method.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from django.urls import URLResolver, get_resolver

from tests.cast.access import Caller

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
one's own feed     401       ok    404   404   ok    403    401       401    401
one's own hours    401       ok    403   403   ok    403    401       401    401
sees Bea's leave   401       ok    404   ok    ok    ok     401       401    401
Bea's leave        401       ok    404   403   ok    403    401       401    401
admin              401       403   403   403   ok    403    401       401    401
admin or key       401       403   403   403   ok    ok     401       401    401
anyone             ok        ok    ok    ok    ok    ok     ok        ok     ok
anyone but keys    ok        ok    ok    ok    ok    403    401       401    401
anyone: no order   400       400   400   400   400   400    400       400    400
nobody knows it    404       404   404   404   404   404    404       404    404
needs signature    400       400   400   400   400   400    400       400    400
simplespa read     401       401   401   401   401   401    ok        401    401
simplespa write    401       401   401   401   401   401    ok        401    401
amelia             403       403   403   403   403   403    403       ok     403
eagenda            401       401   401   401   401   401    401       401    ok
"""

VISIT_PAGES = ("confirm", "cancel", "move", "note")

CHANGES = ("PUT", "PATCH", "DELETE")
DRY_RUNS = {
    "/api/bookings": ("POST",),
    "/api/bookings/<id>": CHANGES,
    "/api/visits": ("POST",),
    "/api/visits/<id>": CHANGES,
    "/api/holds": ("POST",),
    "/api/holds/<token>": ("DELETE",),
    "/api/settings": ("PUT", "PATCH"),
    "/api/holidays": ("POST",),
    "/api/holidays/<id>": CHANGES,
    "/api/time-off": ("POST",),
    "/api/time-off/<id>": CHANGES,
    "/api/working-hours": ("POST", "PUT"),
    "/api/working-hours/<id>": CHANGES,
    "/api/opening-exceptions": ("POST",),
    "/api/opening-exceptions/<id>": CHANGES,
    "/api/staff/<id>": CHANGES,
    "/api/clients/<id>": CHANGES,
    "/api/clients/<id>/merge": ("POST",),
}
"""The writes that can be asked for before they are done (contract §11), and with which rights: their own."""


def dry_run_of(route: str) -> str:
    return f"/api/dry-run{route.removeprefix('/api')}"


ROUTES: dict[str, dict[str, str]] = {
    "/api/bookings": {"GET": "logged in", "POST": "for Bea"},
    "/api/bookings/changes": {"GET": "logged in"},
    "/api/bookings/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "sees it"),
    "/api/bookings/<id>/events": {"GET": "sees it"},
    "/api/bookings/<id>/messages": {"GET": "sees it", "POST": "sees it"},
    "/api/visits": {"GET": "logged in", "POST": "for Bea"},
    "/api/visits/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "sees it"),
    "/api/visits/<id>/take-over": {"POST": "sees it"},
    "/api/visits/<id>/evidence": {"GET": "admin"},
    "/api/agenda": {"GET": "logged in"},
    "/api/availability": {"GET": "logged in"},
    "/api/holds": {"POST": "for Bea"},
    "/api/holds/<token>": {"DELETE": "logged in"},
    "/api/clients": {"GET": "logged in", "POST": "logged in"},
    "/api/clients/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "logged in"),
    "/api/clients/walk-in": {"POST": "logged in"},
    "/api/clients/<id>/card": {"GET": "logged in"},
    "/api/clients/<id>/merge": {"POST": "admin or key"},
    "/api/waitlist": {"GET": "logged in", "POST": "logged in"},
    "/api/waitlist/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "logged in"),
    "/api/waitlist/<id>/offer": {"POST": "for Bea"},
    "/api/reviews": {"GET": "logged in"},
    "/api/reviews/summary": {"GET": "logged in"},
    "/api/reviews/<id>": {"GET": "sees it"},
    "/api/staff": {"GET": "logged in", "POST": "admin"},
    "/api/staff/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/services": {"GET": "logged in", "POST": "admin"},
    "/api/services/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/services/<id>/durations": {"GET": "logged in", "PUT": "admin", "DELETE": "admin"},
    "/api/locations": {"GET": "logged in", "POST": "admin"},
    "/api/locations/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/holidays": {"GET": "logged in", "POST": "admin"},
    "/api/holidays/<id>": {"GET": "logged in", "PUT": "admin", "PATCH": "admin", "DELETE": "admin"},
    "/api/working-hours": {
        "GET": "logged in",
        **dict.fromkeys(("POST", "PUT"), "one's own hours"),
    },
    "/api/working-hours/<id>": {
        "GET": "logged in",
        **dict.fromkeys(("PUT", "PATCH", "DELETE"), "one's own hours"),
    },
    "/api/opening-exceptions": {"GET": "logged in", "POST": "one's own hours"},
    "/api/opening-exceptions/<id>": {
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
    "/api/calendar-feeds": {"GET": "a person", "POST": "a person"},
    "/api/calendar-feeds/<id>": {"DELETE": "one's own feed"},
    "/api/calendar-feeds/<id>/rotate": {"POST": "one's own feed"},
    "/api/followup-sequences": {"GET": "logged in", "POST": "admin"},
    "/api/followup-sequences/<id>": {
        "GET": "logged in",
        **dict.fromkeys(("PUT", "PATCH", "DELETE"), "admin"),
    },
    "/api/reminder-rules": {"GET": "logged in", "POST": "admin"},
    "/api/reminder-rules/<id>": {
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
    "/api/channels": {"GET": "admin", "POST": "admin"},
    "/api/channels/<id>": dict.fromkeys(("GET", "PUT", "PATCH", "DELETE"), "admin"),
    "/api/channels/<id>/test": {"POST": "admin"},
    # Its provider knows the secret, and signs.
    "/api/channels/<id>/receipts/<secret>": {"GET": "nobody knows it", "POST": "nobody knows it"},
    "/api/channels/<id>/inbound/<secret>": {"GET": "nobody knows it", "POST": "nobody knows it"},
    "/api/opt-outs": {"GET": "a person"},
    "/api/opt-outs/<id>/lift": {"POST": "a person"},
    "/api/inbound-texts": {"GET": "admin"},
    "/api/auth/login": {"POST": "anyone but keys"},
    "/api/auth/logout": {"POST": "a person"},
    "/api/auth/logout-all": {"POST": "a person"},
    "/api/auth/me": {"GET": "a person"},
    "/api/auth/password": {"POST": "a person"},
    "/api/auth/password-reset": {"POST": "anyone but keys"},
    "/api/auth/password-reset/confirm": {"POST": "anyone but keys"},
    # Without a login. What the token's holder sees: business, first name, service, staff member, time.
    "/api/public/visits/<token>": {"GET": "anyone"},
    "/api/public/visits/<token>/confirm": {"POST": "anyone"},
    "/api/public/visits/<token>/cancel": {"POST": "anyone"},
    "/api/public/visits/<token>/note": {"POST": "anyone"},
    "/api/public/visits/<token>/reschedule": {"POST": "anyone"},
    "/api/public/visits/<token>/availability": {"GET": "anyone"},
    "/api/public/provisional/<token>": {"GET": "anyone"},
    "/api/public/provisional/<token>/accept": {"POST": "anyone"},
    "/api/public/provisional/<token>/decline": {"POST": "anyone"},
    "/api/public/feedback/<token>": {"GET": "anyone", "POST": "anyone"},
    "/api/public/waitlist/<token>": {"GET": "anyone"},
    "/api/public/waitlist/<token>/take": {"POST": "anyone"},
    "/api/public/unsubscribe/<token>": {"GET": "anyone", "POST": "anyone"},
    "/api/public/catalogue": {"GET": "anyone"},
    "/api/public/availability": {"GET": "anyone"},
    "/api/public/challenge": {"GET": "anyone"},
    "/api/public/holds": {"POST": "anyone"},
    "/api/public/bookings": {"POST": "anyone"},
    "/provisional/<token>/accept": {"GET": "anyone", "POST": "anyone"},
    "/provisional/<token>/decline": {"GET": "anyone", "POST": "anyone"},
    "/feedback/<token>": {"GET": "anyone", "POST": "anyone"},
    "/waitlist/<token>": {"GET": "anyone", "POST": "anyone"},
    "/unsubscribe/<token>": {"GET": "anyone", "POST": "anyone"},
    "/password-reset/<token>": {"GET": "anyone", "POST": "anyone"},
    "/pay/<token>": {"GET": "anyone", "POST": "anyone"},
    "/v/<token>": {"GET": "anyone"},
    **{f"/v/<token>/{part}": {"GET": "anyone", "POST": "anyone"} for part in VISIT_PAGES},
    "/v/<token>/calendar.ics": {"GET": "anyone"},
    "/calendar/<token>.ics": {"GET": "anyone"},
    "/^(?:provisional|feedback|pay|waitlist|unsubscribe|password-reset|v|calendar)(?:/.*)?$": {
        "GET": "nobody knows it",
        "POST": "nobody knows it",
    },
    "/": {"GET": "anyone"},
    "/robots.txt": {"GET": "anyone"},
    "/favicon.ico": {"GET": "anyone"},
    "/embed.js": {"GET": "anyone"},
    "/agenda": {"GET": "anyone"},
    # A form without anything chosen: the page asks for it.
    "/book": {"GET": "anyone", "POST": "anyone: no order"},
    "/book/done": {"GET": "nobody knows it"},
    "/book/<location>": {"GET": "anyone", "POST": "anyone: no order"},
    "/^book(?:/.*)?$": {"GET": "nobody knows it", "POST": "nobody knows it"},
    "/api/stripe/webhook": {"POST": "needs signature"},
    # Without a login, about the program and not about the salon.
    "/api/schema": {"GET": "anyone"},
    "/api/docs": {"GET": "anyone"},
    "/healthz": {"GET": "anyone"},
    "/readyz": {"GET": "anyone"},
    "/metrics": {"GET": "nobody knows it"},
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

ROUTES |= {
    dry_run_of(route): {method: ROUTES[route][method] for method in methods}
    for route, methods in DRY_RUNS.items()
}

ADMIN_SITE = "/admin"
"""Everything under it is one rule, in tests/whole/test_access_admin.py."""

OPEN_TO_ALL = ("anyone", "nobody", "needs signature")

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


def expected(route: str, method: str, caller: Caller, *, personal: bool) -> tuple[int, ...]:
    """The statuses that are right. OPTIONS is judged as the route's first method, but sees no row; at a dry
    run as at the write."""
    row = ROUTES[route.replace("/api/dry-run", "/api") if method == "OPTIONS" else route]
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


def is_page(route: str) -> bool:
    """HTML: its own methods and no OPTIONS."""
    return not route.startswith(("/api", "/wp-admin", "/healthz", "/readyz", "/metrics"))
