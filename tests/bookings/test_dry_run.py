"""/api/dry-run: what a write would do, of which nothing stays (contract §11 "Dry run")."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.models import WaitlistEntry
from clients.models import Client
from notifications.channels.opt_outs import opt_out
from notifications.execution import run_due
from notifications.models import Message, OptOut, WebhookEndpoint
from staff.models import ApiKey, Holiday, Staff, TimeOff
from tests.cast.bookings import MORNING, Salon, make_cast, told
from tests.cast.factories import caller, make_client, make_key
from tests.cast.reminders import hours_before, make_channel, two_days_before
from tests.cast.rows import Rows, rows_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

TEN = "2026-03-24 10:00:00"
DELETED = "2026-03-24"
DUE_BY_TEXT = "2026-03-24 08:00:00"
NOTHING: dict[str, Any] = {
    "booking": None,
    "visit": None,
    "row": None,
    "conflicts": [],
    "warnings": [],
    "messages": [],
    "webhooks": [],
    "notifications": [],
    "fee": None,
    "waitlist": [],
    "affected_bookings": [],
}


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def whole_database() -> Rows:
    return rows_of(apps.get_models())


def ask(who: Any, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
    """The answer's body; nothing of the question is left in the database."""
    client = caller(who)
    before = whole_database()
    answer = getattr(client, method)(f"/api/dry-run/{path}", body, format="json", headers=headers)
    assert answer.status_code == status, answer.json()
    assert whole_database() == before
    return answer.json()


