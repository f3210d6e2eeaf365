"""What booking systems got wrong (reliability §3), tried on the whole way from the wire to the inbox.

Owners and roles: test_access_matrix. Pages: test_pages_shell. Money: test_noshow_fee, test_stripe_webhook.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.conf import settings as django_settings
from django.db import transaction
from django.test import Client
from icalendar import Calendar

from notifications.execution import run_due
from notifications.models import Job, Message
from tests.cast.access import ZONE, Caller, House, moment
from tests.cast.access_calls import PLACES, Knocker, best_of, body_of, standing
from tests.cast.access_table import ROUTES
from tests.cast.bookings import make_cast
from tests.cast.factories import caller
from tests.cast.outbox import Sink
from tests.cast.pages import everything

pytestmark = pytest.mark.django_db

NASTY = (
    "<b>bold</b><script>alert(1)</script>",
    "=cmd()|'/c calc'!A1",
    '"><img src=x onerror=alert(1)>',
    "{{ 7|add:7 }}{% debug %}",
    "';DROP TABLE staff_staff;--",
)
MARK = "marked-by-eve"
NUMBER = 98765


# --- names on their way to mails, invitations and admin --------------------------------------------


@pytest.mark.parametrize("nasty", NASTY)
def test_a_name_is_words_from_the_api_to_the_inbox_and_to_admin(nasty: str, sink: Sink) -> None:
    salon = make_cast()
    desk = caller(salon.ada)
    client = {"first_name": nasty, "last_name": nasty, "email": "eve@example.com", "notes": nasty}
    made = desk.post("/api/clients", client, format="json")
    assert made.status_code == 201, made.content
    booking = salon.order(client_id=made.json()["id"], notes=nasty, internal_notes=nasty, **tomorrow())
    booked = desk.post("/api/bookings", booking, format="json").json()
    assert booked["client_name"] == f"{nasty} {nasty}"
    run_due(at_most=10)

    (letter,) = sink.mails
    assert letter.get_all("To") == ["eve@example.com"]
    assert {name.lower() for name in letter} & {"bcc", "cc", "x-evil"} == set()
    html = letter.get_body(("html",)).get_content()  # type: ignore[union-attr]
    for tag in ("<b>bold", "<script", "<img src=x"):
        assert tag not in html
    invitations = [part for part in letter.walk() if part.get_content_type() == "text/calendar"]
    assert invitations
    for each in invitations:
        calendar = Calendar.from_ical(each.get_payload(decode=True))  # type: ignore[arg-type]
        assert len(calendar.walk("VEVENT")) == 1

    browser = Client()
    browser.force_login(salon.ada, backend="django.contrib.auth.backends.ModelBackend")
    message = Message.objects.get(booking_id=booked["id"])
    for page in (
        "/admin/bookings/booking/",
        f"/admin/bookings/booking/{booked['id']}/change/",
        f"/admin/clients/client/{made.json()['id']}/change/",
        "/admin/clients/client/",
        "/admin/notifications/notification/",
        "/admin/notifications/message/",
        f"/admin/notifications/message/{message.pk}/change/",
        f"/admin/notifications/message/{message.pk}/html/",
    ):
        answer = browser.get(page)
        assert answer.status_code == 200, page
        shown = answer.content.decode()
        assert "<script>alert" not in shown and "<b>bold" not in shown and "<img src=x" not in shown, page
        assert "14{" not in shown, page


@pytest.mark.parametrize("nasty", ["Bob\r\nBcc: x@evil.example", "Bob\nSubject: hello", "Bob\u2028Bcc: x"])
def test_a_name_of_several_lines_is_refused(nasty: str) -> None:
    salon = make_cast()
    before = everything()
    for path, body in (
        ("/api/clients", {"first_name": nasty}),
        ("/api/clients", {"first_name": "Bob", "last_name": nasty}),
        ("/api/clients", {"first_name": "Bob", "email": f"{nasty}@example.com"}),
        ("/api/staff", {"name": nasty}),
        ("/api/services", {"name": nasty, "duration_minutes": 30}),
        ("/api/settings", {"business_name": nasty}),
        ("/api/settings", {"reply_to": f"{nasty}@example.com"}),
    ):
        verb = "put" if path == "/api/settings" else "post"
        answer = getattr(caller(salon.ada), verb)(path, body, format="json")
        assert answer.status_code == 400, (path, body)
    after = everything()
    after.pop("staff.SalonSettings"), before.pop("staff.SalonSettings")
    assert after == before


# --- who builds the links ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_X_FORWARDED_HOST": "evil.example", "HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_FORWARDED": "host=evil.example"},
        {"HTTP_X_ORIGINAL_HOST": "evil.example", "HTTP_X_HOST": "evil.example"},
        {"HTTP_ORIGIN": "https://evil.example", "HTTP_REFERER": "https://evil.example/"},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "evil.example:80@testserver"},
    ],
    ids=str,
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_no_header_builds_a_link_in_a_mail(forged: dict[str, str], proxies: int, settings: Any) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if proxies else None
    salon = make_cast()
    desk = caller(salon.ada)
    order = salon.order(provisional=True, **tomorrow())
    booked = desk.post("/api/bookings", order, format="json", **forged)
    reset = caller().post("/api/auth/password-reset", {"email": salon.bea.email}, format="json", **forged)
    if "HTTP_HOST" in forged:
        assert (booked.status_code, reset.status_code) == (400, 400)
        assert not Job.objects.exists()
        return
    assert (booked.status_code, reset.status_code) == (200, 202)
    run_due(at_most=10)
    written = list(Message.objects.values("subject", "html", "text", "to"))
    assert len(written) == 2
    assert "evil.example" not in str(written)
    assert all(django_settings.PUBLIC_URL in each["text"] for each in written)


@pytest.mark.parametrize(
    "base_url",
    [
        "https://evil.example",
        "https://127.0.0.1:8000.evil.example",
        "http://127.0.0.1:8000@evil.example",
        "//evil.example",
        "javascript:alert(1)",
        "http://127.0.0.1:8000\\@evil.example",
        "http://127.0.0.1:8000/?next=https://evil.example",
        "http://127.0.0.1:8000/#https://evil.example",
    ],
)
def test_no_base_url_of_somebody_else_is_taken(base_url: str) -> None:
    salon = make_cast()
    before = everything()
    order = salon.order(provisional=True, base_url=base_url)
    assert caller(salon.ada).post("/api/bookings", order, format="json").status_code == 400
    asked = {"email": salon.bea.email, "base_url": base_url}
    assert caller().post("/api/auth/password-reset", asked, format="json").status_code == 400
    assert everything() == before


def tomorrow() -> dict[str, str]:
    """A time to come: nothing is mailed about the past."""
    start, end = (moment(0, hour).astimezone(ZONE) for hour in (10, 11))
    return {"start_at": f"{start:%Y-%m-%d %H:%M}", "end_at": f"{end:%Y-%m-%d %H:%M}"}


# --- mass assignment ---------------------------------------------------------------------------------

HOSTILE: dict[str, Any] = {
    "id": NUMBER,
    "pk": NUMBER,
    "key": str(uuid.UUID(int=NUMBER)),
    "uuid": str(uuid.UUID(int=NUMBER)),
    "version": NUMBER,
    "sequence": NUMBER,
    "session_id": NUMBER,
    "created_at": "2001-01-01 00:00:00",
    "updated_at": "2001-01-01 00:00:00",
    "provisional_token": MARK,
    "provisional_expires_at": "2030-01-01 00:00:00",
    "feedback_token": MARK,
    "pay_token": MARK,
    "unsubscribe_token": MARK,
    "token": MARK,
    "secret": MARK,
    "secret_hash": MARK,
    "prefix": MARK,
    "price": "0.01",
    "amount_minor": 1,
    "client_name": MARK,
    "source": MARK,
    "status_detail": "paid",
    "foreign_data": {"mark": MARK},
    "party": str(uuid.UUID(int=NUMBER)),
    "announced_as": "scheduled",
    "amelia_deleted": True,
    "role": "admin",
    "is_staff": True,
    "is_superuser": True,
    "sees_all_bookings": True,
    "user_permissions": [1],
    "groups": [1],
    "last_used_at": "2001-01-01 00:00:00",
    "revoked_at": "2001-01-01 00:00:00",
    "rate": NUMBER,
    "no_show_count": NUMBER,
    "archived_at": "2001-01-01 00:00:00",
    "merged_into": NUMBER,
    "merged_into_id": NUMBER,
    "last_offered_at": "2001-01-01 00:00:00",
    "state": "done",
    "attempts": NUMBER,
    "is_read": True,
    "failing_since": "2001-01-01 00:00:00",
    "disabled_at": "2001-01-01 00:00:00",
    "actor": {"type": "staff", "id": NUMBER, "name": MARK},
    "door": MARK,
    "staff": NUMBER,
    "client": NUMBER,
    "service": NUMBER,
}
OPEN_HERE = {
    "/api/bookings": {"price", "status_detail"},
    "/api/services": {"price"},
    "/api/staff": {"role", "sees_all_bookings"},
    "/api/auth/password-reset/confirm": {"token"},
}
"""Which of these names a route takes in earnest, for its administrators."""
WRITES = [
    (method, route)
    for route, row in ROUTES.items()
    for method in ("POST", "PUT", "PATCH")
    if method in row
    and not route.startswith(("/^", "/api/stripe", "/api/channels/<id>/", "/book", "/api/dry-run"))
]
"""The form of the booking page is read by its own test (tests/bookings/test_book_pages.py), what providers of
texts send by tests/notifications/test_texts_receipts.py and its neighbour; a dry run leaves nothing."""


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[House, dict[str, Caller]]]:
    with standing(django_db_blocker) as made:
        yield made


@pytest.mark.parametrize(("method", "route"), WRITES)
@pytest.mark.first_pass_alone(why="what a body may set is decided before anything is stored")
def test_what_a_caller_may_not_set_stays_unset(
    method: str, route: str, house: tuple[House, dict[str, Caller]]
) -> None:
    rooms, callers = house
    who = best_of(route, method, callers)
    allowed = next((OPEN_HERE[start] for start in OPEN_HERE if route.startswith(start)), set())
    body = body_of(route, method, rooms)
    hostile = {name: value for name, value in HOSTILE.items() if name not in allowed} | body
    with time_machine.travel(datetime.now(UTC), tick=False):
        plain, again, marked = (
            stored_after(rooms, who, method, route, each) for each in (body, body, hostile)
        )
    noise = {place for place, value in plain.items() if again.get(place) != value}
    assert set(plain) == set(marked), "rows came or went"
    differing = {
        place: (value, marked[place])
        for place, value in plain.items()
        if place not in noise and marked[place] != value
    }
    assert not differing
    fresh = {place: value for place, value in marked.items() if place in noise}
    assert MARK not in str(fresh) and str(NUMBER) not in str(fresh)


def stored_after(
    house: House, who: Caller, method: str, route: str, body: dict[str, Any]
) -> dict[tuple[str, int, str], Any]:
    """Every value of every row after the call, which is then taken back: (table, row, column) -> value."""
    knock = Knocker(house)
    with transaction.atomic():
        response = knock.send(route, method, who, body)
        assert 200 <= response.status_code < 400, (response.status_code, response.content)
        rows = everything()
        transaction.set_rollback(True)
    return {
        (table, number, column): value
        for table, found in rows.items()
        for number, row in enumerate(found)
        for column, value in row.items()
        if column not in ("id", "once_key", "last_used_at", "recent_writes")
    }


# --- links: what they show, and for what they are good -------------------------------------------------

SHOWN = {
    "/api/public/provisional/<token>": {
        *("business_name", "client_first_name", "service_name", "staff_name"),
        *("start_at", "end_at", "timezone", "status", "expires_at"),
    },
    "/api/public/visits/<token>": {
        *("business_name", "business_phone", "business_address", "client_first_name", "status"),
        *("start_at", "end_at", "timezone", "items", "total_price", "currency", "notes"),
        *("client_confirmed_at", "cancelling", "moving", "shown"),
    },
    "/api/public/visits/<token>/availability": {"timezone", "step_minutes", "days"},
    "/api/public/feedback/<token>": {
        *("business_name", "client_first_name", "service_name", "start_at", "end_at", "timezone"),
    },
    "/api/public/waitlist/<token>": {
        *("business_name", "client_first_name", "service_name", "staff_name"),
        *("start_at", "end_at", "timezone", "held", "expires_at"),
    },
    "/api/public/unsubscribe/<token>": {"business_name", "marketing_consent"},
    "/api/public/catalogue": {
        *("business_name", "timezone", "currency", "online_booking", "policy_version", "policy_text"),
        *("locations", "categories"),
    },
    "/api/public/availability": {"timezone", "days"},
    "/api/public/challenge": {"algorithm", "challenge", "maxnumber", "salt", "signature"},
    "/healthz": None,
    "/readyz": None,
    "/api/schema": None,
    "/": None,
    "/robots.txt": None,
    "/favicon.ico": None,
    "/embed.js": None,
    "/agenda": None,
    "/book": None,
    "/book/<location>": None,
    "/api/docs": None,
    "/provisional/<token>/accept": None,
    "/provisional/<token>/decline": None,
    "/feedback/<token>": None,
    "/waitlist/<token>": None,
    "/unsubscribe/<token>": None,
    "/password-reset/<token>": None,
    "/pay/<token>": None,
    "/v/<token>": None,
    "/v/<token>/confirm": None,
    "/v/<token>/cancel": None,
    "/v/<token>/move": None,
    "/v/<token>/note": None,
    "/v/<token>/calendar.ics": None,
    "/calendar/<token>.ics": None,
}
"""Everything that can be read without a login; the keys of JSON about a booking, None for the rest."""


def test_what_is_read_without_a_login_is_listed(house: tuple[House, dict[str, Caller]]) -> None:
    rooms, callers = house
    knock, readable = Knocker(rooms), {}
    for route in ROUTES:
        response, _ = knock(route, "GET", callers["anonymous"])
        if response.status_code < 300 or route == "/readyz":
            readable[route] = response
    assert set(readable) == set(SHOWN)
    for route, keys in SHOWN.items():
        if keys is not None:
            assert set(readable[route].json()) == keys, route


def test_a_token_opens_one_kind_of_door_only(house: tuple[House, dict[str, Caller]]) -> None:
    rooms, callers = house
    tokens = {start: place(rooms) for start, place in PLACES.items() if "token" in start or is_link(start)}
    knock = Knocker(rooms)
    for route in ROUTES:
        if "<token>" not in route or route.startswith(("/api/holds", "/api/dry-run")):
            continue
        own = next(value for start, value in tokens.items() if route.startswith(start))
        for foreign in {*tokens.values()} - {own}:
            for method in ROUTES[route]:
                path = route.replace("<token>", str(foreign))
                body = body_of(route, method, rooms)
                status = knock.send_to(path, method, callers["anonymous"], body).status_code
                assert status in (404, 410), (method, path, status)


def is_link(start: str) -> bool:
    return start.startswith("/api/public/") or not start.startswith("/api")
