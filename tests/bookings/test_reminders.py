"""Reminders of visits: what is planned, and what becomes of it with each change (contract §10)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.mails.reminder import ReminderMail
from bookings.models import Booking, Reminded, ReminderRule, Visit
from bookings.personal_data.erasure import erase_client
from bookings.reminders.asked import asked_by_visit
from bookings.reminders.due import due_at
from bookings.reminders.sweep import plan_ahead
from clients.walk_in import walk_in
from notifications.execution import run_due
from notifications.handlers import NotNeeded, TryLater
from notifications.models import Job, Message
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, make_cast, told
from tests.cast.factories import caller
from tests.cast.reminders import due_times, hours_before, ledger, make_channel, pending, two_days_before

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING), pytest.mark.usefixtures("clock")]


def test_a_visit_is_reminded_of_by_every_rule() -> None:
    salon = make_cast()
    two_days_before()
    hours_before(3)
    booking = salon.book()
    assert pending() == [(booking["visit_id"], "2026-03-22 18:00"), (booking["visit_id"], "2026-03-24 07:00")]
    [first, _] = Job.objects.filter(type="visit.reminder").order_by("run_at")
    [rule, _] = ReminderRule.objects.order_by("pk")
    key = f"reminder:{booking['visit_id']}:{rule.pk}:{salon.alice.pk}:2026-03-24T09:00:00+00:00"
    assert (first.once_key, first.urgency, first.channel) == (key, 1, "email")
    assert first.dedupe_key == f"reminder:{rule.pk}:{salon.alice.pk}:2026-03-24"
    assert first.message.to == "alice@example.com"


def test_what_is_booked_less_than_two_hours_before_is_written_down_and_not_sent() -> None:
    salon = make_cast()
    two_days_before()
    salon.book(start_at="2026-03-21 10:00:00", end_at="2026-03-21 11:00:00")
    assert pending() == []
    assert ledger() == [("not_sent", "booked_too_late")]
    plan_ahead(now=timezone.now())
    assert (pending(), ledger()) == ([], [("not_sent", "booked_too_late")])


def test_a_rule_that_changes_its_channel_takes_what_is_pending_along() -> None:
    salon = make_cast()
    salon.alice.mobile = "+31612345678"
    salon.alice.save()
    rule = hours_before(24)
    make_channel()
    booking = salon.book()
    for channel, to in (("sms", "+31612345678"), ("mail", "alice@example.com"), ("sms", "+31612345678")):
        ReminderRule.objects.update(channel=channel)
        assert plan_ahead(now=timezone.now()) == 1
        assert plan_ahead(now=timezone.now()) == 0
        [row] = Job.objects.filter(type="visit.reminder").select_related("message")
        way = "sms" if channel == "sms" else "email"
        assert (row.channel, row.message.channel, row.message.to) == (way, way, to)
        assert row.message.message_id.startswith("<") == (way == "email")
        assert pending() == [(booking["visit_id"], "2026-03-23 10:00")]
    salon.delete(booking)
    ReminderRule.objects.filter(pk=rule.pk).update(channel="mail")
    salon.put(booking, {"status": "scheduled"})
    [row] = Job.objects.filter(type="visit.reminder").select_related("message")
    assert (row.state, row.channel, row.message.to) == ("pending", "email", "alice@example.com")


def test_a_move_on_its_date_leaves_one_reminder_of_all_visits_there(clock: Any) -> None:
    """By whichever of the two the row goes; also for both at once."""
    salon = make_cast()
    two_days_before()
    first = salon.book()
    second = salon.book(start_at="2026-03-24 14:00:00", end_at="2026-03-24 15:00:00")
    told(second)
    for booking, hour in ((first, 16), (second, 12), (first, 11), (first, 10), (second, 9)):
        times = {"start_at": f"2026-03-24 {hour:02}:00:00", "end_at": f"2026-03-24 {hour + 1:02}:00:00"}
        assert salon.put(booking, times).status_code == 200
        assert due_times() == ["2026-03-22 18:00"]
        assert plan_ahead(now=timezone.now()) == 0
    told(first)
    Job.objects.filter(type="visit.reminder", dedupe_key__isnull=False).update(state="pending")
    clock.move_to(datetime(2026, 3, 22, 17, 0, 5, tzinfo=UTC))
    run_due(at_most=10)
    [facts] = Message.objects.filter(type="visit.reminder", state="kept").values_list("facts", flat=True)
    assert [each["visit_id"] for each in facts["reminds"]] == [second["visit_id"], first["visit_id"]]


def test_a_move_makes_another_one_and_back_again_takes_up_the_first() -> None:
    salon = make_cast()
    hours_before(3)
    booking = salon.book()
    salon.put(booking, {"start_at": "2026-03-25 10:00:00", "end_at": "2026-03-25 11:00:00"})
    assert due_times() == ["2026-03-25 07:00"]
    assert ledger() == [("not_sent", "moved_meanwhile"), ("waiting", "")]
    salon.put(booking, {"start_at": "2026-03-24 10:00:00", "end_at": "2026-03-24 11:00:00"})
    assert due_times() == ["2026-03-24 07:00"]
    assert ledger() == [("waiting", ""), ("not_sent", "moved_meanwhile")]


def test_a_move_after_the_reminder_has_left_makes_one_and_back_again_none(clock: Any) -> None:
    salon = make_cast()
    hours_before(24)
    booking = salon.book()
    told(booking)
    Job.objects.filter(type="visit.reminder").update(state="pending")
    Message.objects.filter(type="visit.reminder").update(state="waiting")
    clock.move_to(datetime(2026, 3, 23, 9, 0, 5, tzinfo=UTC))
    run_due(at_most=10)
    assert ledger() == [("kept", "")]
    salon.put(booking, {"start_at": "2026-03-26 10:00:00", "end_at": "2026-03-26 11:00:00"})
    assert due_times() == ["2026-03-25 10:00"]
    salon.put(booking, {"start_at": "2026-03-24 10:00:00", "end_at": "2026-03-24 11:00:00"})
    assert due_times() == []


def test_a_cancelled_visit_has_none_and_one_that_stands_again_has_it_back() -> None:
    salon = make_cast()
    hours_before(3)
    booking = salon.book()
    salon.delete(booking)
    assert (pending(), ledger()) == ([], [("not_sent", "cancelled_meanwhile")])
    salon.put(booking, {"status": "scheduled"})
    assert due_times() == ["2026-03-24 07:00"]


def test_another_client_gets_their_own() -> None:
    salon = make_cast()
    hours_before(3)
    booking = salon.book()
    salon.put(booking, {"client_id": salon.bob.pk})
    assert due_times() == ["2026-03-24 07:00"]
    assert list(
        Message.objects.filter(type="visit.reminder").order_by("id").values_list("client_id", "reason")
    ) == [
        (salon.alice.pk, "another_client"),
        (salon.bob.pk, ""),
    ]


def test_two_visits_of_a_client_on_one_date_share_one_that_tells_of_both(clock: Any) -> None:
    salon = make_cast()
    two_days_before()
    first = salon.book()
    second = salon.book(start_at="2026-03-24 14:00:00", end_at="2026-03-24 15:00:00")
    assert pending() == [(first["visit_id"], "2026-03-22 18:00")]
    salon.delete(first)
    assert pending() == [(second["visit_id"], "2026-03-22 18:00")]
    salon.put(first, {"status": "scheduled"})
    assert pending() == [(second["visit_id"], "2026-03-22 18:00")]
    run_due(at_most=20)
    clock.move_to(datetime(2026, 3, 22, 17, 0, 5, tzinfo=UTC))
    run_due(at_most=20)
    message = Message.objects.get(type="visit.reminder", state="kept")
    assert [each["visit_id"] for each in message.facts["reminds"]] == [first["visit_id"], second["visit_id"]]
    assert set(Reminded.objects.values_list("visit_id", "asks")) == {
        (first["visit_id"], True),
        (second["visit_id"], True),
    }
    assert set(asked_by_visit([first["visit_id"], second["visit_id"]])) == {
        first["visit_id"],
        second["visit_id"],
    }
    assert message.subject == "Reminder: your appointments on Tuesday 24 March 2026"
    salon.put(first, {"start_at": "2026-03-25 10:00:00", "end_at": "2026-03-25 11:00:00"})
    assert set(asked_by_visit([first["visit_id"], second["visit_id"]])) == {second["visit_id"]}


def test_a_reminder_asks_and_leads_to_the_page(clock: Any) -> None:
    salon = make_cast()
    rule = two_days_before()
    salon.book()
    run_due(at_most=20)
    clock.move_to(datetime(2026, 3, 22, 17, 0, 5, tzinfo=UTC))
    run_due(at_most=20)
    message = Message.objects.get(type="visit.reminder")
    assert (message.state, message.subject) == (
        "kept",
        "Reminder: your appointment on Tuesday 24 March at 10:00",
    )
    assert "Confirm that I am coming" in message.text
    assert "/v/" in message.text
    assert Reminded.objects.get().rule_id == rule.pk


@pytest.mark.parametrize(
    ("late", "state"), [(timedelta(hours=6), ("kept", "")), (timedelta(hours=21), ("not_sent", "too_late"))]
)
def test_after_an_outage_one_leaves_while_it_is_of_use(clock: Any, late: timedelta, state: Any) -> None:
    salon = make_cast()
    two_days_before()
    salon.book()
    run_due(at_most=20)
    clock.move_to(datetime(2026, 3, 22, 17, tzinfo=UTC) + late)
    run_due(at_most=20)
    assert ledger() == [state]


def test_one_of_a_visit_that_was_never_announced_does_not_leave(clock: Any) -> None:
    salon = make_cast()
    two_days_before()
    salon.book()
    Message.objects.exclude(type="visit.reminder").delete()
    Job.objects.exclude(type="visit.reminder").delete()
    clock.move_to(datetime(2026, 3, 22, 17, 0, 5, tzinfo=UTC))
    run_due(at_most=20)
    assert ledger() == [("not_sent", "never_announced")]


def test_one_to_nobody_s_address_says_that(clock: Any) -> None:
    salon = make_cast()
    two_days_before()
    salon.alice.email = ""
    salon.alice.save()
    salon.book()
    run_due(at_most=20)
    clock.move_to(datetime(2026, 3, 22, 17, 0, 5, tzinfo=UTC))
    run_due(at_most=20)
    assert ledger() == [("not_sent", "no_address")]


def test_who_has_confirmed_is_left_alone_where_the_rule_says_so(clock: Any) -> None:
    salon = make_cast()
    hours_before(24, skip_if_confirmed=True)
    booking = salon.book()
    run_due(at_most=20)
    Visit.objects.filter(pk=booking["visit_id"]).update(client_confirmed_at=timezone.now())
    clock.move_to(datetime(2026, 3, 23, 9, 0, 5, tzinfo=UTC))
    run_due(at_most=20)
    assert ledger() == [("not_sent", "already_confirmed")]


def test_a_rule_by_text_is_idle_until_there_is_a_channel() -> None:
    salon = make_cast()
    hours_before(3, channel="sms")
    salon.alice.mobile = "+31612345678"
    salon.alice.save()
    salon.book(start_at="2026-03-24 14:00:00", end_at="2026-03-24 15:00:00")
    assert pending() == []
    make_channel()
    plan_ahead(now=timezone.now())
    assert due_times() == ["2026-03-24 11:00"]
    assert Message.objects.get(type="visit.reminder").to == "+31612345678"


def test_the_sweep_follows_a_change_of_the_rule_and_of_the_time_zone() -> None:
    salon = make_cast()
    rule = two_days_before()
    salon.book()
    rule.at = time(12)
    rule.save()
    assert plan_ahead(now=timezone.now()) == 1
    assert due_times() == ["2026-03-22 12:00"]
    assert plan_ahead(now=timezone.now()) == 0
    SalonSettings.objects.update(timezone="Europe/Lisbon")
    plan_ahead(now=timezone.now())
    assert due_times() == ["2026-03-22 13:00"]
    rule.is_active = False
    rule.save()
    plan_ahead(now=timezone.now())
    assert (pending(), ledger()) == ([], [("not_sent", "rule_changed")])
    rule.is_active = True
    rule.save()
    plan_ahead(now=timezone.now())
    assert due_times() == ["2026-03-22 13:00"]


def test_a_new_rule_makes_up_for_nothing(clock: Any) -> None:
    salon = make_cast()
    salon.book()
    clock.move_to(datetime(2026, 3, 23, 12, tzinfo=UTC))
    two_days_before()
    hours_before(3)
    plan_ahead(now=timezone.now())
    assert due_times() == ["2026-03-24 07:00"]


def test_only_first_visits_with_this_service_at_this_location() -> None:
    salon = make_cast()
    hours_before(3, first_visit_only=True)
    hours_before(4, service=salon.service)
    salon.book()
    salon.book(start_at="2026-03-25 10:00:00", end_at="2026-03-25 11:00:00")
    assert due_times() == ["2026-03-24 06:00", "2026-03-24 07:00", "2026-03-25 06:00"]


def test_merged_records_keep_one_reminder_for_who_stays() -> None:
    salon = make_cast()
    two_days_before()
    salon.book()
    second = salon.book(client_id=salon.bob.pk, start_at="2026-03-24 14:00:00", end_at="2026-03-24 15:00:00")
    assert len(pending()) == 2
    answer = caller(salon.ada).post(
        f"/api/clients/{salon.alice.pk}/merge", {"into": salon.bob.pk}, format="json"
    )
    assert answer.status_code == 200
    assert pending() == [(second["visit_id"], "2026-03-22 18:00")]
    assert set(Job.objects.filter(type="visit.reminder").values_list("recipient", flat=True)) >= {
        f"client:{salon.bob.pk}"
    }


def test_what_a_booking_and_a_move_cost() -> None:
    """Beside what they cost in a salon without rules, where it is one statement."""
    salon = make_cast()
    _cost(salon, day=24)
    booked, moved = _cost(salon, day=25)
    hours_before(3)
    two_days_before()
    with_rules, moved_with_rules = _cost(salon, day=26)
    assert with_rules - booked == 1
    assert moved_with_rules - moved == 5  # two that are cancelled, two that are new
    assert len(pending()) == 2


def _cost(salon: Any, *, day: int) -> tuple[int, int]:
    def times(hour: int) -> dict[str, str]:
        return {"start_at": f"2026-03-{day} {hour}:00:00", "end_at": f"2026-03-{day} {hour + 1}:00:00"}

    with CaptureQueriesContext(connection) as made:
        booking = salon.book(**times(10))
    with CaptureQueriesContext(connection) as moved:
        salon.put(booking, times(12))
    return len(made), len(moved)


@pytest.mark.parametrize(
    ("at", "start", "due"),
    [
        # 29 March: the clocks jump from 2:00 to 3:00; 25 October: from 3:00 back to 2:00.
        (time(2, 30), datetime(2026, 3, 31, 8, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (time(1, 59), datetime(2026, 3, 31, 8, tzinfo=UTC), datetime(2026, 3, 29, 0, 59, tzinfo=UTC)),
        (time(3, 0), datetime(2026, 3, 31, 8, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        (time(2, 30), datetime(2026, 10, 27, 9, tzinfo=UTC), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (time(18), datetime(2026, 10, 27, 9, tzinfo=UTC), datetime(2026, 10, 25, 17, tzinfo=UTC)),
        (time(18), datetime(2026, 10, 26, 9, tzinfo=UTC), datetime(2026, 10, 24, 16, tzinfo=UTC)),
    ],
)
def test_days_before_are_counted_on_the_wall_clock(at: time, start: datetime, due: datetime) -> None:
    salon = SalonSettings(timezone="Europe/Amsterdam")
    rule = ReminderRule(days_before=2, at=at)
    assert due_at(rule, start_at=start, salon=salon) == due


def test_minutes_before_are_elapsed_time() -> None:
    salon = SalonSettings(timezone="Europe/Amsterdam")
    start = datetime(2026, 3, 29, 4, tzinfo=UTC)
    assert due_at(ReminderRule(minutes_before=180), start_at=start, salon=salon) == start - timedelta(hours=3)


@pytest.mark.parametrize(
    ("start", "due"),
    [
        ("2026-03-24 14:00", "2026-03-24 11:00"),
        ("2026-03-24 11:00", "2026-03-24 08:00"),
        ("2026-03-24 10:30", "2026-03-24 08:00"),
        ("2026-03-24 09:30", "2026-03-24 08:00"),
        ("2026-03-24 09:29", "2026-03-23 20:30"),
        ("2026-03-24 23:59", "2026-03-24 20:59"),
        ("2026-03-25 00:30", "2026-03-24 20:30"),
    ],
)
def test_a_text_does_not_leave_in_the_quiet_hours(start: str, due: str) -> None:
    zone = ZoneInfo("Europe/Amsterdam")
    salon = SalonSettings(timezone="Europe/Amsterdam")
    found = due_at(
        ReminderRule(minutes_before=180, channel="sms"),
        start_at=datetime.fromisoformat(start).replace(tzinfo=zone),
        salon=salon,
    )
    assert found is not None
    assert f"{found.astimezone(zone):%Y-%m-%d %H:%M}" == due


def test_where_the_quiet_hours_leave_no_time_it_is_written_down() -> None:
    salon = make_cast(quiet_from=time(20), quiet_to=time(9))
    make_channel()
    hours_before(3, channel="sms")
    salon.book(start_at="2026-03-24 09:00:00", end_at="2026-03-24 10:00:00")
    assert (pending(), ledger()) == ([], [("not_sent", "quiet_hours")])
    SalonSettings.objects.update(quiet_from=time(21), quiet_to=time(21))
    plan_ahead(now=timezone.now())
    assert (due_times(), ledger()) == (["2026-03-24 06:00"], [("waiting", "")])


def test_who_wanted_no_texts_gets_none_by_a_rule_either(clock: Any) -> None:
    salon = make_cast()
    make_channel()
    hours_before(3, channel="sms")
    salon.alice.mobile = "+31612345678"
    salon.alice.save()
    booking = salon.book()
    told(booking)
    Booking.objects.filter(pk=booking["id"]).update(status_detail="confirmed_no_sms")
    clock.move_to(datetime(2026, 3, 24, 7, 0, 5, tzinfo=UTC))
    job = Job.objects.get(type="visit.reminder")
    with pytest.raises(NotNeeded, match="asked_not_to"):
        ReminderMail().compose_text(job, now=timezone.now())


def test_a_text_that_is_late_waits_for_the_end_of_the_quiet_hours(clock: Any) -> None:
    salon = make_cast()
    make_channel()
    hours_before(24, channel="sms")
    salon.alice.mobile = "+31612345678"
    salon.alice.save()
    booking = salon.book(start_at="2026-03-24 20:00:00", end_at="2026-03-24 21:00:00")
    told(booking)
    job = Job.objects.get(type="visit.reminder")
    clock.move_to(datetime(2026, 3, 23, 20, 30, tzinfo=UTC))
    with pytest.raises(TryLater) as later:
        ReminderMail().compose_text(job, now=timezone.now())
    assert later.value.after == datetime(2026, 3, 24, 7, 0, 1, tzinfo=UTC)
    clock.move_to(datetime(2026, 3, 23, 19, 30, tzinfo=UTC))
    text = ReminderMail().compose_text(job, now=timezone.now())
    assert (text.to, text.text.partition(" http")[0]) == (
        "+31612345678",
        "Salon Zonne: Reminder: your appointment on Tuesday 24 March at 20:00.",
    )


def test_an_erased_client_is_reminded_of_nothing() -> None:
    salon = make_cast()
    two_days_before()
    salon.book()
    erase_client(client_id=salon.alice.pk, cancel_upcoming=True, actor=SYSTEM, now=timezone.now())
    assert (pending(), [state for state, _ in ledger()]) == ([], ["not_sent"])
    assert Reminded.objects.count() == 0


def test_a_walk_in_is_reminded_of_nothing() -> None:
    salon = make_cast()
    two_days_before()
    salon.book(client_id=walk_in(SalonSettings.load()).pk)
    assert (pending(), ledger()) == ([], [])


def test_the_agenda_shows_who_was_asked(clock: Any) -> None:
    salon = make_cast()
    two_days_before()
    salon.book()
    run_due(at_most=20)
    path = "/api/agenda?date=2026-03-24"
    assert [each["marks"]["asked"] for each in caller(salon.ada).get(path).json()["bookings"]] == [False]
    clock.move_to(datetime(2026, 3, 22, 17, 0, 5, tzinfo=UTC))
    run_due(at_most=20)
    assert [each["marks"]["asked"] for each in caller(salon.ada).get(path).json()["bookings"]] == [True]
