"""Front ends on FRONTEND_ORIGINS may call the API from a browser, with a token and never with cookies."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from bookings.models import Booking
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import token_of

pytestmark = pytest.mark.django_db

OURS, FOREIGN = "https://app.salon.example", "https://evil.example"
LOOKALIKES = (
    FOREIGN,
    "null",
    "http://app.salon.example",
    "https://app.salon.example.evil.example",
    "https://app.salon.example:8443",
    "https://evil.example/https://app.salon.example",
    "https://APP.salon.example.",
    "https://sub.app.salon.example",
)
HEADERS = ("authorization", "content-type", "idempotency-key", "if-match", "if-none-match")


@pytest.fixture(autouse=True)
def _front_end(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [OURS]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def preflight(origin: str, path: str = "/api/bookings", method: str = "POST", headers: str = "") -> Any:
    asked = {"origin": origin, "access-control-request-method": method}
    if headers:
        asked["access-control-request-headers"] = headers
    return Client().options(path, headers=asked)


def cors(answer: Any) -> dict[str, str]:
    """What the answer says to a browser of another origin, names in lower case."""
    found = {name.lower(): value for name, value in answer.headers.items()}
    return {name: value for name, value in found.items() if name.startswith("access-control-")}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_preflight_of_our_front_end_is_answered_without_a_login(method: str) -> None:
    answer = preflight(OURS, method=method, headers=", ".join(HEADERS))
    assert answer.status_code == 200
    allowed = cors(answer)
    assert allowed["access-control-allow-origin"] == OURS
    assert method in allowed["access-control-allow-methods"].split(", ")
    assert set(HEADERS) <= set(allowed["access-control-allow-headers"].split(", "))
    assert "origin" in answer.headers["Vary"].lower()


@pytest.mark.parametrize("origin", LOOKALIKES)
@pytest.mark.parametrize("path", ["/api/bookings", "/api/public/provisional/x", "/api/auth/login"])
def test_a_preflight_of_anybody_else_opens_nothing(origin: str, path: str) -> None:
    answer = preflight(origin, path, headers=", ".join(HEADERS))
    assert cors(answer) == {}
    assert not answer.cookies


def test_an_answer_may_be_read_by_our_front_end_only(salon: Salon) -> None:
    token = f"Bearer {token_of(salon.bea)}"
    for origin in (OURS, *LOOKALIKES):
        answer = Client().get("/api/bookings?page=1", headers={"origin": origin, "authorization": token})
        assert answer.status_code == 200
        assert answer.headers.get("Access-Control-Allow-Origin") == (OURS if origin == OURS else None), origin
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_front_end_reads_etag_and_retry_after(salon: Salon) -> None:
    booking = salon.book()
    headers = {"origin": OURS, "authorization": f"Bearer {token_of(salon.bea)}"}
    answer = Client().get(f"/api/bookings/{booking['id']}", headers=headers)
    exposed = {each.lower() for each in answer.headers["Access-Control-Expose-Headers"].split(", ")}
    assert {"etag", "retry-after", "idempotency-replayed"} <= exposed


def test_refusals_may_be_read_too(salon: Salon) -> None:
    for path, status in (("/api/bookings", 401), ("/api/no-such-thing", 404)):
        answer = Client().get(path, headers={"origin": OURS})
        assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (status, OURS)
    malformed = Client().post(
        "/api/auth/login", b"{", content_type="application/json", headers={"origin": OURS}
    )
    assert (malformed.status_code, malformed.headers["Access-Control-Allow-Origin"]) == (400, OURS)


def test_a_session_of_the_admin_site_is_no_login_of_the_api(salon: Salon) -> None:
    browser = Client()
    browser.force_login(salon.ada, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get("/admin/").status_code == 200
    for origin in (OURS, FOREIGN):
        answer = browser.post(
            "/api/bookings", salon.order(), content_type="application/json", headers={"origin": origin}
        )
        assert answer.status_code == 401
    assert Booking.objects.count() == 0


@pytest.mark.parametrize("path", ["/admin/login/", "/provisional/x/accept", "/pay/x", "/static/none.css"])
def test_what_is_not_the_api_is_shared_with_nobody(path: str) -> None:
    assert cors(preflight(OURS, path)) == {}
    assert cors(Client().get(path, headers={"origin": OURS})) == {}
