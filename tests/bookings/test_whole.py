"""A series or a class changed as a whole: `scope` of PUT and DELETE (contract §6a)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from icalendar import Calendar

from bookings.models import Booking, BookingEvent, BusyTime, WaitlistEntry
from notifications.execution import run_due
from notifications.models import Job, Message
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_client, make_holiday, make_time_off

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

LATER = MORNING + timedelta(minutes=31)


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def make_series(salon: Salon, rule: str = "FREQ=WEEKLY;COUNT=3", **changes: Any) -> list[dict[str, Any]]:
    """Tuesdays 24 March, 31 March (summer time) and 7 April, 10:00 to 11:00, told to Alice."""
    made: list[dict[str, Any]] = salon.book(recurrence=rule, **changes)["occurrences"]
    run_due(at_most=10)
    return made


def starts(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [each["start_at"] for each in answer.json()["bookings"]]


def stand() -> list[str]:
    """The starts of all that stand, as their busy times have them."""
    busy = list(BusyTime.objects.order_by("starts_at").values_list("starts_at", flat=True))
    booked = Booking.objects.occupying().order_by("start_at").values_list("start_at", flat=True)
    assert busy == list(booked)
    return [each.isoformat(" ")[:16] for each in busy]


def at(text: str, **more: Any) -> dict[str, Any]:
    """An hour from then."""
    begins = datetime.fromisoformat(text)
    return {"start_at": f"{begins}", "end_at": f"{begins + timedelta(hours=1)}", **more}


def updates() -> list[Message]:
    return list(Message.objects.filter(type="booking.updated").order_by("id"))


def test_a_move_of_all_keeps_the_wall_clock_and_is_one_mail(salon: Salon) -> None:
    series = make_series(salon)
    answer = salon.put(series[1], at("2026-04-01 14:30", scope="all"))
    assert starts(answer) == ["2026-03-25 14:30:00", "2026-04-01 14:30:00", "2026-04-08 14:30:00"]
    assert list(answer.json()) == ["bookings", "skipped", "warnings"]
    assert stand() == ["2026-03-25 13:30", "2026-04-01 12:30", "2026-04-08 12:30"]
    assert BookingEvent.objects.filter(changes__has_key="start_at").count() == 3
    assert [each.state for each in updates()] == ["waiting"]
    with time_machine.travel(LATER, tick=False):
        run_due(at_most=10)
    [mail] = updates()
    assert (mail.state, mail.subject) == ("kept", "3 of your appointments have been moved")
    for line in ("1: Wednesday 25 March 2026, 14:30", "2: Wednesday 1 April", "3: Wednesday 8 April"):
        assert line in mail.text
    calendar = Calendar.from_ical(mail.ics)
    assert str(calendar["METHOD"]) == "PUBLISH"
    assert [(str(event["UID"]), event["SEQUENCE"]) for event in calendar.events] == [
        (f"{each['key']}@bookings", 1) for each in series
    ]
    assert not Booking.objects.exclude(announced_start_at__hour__in=(12, 13)).exists()


def test_following_leaves_the_earlier_ones(salon: Salon) -> None:
    series = make_series(salon)
    answer = salon.put(series[1], {"start_at": "2026-03-31 12:00", "scope": "following"})
    assert starts(answer) == ["2026-03-31 12:00:00", "2026-04-07 12:00:00"]
    assert [each["end_at"][11:] for each in answer.json()["bookings"]] == ["13:00:00", "13:00:00"]
    assert stand() == ["2026-03-24 09:00", "2026-03-31 10:00", "2026-04-07 10:00"]


def test_five_single_moves_in_a_series_are_one_mail(salon: Salon) -> None:
    series = make_series(salon, "FREQ=WEEKLY;COUNT=5")
    for number, each in enumerate(series):
        day = date.fromisoformat(each["start_at"][:10])
        assert salon.put(each, at(f"{day} {12 + number}:00")).status_code == 200
    salon.put(series[4], at("2026-04-21 10:00"))
    assert len(updates()) == 1
    with time_machine.travel(LATER, tick=False):
        run_due(at_most=10)
    assert updates()[0].subject == "4 of your appointments have been moved"
    assert "21 April" not in updates()[0].text


def test_one_of_a_series_moved_is_told_as_ever_and_a_cancelled_one_is_not_told_as_moved(salon: Salon) -> None:
    first, second, _ = make_series(salon)
    salon.put(first, at("2026-03-24 15:00"))
    salon.put(second, at("2026-03-31 15:00"))
    salon.delete(second)
    with time_machine.travel(LATER, tick=False):
        run_due(at_most=10)
    [mail] = updates()
    assert mail.subject.startswith("Your appointment has been moved to")
    assert mail.ics_method == "REQUEST"


def test_bookings_change_places_within_a_series(salon: Salon) -> None:
    days = make_series(salon, "FREQ=DAILY;COUNT=4")
    assert starts(salon.put(days[0], at("2026-03-25 10:00", scope="all")))[-1] == "2026-03-28 10:00:00"
    assert starts(salon.put(days[0], at("2026-03-24 10:00", scope="all")))[0] == "2026-03-24 10:00:00"
    assert len(stand()) == 4


def test_all_or_nothing_names_the_occurrence_and_what_is_in_the_way(salon: Salon) -> None:
    series = make_series(salon)
    other = salon.book(**at("2026-04-07 14:30"), client_id=salon.bob.pk)
    before = stored()
    answer = salon.put(series[0], at("2026-03-24 14:00", scope="all"))
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["error"].startswith("2026-04-07 14:00:00")
    assert [each["booking_id"] for each in answer.json()["conflicts"]] == [other["id"]]
    assert stored() == before


def test_what_stays_because_of_a_conflict_is_in_the_way_of_the_next(salon: Salon) -> None:
    days = make_series(salon, "FREQ=DAILY;COUNT=3")
    make_holiday(date(2026, 3, 27))
    answer = salon.put(days[0], at("2026-03-25 10:00", scope="all", skip_conflicts=True))
    # The third cannot go to the holiday, so the second cannot take its place, nor the first the second's.
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    salon.put(days[1], at("2026-03-25 16:00"))
    answer = salon.put(days[0], at("2026-03-25 10:00", scope="all", skip_conflicts=True))
    assert starts(answer) == ["2026-03-25 10:00:00", "2026-03-26 16:00:00"]
    assert [(each["start_at"], each["code"], each["booking_id"]) for each in answer.json()["skipped"]] == [
        ("2026-03-27 10:00:00", "holiday", days[2]["id"])
    ]
    assert stand() == ["2026-03-25 09:00", "2026-03-26 09:00", "2026-03-26 15:00"]


def test_skipping_leaves_who_would_move_into_time_off_or_a_swallowed_hour(salon: Salon) -> None:
    days = make_series(salon, "FREQ=DAILY;COUNT=3", **at("2026-03-28 10:00"))
    make_time_off(salon.bea, datetime(2026, 3, 30, 0, 0, tzinfo=UTC), hours=2)
    answer = salon.put(days[0], at("2026-03-28 02:30", scope="all"))
    assert (answer.status_code, answer.json()["code"]) == (400, "no_such_time")
    swallowed = "2026-03-29 02:30 does not exist in Europe/Amsterdam: the clocks skip it. Send another time."
    assert answer.json()["error"] == swallowed
    assert answer.json()["details"] == {"start_at": [swallowed]}
    answer = salon.put(days[0], at("2026-03-28 02:30", scope="all", skip_conflicts=True))
    assert starts(answer) == ["2026-03-28 02:30:00"]
    assert answer.json()["skipped"][0]["message"] == swallowed
    assert [(each["start_at"], each["code"]) for each in answer.json()["skipped"]] == [
        ("2026-03-29 02:30:00", "no_such_time"),
        ("2026-03-30 02:30:00", "time_off"),
    ]
    assert len(stand()) == 3


def test_skipping_leaves_who_would_come_to_somebody_in_time_off(salon: Salon) -> None:
    series = make_series(salon)
    make_time_off(salon.cora, datetime(2026, 3, 31, 8, tzinfo=UTC), hours=1)
    answer = salon.put(series[0], {"staff_id": salon.cora.pk, "scope": "all", "skip_conflicts": True})
    assert starts(answer) == ["2026-03-24 10:00:00", "2026-04-07 10:00:00"]
    assert [(each["start_at"], each["code"]) for each in answer.json()["skipped"]] == [
        ("2026-03-31 10:00:00", "time_off")
    ]
    answer = salon.put(series[1], {"staff_id": salon.cora.pk, "scope": "all"})
    assert starts(answer)[1] == "2026-03-31 10:00:00"
    assert [each["code"] for each in answer.json()["warnings"]] == ["time_off"]


def test_bookings_of_a_series_are_not_in_the_way_of_each_other(salon: Salon) -> None:
    days = make_series(salon, "FREQ=DAILY;COUNT=4")
    answer = salon.put(days[0], at("2026-03-25 10:30", scope="all"))
    assert starts(answer)[0] == "2026-03-25 10:30:00"
    assert [each["code"] for each in answer.json()["warnings"]] == ["outside_working_hours"]
    other = salon.book(**at("2026-03-29 11:00"), staff_id=salon.cora.pk)
    answer = salon.put(days[0], at("2026-03-26 10:30", scope="all"))
    assert other["id"] not in [each["id"] for each in answer.json()["bookings"]]
    assert [each["code"] for each in answer.json()["warnings"]] == ["outside_working_hours", "client_busy"]


def test_a_scope_in_which_nobody_is_left_says_so(salon: Salon) -> None:
    series = make_series(salon)
    cancel(salon, series[0], "all")
    before = stored()
    for answer in (salon.put(series[0], {"notes": "x", "scope": "all"}), cancel(salon, series[0], "session")):
        assert (answer.status_code, answer.json()["bookings"], answer.json()["skipped"]) == (200, [], [])
        assert [each["code"] for each in answer.json()["warnings"]] == ["nothing_to_change"]
    assert stored() == before


def test_closed_ones_and_those_that_have_begun_are_left(salon: Salon) -> None:
    series = make_series(salon, "FREQ=WEEKLY;COUNT=4")
    salon.delete(series[2])
    with time_machine.travel(datetime(2026, 3, 24, 9, 30, tzinfo=UTC), tick=False):
        answer = salon.put(series[1], at("2026-03-31 12:00", scope="all", notes="Bring a towel"))
    assert starts(answer) == ["2026-03-31 12:00:00", "2026-04-14 12:00:00"]
    assert [salon.get(each).json()["notes"] for each in series] == ["", "Bring a towel", "", "Bring a towel"]


def test_the_version_is_that_of_the_named_booking(salon: Salon) -> None:
    series = make_series(salon)
    salon.put(series[1], {"notes": "x"})
    change = {"notes": "y", "scope": "all"}
    assert salon.put(series[1], change, **{"If-Match": '"1"'}).status_code == 412
    assert salon.put(series[0], change, **{"If-Match": '"1"'}).status_code == 200
    assert set(Booking.objects.values_list("notes", flat=True)) == {"y"}


def test_a_booking_without_a_series_has_no_others(salon: Salon) -> None:
    alone = salon.book()
    before = stored()
    for scope in ("all", "following", "everything"):
        answer = salon.put(alone, {"notes": "x", "scope": scope})
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["scope"])
    assert cancel(salon, alone, "all").status_code == 400
    assert stored() == before
    assert salon.put(alone, {"notes": "x", "scope": "one"}).json()["id"] == alone["id"]


def cancel(salon: Salon, booking: dict[str, Any], scope: str) -> Any:
    return caller(salon.ada).delete(f"/api/bookings/{booking['id']}?scope={scope}&reason=ill")


def test_a_cancelled_series_is_one_mail_with_every_date(salon: Salon) -> None:
    series = make_series(salon)
    salon.put(series[0], at("2026-03-24 15:00"))
    answer = cancel(salon, series[0], "all")
    assert [each["status"] for each in answer.json()["bookings"]] == ["cancelled"] * 3
    assert set(BookingEvent.objects.filter(to_status="cancelled").values_list("reason", flat=True)) == {"ill"}
    assert [each.reason for each in updates()] == ["cancelled_meanwhile"]
    assert not BusyTime.objects.exists()
    run_due(at_most=10)
    [mail] = Message.objects.filter(type="booking.cancelled")
    assert (mail.state, mail.subject) == ("kept", "3 of your appointments have been cancelled")
    assert "1: Tuesday 24 March 2026, 10:00 to 11:00" in mail.text
    calendar = Calendar.from_ical(mail.ics)
    assert str(calendar["METHOD"]) == "PUBLISH"
    assert {str(event["STATUS"]) for event in calendar.events} == {"CANCELLED"}
    assert [str(event["UID"]) for event in calendar.events] == [f"{each['key']}@bookings" for each in series]
    assert set(Booking.objects.values_list("announced_as", flat=True)) == {""}


def test_restored_before_the_mail_leaves_is_not_told_as_cancelled(salon: Salon) -> None:
    series = make_series(salon)
    cancel(salon, series[1], "following")
    salon.put(series[1], {"status": "scheduled"})
    run_due(at_most=10)
    [mail] = Message.objects.filter(type="booking.cancelled")
    assert mail.subject.startswith("Your appointment on Tuesday 7 April")
    assert list(Booking.objects.order_by("id").values_list("announced_as", flat=True)) == [
        "scheduled",
        "scheduled",
        "",
    ]


def test_a_series_cancelled_before_it_was_told_is_never_announced(salon: Salon) -> None:
    first = salon.book(recurrence="FREQ=WEEKLY;COUNT=3")
    cancel(salon, first, "all")
    run_due(at_most=10)
    assert {(each.type, each.state) for each in Message.objects.all()} == {
        ("booking.created", "not_sent"),
        ("booking.cancelled", "not_sent"),
    }


def told(*types: str) -> list[tuple[str, int | None, str]]:
    """What was sent after the confirmation of the series."""
    found = Message.objects.filter(type__in=types, state="kept").order_by("id")[1:]
    return list(found.values_list("type", "client_id", "subject"))


def test_a_series_given_to_another_client_is_one_mail_to_each_of_the_two(salon: Salon) -> None:
    series = make_series(salon)
    assert salon.put(series[0], {"client_id": salon.bob.pk, "scope": "all"}).status_code == 200
    run_due(at_most=10)
    assert sorted(told("booking.created", "booking.cancelled")) == [
        ("booking.cancelled", salon.alice.pk, "3 of your appointments have been cancelled"),
        ("booking.created", salon.bob.pk, "Your 3 appointments from Tuesday 24 March at 10:00 are confirmed"),
    ]
    gone = Message.objects.get(type="booking.cancelled")
    for line in ("1: Tuesday 24 March 2026, 10:00", "2: Tuesday 31 March", "3: Tuesday 7 April"):
        assert line in gone.text
    assert set(Booking.objects.values_list("announced_as", flat=True)) == {"scheduled"}


def test_a_series_given_back_before_a_mail_has_left_is_told_to_nobody(salon: Salon) -> None:
    series = make_series(salon)
    salon.put(series[0], {"client_id": salon.bob.pk, "scope": "all"})
    salon.put(series[0], {"client_id": salon.alice.pk, "scope": "all"})
    run_due(at_most=10)
    assert told("booking.created", "booking.cancelled") == []
    assert Message.objects.count() == 5


def test_a_series_asked_for_is_a_mail_for_each_date_and_confirmed_by_one(salon: Salon) -> None:
    series = make_series(salon)
    salon.put(series[0], {"status": "provisional", "scope": "all"})
    run_due(at_most=10)
    assert Message.objects.filter(type="booking.provisional", state="kept").count() == 3
    salon.put(series[0], {"status": "scheduled", "scope": "all"})
    run_due(at_most=10)
    assert [each[2] for each in told("booking.created")] == [
        "Your 3 appointments from Tuesday 24 March at 10:00 are confirmed"
    ]


def make_class(salon: Salon, **changes: Any) -> list[dict[str, Any]]:
    salon.service.max_capacity = 4
    salon.service.save()
    first = salon.book(**changes)
    cora = make_client("Carl", "Clark")
    others = [salon.book(client_id=pk, session_of=first["id"], **changes) for pk in (salon.bob.pk, cora.pk)]
    run_due(at_most=10)
    return [first, *others]


def test_a_class_moves_together_and_each_client_is_told(salon: Salon) -> None:
    first, second, third = make_class(salon)
    salon.delete(third)
    answer = salon.put(second, at("2026-03-25 16:00", scope="session", staff_id=salon.cora.pk))
    assert starts(answer) == ["2026-03-25 16:00:00"] * 2
    assert BusyTime.objects.values("party", "staff_id").distinct().count() == 1
    assert set(Booking.objects.values_list("session_id", flat=True)) == {first["id"]}
    assert [each.client_id for each in updates()] == [salon.alice.pk, salon.bob.pk]
    assert salon.put(third, {"status": "scheduled"}).status_code == 200
    assert BusyTime.objects.values("party").distinct().count() == 1
    assert len(cancel(salon, first, "session").json()["bookings"]) == 3
    assert not BusyTime.objects.exists()


def test_a_freed_slot_is_offered_only_where_nobody_of_the_series_comes(salon: Salon) -> None:
    days = make_series(salon, "FREQ=DAILY;COUNT=2")
    entries = [
        WaitlistEntry.objects.create(
            client=make_client(f"Waiting {day}", "Person"),
            service=salon.service,
            date=date(2026, 3, day),
            created_at=MORNING,
            updated_at=MORNING,
        )
        for day in (24, 25)
    ]
    starts(salon.put(days[0], at("2026-03-23 10:00", scope="all")))
    for entry in entries:
        entry.refresh_from_db()
    assert [entry.status for entry in entries] == ["waiting", "notified"]
    cancel(salon, days[0], "all")
    entries[0].refresh_from_db()
    assert entries[0].status == "notified"


def test_another_agenda_is_neither_seen_nor_touched() -> None:
    salon = make_cast(staff_personal_agenda_enabled=True)
    series = make_series(salon)
    salon.put(series[1], {"staff_id": salon.cora.pk})
    answer = salon.put(series[0], at("2026-03-24 12:00", scope="all"), who=salon.bea)
    assert starts(answer) == ["2026-03-24 12:00:00", "2026-04-07 12:00:00"]
    assert salon.put(series[1], {"notes": "x", "scope": "all"}, who=salon.bea).status_code == 404


def test_nothing_is_left_behind_in_the_queue(salon: Salon) -> None:
    series = make_series(salon)
    salon.put(series[0], at("2026-03-24 12:00", scope="all"))
    salon.put(series[0], at("2026-03-24 10:00", scope="all"))
    with time_machine.travel(LATER, tick=False):
        run_due(at_most=10)
    assert not Job.objects.filter(state__in=("pending", "claimed")).exists()
    assert [each.reason for each in updates()] == ["dragged_back"]


def test_a_series_put_off_over_daylight_saving_keeps_its_hour(salon: Salon) -> None:
    series = make_series(salon)
    answer = salon.put(series[0], at("2026-03-31 10:00", scope="all"))
    assert starts(answer) == ["2026-03-31 10:00:00", "2026-04-07 10:00:00", "2026-04-14 10:00:00"]
    assert stand() == ["2026-03-31 08:00", "2026-04-07 08:00", "2026-04-14 08:00"]
