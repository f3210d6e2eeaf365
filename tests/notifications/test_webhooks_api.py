"""/api/webhooks and its pages in admin: shapes, roles, filters, what is refused."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import Job, WebhookDelivery, WebhookEndpoint
from notifications.webhooks.printing import WebhookDeliveryJson
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller, make_key
from tests.cast.webhook_receiver import Receiver
from tests.cast.webhooks import App, add_endpoint, webhook_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

URL = "http://127.0.0.1:9/hooks"


@pytest.fixture
def salon(settings: Any) -> Salon:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    return make_cast()


@pytest.fixture
def app(salon: Salon, clock: Any) -> App:
    return App(salon, Receiver(), clock, add_endpoint(salon, URL))


def states(*wanted: str) -> None:
    """The jobs of the deliveries, oldest first, end so."""
    for job, state in zip(webhook_jobs(), wanted, strict=True):
        Job.objects.filter(pk=job.pk).update(state=state)


# --- Endpoints ---------------------------------------------------------------------------------


def test_adding_an_endpoint_shows_its_secret_this_once(salon: Salon) -> None:
    made = add_endpoint(salon, URL)
    secret = made.pop("secret")
    assert list(made.items()) == [
        ("id", made["id"]),
        ("url", URL),
        ("events", []),
        ("is_active", True),
        ("failing_since", None),
        ("disabled_at", None),
        ("created_at", "2026-03-20 09:00:00"),
    ]
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    who = caller(salon.ada)
    assert who.get(f"/api/webhooks/{made['id']}").json() == made
    assert who.get("/api/webhooks").json() == [made]
    assert who.put(f"/api/webhooks/{made['id']}", {"secret": "whsec_mine"}, format="json").json() == made
    assert WebhookEndpoint.objects.get().secret == secret
    assert add_endpoint(salon, URL)["secret"] != secret


def test_a_change_keeps_what_is_absent(salon: Salon) -> None:
    made = add_endpoint(salon, URL, events=["booking.updated", "booking.created", "booking.updated"])
    assert made["events"] == ["booking.updated", "booking.created"]
    who = caller(salon.ada)
    changed = who.patch(f"/api/webhooks/{made['id']}", {"is_active": False}, format="json")
    assert (changed.status_code, changed.json()["events"], changed.json()["is_active"]) == (
        200,
        ["booking.updated", "booking.created"],
        False,
    )
    assert who.put(f"/api/webhooks/{made['id']}", {"events": []}, format="json").json()["events"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": 5}, "url"),
        ({"url": ""}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": URL, "events": "booking.created"}, "events"),
        ({"url": URL, "events": ["booking.exploded"]}, "events.0"),
        ({"url": URL, "events": [1]}, "events.0"),
        ({"url": URL, "is_active": "yes"}, "is_active"),
    ],
)
def test_a_bad_body_is_400_and_stores_nothing(salon: Salon, body: dict[str, Any], field: str) -> None:
    answer = caller(salon.ada).post("/api/webhooks", body, format="json")
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert not WebhookEndpoint.objects.exists()


def test_endpoints_are_searched_filtered_and_paged(salon: Salon) -> None:
    first, second = add_endpoint(salon, URL), add_endpoint(salon, f"{URL}/till", is_active=False)
    who = caller(salon.ada)

    def ids(query: str) -> list[int]:
        return [each["id"] for each in who.get(f"/api/webhooks?{query}").json()]

    assert ids("") == [first["id"], second["id"]]
    assert (ids("search=till"), ids("is_active=1")) == ([second["id"]], [first["id"]])
    page = who.get("/api/webhooks?page=2&limit=1").json()
    assert ([each["id"] for each in page["items"]], page["total"]) == ([second["id"]], 2)
    assert who.get("/api/webhooks?is_active=perhaps").status_code == 400


def test_only_administrators_come_here(app: App) -> None:
    app.salon.book()
    (delivery,) = app.deliveries()
    _, key = make_key()
    before = list(WebhookEndpoint.objects.values()), len(webhook_jobs())
    one = f"/api/webhooks/{app.endpoint['id']}"
    calls = [
        ("get", "/api/webhooks"),
        ("post", "/api/webhooks"),
        ("get", one),
        ("put", one),
        ("patch", one),
        ("delete", one),
        ("get", f"{one}/deliveries"),
        ("post", f"/api/webhooks/deliveries/{delivery['id']}/replay"),
    ]
    states("done")
    for method, path in calls:
        answers = [
            getattr(caller(who), method)(path, {"url": URL}, format="json").status_code
            for who in (None, app.salon.bea, key)
        ]
        assert answers == [401, 403, 403], (method, path)
    assert (list(WebhookEndpoint.objects.values()), len(webhook_jobs())) == before


def test_what_is_not_there_is_404(app: App) -> None:
    who = caller(app.salon.ada)
    assert [
        who.get("/api/webhooks/900000999").status_code,
        who.put("/api/webhooks/900000999", {"url": "nonsense"}, format="json").status_code,
        who.delete("/api/webhooks/900000999").status_code,
        who.get("/api/webhooks/900000999/deliveries").status_code,
        who.post("/api/webhooks/deliveries/900000999/replay").status_code,
    ] == [404] * 5


# --- The log -----------------------------------------------------------------------------------


def test_deliveries_are_listed_newest_first_filtered_and_paged(app: App) -> None:
    booking = app.salon.book()
    app.salon.put(booking, {"notes": "x"})
    app.salon.delete(booking)
    app.salon.book()
    add_endpoint(app.salon, URL)
    states("done", "dead", "cancelled", "pending")
    WebhookDelivery.objects.filter(event_type="booking.cancelled").update(skipped_at="2026-03-20T08:00:00Z")
    listed = app.deliveries()
    assert [each["state"] for each in listed] == ["delivered", "failed", "skipped", "waiting"]
    assert list(listed[0]) == list(WebhookDeliveryJson.__annotations__)

    def ids(query: str) -> list[int]:
        return [each["id"] for each in app.deliveries(query)]

    first, second, third, fourth = (each["id"] for each in listed)
    assert (ids("?state=failed"), ids("?state=skipped"), ids("?state=cancelled")) == ([second], [third], [])
    assert ids("?type=booking.created") == [first, fourth]
    assert ids(f"?booking_id={booking['id']}&state=delivered") == [first]
    path = f"/api/webhooks/{app.endpoint['id']}/deliveries"
    page = caller(app.salon.ada).get(f"{path}?page=1&limit=3").json()
    assert ([each["id"] for each in page["items"]], page["total"]) == ([fourth, third, second], 4)
    for query in ("state=lost", "type=booking.exploded", "booking_id=x", "page=0"):
        assert caller(app.salon.ada).get(f"{path}?{query}").status_code == 400


def test_the_job_of_a_delivery_is_listed_with_the_others(app: App) -> None:
    booking = app.salon.book()
    (job,) = caller(app.salon.ada).get("/api/jobs?type=webhook.deliver").json()
    assert (job["type"], job["booking_id"], job["state"]) == ("webhook.deliver", booking["id"], "pending")
    assert app.salon.get(booking).status_code == 200
    messages = caller(app.salon.ada).get(f"/api/bookings/{booking['id']}/messages").json()
    assert [each["type"] for each in messages] == ["booking.created"]


# --- Admin -------------------------------------------------------------------------------------


@pytest.fixture
def browser(salon: Salon) -> Browser:
    browser = Browser()
    browser.force_login(salon.ada, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:notifications_{name}", args=args)


def inline(**fields: Any) -> dict[str, Any]:
    """The form of an endpoint, with the management form of its (read-only) deliveries."""
    return {"deliveries-TOTAL_FORMS": 0, "deliveries-INITIAL_FORMS": 0, **fields}


def test_an_endpoint_is_added_in_admin_and_its_secret_shown_once(browser: Browser) -> None:
    answer = browser.post(
        page("webhookendpoint_add"), {"url": URL, "events": ["booking.created"], "is_active": "on"}
    )
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.events, endpoint.is_active) == (URL, ["booking.created"], True)
    assert answer.status_code == 200
    assert endpoint.secret in answer.content.decode()
    for path in (page("webhookendpoint_changelist"), page("webhookendpoint_change", endpoint.pk)):
        shown = browser.get(path)
        assert (shown.status_code, endpoint.secret in shown.content.decode()) == (200, False)


def test_admin_refuses_an_address_that_is_not_public(browser: Browser, settings: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    answer = browser.post(page("webhookendpoint_add"), {"url": URL, "is_active": "on"})
    assert "is not a public address" in answer.content.decode()
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_is_switched_off_and_removed_in_admin(app: App, browser: Browser) -> None:
    booking = app.salon.book()
    path = page("webhookendpoint_change", app.endpoint["id"])
    assert "booking.created" in browser.get(path).content.decode()
    assert browser.post(path, inline(url=f"{URL}/2", events=["booking.created"])).status_code == 302
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.is_active, app.states()) == (f"{URL}/2", False, ["cancelled"])
    app.change(is_active=True, events=[])
    app.salon.put(booking, {"notes": "x"})
    removed = browser.post(page("webhookendpoint_delete", endpoint.pk), {"post": "yes"})
    assert (removed.status_code, WebhookEndpoint.objects.count()) == (302, 0)
    assert [job.state for job in webhook_jobs()] == ["cancelled", "cancelled"]


def test_the_log_in_admin_is_read_only_and_replays_by_post(app: App, browser: Browser) -> None:
    app.salon.book()
    states("dead")
    (delivery,) = app.deliveries()
    path = page("webhookdelivery_change", delivery["id"])
    assert delivery["webhook_id"] in browser.get(path).content.decode()
    assert browser.post(path, {"body": "forged"}).status_code == 403
    assert (
        browser.get(page("webhookdelivery_changelist") + "?state=failed")
        .content.decode()
        .count("booking.created</")
    )
    chosen = {"action": "replay_chosen", "_selected_action": [delivery["id"]]}
    for expected in ("Due once more: 1.", "on its way already"):
        answer = browser.post(page("webhookdelivery_changelist"), chosen, follow=True)
        assert expected in answer.content.decode()
    assert (len(webhook_jobs()), app.states()) == (2, ["waiting"])


def test_staff_without_the_role_do_not_see_the_pages(app: App) -> None:
    browser = Browser()
    browser.force_login(app.salon.bea, backend="django.contrib.auth.backends.ModelBackend")
    assert browser.get(page("webhookendpoint_changelist")).status_code == 302
    assert browser.get(page("webhookdelivery_changelist")).status_code == 302


@pytest.mark.parametrize("count", [2, 60])
def test_the_page_of_an_endpoint_shows_the_newest_only(app: App, browser: Browser, count: int) -> None:
    booking = app.salon.book()
    for number in range(count - 1):
        app.salon.put(booking, {"notes": str(number)})
    with CaptureQueriesContext(connection) as seen:
        shown = browser.get(page("webhookendpoint_change", app.endpoint["id"]))
    assert shown.content.decode().count('class="form-row has_original') == min(count, 20)
    assert len(seen) <= 10, [query["sql"] for query in seen]
