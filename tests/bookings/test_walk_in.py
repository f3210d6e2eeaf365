"""The walk-in: one client that is nobody in particular (contract §11 "create", ADR 94)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from time_machine import Traveller

from bookings.models import Booking, NoShowFee, WaitlistEntry
from bookings.personal_data import erase_client
from clients.models import Client
from clients.walk_in import IsWalkIn
from notifications.models import FollowupSequence, FollowupStep, Job, Message
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_service, make_time_off

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

NOW = {"start_at": "2026-03-20 08:55:00", "end_at": "2026-03-20 09:55:00"}
LATER = {"start_at": "2026-03-24 10:00:00", "end_at": "2026-03-24 11:00:00"}


@pytest.fixture
def salon() -> Salon:
    cast = make_cast(noshow_enabled=True, noshow_fee_value=25)
    FollowupStep.objects.create(
        sequence=FollowupSequence.objects.create(name="Thanks"), delay_days=1, subject="Thanks", body="Thanks"
    )
    return cast


@pytest.fixture
def walk_in(salon: Salon) -> int:
    return find(salon)


def find(salon: Salon) -> int:
    answer = caller(salon.bea).post("/api/clients/walk-in")
    assert answer.status_code == 200
    found: int = answer.json()["id"]
    return found


def client_mails() -> list[str]:
    """The types of all that is owed to clients, or for them."""
    return list(Job.objects.exclude(type__startswith="webhook").order_by("id").values_list("type", flat=True))


def test_there_is_one_and_it_is_found(salon: Salon, walk_in: int) -> None:
    who = caller(salon.bea)
    assert find(salon) == walk_in
    [only] = who.get("/api/clients?is_walk_in=1").json()
    assert (only["id"], only["name"], only["is_walk_in"], only["email"]) == (walk_in, "Walk-in", True, "")
    assert [each["id"] for each in who.get("/api/clients?is_walk_in=0").json()] == [
        salon.alice.pk,
        salon.bob.pk,
    ]
    assert who.get("/api/agenda").json()["salon"]["walk_in_client_id"] == walk_in
    with pytest.raises(IntegrityError), transaction.atomic():
        Client.objects.create(first_name="Second", is_walk_in=True)


@pytest.mark.parametrize(("locale", "name"), [("nl", "Inloop"), ("de", "Laufkundschaft")])
def test_it_is_named_in_the_salons_language(salon: Salon, locale: str, name: str) -> None:
    SalonSettings.objects.update(locale=locale)
    assert Client.objects.get(pk=find(salon)).first_name == name


def test_nothing_is_said_counted_or_sent(salon: Salon, walk_in: int, clock: Traveller) -> None:
    make_time_off(salon.bea, MORNING - timedelta(hours=1), 4)
    begun = salon.book(client_id=walk_in, **NOW)
    assert (begun["warnings"], begun["start_at"]) == ([], "2026-03-20 08:55:00")
    ahead = salon.book(client_id=walk_in, **LATER)
    twin = salon.book(client_id=walk_in, staff_id=salon.cora.pk, **LATER)
    moved = salon.put(ahead, {"start_at": "2026-03-24 12:00", "end_at": "2026-03-24 13:00"}).json()
    assert (twin["warnings"], moved["warnings"]) == ([], [])
    salon.put(begun, {"status_detail": "in_progress"})
    salon.put(begun, {"status": "completed"})
    salon.delete(twin)
    clock.shift(timedelta(days=5))
    salon.put(ahead, {"status": "no-show"})
    assert client_mails() == []
    assert not Message.objects.exists()
    assert Client.objects.get(pk=walk_in).no_show_count == 0
    fee = NoShowFee.objects.get()
    assert (fee.state, fee.reason) == ("not_charged", "Nobody is known who could pay: it is a walk-in.")
    salon.put(ahead, {"status": "scheduled"})
    assert client_mails() == []


def test_a_visit_and_a_series_of_it_are_as_silent(salon: Salon, walk_in: int, clock: Traveller) -> None:
    items = [{"service_id": salon.service.pk, "staff_id": each.pk} for each in (salon.bea, salon.cora)]
    order = {"client_id": walk_in, "items": items, "start_at": LATER["start_at"]}
    answer = caller(salon.ada).post("/api/visits", order, format="json").json()
    assert answer["warnings"] == []
    series = {
        "recurrence": "FREQ=WEEKLY;COUNT=3",
        "start_at": "2026-03-25 10:00",
        "end_at": "2026-03-25 11:00",
    }
    assert salon.book(client_id=walk_in, **series)["warnings"] == []
    path = f"/api/visits/{answer['visit']['id']}"
    for change in ({"start_at": "2026-03-24 13:00"}, {"status": "no-show"}, {"status": "completed"}):
        assert caller(salon.ada).put(path, change, format="json").json()["warnings"] == []
    assert client_mails() == []
    assert Client.objects.get(pk=walk_in).no_show_count == 0


def test_two_walk_ins_sit_in_one_class(salon: Salon, walk_in: int) -> None:
    yoga = make_service("Yoga", max_capacity=3)
    yoga.staff.add(salon.bea)
    first = salon.book(client_id=walk_in, service_id=yoga.pk)
    second = salon.book(client_id=walk_in, service_id=yoga.pk, session_of=first["id"])
    assert second["session_id"] == first["id"]
    again = salon.order(service_id=yoga.pk, session_of=first["id"])
    assert caller(salon.ada).post("/api/bookings", again, format="json").status_code == 200
    refused = caller(salon.ada).post("/api/bookings", again, format="json")
    assert refused.status_code == 409, "a person sits in it once"


@pytest.mark.parametrize("status", ["scheduled", "completed", "no-show"])
def test_a_begun_one_given_to_a_client_sends_nothing(salon: Salon, walk_in: int, status: str) -> None:
    begun = salon.book(client_id=walk_in, **NOW)
    salon.put(begun, {"status": status})
    given = salon.put(begun, {"client_id": salon.alice.pk})
    assert given.status_code == 200
    assert given.json()["client_name"] == "Alice Adams"
    assert client_mails() == []
    missed = int(status == "no-show")
    assert Client.objects.get(pk=salon.alice.pk).no_show_count == missed
    assert not NoShowFee.objects.exclude(state="not_charged").exists()
    salon.put(begun, {"status": "completed"})
    assert client_mails() == ([] if status == "completed" else ["review.request", "followup.step"])
    assert Client.objects.get(pk=salon.alice.pk).no_show_count == 0


def test_a_begun_visit_given_to_a_client_sends_nothing(salon: Salon, walk_in: int) -> None:
    items = [{"service_id": salon.service.pk, "staff_id": each.pk} for each in (salon.bea, salon.cora)]
    order = {"client_id": walk_in, "items": items, "start_at": NOW["start_at"]}
    made = caller(salon.ada).post("/api/visits", order, format="json").json()["visit"]
    path = f"/api/visits/{made['id']}"
    caller(salon.ada).put(path, {"status": "completed"}, format="json")
    given = caller(salon.ada).put(path, {"client_id": salon.alice.pk}, format="json")
    assert given.json()["visit"]["client_id"] == salon.alice.pk
    assert client_mails() == []


def test_one_to_come_is_confirmed_to_who_it_is_given_to(salon: Salon, walk_in: int) -> None:
    ahead = salon.book(client_id=walk_in, **LATER)
    salon.put(ahead, {"client_id": salon.alice.pk})
    assert client_mails() == ["booking.created"]


def test_a_client_whose_booking_becomes_a_walk_in_is_told(salon: Salon, walk_in: int) -> None:
    booked = salon.book(**LATER)
    assert salon.put(booked, {"client_id": walk_in}).status_code == 200
    assert client_mails() == ["booking.created", "booking.cancelled"]
    assert Message.objects.last().client_id == salon.alice.pk


def refusals(salon: Salon, walk_in: int) -> list[tuple[str, str, dict[str, Any]]]:
    its = f"/api/clients/{walk_in}"
    waiting = {"client_id": walk_in, "service_id": salon.service.pk, "date": "2026-03-24"}
    return [
        ("DELETE", its, {}),
        ("PUT", its, {"is_archived": True}),
        ("PUT", its, {"email": "a@b.nl"}),
        ("PUT", its, {"phone": "+31612345678"}),
        ("PUT", its, {"mobile": "+31612345678"}),
        ("PUT", its, {"birthday": "1990-01-01"}),
        ("PUT", its, {"marketing_consent": True}),
        ("POST", f"{its}/merge", {"into": salon.alice.pk}),
        ("POST", f"/api/clients/{salon.alice.pk}/merge", {"into": walk_in}),
        ("POST", "/api/waitlist", waiting),
        ("POST", "/api/bookings", salon.order(client_id=walk_in, provisional=True)),
    ]


def test_what_only_a_person_can_is_refused(salon: Salon, walk_in: int) -> None:
    before = (stored(), list(Client.objects.order_by("id").values()))
    for method, path, body in refusals(salon, walk_in):
        answer = caller(salon.ada).generic(method, path, json.dumps(body), content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (409, "walk_in_client"), (method, path, body)
    with pytest.raises(IsWalkIn):
        erase_client(client_id=walk_in, cancel_upcoming=True, actor=SYSTEM, now=MORNING)
    assert (stored(), list(Client.objects.order_by("id").values())) == before
    assert not WaitlistEntry.objects.exists()


def test_its_mailed_request_is_refused_later_too(salon: Salon, walk_in: int) -> None:
    asked = salon.book(provisional=True)
    ahead = salon.book(client_id=walk_in, start_at="2026-03-24 12:00", end_at="2026-03-24 13:00")
    before = stored()
    assert salon.put(asked, {"client_id": walk_in}).json()["code"] == "walk_in_client"
    assert salon.put(ahead, {"status": "provisional"}).json()["code"] == "walk_in_client"
    assert stored() == before


def test_its_name_and_alert_may_change_and_a_form_may_send_the_rest_back(salon: Salon, walk_in: int) -> None:
    path = f"/api/clients/{walk_in}"
    sent = caller(salon.ada).get(path).json() | {"first_name": "Passer-by", "alert": "Pays first"}
    answer = caller(salon.ada).put(path, sent, format="json")
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["alert"]) == ("Passer-by", "Pays first")
    asked = caller(salon.ada).put(path, {"is_walk_in": False}, format="json")
    assert asked.json()["is_walk_in"] is True, "read only"


def test_the_block_of_a_walk_in_is_marked(salon: Salon, walk_in: int) -> None:
    salon.book(client_id=walk_in, **NOW)
    [block] = caller(salon.bea).get("/api/agenda").json()["bookings"]
    assert (block["marks"]["walk_in"], block["marks"]["first_visit"]) == (True, False)
    assert block["client"]["is_walk_in"] is True
    assert Booking.objects.get().client_id == walk_in
