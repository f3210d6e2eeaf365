"""Seats of classes: in availability, in holds, and who joins by themselves (contract §6a "class seats")."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from bookings import lifecycle
from bookings.errors import SessionFull, SlotTaken
from bookings.lifecycle import Order
from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from bookings.slots import holds
from staff.access.actor import SYSTEM, Actor
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_client, make_service
from tests.cast.races import answered, at_once

pytestmark = pytest.mark.django_db(transaction=True)

TEN = "2026-03-24 10:00:00"
at_morning = pytest.mark.clock_at(MORNING)


@pytest.fixture
def salon() -> Salon:
    cast = make_cast()
    cast.service.max_capacity = 4
    cast.service.duration_minutes = 60
    cast.service.save()
    return cast


def sessions(salon: Salon, day: str = "2026-03-24") -> list[dict[str, Any]]:
    path = f"/api/availability?service_id={salon.service.pk}&date_from={day}&date_to={day}"
    [printed] = caller(salon.ada).get(path).json()["days"]
    assert list(printed) == ["date", "staff", "sessions"]
    found: list[dict[str, Any]] = printed["sessions"]
    return found


def hold(salon: Salon, **changes: Any) -> Any:
    body = {"service_id": salon.service.pk, "staff_id": salon.bea.pk, "start_at": TEN, **changes}
    return caller(salon.ada).post("/api/holds", body, format="json")


def post(salon: Salon, **changes: Any) -> Any:
    return caller(salon.ada).post("/api/bookings", salon.order(**changes), format="json")


@at_morning
def test_the_sessions_of_a_day_with_their_free_seats(salon: Salon) -> None:
    assert sessions(salon) == []
    first = salon.book()
    salon.book(client_id=salon.bob.pk, session_of=first["id"], persons=2)
    assert hold(salon).status_code == 201
    expected = {
        "staff_id": salon.bea.pk,
        "session_of": first["id"],
        "start_at": TEN,
        "end_at": "2026-03-24 11:00:00",
        "seats_left": 0,
    }
    assert sessions(salon) == [expected]
    with time_machine.travel(MORNING + timedelta(minutes=6), tick=False):
        assert sessions(salon) == [{**expected, "seats_left": 1}]
    salon.delete(first)
    [left] = sessions(salon)
    assert (left["seats_left"], left["session_of"]) == (1, first["id"])
    assert sessions(salon, "2026-03-25") == []


@at_morning
def test_a_service_for_one_has_no_sessions(salon: Salon) -> None:
    alone = make_service("Massage")
    path = f"/api/availability?service_id={alone.pk}&date_from=2026-03-24&date_to=2026-03-24"
    assert list(caller(salon.ada).get(path).json()["days"][0]) == ["date", "staff"]
    refused = hold(salon, service_id=alone.pk, persons=2)
    assert (refused.status_code, list(refused.json()["details"])) == (400, ["persons"])


@at_morning
def test_a_hold_keeps_seats_and_its_booking_joins_by_itself(salon: Salon) -> None:
    first = salon.book(persons=2)
    kept = hold(salon, persons=2)
    assert (kept.status_code, Hold.objects.get().persons) == (201, 2)
    assert BusyTime.objects.values("party").distinct().count() == 1
    full = hold(salon)
    assert (full.status_code, full.json()["code"]) == (409, "maximum_capacity_reached")
    joining = post(salon, client_id=salon.bob.pk, session_of=first["id"])
    assert (joining.status_code, joining.json()["code"]) == (409, "maximum_capacity_reached")
    grown = salon.put(first, {"persons": 3})
    assert (grown.status_code, grown.json()["code"]) == (409, "maximum_capacity_reached")
    answer = post(salon, client_id=salon.bob.pk, persons=2, hold_token=kept.json()["hold_token"])
    assert (answer.status_code, answer.json()["session_id"]) == (200, first["id"])
    assert not Hold.objects.exists()
    assert [each["seats_left"] for each in sessions(salon)] == [0]


@at_morning
def test_holds_found_a_class_and_their_bookings_become_one_session(salon: Salon) -> None:
    tokens = [hold(salon, persons=2).json()["hold_token"] for _ in range(2)]
    assert [(each["session_of"], each["seats_left"]) for each in sessions(salon)] == [(None, 0)]
    assert hold(salon).status_code == 409
    plain = post(salon)
    assert (plain.status_code, plain.json()["code"]) == (409, "slot_taken")
    first = post(salon, persons=2, hold_token=tokens[0]).json()
    second = post(salon, client_id=salon.bob.pk, persons=2, hold_token=tokens[1]).json()
    assert [first["session_id"], second["session_id"]] == [first["id"]] * 2
    assert BusyTime.objects.values("party").distinct().count() == 1


@at_morning
def test_more_persons_than_were_held_need_room(salon: Salon) -> None:
    mine, _ = hold(salon).json(), hold(salon, persons=2)
    before = stored()
    answer = post(salon, persons=3, hold_token=mine["hold_token"])
    assert (answer.status_code, answer.json()["code"]) == (409, "maximum_capacity_reached")
    assert stored() == before
    assert post(salon, persons=2, hold_token=mine["hold_token"]).status_code == 200


@at_morning
def test_without_a_person_the_class_with_room_is_chosen(salon: Salon) -> None:
    salon.book(staff_id=salon.cora.pk)
    assert hold(salon, staff_id=None, persons=3).json()["staff_id"] == salon.cora.pk
    assert hold(salon, staff_id=None).json()["staff_id"] == salon.bea.pk


@at_morning
def test_another_end_or_service_is_no_seat_in_that_class(salon: Salon) -> None:
    salon.book()
    other = make_service("Yoga", max_capacity=4)
    for changes in ({"end_at": "2026-03-24 10:30:00"}, {"service_id": other.pk}):
        answer = hold(salon, **changes)
        assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")


@at_morning
def test_a_client_joins_by_themselves_and_the_desk_says_so(salon: Salon) -> None:
    first = salon.book()
    assert post(salon, client_id=salon.bob.pk).json()["code"] == "slot_taken"
    row = Booking.objects.get(pk=first["id"])
    order = Order(
        client_id=salon.bob.pk,
        staff_id=row.staff_id,
        service_id=row.service_id,
        start_at=row.start_at,
        end_at=row.end_at,
        by_client=True,
    )
    client = Actor(type="client", id=salon.bob.pk, name="Bob", channel="page")
    salon.bea.services.add(salon.service)
    joined = lifecycle.book(actor=client, order=order).booking
    assert joined.session_of_id == first["id"]


@at_morning
def test_a_held_seat_is_not_offered_to_who_waits(salon: Salon) -> None:
    first = salon.book(persons=3)
    second = salon.book(client_id=salon.bob.pk, session_of=first["id"])
    waiting = make_client("Carl", "Clark")
    WaitlistEntry.objects.create(
        client=waiting,
        service=salon.service,
        date=MORNING.date() + timedelta(days=4),
        created_at=MORNING,
        updated_at=MORNING,
    )
    salon.put(first, {"persons": 2})
    assert hold(salon).status_code == 201
    salon.put(first, {"persons": 3, "status": "scheduled"})
    Booking.objects.filter(pk=first["id"]).update(persons=3)
    salon.delete(second)
    assert not WaitlistOffer.objects.exists()


def outcomes(*calls: Any) -> Counter[str]:
    return Counter(at_once(*(answered(call) for call in calls)))


def asked(salon: Salon) -> dict[str, Any]:
    start_at = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    return {"service_id": salon.service.pk, "staff_id": salon.bea.pk, "start_at": start_at}


def keep(salon: Salon, **wanted: Any) -> Hold:
    return holds.keep(actor=SYSTEM, salon=SalonSettings.load(), now=timezone.now(), **asked(salon), **wanted)


def make_order(salon: Salon, **more: Any) -> Order:
    place = asked(salon)
    client = make_client(f"C{Booking.objects.count()}").pk
    return Order(**{"client_id": client, "end_at": place["start_at"] + timedelta(hours=1), **place, **more})


def test_sixteen_holds_at_one_class_never_keep_more_seats_than_there_are(salon: Salon) -> None:
    assert outcomes(*[partial(keep, salon)] * 16) == {"done": 4, SessionFull.code: 12}
    assert BusyTime.objects.values("party").distinct().count() == 1


def test_holds_bookings_and_joiners_share_one_class(salon: Salon) -> None:
    tokens = [keep(salon).token for _ in range(2)]
    with_token = [
        partial(lifecycle.book, actor=SYSTEM, order=make_order(salon, hold_token=t)) for t in tokens
    ]
    by_client = [
        partial(lifecycle.book, actor=SYSTEM, order=make_order(salon, by_client=True)) for _ in range(6)
    ]
    words = outcomes(*with_token, *by_client, *[partial(keep, salon)] * 6)
    assert set(words) <= {"done", SessionFull.code, SlotTaken.code, "outside_working_hours"}, words
    assert Booking.objects.values("session_id").distinct().count() == 1
    assert Booking.objects.filter(client__first_name="C0").exists()
    assert BusyTime.objects.values("party").distinct().count() == 1
    assert Booking.objects.count() + Hold.objects.count() <= 4
