"""What a visit of several bookings sets in motion besides its first mails (contract §7, §1.4, §6a)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.lifecycle import lapse_due
from bookings.models import Booking, BookingEvent, Visit, WaitlistEntry, WaitlistOffer
from bookings.personal_data import erasure
from clients.models import Client
from notifications.models import FollowupSequence, FollowupStep, Job, Message, Notification
from staff.access.actor import SYSTEM
from tests.cast.bookings import MORNING
from tests.cast.factories import caller, make_service
from tests.cast.parts import TUESDAY
from tests.cast.visits import Desk, everything, mails, make_desk, one_visit_each, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

AFTER = datetime(2026, 3, 24, 12, 0, tzinfo=UTC)
"""Half an hour after the end of the visit of the cast."""


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def item(desk: Desk, booking_id: int, **changes: Any) -> Any:
    answer = desk.salon.put({"id": booking_id}, changes)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def pending(type: str) -> list[Job]:
    return list(Job.objects.filter(type=type, state="pending").order_by("id"))


def test_a_review_is_asked_for_once_after_the_whole_visit(clock: Any) -> None:
    desk = make_desk()
    visit = desk.book()
    colour, cut = visit["booking_ids"]
    clock.move_to(datetime(2026, 3, 24, 10, 50, tzinfo=UTC))
    item(desk, colour, status="completed")
    [review] = pending("review.request")
    assert review.run_at == datetime(2026, 3, 24, 13, 30, tzinfo=UTC)  # two hours after 12:30 in Amsterdam
    clock.move_to(AFTER)
    item(desk, cut, status="completed")
    assert len(pending("review.request")) == 1
    item(desk, colour, status="scheduled")
    [review] = pending("review.request")
    assert (review.booking_id, review.visit_id) == (cut, visit["id"])
    item(desk, colour, status="completed")
    clock.move_to(AFTER + timedelta(hours=3))
    send()
    assert [each for each in mails() if each[0] == "review.request" and each[1] == "kept"] == [
        ("review.request", "kept", "")
    ]
    item(desk, cut, status="no-show")
    item(desk, cut, status="completed")
    assert pending("review.request") == []


def test_each_item_has_the_follow_ups_of_its_service(clock: Any) -> None:
    desk = make_desk()
    Client.objects.update(marketing_consent=True)
    for service, days in ((desk.colour, 3), (None, 7)):
        sequence = FollowupSequence.objects.create(name="After", service=service)
        FollowupStep.objects.create(sequence=sequence, delay_days=days, subject="Hi", body="How is it?")
    visit = desk.book()
    colour, cut = visit["booking_ids"]
    clock.move_to(AFTER)
    desk.changed(visit, {"status": "completed"})
    steps = [(each.booking_id, each.run_at.day) for each in pending("followup.step")]
    assert sorted(steps) == sorted([(colour, 27), (colour, 31), (cut, 31)])
    item(desk, colour, status="scheduled")
    assert [(each.booking_id, each.run_at.day) for each in pending("followup.step")] == [(cut, 31)]


def test_who_waits_for_one_of_the_services_is_offered_what_is_freed_of_it(desk: Desk) -> None:
    bob, carl = desk.salon.bob, Client.objects.create(first_name="Carl", email="carl@example.com")
    entries = [
        WaitlistEntry.objects.create(client=client, service=service, date=TUESDAY)
        for client, service in ((bob, desk.cut), (carl, desk.colour))
    ]
    visit = desk.book()
    _, cut = visit["booking_ids"]
    desk.changed(visit, {"items": {"remove": [cut]}})
    assert list(WaitlistOffer.objects.values_list("entry_id", "start_at__hour")) == [(entries[0].pk, 10)]
    desk.delete(visit)
    assert list(WaitlistOffer.objects.order_by("id").values_list("entry_id", flat=True)) == [
        each.pk for each in entries
    ]


def test_nobody_who_waits_is_offered_what_another_item_moves_into(desk: Desk) -> None:
    salon = desk.salon
    visit = desk.book(items=[desk.item(desk.cut, salon.bea), desk.item(desk.cut, salon.bea)])
    WaitlistEntry.objects.create(client=salon.bob, service=desk.cut, date=TUESDAY)
    desk.changed(visit, {"start_at": f"{TUESDAY} 10:45:00"})
    assert list(WaitlistOffer.objects.values_list("start_at__hour", "start_at__minute")) == [(9, 0)]


def test_a_merge_carries_visits_along_and_mails_nobody(desk: Desk) -> None:
    salon = desk.salon
    visit = desk.book()
    Visit.objects.update(policy={"version": 3})
    answer = caller(salon.ada).post(
        f"/api/clients/{salon.alice.pk}/merge", {"into": salon.bob.pk}, format="json"
    )
    assert answer.status_code == 200
    merged = desk.get(visit).json()
    assert (merged["client_id"], merged["policy"]) == (salon.bob.pk, {"version": 3})
    assert {each["client_name"] for each in merged["bookings"]} == {"Bob Brown"}
    assert merged["version"] > visit["version"]
    send()
    assert list(Message.objects.values_list("type", "to", "state")) == [
        ("booking.created", "bob@example.com", "kept")
    ]
    one_visit_each()


def test_an_erasure_leaves_a_visit_of_nobody(desk: Desk) -> None:
    visit = desk.book()
    Visit.objects.update(policy={"version": 3, "ip": "192.0.2.1", "user_agent": "A browser"})
    erasure.erase_client(client_id=desk.salon.alice.pk, cancel_upcoming=True, actor=SYSTEM, now=MORNING)
    erased = desk.get(visit).json()
    assert (erased["client_id"], erased["policy"], erased["status"]) == (
        None,
        {"version": 3},
        "cancelled",
    )
    assert {each["client_id"] for each in erased["bookings"]} == {None}
    send()
    assert [each[1] for each in mails()] == ["not_sent"]
    one_visit_each()


def test_another_person_than_asked_for_is_warned_of_and_told_once(desk: Desk, clock: Any) -> None:
    bea, cora = desk.salon.bea, desk.salon.cora
    visit = desk.book(items=[desk.item(desk.colour, bea), desk.item(desk.cut, bea, staff_requested=True)])
    send()
    colour, cut = visit["booking_ids"]
    assert item(desk, colour, staff_id=cora.pk)["warnings"] == []
    assert pending("booking.updated") == []
    item(desk, colour, staff_id=bea.pk)
    answer = item(desk, cut, staff_id=cora.pk)
    assert [each["code"] for each in answer["warnings"]] == ["staff_requested"]
    [update] = pending("booking.updated")
    assert update.run_at == MORNING + timedelta(minutes=30)
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    message = Message.objects.latest("id")
    assert (message.type, message.state) == ("booking.updated", "kept")
    assert message.subject == "Your appointment on Tuesday 24 March at 10:00 has been changed"
    assert "Cut with Cora Claes" in message.text
    send()
    assert len(mails()) == 2


@pytest.mark.parametrize("provisional", [False, True])
def test_an_item_that_is_dropped_from_the_end_is_told_as_a_change_and_not_as_a_move(
    desk: Desk, clock: Any, provisional: bool
) -> None:
    visit = desk.book(provisional=provisional)
    send()
    item(desk, visit["booking_ids"][1], status="cancelled")
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    message = Message.objects.latest("id")
    asked, about = (
        ("requested ", "What we have") if provisional else ("", "Your appointment has been changed")
    )
    assert message.subject == f"Your {asked}appointment on Tuesday 24 March at 10:00 has been changed"
    assert about in message.text and "This is how it stands now." in message.text
    assert "Cut" not in message.text and "Before" not in message.text and "moved" not in message.text


def test_back_with_the_person_asked_for_before_it_left_tells_nothing(desk: Desk, clock: Any) -> None:
    bea, cora = desk.salon.bea, desk.salon.cora
    visit = desk.book(items=[desk.item(desk.colour, bea), desk.item(desk.cut, bea, staff_requested=True)])
    send()
    cut = visit["booking_ids"][1]
    item(desk, cut, staff_id=cora.pk)
    item(desk, cut, staff_id=bea.pk)
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    assert mails()[1:] == [("booking.updated", "not_sent", "dragged_back")]


def again(desk: Desk, booking_id: int, type: str) -> Any:
    path = f"/api/bookings/{booking_id}/messages"
    return caller(desk.salon.ada).post(path, {"type": type}, format="json")


def test_sent_again_it_is_one_mail_for_the_whole_visit_whichever_booking_is_named(
    desk: Desk, clock: Any
) -> None:
    colour, cut = desk.book()["booking_ids"]
    waiting = again(desk, cut, "confirmation")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "nothing_to_send")
    send()
    first, second = again(desk, cut, "confirmation"), again(desk, colour, "confirmation")
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    clock.shift(120)
    send()
    assert [each[:2] for each in mails()] == [("booking.created", "kept"), ("booking.resent", "kept")]
    message = Message.objects.latest("id")
    assert "Colour with Bea" in message.text and "Cut with Bea" in message.text
    assert message.ics.count("BEGIN:VEVENT") == 1
    for booking in Booking.objects.all():
        told = (booking.announced_as, booking.announced_start_at)
        assert told == ("scheduled", booking.start_at)


def test_a_visit_that_lapsed_is_sent_again_as_lapsed(desk: Desk, clock: Any) -> None:
    cut = desk.book(provisional=True)["booking_ids"][1]
    send()
    clock.shift(timedelta(hours=73))
    lapse_due(now=MORNING + timedelta(hours=73))
    send()
    assert again(desk, cut, "cancellation").status_code == 201
    send()
    assert Message.objects.latest("id").subject == Message.objects.get(type="booking.lapsed").subject


def weekly(desk: Desk, **more: Any) -> dict[str, Any]:
    answer = desk.post(recurrence="FREQ=WEEKLY;COUNT=3", **more)
    assert answer.status_code == 200, answer.json()
    body: dict[str, Any] = answer.json()
    return body


def starts(visits: list[dict[str, Any]]) -> list[str]:
    return [each["start_at"] for each in visits]


def test_a_series_of_visits_is_one_mail_with_all_dates(desk: Desk) -> None:
    made = weekly(desk)
    assert starts(made["visits"]) == [f"2026-{day} 10:00:00" for day in ("03-24", "03-31", "04-07")]
    assert (made["visit"], made["skipped"]) == (made["visits"][0], [])
    assert Booking.objects.exclude(series_id=made["bookings"][0]["id"]).count() == 0
    assert Notification.objects.values("booking_id").distinct().count() == 1
    send()
    assert mails() == [("booking.created", "kept", "")]
    message = Message.objects.get()
    assert message.ics.count("BEGIN:VEVENT") == 3
    for visit in made["visits"]:
        assert f"UID:{visit['key']}@bookings" in message.ics
    assert not Booking.objects.filter(announced_as="").exists()
    one_visit_each()


def test_a_series_is_all_or_what_is_free(desk: Desk) -> None:
    desk.salon.book(start_at="2026-03-31 12:00:00", end_at="2026-03-31 13:00:00")
    before = everything()
    answer = desk.post(recurrence="FREQ=WEEKLY;COUNT=3")
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert everything() == before
    made = weekly(desk, skip_conflicts=True)
    assert starts(made["visits"]) == ["2026-03-24 10:00:00", "2026-04-07 10:00:00"]
    assert [(each["start_at"], each["code"]) for each in made["skipped"]] == [
        ("2026-03-31 10:00:00", "slot_taken")
    ]


def test_following_visits_move_by_the_wall_clock_in_one_mail(desk: Desk, clock: Any) -> None:
    made = weekly(desk)
    send()
    second = made["visits"][1]
    moved = desk.put(second, {"start_at": "2026-03-31 11:00:00", "scope": "following"})
    assert moved.status_code == 200, moved.json()
    assert starts(moved.json()["visits"]) == ["2026-03-31 11:00:00", "2026-04-07 11:00:00"]
    assert desk.get(made["visits"][0]).json()["start_at"] == "2026-03-24 10:00:00"
    clock.move_to(MORNING + timedelta(minutes=31))
    send()
    assert mails()[1:] == [("booking.updated", "kept", "")]
    assert Message.objects.latest("id").ics.count("BEGIN:VEVENT") == 2


def test_all_visits_of_a_series_are_cancelled_in_one_mail(desk: Desk) -> None:
    made = weekly(desk)
    send()
    answer = desk.delete(made["visits"][2], "?scope=all")
    assert answer.status_code == 200
    assert {each["status"] for each in answer.json()["visits"]} == {"cancelled"}
    send()
    assert mails()[1:] == [("booking.cancelled", "kept", "")]
    assert Message.objects.latest("id").ics.count("BEGIN:VEVENT") == 3
    assert set(Booking.objects.values_list("announced_as", flat=True)) == {""}


def statements(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as seen:
        assert call().status_code == 200
    return len(seen)


MOST_FOR_AN_ITEM = {"get": 0, "post": 8, "put": 8, "delete": 3}


def test_a_write_takes_so_many_statements_more_for_each_item_more(desk: Desk) -> None:
    """Of two, four and six items."""
    counts: dict[str, list[int]] = {name: [] for name in MOST_FOR_AN_ITEM}
    for number, day in ((2, "07"), (4, "08"), (6, "09")):
        items = [desk.item(desk.cut, desk.salon.bea)] * number
        order = desk.order(items=items, start_at=f"2026-04-{day} 10:00:00")
        post = partial(caller(desk.salon.ada).post, "/api/visits", order, format="json")
        counts["post"].append(statements(post))
        visit = {"id": Visit.objects.latest("id").pk}
        move = {"start_at": f"2026-04-{day} 10:15:00"}
        counts["get"].append(statements(partial(desk.get, visit)))
        counts["put"].append(statements(partial(desk.put, visit, move)))
        counts["delete"].append(statements(partial(desk.delete, visit)))
    for name, (two, four, six) in counts.items():
        assert six - four == four - two == 2 * MOST_FOR_AN_ITEM[name], counts


def test_the_history_says_of_each_item_what_became_of_it(desk: Desk) -> None:
    visit = desk.book()
    desk.put(visit, {"start_at": f"{TUESDAY} 10:15:00", "reason": "Bea is late"})
    events = BookingEvent.objects.filter(reason="Bea is late").order_by("booking_id")
    assert [each.booking_id for each in events] == visit["booking_ids"]
    assert [list(each.changes) for each in events] == [["end_at", "start_at"]] * 2


def test_a_service_without_a_price_adds_nothing_to_the_sum(desk: Desk) -> None:
    free = make_service("Advice", duration_minutes=15, price=None)
    desk.salon.bea.services.add(free)
    visit = desk.book(items=[desk.item(desk.cut, desk.salon.bea), desk.item(free, desk.salon.bea)])
    assert visit["total_price"] == "40.00"
