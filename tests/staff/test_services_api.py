"""/api/services and /api/locations (contract §1.5)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from staff.models import Location, Service
from tests.cast.factories import caller, make_ada, make_bea, make_location, make_salon, make_service

pytestmark = pytest.mark.django_db

HAIRCUT = {
    "name": "Haircut",
    "duration_minutes": 60,
    "price": "40.00",
    "category": "",
    "buffer_before_minutes": 0,
    "buffer_after_minutes": 0,
    "min_capacity": 1,
    "max_capacity": 1,
    "is_active": True,
}
AS_THE_SALON = {
    "description": "",
    "online": True,
    "hidden": False,
    "client_cancel_minutes": None,
    "client_reschedule_minutes": None,
    "client_may_change_staff": None,
}


@pytest.fixture
def ada():
    make_salon()
    return caller(make_ada())


def test_a_service_needs_a_name_and_a_duration(ada):
    answer = ada.post("/api/services", {"name": "Haircut", "duration_minutes": 60})
    service = Service.objects.get()
    assert answer.status_code == 201
    assert list(answer.json().items()) == list(
        {
            "id": service.pk,
            **HAIRCUT,
            "price": None,
            "key": str(service.key),
            "parts": [{"kind": "work", "minutes": 60}],
            **AS_THE_SALON,
        }.items()
    )


def test_a_service_keeps_everything_that_was_sent(ada):
    body = {
        "name": "Colour",
        "duration_minutes": 90,
        "price": "120.50",
        "category": "Hair",
        "buffer_before_minutes": 5,
        "buffer_after_minutes": 10,
        "min_capacity": 2,
        "max_capacity": 8,
        "is_active": False,
    }
    answer = ada.post("/api/services", body).json()
    assert {name: answer[name] for name in body} == body
    assert ada.get(f"/api/services/{answer['id']}").json() == answer


@pytest.mark.parametrize(
    ("currency", "price", "printed"),
    [
        ("EUR", "40", "40.00"),
        ("EUR", 40.5, "40.50"),
        ("EUR", "40.125", "40.125"),
        ("JPY", "4000", "4000"),
        ("KWD", "1.2", "1.200"),
        ("EUR", 0, "0.00"),
    ],
)
def test_a_price_is_printed_with_the_currencys_decimals(ada, currency, price, printed):
    make_salon(currency=currency)
    answer = ada.post("/api/services", {"name": "X", "duration_minutes": 60, "price": price}).json()
    assert answer["price"] == printed
    assert ada.get(f"/api/services/{answer['id']}").json()["price"] == printed


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"duration_minutes": 0}, {"duration_minutes"}),
        ({"duration_minutes": 1441}, {"duration_minutes"}),
        ({"duration_minutes": "60"}, {"duration_minutes"}),
        ({"duration_minutes": 60.5}, {"duration_minutes"}),
        ({"duration_minutes": True}, {"duration_minutes"}),
        ({"price": "-1"}, {"price"}),
        ({"price": "1.2345"}, {"price"}),
        ({"price": "9999999999"}, {"price"}),
        ({"price": "4O"}, {"price"}),
        ({"price": "٤"}, {"price"}),
        ({"buffer_before_minutes": -1}, {"buffer_before_minutes"}),
        ({"buffer_after_minutes": 1441}, {"buffer_after_minutes"}),
        ({"min_capacity": 0}, {"min_capacity"}),
        ({"min_capacity": 5, "max_capacity": 4}, {"max_capacity"}),
        ({"max_capacity": 2**31}, {"max_capacity"}),
        ({"is_active": "yes", "name": 5}, {"is_active", "name"}),
    ],
)
def test_a_malformed_service_is_refused_field_by_field(ada, change, fields):
    answer = ada.post("/api/services", {**HAIRCUT, **change})
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == fields
    assert Service.objects.count() == 0
    haircut = make_service()
    assert ada.put(f"/api/services/{haircut.pk}", change).status_code == 400
    haircut.refresh_from_db()
    assert (haircut.name, haircut.duration_minutes, haircut.price) == ("Haircut", 60, Decimal("40"))


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_change_merges(ada, method):
    haircut = make_service(category="Hair")
    answer = getattr(ada, method)(f"/api/services/{haircut.pk}", {"price": "45.00", "key": "x", "id": 9})
    assert answer.status_code == 200
    assert answer.json() == {
        "id": haircut.pk,
        **HAIRCUT,
        "price": "45.00",
        "category": "Hair",
        "key": str(haircut.key),
        "parts": [{"kind": "work", "minutes": 60}],
        **AS_THE_SALON,
    }
    assert ada.put(f"/api/services/{haircut.pk}", {"price": None}).json()["price"] is None
    own = {
        "description": "Wash, cut and dry.",
        "online": False,
        "hidden": True,
        "client_cancel_minutes": 60,
        "client_reschedule_minutes": 0,
        "client_may_change_staff": False,
    }
    answer = getattr(ada, method)(f"/api/services/{haircut.pk}", own)
    assert {name: answer.json()[name] for name in own} == own


def test_delete_takes_a_service_off_and_keeps_the_row(ada):
    haircut = make_service()
    answer = ada.delete(f"/api/services/{haircut.pk}")
    assert (answer.status_code, answer.json()["is_active"]) == (200, False)
    assert ada.get(f"/api/services/{haircut.pk}").json() == answer.json()
    assert ada.put(f"/api/services/{haircut.pk}", {"is_active": True}).json()["is_active"] is True


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Colour", "Cut", "Nails"]),
        ("order=-name", ["Nails", "Cut", "Colour"]),
        ("order=price", ["Nails", "Cut", "Colour"]),
        ("order=-duration", ["Colour", "Cut", "Nails"]),
        ("is_active=1", ["Colour", "Cut"]),
        ("is_active=0", ["Nails"]),
        ("category=Hair", ["Colour", "Cut"]),
        ("search=hair%20cut", ["Cut"]),
        ("staff_id={bea}", ["Cut"]),
        ("staff_id=900000999", []),
    ],
)
def test_services_are_searched_ordered_and_filtered(ada, query, found):
    make_service("Colour", category="Hair", duration_minutes=120, price=100)
    cut = make_service("Cut", category="Hair", duration_minutes=60, price=40)
    make_service("Nails", category="Hands", duration_minutes=30, price=20, is_active=False)
    bea = make_bea(services=[cut])
    answer = ada.get("/api/services?" + query.format(bea=bea.pk)).json()
    assert [each["name"] for each in answer] == found


def test_staff_read_services_but_do_not_write_them():
    haircut, bea = make_service(), caller(make_bea())
    assert [each["id"] for each in bea.get("/api/services").json()] == [haircut.pk]
    assert bea.get(f"/api/services/{haircut.pk}").status_code == 200
    for answer in (
        bea.post("/api/services", {"name": "X", "duration_minutes": 5}),
        bea.put(f"/api/services/{haircut.pk}", {"price": "0"}),
        bea.patch(f"/api/services/{haircut.pk}", {"price": "0"}),
        bea.delete(f"/api/services/{haircut.pk}"),
    ):
        assert answer.status_code == 403
        assert answer.json() == {"error": "Only an administrator may do this.", "code": "admin_only"}
    haircut.refresh_from_db()
    assert (Service.objects.count(), haircut.price, haircut.is_active) == (1, Decimal("40"), True)


def test_an_unknown_service_is_404(ada):
    assert ada.get("/api/services/9").json() == {"error": "Service not found", "code": "not_found"}
    assert ada.put("/api/services/9", {"name": "X"}).status_code == 404
    assert ada.delete("/api/services/9").status_code == 404


def test_a_location_is_added_changed_and_closed(ada):
    answer = ada.post(
        "/api/locations", {"name": "Centre", "slug": "centre", "address": "Dam 1\n1012 Amsterdam"}
    )
    centre = {
        "id": Location.objects.get().pk,
        "name": "Centre",
        "slug": "centre",
        "address": "Dam 1\n1012 Amsterdam",
        "is_active": True,
    }
    assert (answer.status_code, answer.json()) == (201, centre)
    assert ada.get("/api/locations").json() == [centre]
    assert ada.put(f"/api/locations/{centre['id']}", {"name": "Old town"}).json() == {
        **centre,
        "name": "Old town",
    }
    assert ada.delete(f"/api/locations/{centre['id']}").json() == {
        **centre,
        "name": "Old town",
        "is_active": False,
    }
    assert ada.get("/api/locations?is_active=1").json() == []
    assert len(ada.get("/api/locations?search=dam%20old").json()) == 1


def test_a_slug_is_taken_once(ada):
    make_location(slug="centre")
    north = make_location("North", slug="north")
    for answer in (
        ada.post("/api/locations", {"name": "Other", "slug": "centre"}),
        ada.put(f"/api/locations/{north.pk}", {"slug": "centre"}),
    ):
        assert answer.status_code == 409
        assert answer.json() == {
            "error": "This slug is taken already; send another one.",
            "code": "already_exists",
            "details": {"slug": ["This slug is taken already; send another one."]},
        }
    north.refresh_from_db()
    assert (Location.objects.count(), north.slug) == (2, "north")


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "slug"}),
        ({"name": "X", "slug": "a b"}, {"slug"}),
        ({"name": "X", "slug": "é"}, {"slug"}),
        ({"name": "X", "slug": ""}, {"slug"}),
        ({"name": "X", "slug": "x" * 101}, {"slug"}),
    ],
)
def test_a_malformed_location_is_refused(ada, body, fields):
    answer = ada.post("/api/locations", body)
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == fields
    assert Location.objects.count() == 0


def test_staff_read_locations_but_do_not_write_them():
    centre, bea = make_location(), caller(make_bea())
    assert bea.get(f"/api/locations/{centre.pk}").status_code == 200
    assert bea.post("/api/locations", {"name": "X", "slug": "x"}).status_code == 403
    assert bea.put(f"/api/locations/{centre.pk}", {"name": "X"}).status_code == 403
    assert bea.delete(f"/api/locations/{centre.pk}").status_code == 403
    centre.refresh_from_db()
    assert (Location.objects.count(), centre.name, centre.is_active) == (1, "Centre", True)
