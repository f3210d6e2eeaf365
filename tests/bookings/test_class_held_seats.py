"""What seats kept by holds mean to the class they are in (contract §6a "class seats"; docs/adr/0021)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bookings import lifecycle
from bookings.lifecycle import Order
from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from staff.access.actor import SYSTEM, Actor
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_client, make_salon, make_service

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

TEN = "2026-03-24 10:00:00"


@pytest.fixture
def salon() -> Salon:
    cast = make_cast()
    cast.service.max_capacity = 4
    cast.service.duration_minutes = 60
    cast.service.save()
    return cast


def hold(salon: Salon, **changes: Any) -> Any:
    body = {"service_id": salon.service.pk, "staff_id": salon.bea.pk, "start_at": TEN, **changes}
    return caller(salon.ada).post("/api/holds", body, format="json")


def post(salon: Salon, **changes: Any) -> Any:
    return caller(salon.ada).post("/api/bookings", salon.order(**changes), format="json")


def sessions(salon: Salon, who: Any = None) -> list[dict[str, Any]]:
    path = f"/api/availability?service_id={salon.service.pk}&date_from=2026-03-24&date_to=2026-03-24"
    [printed] = caller(who or salon.ada).get(path).json()["days"]
    found: list[dict[str, Any]] = printed["sessions"]
    return found


def make_class(salon: Salon) -> list[dict[str, Any]]:
    first = salon.book()
    return [first, salon.book(client_id=salon.bob.pk, session_of=first["id"])]


@pytest.mark.parametrize("start_at", ["2026-03-24 10:30:00", "2026-03-24 15:00:00", TEN])
def test_the_seats_go_along_with_a_class_that_moves(salon: Salon, start_at: str) -> None:
    first, _ = make_class(salon)
    kept = hold(salon, persons=2).json()
    changes = {"start_at": start_at, "staff_id": salon.cora.pk, "scope": "session"}
    answer = salon.put(first, changes)
    assert answer.status_code == 200, answer.json()
    [standing] = sessions(salon)
    assert (standing["start_at"], standing["staff_id"], standing["seats_left"]) == (
        start_at,
        salon.cora.pk,
        0,
    )
    assert BusyTime.objects.values("party", "staff_id", "starts_at").distinct().count() == 1
    times = {"start_at": start_at, "end_at": answer.json()["bookings"][0]["end_at"]}
    carl = make_client("Carl", "Clark")
    taken = {"staff_id": salon.cora.pk, "client_id": carl.pk, "persons": 2, **times}
    joined = post(salon, **taken, hold_token=kept["hold_token"])
    assert (joined.status_code, joined.json()["session_id"]) == (200, first["id"])


def test_a_class_stays_where_it_is_when_a_smaller_service_has_no_room_for_the_seats(salon: Salon) -> None:
    first, _ = make_class(salon)
    assert hold(salon, persons=2).status_code == 201
    small = make_service("Small class", max_capacity=3)
    before = stored()
    answer = salon.put(first, {"service_id": small.pk, "scope": "session"})
    assert (answer.status_code, answer.json()["code"]) == (409, "maximum_capacity_reached")
    assert stored() == before
    assert Hold.objects.get().service_id == salon.service.pk


def test_the_seats_go_along_with_a_group_of_a_dialect_and_stay_where_one_closes(salon: Salon) -> None:
    first, second = make_class(salon)
    assert hold(salon).status_code == 201
    starts = Booking.objects.get(pk=first["id"]).start_at + timedelta(minutes=30)
    times = {"start_at": starts, "end_at": starts + timedelta(hours=1)}
    lifecycle.change_session(actor=SYSTEM, session_id=first["id"], changes=times)
    assert Hold.objects.get().start_at == starts
    assert BusyTime.objects.values("party", "starts_at").distinct().count() == 1
    lifecycle.change_session(actor=SYSTEM, session_id=second["session_id"], changes={"status": "cancelled"})
    assert [(each["session_of"], each["seats_left"]) for each in sessions(salon)] == [(None, 3)]


def test_the_last_booking_of_a_class_comes_back_beside_the_seats_kept_in_it(salon: Salon) -> None:
    first = salon.book(persons=2)
    kept = hold(salon, persons=2).json()
    salon.delete(first)
    assert salon.put(first, {"status": "scheduled"}).status_code == 200
    assert BusyTime.objects.values("party").distinct().count() == 1
    assert sessions(salon)[0]["seats_left"] == 0
    joined = post(salon, client_id=salon.bob.pk, persons=2, hold_token=kept["hold_token"])
    assert (joined.status_code, joined.json()["session_id"]) == (200, first["id"])


def test_it_does_not_come_back_where_the_seats_leave_no_room(salon: Salon) -> None:
    first = salon.book(persons=2)
    salon.delete(first)
    assert hold(salon, persons=3).status_code == 201
    before = stored()
    answer = salon.put(first, {"status": "scheduled"})
    assert (answer.status_code, answer.json()["code"]) == (409, "maximum_capacity_reached")
    assert stored() == before


def test_a_class_of_which_only_seats_are_left_can_be_joined(salon: Salon) -> None:
    first = salon.book()
    assert hold(salon, persons=2).status_code == 201
    salon.delete(first)
    joined = post(salon, client_id=salon.bob.pk, session_of=first["id"])
    assert (joined.status_code, joined.json()["session_id"]) == (200, first["id"])
    assert BusyTime.objects.values("party").distinct().count() == 1


def test_a_client_sits_down_beside_seats_that_others_keep(salon: Salon) -> None:
    assert hold(salon, persons=2).status_code == 201
    salon.bea.services.add(salon.service)
    row = Hold.objects.get()
    order = Order(
        client_id=salon.bob.pk,
        staff_id=row.staff_id,
        service_id=row.service_id,
        start_at=row.start_at,
        end_at=row.end_at,
        by_client=True,
    )
    client = Actor(type="client", id=salon.bob.pk, name="Bob", channel="page")
    assert lifecycle.book(actor=client, order=order).booking.party == row.party


def test_where_all_classes_are_full_nobody_is_chosen_and_it_says_so(salon: Salon) -> None:
    for person in (salon.bea, salon.cora):
        salon.book(staff_id=person.pk, persons=3, allow_overlap=True)
    before = stored()
    answer = hold(salon, staff_id=None, persons=2)
    assert (answer.status_code, answer.json()["code"]) == (409, "maximum_capacity_reached")
    assert stored() == before
    assert hold(salon, staff_id=None).status_code == 201
    # With nobody who has a class then, nobody is free as ever.
    busy = hold(salon, staff_id=None, start_at="2026-03-24 10:30:00")
    assert (busy.status_code, busy.json()["code"]) == (409, "slot_taken")


def test_a_personal_agenda_shows_the_classes_of_others_without_their_bookings(salon: Salon) -> None:
    make_salon(staff_personal_agenda_enabled=True)
    own, others = salon.book(), salon.book(staff_id=salon.cora.pk, client_id=salon.bob.pk)
    found = sessions(salon, who=salon.bea)
    assert [(each["staff_id"], each["session_of"], each["seats_left"]) for each in found] == [
        (salon.bea.pk, own["id"], 3),
        (salon.cora.pk, None, 3),
    ]
    assert [each["session_of"] for each in sessions(salon)] == [own["id"], others["id"]]


def test_an_offer_of_a_seat_that_is_gone_is_in_nobodys_way(salon: Salon) -> None:
    first, second = make_class(salon)
    fields = {"service": salon.service, "date": date(2026, 3, 24)}
    waiting = [
        WaitlistEntry.objects.create(client=make_client(name), created_at=MORNING, **fields)
        for name in ("Carl", "Dora")
    ]
    salon.delete(second)
    assert WaitlistOffer.objects.get().entry_id == waiting[0].pk
    # The class moves by half an hour: the seat at ten is no more, and nobody has swept yet.
    salon.put(first, {"start_at": "2026-03-24 10:30:00", "end_at": "2026-03-24 11:30:00", "scope": "session"})
    body = {"staff_id": salon.bea.pk, "start_at": "2026-03-24 10:30:00"}
    answer = caller(salon.ada).post(f"/api/waitlist/{waiting[1].pk}/offer", body, format="json")
    assert answer.status_code == 201, answer.json()
    assert list(WaitlistOffer.objects.filter(state="live").values_list("entry_id", flat=True)) == [
        waiting[1].pk
    ]
    for entry, status in zip(waiting, ("waiting", "notified"), strict=True):
        entry.refresh_from_db()
        assert entry.status == status