def would(who: Any, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    said = ask(who, method, path, body, status)
    assert set(said) == {"dry_run", "would"} and said["dry_run"] is True
    assert list(said["would"]) == list(NOTHING)
    return said["would"]


def message(type: str, due_at: str = "2026-03-20 09:00:00", was: str = "new", **more: Any) -> dict[str, Any]:
    return {
        "type": type,
        "channel": "email",
        "to": "alice@example.com",
        "due_at": due_at,
        "was": was,
        "why_not": None,
        **more,
    }


def line(salon: Salon, type: str, title: str) -> list[dict[str, Any]]:
    return [{"type": type, "staff_id": who.pk, "title": title} for who in (salon.bea, salon.ada)]


def test_a_booking_before_it_is_made(salon: Salon) -> None:
    salon.alice.email = "alice@example.com"
    salon.alice.save()
    endpoint = WebhookEndpoint.objects.create(url="https://example.com/hook", secret="s")
    asked = would(salon.ada, "post", "bookings", salon.order())
    made = salon.book()
    unknown = ("id", "key", "visit_id", "session_id", "created_at")
    assert asked["booking"] == {
        key: None if key in unknown else made[key] for key in made if key != "warnings"
    }
    assert asked | {"booking": None} == {
        **NOTHING,
        "messages": [message("booking.created")],
        "webhooks": [{"event_type": "booking.created", "endpoint_id": endpoint.pk}],
        "notifications": line(salon, "booking.new", asked["notifications"][0]["title"]),
    }


def test_no_worker_is_woken(salon: Salon, django_capture_on_commit_callbacks: Any) -> None:
    client = caller(salon.ada)
    with django_capture_on_commit_callbacks() as woken:
        assert client.post("/api/dry-run/bookings", salon.order(), format="json").status_code == 200
    assert woken == []
    with django_capture_on_commit_callbacks() as woken:
        salon.book()
    assert len(woken) == 1


def test_a_move_says_which_mail_goes_and_when(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    moved = {"start_at": "2026-03-24 12:00:00", "end_at": "2026-03-24 13:00:00"}
    path = f"bookings/{booking['id']}"
    asked = would(salon.bea, "put", path, moved)
    assert asked["booking"]["id"] == booking["id"]
    assert (asked["booking"]["start_at"], asked["booking"]["version"]) == ("2026-03-24 12:00:00", 2)
    at = salon.alice.email
    assert asked["messages"] == [message("booking.updated", "2026-03-20 09:30:00", to=at)]
    salon.put(booking, moved)
    assert would(salon.bea, "patch", path, {"notes": "tea"})["messages"] == []
    back = {"start_at": booking["start_at"], "end_at": booking["end_at"]}
    assert would(salon.bea, "put", path, back)["messages"] == []  # due at the very same instant
    cancelled = would(salon.bea, "delete", f"{path}?reason=ill")
    assert cancelled["messages"] == [
        message("booking.cancelled", to=at),
        message("booking.updated", "2026-03-20 09:30:00", "dropped", to=at, why_not="cancelled_meanwhile"),
    ]


def test_a_debounced_mail_moves_or_would_tell_nothing(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    told(booking)
    salon.put(booking, {"start_at": "2026-03-24 12:00:00", "end_at": "2026-03-24 13:00:00"})
    clock.shift(timedelta(minutes=10))
    later = {"start_at": "2026-03-24 13:00:00", "end_at": "2026-03-24 14:00:00"}
    mail = message("booking.updated", "2026-03-20 09:40:00", "moved", to=salon.alice.email)
    path = f"bookings/{booking['id']}"
    assert would(salon.ada, "put", path, later)["messages"] == [mail]
    back = {"start_at": booking["start_at"], "end_at": booking["end_at"]}
    assert would(salon.ada, "put", path, back)["messages"] == [{**mail, "why_not": "dragged_back"}]


def test_a_reminder_behind_the_mail_that_announces_its_visit_would_leave(salon: Salon) -> None:
    two_days_before()
    hours_before(3, channel="sms")
    make_channel()
    mail, by_text = message("visit.reminder", "2026-03-22 18:00:00"), message("visit.reminder", DUE_BY_TEXT)
    by_text |= {"channel": "sms", "to": "", "why_not": "no_number"}
    asked = would(salon.ada, "post", "bookings", salon.order())
    assert asked["messages"] == [message("booking.created"), mail, by_text]
    Client.objects.filter(pk=salon.alice.pk).update(mobile="+31612345678")
    reached = by_text | {"to": "+31612345678", "why_not": None}
    asked = would(salon.ada, "post", "bookings", salon.order())
    assert asked["messages"] == [message("booking.created"), mail, reached]
    asked = would(salon.ada, "post", "bookings", salon.order(notify=False, reason="at the desk"))
    assert asked["messages"] == [mail, reached]
    opt_out("+31612345678", source=OptOut.Source.REPLY, now=timezone.now())
    asked = would(salon.ada, "post", "bookings", salon.order())
    assert asked["messages"] == [message("booking.created"), mail, reached | {"why_not": "opted_out"}]
    series = would(salon.ada, "post", "bookings", salon.order(recurrence="FREQ=WEEKLY;COUNT=2"))
    told_of = [each["why_not"] for each in series["messages"] if each["channel"] == "email"]
    assert told_of == [None, None, None]
    Client.objects.filter(pk=salon.alice.pk).update(email="")
    asked = would(salon.ada, "post", "bookings", salon.order())
    assert {each["why_not"] for each in asked["messages"] if each["channel"] == "email"} == {"no_address"}


def test_a_move_before_the_confirmation_has_left_is_told_by_it(salon: Salon) -> None:
    two_days_before()
    booking = salon.book()
    moved = {"start_at": "2026-03-25 12:00:00", "end_at": "2026-03-25 13:00:00"}
    update = message("booking.updated", "2026-03-20 09:30:00", why_not="dragged_back")
    before = message("visit.reminder", "2026-03-22 18:00:00", "dropped", why_not="moved_meanwhile")
    asked = would(salon.bea, "put", f"bookings/{booking['id']}", moved)
    assert asked["messages"] == [update, before, message("visit.reminder", "2026-03-23 18:00:00")]
    salon.put(booking, moved)
    assert run_due(at_most=10) == 1
    told_of = Message.objects.get(type="booking.created")
    assert told_of.state in ("sent", "kept") and "25 March" in told_of.subject


def test_who_has_no_address_is_not_reached(salon: Salon) -> None:
    nobody = make_client("Noor", email="")
    asked = would(salon.ada, "post", "bookings", salon.order(client_id=nobody.pk))
    assert asked["messages"] == [message("booking.created", to="", why_not="no_address")]
    assert [each["code"] for each in asked["warnings"]] == ["no_address"]


def test_the_fee_and_who_would_be_offered_the_time(salon: Salon) -> None:
    salon_settings = {"noshow_enabled": True, "noshow_fee_type": "percent", "noshow_fee_value": "50"}
    assert caller(salon.ada).put("/api/settings", salon_settings, format="json").status_code == 200
    booking = salon.book(price="25.00")
    path = f"bookings/{booking['id']}"
    asked = would(salon.ada, "put", path, {"status": "no-show"})
    assert asked["fee"] == {"amount": "12.50", "currency": "EUR", "state": "due", "reason": ""}
    entry = WaitlistEntry.objects.create(client=salon.bob, service=salon.service, date=DELETED)
    asked = would(salon.ada, "delete", path)
    assert (asked["fee"], asked["waitlist"]) == (None, [{"entry_id": entry.pk, "client_id": salon.bob.pk}])
    offers = [each for each in asked["messages"] if each["type"] == "waitlist.offer"]
    assert offers == [message("waitlist.offer", to=salon.bob.email)]


def test_a_refusal_is_the_ordinary_one_and_says_that_it_was_a_question(salon: Salon) -> None:
    booking = salon.book()
    answer = caller(salon.ada).post("/api/bookings", salon.order(client_id=salon.bob.pk), format="json")
    refused = ask(salon.ada, "post", "bookings", salon.order(client_id=salon.bob.pk), status=409)
    assert refused == {**answer.json(), "dry_run": True}
    assert [each["booking_id"] for each in refused["conflicts"]] == [booking["id"]]
    overlap = salon.order(client_id=salon.bob.pk, allow_overlap=True)
    asked = would(salon.ada, "post", "bookings", overlap)
    assert asked["conflicts"] == refused["conflicts"]
    for body, status, code in (({}, 400, "invalid"), ({"start_at": "soon"}, 400, "invalid")):
        refused = ask(salon.ada, "post", "bookings", body, status=status)
        assert (refused["code"], refused["dry_run"]) == (code, True)
    stale = ask(salon.ada, "put", f"bookings/{booking['id']}", {"notes": "x"}, 412, **{"If-Match": '"9"'})
    assert stale["dry_run"] is True
    assert ask(salon.ada, "put", "bookings/999", {"notes": "x"}, 404)["dry_run"] is True
    assert ask(None, "post", "bookings", salon.order(), 401)["dry_run"] is True
    _, reads = make_key(mode=ApiKey.Mode.READ, last_used_at=timezone.now())
    assert ask(reads, "post", "bookings", salon.order(), 403)["code"] == "key_mode"
    assert caller(salon.ada).get("/api/dry-run/bookings").status_code == 405
    assert caller(salon.ada).post("/api/dry-run/services", {}, format="json").status_code == 404


def test_a_visit_and_a_series_as_wholes(salon: Salon) -> None:
    items = [{"service_id": salon.service.pk, "staff_id": salon.bea.pk}] * 2
    order = {"client_id": salon.alice.pk, "items": items, "start_at": TEN}
    asked = would(salon.ada, "post", "visits", order)
    visit = asked["visit"]
    assert (visit["id"], visit["key"], visit["booking_ids"]) == (None, None, [None, None])
    assert [(each["id"], each["start_at"]) for each in visit["bookings"]] == [
        (None, TEN),
        (None, "2026-03-24 11:00:00"),
    ]
    assert [each["type"] for each in asked["messages"]] == ["booking.created"]
    series = salon.order(recurrence="FREQ=WEEKLY;COUNT=3")
    asked = would(salon.ada, "post", "bookings", series)
    assert [each["id"] for each in asked["row"]["occurrences"]] == [None] * 3
    assert [each["series_id"] for each in asked["row"]["occurrences"]] == [None] * 3
    booking = salon.book(recurrence="FREQ=WEEKLY;COUNT=3")
    asked = would(salon.ada, "put", f"bookings/{booking['id']}", {"scope": "all", "status": "cancelled"})
    assert asked["booking"] is None
    assert [each["id"] for each in asked["row"]["bookings"]] == [
        each["id"] for each in booking["occurrences"]
    ]
    [mail] = asked["messages"]  # the confirmation of the series finds out itself that nothing stands
    assert (mail["type"], mail["was"], mail["why_not"]) == ("booking.cancelled", "new", "never_announced")


def test_the_salon_and_its_people(salon: Salon) -> None:
    booking = salon.book()
    day = would(salon.ada, "post", "holidays", {"date": "2026-03-24"}, 201)
    assert day["row"]["id"] is None and day["row"]["date"] == "2026-03-24"
    assert [each["booking_id"] for each in day["affected_bookings"]] == [booking["id"]]
    holiday = Holiday.objects.create(date="2026-12-25")
    assert would(salon.ada, "delete", f"holidays/{holiday.pk}") == NOTHING
    leave = {"staff_id": salon.bea.pk, "start_at": "2026-03-24 00:00", "end_at": "2026-03-25 00:00"}
    assert len(would(salon.bea, "post", "time-off", leave, 201)["affected_bookings"]) == 1
    assert not TimeOff.objects.exists()
    week = {"hours": [{"weekday": 6, "opens": "10:00", "closes": "12:00"}]}
    asked = would(salon.ada, "put", f"working-hours?staff_id={salon.bea.pk}", week)
    assert [each["id"] for each in asked["row"]["hours"]] == [None]
    assert [each["booking_id"] for each in asked["affected_bookings"]] == [booking["id"]]
    closed = {"date_from": "2026-03-24", "hours": []}
    assert len(would(salon.ada, "post", "opening-exceptions", closed, 201)["affected_bookings"]) == 1
    gone = would(salon.ada, "delete", f"staff/{salon.bea.pk}")
    assert gone["row"]["is_active"] is False and len(gone["affected_bookings"]) == 1
    assert ask(salon.bea, "delete", f"staff/{salon.cora.pk}", status=403)["code"] == "admin_only"
    assert Staff.objects.get(pk=salon.bea.pk).is_active
    archived = would(salon.bea, "delete", f"clients/{salon.alice.pk}")
    assert archived["row"]["is_archived"] is True and len(archived["affected_bookings"]) == 1
    merged = would(salon.ada, "post", f"clients/{salon.alice.pk}/merge", {"into": salon.bob.pk})
    assert merged["row"]["id"] == salon.bob.pk


def test_a_hold_and_the_settings(salon: Salon) -> None:
    wanted = {"service_id": salon.service.pk, "staff_id": salon.bea.pk, "start_at": TEN}
    held = would(salon.ada, "post", "holds", wanted, 201)
    assert (held["row"]["hold_token"], held["row"]["start_at"]) == (None, TEN)
    token = caller(salon.ada).post("/api/holds", wanted, format="json").json()["hold_token"]
    assert would(salon.ada, "delete", f"holds/{token}") == NOTHING
    local = make_client("Loc", phone="0612345678")
    asked = would(salon.ada, "put", "settings", {"timezone": "Europe/Berlin", "country": "DE"})
    assert (asked["row"]["timezone"], asked["row"]["country"]) == ("Europe/Berlin", "DE")
    assert Client.objects.get(pk=local.pk).phone == local.phone
    assert "numbers_became_e164" not in asked["row"]
    assert ask(salon.bea, "put", "settings", {"locale": "nl"}, 403)["code"] == "admin_only"


def test_an_idempotency_key_is_neither_read_nor_used_up(salon: Salon) -> None:
    key = {"Idempotency-Key": "once"}
    first = caller(salon.ada).post("/api/bookings", salon.order(), format="json", headers=key)
    other = salon.order(start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    said = ask(salon.ada, "post", "bookings", other, **key)
    assert said["would"]["booking"]["start_at"] == "2026-03-24 12:00:00"
    again = caller(salon.ada).post("/api/bookings", salon.order(), format="json", headers=key)
    assert (again.json(), again["Idempotency-Replayed"]) == (first.json(), "true")


@pytest.mark.parametrize("query", ["dry_run=1", "dry_run", "a=b&dry%5Frun=true"])
def test_a_dry_run_asked_for_at_the_address_of_the_write_is_refused(salon: Salon, query: str) -> None:
    client = caller(salon.ada)
    before = whole_database()
    answer = client.post(f"/api/bookings?{query}", salon.order(), format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "dry_run_address")
    assert whole_database() == before
    assert caller(salon.ada).get(f"/api/bookings?{query}").status_code == 400


def test_questions_have_a_rate_of_their_own(salon: Salon) -> None:
    cache.clear()
    key = make_key()[1]
    statuses = [
        client.post("/api/dry-run/bookings", {}, format="json").status_code
        for client in (caller(salon.bea), caller(key))
        for _ in range(121)
    ]
    assert statuses == [*[400] * 120, 429] * 2
    assert cache.get(f"throttle:key:{ApiKey.objects.get().pk}") is None
    assert caller(key).get("/api/bookings").status_code == 200
    assert caller(salon.ada).post("/api/dry-run/bookings", {}, format="json").status_code == 400


def test_a_question_takes_a_bounded_number_of_statements(salon: Salon) -> None:
    booking = salon.book()
    path = f"/api/dry-run/bookings/{booking['id']}"
    moved = {"start_at": "2026-03-24 12:00:00", "end_at": "2026-03-24 13:00:00"}

    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as taken:
            assert caller(salon.ada).put(path, moved, format="json").status_code == 200
        return len(taken)

    few = count()
    for day in range(10, 25):
        salon.book(start_at=f"2026-04-{day} 10:00:00", end_at=f"2026-04-{day} 11:00:00")
    run_due(at_most=100)
    for day in range(10, 25):
        salon.book(start_at=f"2026-05-{day} 10:00:00", end_at=f"2026-05-{day} 11:00:00")
    assert count() <= few + 5
    assert few <= 75, few
