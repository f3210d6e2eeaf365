"""/api/staff (contract §1.5): everybody reads, administrators write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from knox.models import AuthToken

from bookings.models import Booking
from staff.models import Staff
from tests.cast.factories import (
    PASSWORD,
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_cora,
    make_key,
    make_location,
    make_salon,
    make_service,
    make_staff,
)

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LAST_ADMIN = {
    "error": "This is the last active administrator; make somebody else one first.",
    "code": "last_admin",
}


@pytest.fixture
def ada():
    make_salon()
    return caller(make_ada())


def test_a_person_needs_no_more_than_a_name_and_then_never_logs_in(ada):
    answer = ada.post("/api/staff", {"name": "Bea Bakker"})
    bea = Staff.objects.get(name="Bea Bakker")
    assert answer.status_code == 201
    assert list(answer.json().items()) == [
        ("id", bea.pk),
        ("name", "Bea Bakker"),
        ("email", None),
        ("role", "staff"),
        ("bookable", True),
        ("sees_all_bookings", False),
        ("phone", ""),
        ("color", ""),
        ("location_id", None),
        ("is_active", True),
        ("service_ids", []),
        ("key", str(bea.key)),
        ("online", True),
        ("bio", ""),
    ]
    assert not bea.has_usable_password()


def test_a_person_keeps_everything_that_was_sent_and_logs_in(ada):
    cut, colour, centre = make_service("Cut"), make_service("Colour"), make_location()
    body = {
        "name": "Bea Bakker",
        "email": "Bea@Salon.example",
        "role": "staff",
        "bookable": False,
        "sees_all_bookings": True,
        "phone": "012",
        "color": "#aabbcc",
        "location_id": centre.pk,
        "is_active": True,
        "service_ids": [colour.pk, cut.pk, cut.pk],
    }
    answer = ada.post("/api/staff", {**body, "password": PASSWORD})
    assert answer.status_code == 201
    kept = {**body, "email": "bea@salon.example", "service_ids": [cut.pk, colour.pk]}
    assert {name: answer.json()[name] for name in kept} == kept
    assert "password" not in answer.json()
    assert ada.get(f"/api/staff/{answer.json()['id']}").json() == answer.json()
    login = caller().post("/api/auth/login", {"email": "bea@salon.example", "password": PASSWORD})
    assert login.status_code == 200


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"name": "x" * 201}, {"name"}),
        ({"name": "a\nb"}, {"name"}),
        ({"email": "nope"}, {"email"}),
        ({"role": "owner"}, {"role"}),
        ({"role": "admin", "email": None}, {"email"}),
        ({"bookable": 1}, {"bookable"}),
        ({"location_id": 900000999}, {"location_id"}),
        ({"location_id": "1"}, {"location_id"}),
        ({"location_id": 2**63}, None),
        ({"service_ids": [900000999]}, {"service_ids"}),
        ({"service_ids": ["1"]}, {"service_ids"}),
        ({"service_ids": 1}, {"service_ids"}),
        ({"password": "short"}, {"password"}),
        ({"password": PASSWORD, "email": None}, {"password"}),
        ({"color": "c" * 21, "phone": 5}, {"color", "phone"}),
    ],
)
def test_a_malformed_person_is_refused_field_by_field(ada, change, fields):
    answer = ada.post("/api/staff", {"name": "Bea", "email": "bea@salon.example", **change})
    assert answer.status_code == 400
    if fields is not None:
        assert {name.split(".")[0] for name in answer.json()["details"]} == fields
    assert Staff.objects.count() == 1


def test_an_inactive_location_cannot_be_given(ada):
    closed = make_location(is_active=False)
    assert ada.post("/api/staff", {"name": "Bea", "location_id": closed.pk}).status_code == 400
    bea = make_bea(location=closed)
    assert ada.put(f"/api/staff/{bea.pk}", {"phone": "012"}).status_code == 200


def test_an_address_is_taken_once_in_any_case(ada):
    make_bea()
    cora = make_cora()
    for answer in (
        ada.post("/api/staff", {"name": "Other", "email": "BEA@salon.example"}),
        ada.put(f"/api/staff/{cora.pk}", {"email": "bea@salon.example", "name": "Eve"}),
    ):
        assert answer.status_code == 409
        assert answer.json() == {
            "error": "This email is taken already; send another one.",
            "code": "already_exists",
            "details": {"email": ["This email is taken already; send another one."]},
        }
    cora.refresh_from_db()
    assert (Staff.objects.count(), cora.name) == (3, "Cora Claes")


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_change_merges(ada, method):
    cut = make_service()
    bea = make_bea(services=[cut], phone="012")
    answer = getattr(ada, method)(f"/api/staff/{bea.pk}", {"name": "Bea Boer", "id": 9, "key": "x"})
    assert answer.status_code == 200
    assert answer.json() == {
        "id": bea.pk,
        "name": "Bea Boer",
        "email": "bea@salon.example",
        "role": "staff",
        "bookable": True,
        "sees_all_bookings": False,
        "phone": "012",
        "color": "",
        "location_id": None,
        "is_active": True,
        "service_ids": [cut.pk],
        "key": str(bea.key),
        "online": True,
        "bio": "",
        "affected_bookings": [],
    }
    assert ada.put(f"/api/staff/{bea.pk}", {"service_ids": []}).json()["service_ids"] == []
    online = {"online": False, "bio": "Colours."}
    assert online.items() <= ada.put(f"/api/staff/{bea.pk}", online).json().items()


def test_another_password_ends_every_login_of_the_person(ada):
    bea = make_bea()
    here = caller(bea)
    assert ada.put(f"/api/staff/{bea.pk}", {"password": "a quite different horse"}).status_code == 200
    assert here.get("/api/auth/me").status_code == 401
    bea.refresh_from_db()
    assert bea.check_password("a quite different horse")


def test_another_role_counts_at_once(ada):
    bea = make_bea()
    here = caller(bea)
    assert here.post("/api/services", {"name": "X", "duration_minutes": 5}).status_code == 403
    ada.put(f"/api/staff/{bea.pk}", {"role": "admin"})
    assert here.post("/api/services", {"name": "X", "duration_minutes": 5}).status_code == 201
    ada.put(f"/api/staff/{bea.pk}", {"role": "staff"})
    assert here.post("/api/services", {"name": "X", "duration_minutes": 5}).status_code == 403


def test_delete_deactivates_ends_the_logins_and_tells_which_bookings_stand():
    with time_machine.travel(MONDAY, tick=False):
        make_salon()
        ada, bea, cora = caller(make_ada()), make_bea(), make_cora()
        here = caller(bea)
        alice, cut = make_alice(), make_service()

        def booked(person, days, **order):
            return make_booking(
                client=alice, staff=person, service=cut, start_at=MONDAY + timedelta(days=days), **order
            )

        booked(bea, -2)
        tomorrow, later = booked(bea, 1), booked(bea, 3, provisional=True)
        booked(cora, 1)
        cancelled = booked(bea, 2)
        Booking.objects.filter(pk=cancelled.pk).update(status="cancelled")
        answer = ada.delete(f"/api/staff/{bea.pk}")
        assert answer.status_code == 200
        assert answer.json()["is_active"] is False
        assert answer.json()["affected_bookings"] == [
            {
                "booking_id": tomorrow.pk,
                "start_at": "2026-11-24 10:00:00",
                "end_at": "2026-11-24 11:00:00",
                "status": "scheduled",
                "client_id": alice.pk,
                "client_name": "Alice Adams",
                "staff_id": bea.pk,
                "service_id": cut.pk,
            },
            {
                "booking_id": later.pk,
                "start_at": "2026-11-26 10:00:00",
                "end_at": "2026-11-26 11:00:00",
                "status": "provisional",
                "client_id": alice.pk,
                "client_name": "Alice Adams",
                "staff_id": bea.pk,
                "service_id": cut.pk,
            },
        ]
        assert here.get("/api/auth/me").status_code == 401
        assert AuthToken.objects.filter(user=bea).count() == 0
        again = ada.delete(f"/api/staff/{bea.pk}")
        assert (again.status_code, again.json()["affected_bookings"]) == (200, [])
        assert Booking.objects.filter(staff=bea, status="scheduled").count() == 2


def test_a_deactivated_person_comes_back_without_the_old_logins(ada):
    bea = make_bea()
    here = caller(bea)
    assert ada.put(f"/api/staff/{bea.pk}", {"is_active": False}).json()["is_active"] is False
    assert ada.put(f"/api/staff/{bea.pk}", {"is_active": True}).json()["is_active"] is True
    assert here.get("/api/auth/me").status_code == 401


@pytest.mark.parametrize("body", [{"is_active": False}, {"role": "staff"}, {"role": "staff", "name": "Eve"}])
def test_the_last_administrator_stays_one(ada, body):
    make_staff("Old Admin", role="admin", is_active=False)
    me = Staff.objects.get(email="ada@salon.example")
    answer = ada.put(f"/api/staff/{me.pk}", body)
    assert (answer.status_code, answer.json()) == (409, LAST_ADMIN)
    answer = ada.delete(f"/api/staff/{me.pk}")
    assert (answer.status_code, answer.json()) == (409, LAST_ADMIN)
    me.refresh_from_db()
    assert (me.role, me.is_active, me.name) == ("admin", True, "Ada Admin")
    assert ada.get("/api/auth/me").status_code == 200


def test_one_of_two_administrators_may_go(ada):
    other = make_staff("Eve Evers", role="admin")
    assert ada.delete(f"/api/staff/{other.pk}").status_code == 200


def test_staff_read_everybody_but_write_nobody():
    ada, bea = make_ada(), make_bea()
    here = caller(bea)
    assert [each["id"] for each in here.get("/api/staff").json()] == [ada.pk, bea.pk]
    assert here.get(f"/api/staff/{ada.pk}").status_code == 200
    for answer in (
        here.post("/api/staff", {"name": "Eve"}),
        here.put(f"/api/staff/{bea.pk}", {"role": "admin"}),
        here.patch(f"/api/staff/{bea.pk}", {"sees_all_bookings": True}),
        here.delete(f"/api/staff/{ada.pk}"),
    ):
        assert answer.status_code == 403
        assert answer.json() == {"error": "Only an administrator may do this.", "code": "admin_only"}
    bea.refresh_from_db()
    assert (Staff.objects.count(), bea.role, bea.sees_all_bookings) == (2, "staff", False)


def test_a_native_key_reads_staff_but_writes_nobody():
    bea = make_bea()
    client = caller(make_key()[1])
    assert client.get(f"/api/staff/{bea.pk}").status_code == 200
    for answer in (
        client.post("/api/staff", {"name": "Eve", "role": "admin"}),
        client.put(f"/api/staff/{bea.pk}", {"role": "admin"}),
        client.delete(f"/api/staff/{bea.pk}"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "not_for_keys")
    assert Staff.objects.filter(role="admin").count() == 0


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Ada", "Bea", "Cora"]),
        ("order=-name", ["Cora", "Bea", "Ada"]),
        ("order=id", ["Ada", "Bea", "Cora"]),
        ("search=bea", ["Bea"]),
        ("search=cora@salon", ["Cora"]),
        ("role=admin", ["Ada"]),
        ("is_active=0", ["Cora"]),
        ("bookable=1", ["Bea", "Cora"]),
        ("service_id={cut}", ["Bea"]),
        ("location_id={centre}", ["Cora"]),
    ],
)
def test_staff_are_searched_ordered_and_filtered(ada, query, found):
    cut, centre = make_service(), make_location()
    make_bea(services=[cut, make_service("Colour")])
    make_cora(is_active=False, location=centre)
    answer = ada.get("/api/staff?" + query.format(cut=cut.pk, centre=centre.pk)).json()
    assert [each["name"].split()[0] for each in answer] == found


@pytest.mark.parametrize("query", ["role=x", "is_active=2", "service_id=x", "order=email", "location_id=0"])
def test_a_bad_filter_is_refused(ada, query):
    answer = ada.get(f"/api/staff?{query}")
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == {query.split("=")[0]}
