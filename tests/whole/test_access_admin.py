"""Django admin: every address of it is for an administrator who logged in there, and GET changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver

from bookings.models import WaitlistEntry
from staff.models import Staff
from tests.cast.access import House, make_house, writes
from tests.cast.factories import make_key, token_of

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
OPEN = (LOGIN,)
"""What the admin site shows to everybody: the form to log in with."""
SENT_TO = {"/admin": "/admin/", "/admin/logout/": "/admin/"}
"""Where those without a login are sent that are not sent to log in at once."""


def admin_routes(patterns: list[Any] | None = None, before: str = "/") -> Iterator[str]:
    """Every route of the admin site; a pattern stands as one address it matches."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            yield from admin_routes(each.url_patterns, route) if route.startswith("/admin") else ()
        elif "^(?P<app_label>" in route:
            yield "/admin/bookings/"
        elif route.startswith("/admin"):
            yield route.replace("(?P<url>.*)$", "no/such/page")


ROUTES = sorted(set(admin_routes()))


def address(route: str) -> str:
    """The route with the first row of its model in the place of an id."""
    if "<" not in route:
        return route
    if "/r/" in route:
        return "/admin/r/1/1/"
    _, _, app, model, *_ = route.split("/")
    first = apps.get_model(app, model)._default_manager.order_by("pk").first()
    return re.sub(r"<[^>]+>", str(1 if first is None else first.pk), route)


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_house()
        transaction.set_rollback(True)


def visitor(person: Staff | None = None, **environ: Any) -> Client:
    client = Client(raise_request_exception=False, **environ)
    if person is not None:
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_routes_are_found() -> None:
    assert len(ROUTES) > 100
    assert {"/admin", "/admin/", LOGIN, "/admin/bookings/booking/add/"} <= set(ROUTES)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_admin_site_is_for_administrators_who_logged_in_there(method: str, house: House) -> None:
    strangers = {
        "nobody": visitor(),
        "a staff member's session": visitor(house.bea),
        "the front desk's session": visitor(house.dora),
        "an administrator's token": visitor(headers={"authorization": f"Bearer {token_of(house.ada)}"}),
        "a key": visitor(headers={"authorization": f"Bearer {make_key()[1]}"}),
    }
    for route in ROUTES:
        if route in OPEN:
            continue
        for name, client in list(strangers.items())[: 5 if method == "GET" else 2]:
            with writes() as written:
                response = client.generic(method, address(route))
            what = f"{method} {route} by {name}: {response.status_code}"
            assert response.status_code in (301, 302), what
            assert response["Location"].startswith(SENT_TO.get(route, LOGIN)), what
            assert not written, what


def test_a_deactivated_administrator_is_out_at_once(house: House) -> None:
    client = visitor(house.ada)
    assert client.get("/admin/").status_code == 200
    Staff.objects.filter(pk=house.ada.pk).update(is_active=False)
    assert client.get("/admin/").status_code == 302


@pytest.mark.first_pass_alone(why="test_admin_money.py reads every list, row and form of the other one")
def test_an_administrator_changes_nothing_by_looking(house: House) -> None:
    client = visitor(house.ada)
    client.get("/admin/")
    for route in ROUTES:
        for method in ("GET", "HEAD"):
            with writes() as written:
                response = client.generic(method, address(route))
            what = f"{method} {route}: {response.status_code}"
            assert response.status_code in (200, 301, 302, 403, 404, 405), what
            assert not written, f"{what} wrote {written}"


def test_an_administrator_adds_a_client_to_the_waitlist(house: House) -> None:
    day = house.at(2)[:10]
    form = {
        "client": house.bob.pk,
        "service": house.service.pk,
        "date": day,
        "staff": "",
        "notes": "any hour",
    }
    offers = {f"offers-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
    client = visitor(house.ada)
    assert b'name="status"' not in client.get("/admin/bookings/waitlistentry/add/").content
    response = client.post("/admin/bookings/waitlistentry/add/", form | offers)
    assert response.status_code == 302, response.content
    entry = WaitlistEntry.objects.order_by("-pk")[0]
    assert (entry.client_id, str(entry.date), entry.status) == (house.bob.pk, day, "waiting")


def test_a_form_of_another_site_changes_nothing(house: House) -> None:
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(house.ada, backend="django.contrib.auth.backends.ModelBackend")
    for address_ in (
        "/admin/clients/client/add/",
        f"/admin/bookings/booking/{house.booking.pk}/change/",
        f"/admin/notifications/job/{house.job.pk}/retry/",
        f"/admin/bookings/noshowfee/{house.fee.pk}/refund/",
        f"/admin/bookings/noshowfee/{house.fee.pk}/waive/",
        f"/admin/staff/staff/{house.spare.pk}/password/",
        "/admin/logout/",
        "/admin/password_change/",
    ):
        with writes() as written:
            answer = client.post(address_, {}, headers={"origin": "https://evil.example"})
        assert answer.status_code == 403, address_
        assert not written, address_
