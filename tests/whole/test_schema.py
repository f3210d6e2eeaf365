"""The OpenAPI document tells the truth: every route, every example, every answer of a day in the salon."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.validation import validate_schema

from config.docs import schema
from tests.cast.bookings import Salon, make_cast, told
from tests.cast.factories import Caller, caller, make_hours, make_key, make_salon
from tests.cast.online import solution

DIALECTS = ("/api/v1/", "/api/v3/")
NOT_DESCRIBED = {"/api/docs"}
METHODS = ("get", "post", "put", "patch", "delete")
WITHOUT_BODY = {
    "/api/calendar-feeds/{id}/rotate",
    "/api/clients/walk-in",
    "/api/webhooks/deliveries/{id}/replay",
    "/api/auth/logout",
    "/api/auth/logout-all",
    "/api/jobs/{id}/retry",
    "/api/notifications/read-all",
    "/api/notifications/{id}/read",
    "/api/public/unsubscribe/{token}",
    "/api/public/waitlist/{token}/take",
    "/api/visits/{id}/take-over",
}


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in schema()["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _routes(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, Any]]:
    """Path as the document writes it, and the view class behind it."""
    for entry in patterns:
        if isinstance(entry, URLResolver):
            yield from _routes(entry.url_patterns, prefix + str(entry.pattern))
        elif isinstance(entry, URLPattern):
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", prefix + str(entry.pattern))
            yield path, getattr(entry.callback, "view_class", getattr(entry.callback, "cls", None))


def test_every_native_route_and_every_method_of_it_is_described() -> None:
    described = {(path, method) for path, method, _ in _operations()}
    real = {
        (path, method)
        for path, view in _routes(get_resolver().url_patterns)
        if path.startswith(("/api/", "/healthz", "/readyz")) and not path.startswith(DIALECTS)
        if path not in NOT_DESCRIBED
        for method in METHODS
        if hasattr(view, method)
    }
    assert described == real


def test_the_version_is_one_everywhere() -> None:
    root = Path(settings.BASE_DIR)
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    released = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", (root / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert schema()["info"]["version"] == project["version"] == released[0]


def test_the_document_is_valid_openapi() -> None:
    validate_schema(schema())


def test_every_operation_says_what_it_does_takes_and_answers() -> None:
    wanting = []
    for path, method, operation in _operations():
        answers = operation["responses"]
        good = [status for status in answers if status.startswith(("2", "3"))]
        if not operation.get("summary") or len(good) != 1:
            wanting.append((path, method, "summary or answer"))
        takes_body = method in ("post", "put", "patch") and path not in WITHOUT_BODY
        if takes_body != ("requestBody" in operation):
            wanting.append((path, method, "body"))
        for status, answer in answers.items():
            if status.startswith("2") and status != "204" and "content" not in answer:
                wanting.append((path, method, status))
    assert wanting == []


def test_no_description_tells_how_a_view_is_made() -> None:
    """A docstring of a view is for who reads the code."""
    told = [operation.get("description", "") for _, _, operation in _operations()]
    assert [text for text in told if "self." in text or "credentials that come along" in text] == []


def test_every_refusal_has_the_native_form() -> None:
    forms = {
        (path, status): answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for path, _, operation in _operations()
        for status, answer in operation["responses"].items()
        if not status.startswith("2")
    }
    assert set(forms.values()) == {"Problem", "NotReady"}
    assert [where for where, name in forms.items() if name == "NotReady"] == [("/readyz", "503")]


def test_only_links_logins_and_probes_are_open() -> None:
    open_paths = {path for path, _, operation in _operations() if operation.get("security") == [{}]}
    assert open_paths == {
        "/api/auth/login",
        "/api/auth/password-reset",
        "/api/auth/password-reset/confirm",
        "/api/channels/{id}/inbound/{secret}",
        "/api/channels/{id}/receipts/{secret}",
        "/api/public/availability",
        "/api/public/bookings",
        "/api/public/catalogue",
        "/api/public/challenge",
        "/api/public/feedback/{token}",
        "/api/public/holds",
        "/api/public/provisional/{token}",
        "/api/public/provisional/{token}/accept",
        "/api/public/provisional/{token}/decline",
        "/api/public/unsubscribe/{token}",
        "/api/public/waitlist/{token}",
        "/api/public/visits/{token}",
        "/api/public/visits/{token}/availability",
        "/api/public/visits/{token}/cancel",
        "/api/public/visits/{token}/confirm",
        "/api/public/visits/{token}/note",
        "/api/public/visits/{token}/reschedule",
        "/api/public/waitlist/{token}/take",
        "/api/schema",
        "/api/stripe/webhook",
        "/healthz",
        "/readyz",
    }
    for path, method, operation in _operations():
        if path not in open_paths:
            assert {"401", "403"} <= set(operation["responses"]), (path, method)


def test_every_example_is_valid() -> None:
    checked = 0
    for path, method, operation in _operations():
        parts = [operation.get("requestBody"), *operation["responses"].values()]
        for content in (part["content"] for part in parts if part and "content" in part):
            for form in content.values():
                for example in form.get("examples", {}).values():
                    assert _faults(form["schema"], example["value"]) == [], (path, method)
                    checked += 1
    assert checked >= 2


def test_every_time_and_every_id_of_an_answer_has_its_one_form() -> None:
    times, ids = [], []
    for name in _components_of([operation["responses"] for _, _, operation in _operations()], set()):
        for key, form in schema()["components"]["schemas"][name].get("properties", {}).items():
            if key.endswith("_at"):
                times.append((name, key, form.get("example")))
            if form.get("type") == "integer" and (key == "id" or key.endswith("_id")):
                ids.append((name, key, form.get("format")))
    assert len(times) > 40 and len(ids) > 40
    assert [each for each in times if each[2] != "2026-03-24 10:00:00"] == []
    assert [each for each in ids if each[2] != "int64"] == []


def _components_of(node: Any, found: set[str]) -> set[str]:
    """The names of all components that a part of the document refers to, through others too."""
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        _components_of(each, found)
    name = node.get("$ref", "").rpartition("/")[2] if isinstance(node, dict) else ""
    if name and name not in found:
        found.add(name)
        _components_of(schema()["components"]["schemas"][name], found)
    return found


def _strict(node: Any) -> Any:
    """OpenAPI 3.0 as JSON schema, in which an undocumented key is a fault."""
    if isinstance(node, list):
        return [_strict(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: _strict(value) for key, value in node.items() if key != "nullable"}
    if isinstance(found.get("properties"), dict):
        found.setdefault("additionalProperties", False)
    return {"anyOf": [found, {"type": "null"}]} if node.get("nullable") is True else found


def _faults(form: dict[str, Any], value: Any) -> list[str]:
    document = {**_strict(form), "components": _strict(schema()["components"])}
    validator = jsonschema.Draft202012Validator(document, format_checker=jsonschema.FormatChecker(["email"]))
    return [f"{fault.json_path}: {fault.message[:200]}" for fault in validator.iter_errors(value)]


class Witness:
    """Calls the API and holds every answer against the document."""

    def __init__(self, client: Caller) -> None:
        self.client = client
        self.seen: set[tuple[str, str]] = set()

    def __call__(self, method: str, path: str, body: Any = None, *, status: int = 200, **ids: Any) -> Any:
        bare = path.partition("?")[0]
        operation = schema()["paths"][bare][method]
        call = getattr(self.client, method)
        address = path.format(**ids)
        answer = call(address) if body is None else call(address, body, format="json")
        assert answer.status_code == status, (method, address, getattr(answer, "content", b""))
        described = operation["responses"][str(status)]
        self.seen.add((bare, method))
        if status == 204:
            return None
        found = answer.json()
        assert _faults(described["content"]["application/json"]["schema"], found) == [], (method, path)
        return found


@pytest.mark.django_db
def test_a_day_in_the_salon_answers_as_described() -> None:
    salon = make_cast(noshow_enabled=True, noshow_fee_value=10)
    api = Witness(caller(salon.ada))
    soon = datetime.now(UTC).date() + timedelta(days=7)
    day = str(soon - timedelta(days=soon.weekday() - 1) + timedelta(days=7))
    order = salon.order(start_at=f"{day} 10:00:00", end_at=f"{day} 11:00:00")

    made = api("post", "/api/bookings", order)
    api("post", "/api/bookings", order, status=409)
    api("post", "/api/bookings", {"client_id": "5"}, status=400)
    api("post", "/api/bookings", {**order, "staff_id": salon.cora.pk, "provisional": True})
    moved = {"start_at": f"{day} 13:00:00", "end_at": f"{day} 14:00:00"}
    api("put", "/api/bookings/{id}", moved, id=made["id"])
    api("patch", "/api/bookings/{id}", {"notes": "Rather short"}, id=made["id"])
    told(made)
    for status in ("completed", "no-show", "cancelled", "scheduled"):
        api("put", "/api/bookings/{id}", {"status": status}, id=made["id"])
    api("get", "/api/bookings/{id}", id=made["id"])
    api("get", "/api/bookings/{id}", status=404, id=900000999)
    for query in ("", "?page=1&limit=1", f"?date_from={day}&status=scheduled&order=asc&search=ali"):
        api("get", f"/api/bookings{query}")
    for listed in ("/api/bookings/{id}/events", "/api/bookings/{id}/messages"):
        assert api("get", listed, id=made["id"])
        assert api("get", f"{listed}?page=1", id=made["id"])["items"]
    api("get", "/api/bookings/changes")

    hold = api(
        "post", "/api/holds", {"service_id": salon.service.pk, "start_at": f"{day} 15:00:00"}, status=201
    )
    asked = f"?service_id={salon.service.pk}&date_from={day}&date_to={day}"
    api("get", f"/api/availability{asked}")
    assert api("get", f"/api/availability{asked}&explain=1")["days"][0]["staff"][0]["blocked"]
    api("delete", "/api/holds/{token}", status=204, token=hold["hold_token"])

    waiting = {"client_id": salon.bob.pk, "service_id": salon.service.pk, "date": day}
    entry = api("post", "/api/waitlist", waiting, status=201)
    api("put", "/api/waitlist/{id}", {"notes": "Mornings"}, id=entry["id"])
    assert api("delete", "/api/bookings/{id}", id=made["id"])["status"] == "cancelled"
    assert api("get", "/api/waitlist/{id}", id=entry["id"])["status"] == "notified"
    api("get", "/api/waitlist?status=notified&page=1")
    api("delete", "/api/waitlist/{id}", id=entry["id"])

    api("get", "/api/notifications?unread=1")
    line = api("get", "/api/notifications?page=1")["items"][0]
    api("get", "/api/notifications/{id}", id=line["id"])
    api("post", "/api/notifications/{id}/read", id=line["id"])
    api("get", "/api/notifications/unread-count")
    api("post", "/api/notifications/read-all")
    job = api("get", "/api/jobs")[0]
    api("get", "/api/jobs?page=1")
    api("get", "/api/jobs/{id}", id=job["id"])
    api("post", "/api/jobs/{id}/retry", status=409, id=job["id"])
    sequence = {"name": "Thanks", "steps": [{"delay_days": 1, "subject": "Thank you", "body": "See you."}]}
    made_sequence = api("post", "/api/followup-sequences", sequence, status=201)
    api("get", "/api/followup-sequences")
    api("get", "/api/followup-sequences/{id}", id=made_sequence["id"])
    api("get", "/api/reviews")
    api("get", "/api/reviews/summary")

    merged = api("post", "/api/clients", {"first_name": "Al"}, status=201)
    api("post", "/api/clients/{id}/merge", {"into": salon.alice.pk}, id=merged["id"])
    away = {"staff_id": salon.bea.pk, "start_at": f"{day} 09:00", "end_at": f"{day} 12:00"}
    api("post", "/api/time-off", away, status=201)
    assert api("post", "/api/holidays", {"date": day}, status=201)["affected_bookings"]
    api("get", "/api/settings")
    login = {"email": salon.ada.email, "password": "correct horse battery staple"}
    api("post", "/api/auth/login", login)
    api("post", "/api/auth/login", {**login, "password": "wrong"}, status=401)
    api("get", "/api/auth/me")
    api("get", "/api/schema")
    assert len(api.seen) == 38


@pytest.mark.django_db
def test_the_public_twins_answer_as_described() -> None:
    salon = make_cast()
    start = datetime.now(UTC) + timedelta(days=30)
    times = {
        "start_at": f"{start:%Y-%m-%d} 10:00:00",
        "end_at": f"{start:%Y-%m-%d} 11:00:00",
    }
    token = salon.book(**times, provisional=True)["provisional_token"]
    visit = salon.book(**times, staff_id=salon.cora.pk)
    feedback_token = salon.put(visit, {"status": "completed"}).json()["feedback_token"]
    api = Witness(caller())
    api("get", "/api/public/provisional/{token}", token=token)
    api("post", "/api/public/provisional/{token}/accept", token=token)
    api("post", "/api/public/provisional/{token}/decline", status=410, token=token)
    api("get", "/api/public/provisional/{token}", status=404, token="unknown")
    api("get", "/api/public/feedback/{token}", token=feedback_token)
    api("post", "/api/public/feedback/{token}", {"rating": 5}, status=201, token=feedback_token)
    api("get", "/api/public/feedback/{token}", status=410, token=feedback_token)
    admin = Witness(caller(salon.ada))
    book_online(salon, api, day=f"{start:%Y-%m-%d}")
    [review] = admin("get", "/api/reviews")
    admin("get", "/api/reviews/{id}", id=review["id"])
    assert admin("get", "/api/reviews/summary")["count"] == 1


def book_online(salon: Salon, api: Witness, *, day: str) -> None:
    """By somebody without a login: with a proof, with a code, too late."""
    make_salon(online_booking="instant", online_verify="never")
    make_hours(salon.bea, weekdays=range(7), opens="12:00", closes="20:00")
    catalogue = api("get", "/api/public/catalogue")
    [offer] = catalogue["categories"][0]["services"]
    api("get", f"/api/public/availability?items={offer['key']}:any&date_from={day}&days=1")
    items = [{"service": offer["key"], "staff": str(salon.bea.key)}]

    def proof() -> str:
        return solution(api("get", "/api/public/challenge"))

    kept = {"items": items, "start_at": f"{day} 17:00"}
    api("post", "/api/public/holds", {**kept, "proof": proof()}, status=201)
    api("post", "/api/public/holds", {**kept, "proof": "x"}, status=400)
    form = {"items": items, "first_name": "Noor", "last_name": "Visser", "email": "noor@example.com"}
    api.client.credentials(HTTP_IDEMPOTENCY_KEY="1" * 22)
    booked = {**form, "start_at": f"{day} 15:00", "proof": proof()}
    assert api("post", "/api/public/bookings", booked)["state"] == "booked"
    api.client.credentials(HTTP_IDEMPOTENCY_KEY="2" * 22)
    api("post", "/api/public/bookings", {**booked, "proof": proof()}, status=409)
    asked = api("post", "/api/public/bookings", {**form, "start_at": f"{day} 18:30"})
    assert asked["state"] == "code_asked"


@pytest.mark.django_db
def test_refusals_of_keys_and_staff_answer_as_described() -> None:
    salon = make_cast()
    _, secret = make_key()
    key, staff, nobody = Witness(caller(secret)), Witness(caller(salon.bea)), Witness(caller())
    key("get", "/api/jobs", status=403)
    key("put", "/api/settings", {"business_name": "Mine"}, status=403)
    staff("get", "/api/api-keys", status=403)
    nobody("get", "/api/bookings", status=401)
    staff("put", "/api/bookings/{id}", {}, status=404, id=900012345)


def test_the_document_is_served_as_json_and_as_yaml_to_anybody() -> None:
    as_json, as_yaml = caller().get("/api/schema"), caller().get("/api/schema?format=yaml")
    assert as_json.headers["Content-Type"] == "application/json"
    assert as_yaml.headers["Content-Type"] == "application/yaml"
    assert as_json.json() == yaml.safe_load(as_yaml.content) == json.loads(json.dumps(schema()))
    assert caller().get("/api/schema/", HTTP_ACCEPT="text/html").json() == as_json.json()
    assert caller().get("/api/schema?format=xml").status_code == 400


def test_the_page_for_people_needs_nothing_from_outside_and_nothing_inline() -> None:
    page = caller().get("/api/docs")
    html = page.content.decode()
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<style|<script(?![^>]*\bsrc=)| on\w+=| style=|https?://", html)
    assert page.cookies == {}
    resources = re.findall(r'(?:src|href)="(/static/[^"]+)"', html)
    assert len(resources) == 5
    for path in resources:
        assert caller().get(path).status_code == 200, path
    assert settings.SPECTACULAR_SETTINGS["SERVE_INCLUDE_SCHEMA"] is False
