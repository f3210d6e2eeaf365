"""Visits of which one booking has gone another way than the rest (contract §1.4, §7)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bookings.lifecycle import lapse_due
from bookings.models import Booking
from notifications.models import Job, Notification
from tests.cast.bookings import MORNING
from tests.cast.factories import caller
from tests.cast.visits import Desk, mails, make_desk, send, times

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


@pytest.fixture
def desk() -> Desk:
    return make_desk()


def lines() -> set[str]:
    """What the salon is told of bookings."""
    return set(Notification.objects.filter(type__startswith="booking.").values_list("type", flat=True))


def half_confirmed(desk: Desk) -> tuple[dict[str, object], str]:
    """A request of which the salon has confirmed the first booking; with the link of the other one."""
    visit = desk.book(provisional=True)
    send()
    first, second = visit["booking_ids"]
    assert desk.salon.put({"id": first}, {"status": "scheduled"}).status_code == 200
    assert (desk.get(visit).json()["status"], len(mails())) == ("provisional", 1)
    Notification.objects.all().delete()
    return visit, str(Booking.objects.get(pk=second).provisional_token)


@pytest.mark.parametrize(
    ("answer", "line", "of_the_rest"),
    [("accept", "booking.accepted", "scheduled"), ("decline", "booking.declined", "cancelled")],
)
def test_the_rest_of_a_request_is_answered_by_itself(
    desk: Desk, answer: str, line: str, of_the_rest: str
) -> None:
    visit, token = half_confirmed(desk)
    assert caller().post(f"/api/public/provisional/{token}/{answer}").status_code == 200
    assert times(desk.get(visit).json()) == ["10:00-11:45 scheduled", f"11:45-12:30 {of_the_rest}"]
    assert lines() == {line}
    send()
    assert mails()[1:] == [("booking.created", "kept", "")]


def test_the_rest_of_a_request_lapses_by_itself(desk: Desk) -> None:
    visit, _token = half_confirmed(desk)
    lapse_due(now=MORNING + timedelta(hours=73))
    assert times(desk.get(visit).json()) == ["10:00-11:45 scheduled", "11:45-12:30 cancelled"]
    assert lines() == {"booking.lapsed"}
    assert list(Job.objects.filter(state="pending").values_list("type", flat=True)) == ["booking.created"]


@pytest.mark.parametrize("status", ["completed", "no-show"])
def test_what_is_done_while_the_rest_is_to_come_is_no_news_for_the_client(desk: Desk, status: str) -> None:
    visit = desk.book()
    send()
    done = {"status": status, "end_at": "2026-03-24 11:30"}
    assert desk.salon.put({"id": visit["booking_ids"][0]}, done).status_code == 200
    assert desk.get(visit).json()["status"] == "scheduled"
    assert not Job.objects.filter(type="booking.updated").exists()


def test_what_was_done_by_mistake_and_is_cancelled_is_news(desk: Desk) -> None:
    visit = desk.book()
    send()
    for status in ("completed", "cancelled"):
        assert desk.salon.put({"id": visit["booking_ids"][0]}, {"status": status}).status_code == 200
    assert Job.objects.filter(type="booking.updated", state="pending").count() == 1


def test_a_move_that_was_not_told_yet_is_owed_again_once_the_visit_stands_again(desk: Desk) -> None:
    visit = desk.book()
    send()
    desk.changed(visit, {"start_at": "2026-03-24 14:00"})
    desk.changed(visit, {"status": "completed"})
    assert not Job.objects.filter(type="booking.updated", state="pending").exists()
    assert desk.salon.put({"id": visit["booking_ids"][0]}, {"status": "scheduled"}).status_code == 200
    assert Job.objects.filter(type="booking.updated", state="pending").count() == 1


def test_a_visit_that_is_moved_is_not_in_its_own_way(desk: Desk) -> None:
    salon = desk.salon
    cut = desk.item(desk.cut, salon.cora, after="same_start")
    visit = desk.book(items=[desk.item(desk.colour, salon.bea), cut, desk.item(desk.cut, salon.bea)])
    assert desk.put(visit, {"start_at": "2026-03-24 10:15"}).json()["warnings"] == []
    other = desk.salon.order(staff_id=salon.cora.pk, start_at="2026-03-24 14:00", end_at="2026-03-24 15:00")
    assert caller(salon.ada).post("/api/bookings", other, format="json").status_code == 200
    warnings = desk.put(visit, {"start_at": "2026-03-24 13:00"}).json()["warnings"]
    assert [each["code"] for each in warnings] == ["client_busy"]


def test_a_series_that_is_cancelled_takes_its_pending_update_along(desk: Desk) -> None:
    series = desk.post(recurrence="FREQ=WEEKLY;COUNT=2").json()["visit"]
    send()
    desk.changed(series, {"start_at": "2026-03-24 11:00", "scope": "all"})
    assert desk.delete(series, "?scope=all").status_code == 200
    assert mails() == [
        ("booking.created", "kept", ""),
        ("booking.updated", "not_sent", "cancelled_meanwhile"),
        ("booking.cancelled", "waiting", ""),
    ]
