"""Changing and cancelling a visit over the API (contract §7 "PUT", "DELETE")."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Booking, BookingEvent
from notifications.models import Job, Message
from tests.cast.bookings import MORNING
from tests.cast.visits import Desk, busy, everything, mails, make_desk, newest, one_visit_each, send, times

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def test_moving_it_by_fifteen_minutes_moves_every_item(desk: Desk) -> None:
    visit = desk.book()
    send()
    moved = desk.changed(visit, {"start_at": "2026-03-24 10:15:00"})
    assert times(moved) == ["10:15-12:00 scheduled", "12:00-12:45 scheduled"]
    assert busy(desk.salon.bea) == ["10:15-10:45", "11:30-12:00", "12:00-12:45"]
    assert moved["version"] > visit["version"]
    pending = Job.objects.get(state="pending")
    assert (pending.type, pending.dedupe_key) == ("booking.updated", f"booking.updated:visit:{visit['id']}")
    assert pending.run_at == MORNING + timedelta(minutes=30)
    one_visit_each()


def test_a_move_is_told_once_and_one_dragged_back_is_not(desk: Desk, clock: Any) -> None:
    visit = desk.book()
    send()
    desk.changed(visit, {"start_at": "2026-03-24 10:15:00"})
    desk.changed(visit, {"start_at": "2026-03-24 10:00:00"})
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    assert mails()[-1] == ("booking.updated", "not_sent", "dragged_back")
    desk.changed(visit, {"start_at": "2026-03-24 14:00:00"})
    clock.move_to(MORNING + timedelta(minutes=62))
    send()
    assert mails()[-1] == ("booking.updated", "kept", "")
    message = newest()
    assert message.subject == "Your appointment has been moved to Tuesday 24 March at 14:00"
    assert "Before: Tuesday 24 March 2026 at 10:00" in message.text
    assert f"UID:{visit['key']}@bookings" in message.ics


def test_dropping_the_cut_is_an_update_and_leaves_no_hole_behind(desk: Desk, clock: Any) -> None:
    visit = desk.book()
    send()
    colour, cut = visit["booking_ids"]
    answer = desk.put(visit, {"items": {"remove": [cut]}})
    assert answer.status_code == 200
    assert times(answer.json()["visit"]) == ["10:00-11:45 scheduled", "11:45-12:30 cancelled"]
    assert (answer.json()["visit"]["end_at"], answer.json()["warnings"]) == ("2026-03-24 11:45:00", [])
    assert busy(desk.salon.bea) == ["10:00-10:30", "11:15-11:45"]
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    assert mails() == [("booking.created", "kept", ""), ("booking.updated", "kept", "")]
    message = newest()
    assert "Cut" not in message.text
    assert "DTEND:20260324T104500Z" in message.ics and "METHOD:REQUEST" in message.ics
    assert Booking.objects.get(pk=colour).announced_as == "scheduled"
    assert Booking.objects.get(pk=cut).announced_as == ""


def test_the_middle_one_removed_leaves_a_hole(desk: Desk) -> None:
    bea = desk.salon.bea
    visit = desk.book(items=[desk.item(desk.cut, bea)] * 3)
    answer = desk.put(visit, {"items": {"remove": [visit["booking_ids"][1]]}})
    assert [each["code"] for each in answer.json()["warnings"]] == ["idle_time"]
    assert times(answer.json()["visit"])[1].endswith("cancelled")


def test_an_added_item_goes_to_the_end(desk: Desk) -> None:
    visit = desk.book(items=[desk.item(desk.cut, desk.salon.bea)])
    send()
    grown = desk.changed(visit, {"items": {"add": [desk.item(desk.colour, desk.salon.cora)]}})
    assert times(grown) == ["10:00-10:45 scheduled", "10:45-12:30 scheduled"]
    assert [each["position"] for each in grown["bookings"]] == [1, 2]
    assert list(Job.objects.filter(state="pending").values_list("type", flat=True)) == ["booking.updated"]
    one_visit_each()


def test_cancelling_it_is_one_cancellation(desk: Desk) -> None:
    visit = desk.book()
    send()
    answer = desk.delete(visit, "?reason=ill")
    assert answer.status_code == 200
    assert times(answer.json()["visit"]) == ["10:00-11:45 cancelled", "11:45-12:30 cancelled"]
    assert (answer.json()["visit"]["status"], busy(desk.salon.bea)) == ("cancelled", [])
    assert BookingEvent.objects.filter(reason="ill").count() == 2
    send()
    assert mails() == [("booking.created", "kept", ""), ("booking.cancelled", "kept", "")]
    message = newest()
    assert "METHOD:CANCEL" in message.ics
    assert "Colour with Bea" in message.text and "Cut with Bea" in message.text
    events = BookingEvent.objects.count()
    assert desk.delete(visit).status_code == 200
    assert (BookingEvent.objects.count(), len(mails())) == (events, 2)


def test_a_restored_visit_brings_back_what_the_last_cancelling_closed(desk: Desk, clock: Any) -> None:
    bea = desk.salon.bea
    visit = desk.book(items=[desk.item(desk.cut, bea)] * 3)
    desk.changed(visit, {"items": {"remove": [visit["booking_ids"][2]]}})
    clock.shift(1)
    desk.delete(visit)
    back = desk.changed(visit, {"status": "scheduled"})
    assert times(back) == ["10:00-10:45 scheduled", "10:45-11:30 scheduled", "11:30-12:15 cancelled"]
    assert busy(bea) == ["10:00-10:45", "10:45-11:30"]


def test_a_cancellation_that_has_not_left_is_taken_back_by_restoring(desk: Desk) -> None:
    visit = desk.book()
    send()
    desk.delete(visit)
    desk.changed(visit, {"status": "scheduled"})
    send()
    assert mails() == [("booking.created", "kept", ""), ("booking.cancelled", "not_sent", "restored")]
    desk.delete(visit)
    send()
    desk.changed(visit, {"status": "scheduled"})
    send()
    assert [each[:2] for each in mails()[2:]] == [("booking.cancelled", "kept"), ("booking.created", "kept")]


def test_another_client_gets_it_whole(desk: Desk) -> None:
    visit = desk.book()
    send()
    moved = desk.changed(visit, {"client_id": desk.salon.bob.pk})
    assert moved["client_id"] == desk.salon.bob.pk
    assert {each["client_name"] for each in moved["bookings"]} == {"Bob Brown"}
    send()
    assert [(each.type, each.to) for each in Message.objects.order_by("id")] == [
        ("booking.created", "alice@example.com"),
        ("booking.cancelled", "alice@example.com"),
        ("booking.created", "bob@example.com"),
    ]
    one_visit_each()


def test_one_item_handed_to_another_client_leaves_the_visit(desk: Desk, clock: Any) -> None:
    visit = desk.book()
    send()
    colour, cut = visit["booking_ids"]
    answer = desk.salon.put({"id": cut}, {"client_id": desk.salon.bob.pk})
    assert answer.status_code == 200 and answer.json()["visit_id"] != visit["id"]
    assert desk.get(visit).json()["booking_ids"] == [colour]
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    assert [(each.type, each.to) for each in Message.objects.order_by("id")][1:] == [
        ("booking.updated", "alice@example.com"),
        ("booking.created", "bob@example.com"),
    ]
    one_visit_each()


def test_one_item_moved_by_itself_is_told_as_the_visit(desk: Desk, clock: Any) -> None:
    visit = desk.book()
    send()
    cut = visit["booking_ids"][1]
    times_ = {"start_at": "2026-03-24 13:00:00", "end_at": "2026-03-24 13:45:00"}
    assert desk.salon.put({"id": cut}, times_).status_code == 200
    assert desk.get(visit).json()["end_at"] == "2026-03-24 13:45:00"
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    message = newest()
    assert message.type == "booking.updated"
    assert "13:00 to 13:45: Cut with Bea Bakker" in message.text
    assert len(mails()) == 2


def test_a_completed_item_keeps_the_visit_from_moving(desk: Desk) -> None:
    visit = desk.book()
    desk.salon.put({"id": visit["booking_ids"][0]}, {"status": "completed"})
    before = everything()
    answer = desk.put(visit, {"start_at": "2026-03-24 15:00:00"})
    assert (answer.status_code, answer.json()["code"]) == (409, "visit_begun")
    assert everything() == before


def test_if_match_is_the_visits_version(desk: Desk) -> None:
    visit = desk.book()
    answer = desk.put(visit, {"notes": "later"}, **{"If-Match": '"7"'})
    assert (answer.status_code, answer.json()["code"]) == (412, "stale_version")
    answer = desk.put(visit, {"notes": "later"}, **{"If-Match": '"1"'})
    assert answer.status_code == 200
    assert {each["notes"] for each in answer.json()["bookings"]} == {"later"}


def test_the_client_says_that_they_come_until_it_moves(desk: Desk) -> None:
    visit = desk.book()
    assert desk.changed(visit, {"client_confirmed": True})["client_confirmed_at"] == "2026-03-20 09:00:00"
    assert desk.changed(visit, {"start_at": "2026-03-24 10:15:00"})["client_confirmed_at"] is None
    assert desk.changed(visit, {"client_confirmed": True})["client_confirmed_at"] is not None
    assert desk.changed(visit, {"client_confirmed": False})["client_confirmed_at"] is None


def test_of_a_cancelled_visit_nothing_moves_unless_it_comes_back_in_the_same_call(
    desk: Desk, clock: Any
) -> None:
    bea = desk.salon.bea
    visit = desk.book(items=[desk.item(desk.cut, bea)] * 3)
    desk.changed(visit, {"items": {"remove": [visit["booking_ids"][2]]}})
    clock.shift(1)
    desk.delete(visit)
    before = everything()
    for sent in ({"start_at": "2026-03-24 15:00:00"}, {"start_at": "2026-03-24 15:00:00", "notes": "later"}):
        answer = desk.put(visit, sent)
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["start_at"]), answer.json()
        assert everything() == before
    # As it is stored, it counts as not sent.
    assert desk.changed(visit, {"start_at": "2026-03-24 10:00:00"})["status"] == "cancelled"
    assert everything() == before
    back = desk.changed(visit, {"start_at": "2026-03-24 15:00:00", "status": "scheduled"})
    assert times(back) == ["15:00-15:45 scheduled", "15:45-16:30 scheduled", "11:30-12:15 cancelled"]
    assert busy(bea) == ["15:00-15:45", "15:45-16:30"]
    one_visit_each()


def test_what_is_in_the_way_of_a_move_is_never_the_visit_itself(desk: Desk) -> None:
    salon = desk.salon
    visit = desk.book()
    bobs = salon.book(client_id=salon.bob.pk, start_at="2026-03-24 10:30:00", end_at="2026-03-24 11:15:00")
    before = everything()
    answer = desk.put(visit, {"start_at": "2026-03-24 10:15:00"})
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert [each["booking_id"] for each in answer.json()["conflicts"]] == [bobs["id"]]
    assert everything() == before


@pytest.mark.parametrize("change", [{"notes": "Brings a mat."}, {"status": "cancelled"}, None])
def test_a_seat_in_a_class_is_changed_without_who_founded_it(
    desk: Desk, change: dict[str, Any] | None
) -> None:
    salon = desk.salon
    salon.service.max_capacity = 3
    salon.service.save()
    founder = salon.book()
    joined = salon.book(client_id=salon.bob.pk, session_of=founder["id"])
    before = list(Booking.objects.filter(pk=founder["id"]).values())
    visit = {"id": joined["visit_id"]}
    answer = desk.delete(visit) if change is None else desk.put(visit, change)
    assert answer.status_code == 200
    assert list(Booking.objects.filter(pk=founder["id"]).values()) == before
    row = Booking.objects.get(pk=joined["id"])
    assert (row.notes, row.status) == (
        ("Brings a mat.", "scheduled") if change == {"notes": "Brings a mat."} else ("", "cancelled")
    )
