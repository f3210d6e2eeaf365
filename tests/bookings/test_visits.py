"""Visits over the API: booked, changed, cancelled (contract §7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.lifecycle import lapse_due
from bookings.models import Visit
from notifications.models import Job, Message, Notification
from staff.models import SalonSettings
from tests.cast.bookings import MORNING
from tests.cast.factories import caller, make_service
from tests.cast.visits import Desk, busy, everything, mails, make_desk, one_visit_each, send, times

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def test_a_visit_is_answered_whole(desk: Desk) -> None:
    answer = desk.post(notes="first time")
    assert answer.status_code == 200, answer.json()
    body = answer.json()
    first, second = body["bookings"]
    assert list(body) == ["visit", "bookings", "warnings"]
    assert body["warnings"] == []
    assert body["visit"] == {
        "id": first["visit_id"],
        "key": first["key"],
        "client_id": desk.salon.alice.pk,
        "status": "scheduled",
        "start_at": "2026-03-24 10:00:00",
        "end_at": "2026-03-24 12:30:00",
        "total_price": "80.00",
        "booking_ids": [first["id"], second["id"]],
        "bookings": [first, second],
        "policy": None,
        "client_confirmed_at": None,
        "late": False,
        "version": 1,
        "contact_typed": None,
    }
    assert [(each["position"], each["visit_id"], each["service_name"]) for each in (first, second)] == [
        (1, first["visit_id"], "Colour"),
        (2, first["visit_id"], "Cut"),
    ]
    assert first["parts"] == [
        {"kind": "work", "minutes": 30},
        {"kind": "gap", "minutes": 45},
        {"kind": "work", "minutes": 30},
    ]
    assert times(body["visit"]) == ["10:00-11:45 scheduled", "11:45-12:30 scheduled"]
    assert busy(desk.salon.bea) == ["10:00-10:30", "11:15-11:45", "11:45-12:30"]
    assert desk.get(body["visit"]).json() == body["visit"]
    assert answer.headers["ETag"] == '"1"'
    one_visit_each()


def test_a_visit_is_one_mail_with_one_event(desk: Desk) -> None:
    visit = desk.book(notes="No perfume")
    assert list(Job.objects.values_list("type", "visit_id", "booking_id")) == [
        ("booking.created", visit["id"], visit["booking_ids"][0])
    ]
    assert Notification.objects.filter(type="booking.new").count() == 2  # Bea and Ada
    send()
    assert mails() == [("booking.created", "kept", "")]
    message = Message.objects.get()
    assert message.subject == "Your appointment on Tuesday 24 March at 10:00 is confirmed"
    assert "Time: 10:00 to 12:30" in message.text
    assert "10:00 to 11:45: Colour with Bea Bakker\n11:45 to 12:30: Cut with Bea Bakker" in message.text
    assert "Price: €80.00" in message.text and "Note: No perfume" in message.text
    assert message.ics.count("BEGIN:VEVENT") == 1
    assert f"UID:{visit['key']}@bookings" in message.ics
    assert "DTSTART:20260324T090000Z" in message.ics and "DTEND:20260324T113000Z" in message.ics
    for booking_id in visit["booking_ids"]:
        log = caller(desk.salon.ada).get(f"/api/bookings/{booking_id}/messages").json()
        assert [each["id"] for each in log] == [message.pk]


def test_another_client_is_served_inside_the_gap_and_who_does_not_fit_is_refused(desk: Desk) -> None:
    desk.book()
    salon = desk.salon
    trim = make_service("Trim", duration_minutes=45)
    salon.bea.services.add(trim)
    order = salon.order(client_id=salon.bob.pk, service_id=trim.pk)
    inside = order | {"start_at": "2026-03-24 10:30:00", "end_at": "2026-03-24 11:15:00"}
    before = everything()
    longer = inside | {"end_at": "2026-03-24 11:16:00"}
    answer = caller(salon.ada).post("/api/bookings", longer, format="json")
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert everything() == before
    assert caller(salon.ada).post("/api/bookings", inside, format="json").status_code == 200
    assert busy(salon.bea) == ["10:00-10:30", "10:30-11:15", "11:15-11:45", "11:45-12:30"]


def test_it_is_all_or_nothing(desk: Desk) -> None:
    desk.salon.book(start_at="2026-03-24 12:00:00", end_at="2026-03-24 12:30:00")
    before = everything()
    answer = desk.post()
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert len(answer.json()["conflicts"]) == 1
    assert everything() == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": []}, "items"),
        ({"items": None}, "items"),
        ({"items": [{"service_id": 900000999}]}, "items.0.service_id"),
        ({"items": [{"service_id": "1"}]}, "items.0.service_id"),
        ({"client_id": 900000999}, "items.0.client_id"),
        ({"start_at": "2026-03-24"}, "start_at"),
        ({"start_at": None}, "start_at"),
        ({"base_url": "https://elsewhere.example"}, "base_url"),
    ],
)
def test_a_malformed_visit_is_refused(desk: Desk, changes: dict[str, Any], field: str) -> None:
    before = everything()
    answer = desk.post(**changes)
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field]), answer.json()
    assert everything() == before


def test_seven_items_a_class_and_one_person_twice_at_once_are_refused(desk: Desk) -> None:
    salon = desk.salon
    lesson = make_service("Lesson", max_capacity=5)
    salon.bea.services.add(lesson)
    cut = desk.item(desk.cut, salon.bea)
    refused = [
        ([cut] * 7, "items"),
        ([cut, desk.item(lesson, salon.bea)], "items.1.service_id"),
        ([cut, {**cut, "after": "same_start"}], "items.1.staff_id"),
        ([{**cut, "after": "same_start"}], "items.0.after"),
        ([{**cut, "start_at": "2026-03-24 11:00:00"}], "items.0.start_at"),
    ]
    for items, field in refused:
        answer = desk.post(items=items)
        assert (answer.status_code, list(answer.json()["details"])) == (400, [field]), answer.json()
    assert not Visit.objects.exists()


def test_who_is_free_does_it_and_waits_for_nobody_longer_than_the_salon_says(desk: Desk) -> None:
    salon = desk.salon
    salon.book(start_at="2026-03-24 10:45:00", end_at="2026-03-24 11:45:00")
    anybody = desk.book(items=[desk.item(desk.cut, salon.bea), desk.item(desk.cut, None)])
    assert [each["staff_name"] for each in anybody["bookings"]] == ["Bea Bakker", "Cora Claes"]
    later = desk.book(
        "13:00", items=[desk.item(desk.cut, salon.bea), desk.item(desk.cut, salon.cora, after="same_start")]
    )
    assert times(later) == ["13:00-13:45 scheduled", "13:00-13:45 scheduled"]
    waits = desk.post(items=[desk.item(desk.cut, salon.cora), desk.item(desk.cut, salon.bea)])
    assert waits.status_code == 409, waits.json()


def test_a_request_for_a_visit_is_answered_as_a_whole(desk: Desk) -> None:
    visit = desk.book(provisional=True)
    tokens = [each["provisional_token"] for each in visit["bookings"]]
    assert visit["status"] == "provisional" and None not in tokens and len(set(tokens)) == 2
    send()
    assert mails() == [("booking.provisional", "kept", "")]
    assert tokens[0] in Message.objects.get().text and tokens[1] not in Message.objects.get().text
    answer = caller().post(f"/api/public/provisional/{tokens[1]}/accept")
    assert answer.status_code == 200, answer.json()
    now = desk.get(visit).json()
    assert (now["status"], times(now)) == ("scheduled", ["10:00-11:45 scheduled", "11:45-12:30 scheduled"])
    send()
    assert mails()[1:] == [("booking.created", "kept", "")]
    assert caller().post(f"/api/public/provisional/{tokens[0]}/accept").status_code == 410


def test_a_request_lapses_as_a_whole(desk: Desk, clock: Any) -> None:
    visit = desk.book(provisional=True)
    send()
    clock.move_to(MORNING + timedelta(hours=73))
    lapse_due(now=MORNING + timedelta(hours=73))
    assert desk.get(visit).json()["status"] == "cancelled"
    send()
    assert [each[0] for each in mails()] == ["booking.provisional", "booking.lapsed"]
    assert busy(desk.salon.bea) == []


def test_a_visit_of_others_is_seen_in_part_and_not_touched(desk: Desk) -> None:
    salon = desk.salon
    visit = desk.book(items=[desk.item(desk.colour, salon.bea), desk.item(desk.cut, salon.cora)])
    SalonSettings.objects.update(staff_personal_agenda_enabled=True)
    seen = desk.get(visit, who=salon.bea).json()
    assert (seen["booking_ids"], seen["end_at"], seen["others_hidden"]) == (
        visit["booking_ids"][:1],
        "2026-03-24 11:45:00",
        True,
    )
    before = everything()
    answer = desk.put(visit, {"start_at": "2026-03-24 10:15:00"}, who=salon.bea)
    assert answer.status_code == 403
    assert everything() == before
    SalonSettings.objects.update(staff_personal_agenda_enabled=False)
    series = desk.post(
        "16:00", items=[desk.item(desk.cut, salon.bea)], recurrence="FREQ=WEEKLY;COUNT=2"
    ).json()
    handed_over = {"staff_id": salon.cora.pk}
    assert salon.put({"id": series["visits"][1]["booking_ids"][0]}, handed_over).status_code == 200
    SalonSettings.objects.update(staff_personal_agenda_enabled=True)
    before = everything()
    answer = desk.put(series["visit"], {"scope": "all", "client_confirmed": True}, who=salon.bea)
    assert answer.status_code == 403
    assert everything() == before
    alone = desk.book("14:00", items=[desk.item(desk.cut, salon.cora)])
    assert desk.get(alone, who=salon.bea).status_code == 404


def test_lists_and_filters(desk: Desk) -> None:
    first, second = desk.book(), desk.book("14:00")
    single = desk.salon.book(start_at="2026-03-25 10:00:00", end_at="2026-03-25 11:00:00")
    get = caller(desk.salon.ada).get
    assert [each["id"] for each in get("/api/visits").json()] == [
        single["visit_id"],
        second["id"],
        first["id"],
    ]
    page = get("/api/visits?page=1&limit=1&date_to=2026-03-24").json()
    assert (page["total"], page["items"]) == (2, [second])
    assert get(f"/api/visits?client_id={desk.salon.bob.pk}").json() == []
    listed = get(f"/api/bookings?visit_id={first['id']}&order=asc").json()
    assert [each["id"] for each in listed] == first["booking_ids"]


def test_the_page_of_a_request_shows_the_whole_visit(desk: Desk) -> None:
    visit = desk.book(provisional=True)
    token = visit["bookings"][1]["provisional_token"]
    asked = caller().get(f"/api/public/provisional/{token}").json()
    assert (asked["service_name"], asked["staff_name"]) == ("Colour, Cut", "Bea Bakker")
    assert (asked["start_at"], asked["end_at"]) == ("2026-03-24 10:00:00", "2026-03-24 12:30:00")
    page = caller().get(f"/provisional/{token}/accept", headers={"Accept": "text/html"}).content.decode()
    assert "10:00 to 12:30" in page and "Colour with Bea Bakker" in page and "Cut with Bea Bakker" in page
    desk.put(visit, {"start_at": "2026-03-24 10:15:00"})
    answer = caller().post(
        f"/api/public/provisional/{token}/accept", {"start_at": asked["start_at"]}, format="json"
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "request_changed")
