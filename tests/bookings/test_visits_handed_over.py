"""A booking of a visit, or the whole of it, goes to another client; and what of a visit is told when only a
part of it stands (contract §7 "mails", §1.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings import lifecycle
from bookings.models import Booking
from notifications.models import Job, Message
from staff.access.actor import SYSTEM
from tests.cast.bookings import MORNING
from tests.cast.calendars import ClientCalendar
from tests.cast.parts import TUESDAY
from tests.cast.visits import (
    Desk,
    busy,
    calendar_is_true,
    everything,
    mails,
    make_desk,
    one_visit_each,
    send,
    times,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def change(desk: Desk, booking_id: int, **changes: Any) -> dict[str, Any]:
    answer = desk.salon.put({"id": booking_id}, changes)
    assert answer.status_code == 200, answer.json()
    body: dict[str, Any] = answer.json()
    return body


def told(to: str) -> list[str]:
    """The types of what reached this client."""
    reached = Message.objects.filter(to=f"{to}@example.com", state="kept")
    return list(reached.order_by("id").values_list("type", flat=True))


def in_calendar(to: str) -> dict[str, str]:
    """From when to when (UTC) each event of this client is, by its UID."""
    messages = Message.objects.filter(to=f"{to}@example.com", state="kept").order_by("id")
    events = ClientCalendar.of(messages).events
    return {uid: f"{start:%H:%M}-{end:%H:%M}" for uid, (start, end) in events.items()}


def uid(of: dict[str, Any]) -> str:
    return f"{of['key']}@bookings"


def test_the_first_booking_goes_before_the_confirmation_left_which_then_tells_of_the_rest(desk: Desk) -> None:
    visit = desk.book()
    colour, cut = visit["booking_ids"]
    given = change(desk, colour, client_id=desk.salon.bob.pk)
    send()
    assert (told("alice"), told("bob")) == (["booking.created"], ["booking.created"])
    assert in_calendar("alice") == {uid(visit): "10:45-11:30"}
    [theirs] = in_calendar("bob").items()
    assert theirs[1] == "09:00-10:45" and theirs[0] != uid(visit)
    assert {each.pk: each.announced_as for each in Booking.objects.all()} == {
        colour: "scheduled",
        cut: "scheduled",
    }
    assert given["visit_id"] != visit["id"]
    one_visit_each()
    calendar_is_true()


@pytest.mark.parametrize("position", [0, 1])
def test_a_booking_that_comes_back_is_an_event_of_its_own(desk: Desk, clock: Any, position: int) -> None:
    visit = desk.book()
    send()
    gone = visit["booking_ids"][position]
    change(desk, gone, client_id=desk.salon.bob.pk)
    clock.shift(60)
    send()
    change(desk, gone, client_id=desk.salon.alice.pk)
    send()
    assert told("alice") == ["booking.created", "booking.updated", "booking.created"]
    assert sorted(in_calendar("alice").values()) == ["09:00-10:45", "10:45-11:30"]
    assert in_calendar("bob") == {}


def test_the_last_that_stood_of_a_visit_is_cancelled_for_who_loses_it(desk: Desk) -> None:
    visit = desk.book()
    send()
    colour, cut = visit["booking_ids"]
    change(desk, colour, status="cancelled")
    change(desk, cut, client_id=desk.salon.bob.pk)
    send()
    assert told("alice") == ["booking.created", "booking.cancelled"]
    assert in_calendar("alice") == {}
    assert "11:45" in Message.objects.get(type="booking.cancelled").text


def test_who_loses_a_booking_of_a_closed_visit_is_mailed_nothing(desk: Desk) -> None:
    visit = desk.book()
    send()
    _colour, cut = visit["booking_ids"]
    desk.changed(visit, {"status": "no-show"})
    change(desk, cut, client_id=desk.salon.bob.pk)
    assert not Job.objects.filter(state="pending", type__startswith="booking.").exists()


def test_a_booking_that_goes_needs_its_buffer_again(desk: Desk) -> None:
    desk.cut.buffer_before_minutes = 5
    desk.cut.save()
    _colour, cut = desk.book()["booking_ids"]
    before = everything()
    answer = desk.salon.put({"id": cut}, {"client_id": desk.salon.bob.pk})
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert everything() == before
    change(desk, cut, start_at="2026-03-24 11:50:00", end_at="2026-03-24 12:35:00")
    change(desk, cut, client_id=desk.salon.bob.pk)
    assert busy(desk.salon.bea)[-1] == "11:45-12:35"
    calendar_is_true()


def test_who_gets_a_visit_of_which_something_is_done_is_asked_for_a_review_once(desk: Desk) -> None:
    visit = desk.book()
    _colour, cut = visit["booking_ids"]
    change(desk, cut, status="completed")
    desk.changed(visit, {"client_id": desk.salon.bob.pk})
    [review] = Job.objects.filter(type="review.request", state="pending")
    assert review.recipient == f"client:{desk.salon.bob.pk}"


def test_a_visit_given_and_taken_back_is_confirmed_as_it_stands(desk: Desk) -> None:
    visit = desk.book()
    send()
    colour, cut = visit["booking_ids"]
    change(desk, cut, status="cancelled")
    desk.changed(visit, {"client_id": desk.salon.bob.pk})
    desk.changed(visit, {"client_id": desk.salon.alice.pk})
    send()
    assert told("alice") == ["booking.created", "booking.created"]
    assert {each.pk: each.announced_as for each in Booking.objects.all()} == {colour: "scheduled", cut: ""}
    assert in_calendar("alice") == {uid(visit): "09:00-10:45"}


def test_what_was_added_and_not_told_is_not_believed_in_after_a_detour(desk: Desk) -> None:
    visit = desk.book(items=[desk.item(desk.colour, desk.salon.bea)])
    send()
    desk.changed(visit, {"items": {"add": [desk.item(desk.cut, desk.salon.bea)]}})
    desk.changed(visit, {"client_id": desk.salon.bob.pk})
    desk.changed(visit, {"client_id": desk.salon.alice.pk})
    first, added = Booking.objects.order_by("position")
    assert (first.announced_as, added.announced_as) == ("scheduled", "")
    send()
    assert in_calendar("alice") == {uid(visit): "09:00-11:30"}


def test_one_that_stands_alone_again_is_told_of_itself(desk: Desk) -> None:
    visit = desk.book()
    desk.delete(visit)
    colour, cut = visit["booking_ids"]
    change(desk, cut, status="scheduled")
    send()
    assert times(desk.get(visit).json()) == ["10:00-11:45 cancelled", "11:45-12:30 scheduled"]
    assert {each.pk: each.announced_as for each in Booking.objects.all()} == {colour: "", cut: "scheduled"}
    change(desk, cut, status="cancelled")
    send()
    assert told("alice") == ["booking.created", "booking.cancelled"]
    assert in_calendar("alice") == {}
    assert set(Booking.objects.values_list("announced_as", flat=True)) == {""}


def test_what_was_asked_for_and_taken_out_again_leaves_the_rest_confirmed(desk: Desk) -> None:
    visit = desk.book()
    _colour, cut = visit["booking_ids"]
    change(desk, cut, status="provisional")
    send()
    desk.changed(visit, {"items": {"remove": [cut]}})
    send()
    assert told("alice") == ["booking.provisional", "booking.created"]
    assert Booking.objects.get(pk=cut).announced_as == ""
    assert in_calendar("alice") == {uid(visit): "09:00-10:45"}


def test_a_request_of_a_dialect_that_is_over_leaves_one_confirmation(desk: Desk) -> None:
    visit = desk.book()
    _colour, cut = visit["booking_ids"]
    lifecycle.change(actor=SYSTEM, booking_id=cut, changes={"status": "provisional"})
    change(desk, cut, status="no-show")
    assert Job.objects.filter(type="booking.created", state="pending").count() == 1
    send()
    assert [each for each in mails() if each[1] == "kept"] == [("booking.created", "kept", "")]


def test_a_completed_visit_owes_no_update(desk: Desk) -> None:
    visit = desk.book()
    send()
    desk.changed(visit, {"status": "completed"})
    assert not Job.objects.filter(type="booking.updated").exists()


def test_a_move_before_it_was_given_away_is_told_with_what_is_left(desk: Desk, clock: Any) -> None:
    visit = desk.book()
    send()
    colour, cut = visit["booking_ids"]
    change(desk, cut, start_at="2026-03-24 13:00:00", end_at="2026-03-24 13:45:00")
    change(desk, colour, client_id=desk.salon.bob.pk)
    clock.shift(timedelta(minutes=31))
    send()
    assert in_calendar("alice") == {uid(visit): "12:00-12:45"}
    assert [each[1:] for each in mails() if each[0] == "booking.updated"].count(("kept", "")) == 1


def test_what_was_called_done_by_mistake_and_is_cancelled_is_told(desk: Desk, clock: Any) -> None:
    visit = desk.book()
    send()
    _colour, cut = visit["booking_ids"]
    change(desk, cut, status="completed")
    change(desk, cut, status="cancelled")
    clock.shift(timedelta(minutes=31))
    send()
    assert in_calendar("alice") == {uid(visit): "09:00-10:45"}


def test_who_gets_a_visit_with_one_added_is_told_of_its_next_move(desk: Desk, clock: Any) -> None:
    visit = desk.book()
    send()
    desk.changed(visit, {"start_at": f"{TUESDAY} 12:00:00"})
    added = [desk.item(desk.cut, desk.salon.bea)]
    desk.changed(visit, {"client_id": desk.salon.bob.pk, "items": {"add": added}})
    [update] = Message.objects.filter(type="booking.updated")
    assert (update.state, update.reason) == ("not_sent", "another_client")
    send()
    desk.changed(visit, {"start_at": f"{TUESDAY} 13:00:00"})
    clock.shift(1801)
    send()
    assert told("alice") == ["booking.created", "booking.cancelled"]
    assert told("bob") == ["booking.created", "booking.updated"]
    calendar_is_true()


@pytest.mark.parametrize("status", ["no-show", "completed", "cancelled", "provisional"])
def test_the_first_booking_goes_with_another_status_before_the_confirmation_left(
    desk: Desk, status: str
) -> None:
    visit = desk.book()
    change(desk, visit["booking_ids"][0], client_id=desk.salon.bob.pk, status=status)
    send()
    assert told("alice") == ["booking.created"]
    assert in_calendar("alice") == {uid(visit): "10:45-11:30"}


def test_the_first_request_goes_confirmed_and_the_other_is_asked_for_all_the_same(desk: Desk) -> None:
    visit = desk.book(provisional=True)
    change(desk, visit["booking_ids"][0], client_id=desk.salon.bob.pk, status="scheduled")
    send()
    assert (told("alice"), told("bob")) == (["booking.provisional"], ["booking.created"])


def test_the_only_request_of_a_visit_goes_before_it_left_and_the_rest_is_confirmed(desk: Desk) -> None:
    visit = desk.book()
    colour, _cut = visit["booking_ids"]
    change(desk, colour, status="provisional")
    change(desk, colour, client_id=desk.salon.bob.pk)
    send()
    assert (told("alice"), told("bob")) == (["booking.created"], ["booking.provisional"])
    assert in_calendar("alice") == {uid(visit): "10:45-11:30"}


def test_who_declined_hears_of_what_was_removed_before_when_it_comes_back(desk: Desk) -> None:
    visit = desk.book()
    send()
    _colour, cut = visit["booking_ids"]
    desk.changed(visit, {"items": {"remove": [cut]}})
    asked = desk.changed(visit, {"status": "provisional"})
    lifecycle.decline(token=asked["bookings"][0]["provisional_token"])
    change(desk, cut, status="scheduled")
    send()
    assert told("alice") == ["booking.created", "booking.created"]


def test_a_booking_comes_back_before_the_cancellation_of_the_visit_left(desk: Desk) -> None:
    visit = desk.book()
    send()
    desk.changed(visit, {"client_id": desk.salon.bob.pk})
    change(desk, visit["booking_ids"][0], client_id=desk.salon.alice.pk)
    send()
    assert told("alice") == ["booking.created", "booking.cancelled", "booking.created"]
    [alone] = in_calendar("alice").items()
    assert alone[1] == "09:00-10:45" and alone[0] != uid(visit)
    assert in_calendar("bob") == {uid(visit): "10:45-11:30"}


def test_who_knows_of_the_rest_is_not_told_of_it_again_where_a_request_goes(desk: Desk) -> None:
    visit = desk.book()
    send()
    desk.changed(visit, {"items": {"add": [desk.item(desk.cut, desk.salon.bea)]}})
    added = desk.get(visit).json()["booking_ids"][-1]
    change(desk, added, status="provisional")
    change(desk, added, client_id=desk.salon.bob.pk)
    send()
    assert (told("alice"), told("bob")) == (["booking.created"], ["booking.provisional"])
    assert in_calendar("alice") == {uid(visit): "09:00-11:30"}


def test_a_request_of_a_dialect_that_goes_leaves_one_confirmation(desk: Desk) -> None:
    visit = desk.book()
    _colour, cut = visit["booking_ids"]
    lifecycle.change(actor=SYSTEM, booking_id=cut, changes={"status": "provisional"})
    change(desk, cut, client_id=desk.salon.bob.pk)
    send()
    assert told("alice") == ["booking.created"]
    assert in_calendar("alice") == {uid(visit): "09:00-10:45"}
