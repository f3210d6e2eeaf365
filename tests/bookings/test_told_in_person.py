"""notify: false: somebody has told the client in person, so this write mails nothing (contract §11)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from bookings.models import Booking, BookingEvent, Visit, WaitlistEntry
from notifications import outbox
from notifications.execution import run_due
from notifications.mail import frozen
from notifications.models import Job, Message, Notification
from notifications.registry import handler_of, is_mail
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told
from tests.cast.factories import caller, make_key
from tests.cast.waitlist import offer_jobs

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

IN_PERSON = {"notify": False, "reason": "told at the desk"}
LATER = {"start_at": "2026-03-24 12:00:00", "end_at": "2026-03-24 13:00:00"}


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def believed(booking: dict[str, Any]) -> tuple[Any, ...]:
    now = Booking.objects.get(pk=booking["id"])
    return now.announced_as, now.announced_start_at, now.announced_end_at, now.announced_staff_id


def what_stands(booking: dict[str, Any]) -> tuple[Any, ...]:
    now = Booking.objects.get(pk=booking["id"])
    return now.status, now.start_at, now.end_at, now.staff_id


def mailed() -> list[str]:
    run_due(at_most=50)
    return list(Message.objects.filter(state="kept").order_by("id").values_list("type", flat=True))


def test_a_booking_that_the_client_has_been_told_of(salon: Salon, clock: Any) -> None:
    booking = salon.book(**IN_PERSON)
    assert (jobs(), believed(booking)) == ([], what_stands(booking))
    assert Notification.objects.filter(type="booking.new").count() == 2
    event = BookingEvent.objects.get()
    assert (event.changes, event.reason) == ({"told_in_person": [None, True]}, "told at the desk")
    salon.put(booking, LATER)
    clock.shift(timedelta(minutes=31))
    assert mailed() == ["booking.updated"]
    salon.put(booking, {"status": "cancelled"})
    assert mailed() == ["booking.updated", "booking.cancelled"]


def test_a_move_that_was_told_is_what_later_mails_compare_with(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    assert mailed() == ["booking.created"]
    answer = salon.put(booking, {**LATER, **IN_PERSON})
    assert (answer.status_code, answer.json()["start_at"]) == (200, LATER["start_at"])
    assert "notify" not in answer.json() and "told_in_person" not in answer.json()
    assert (believed(booking), jobs(booking)) == (what_stands(booking), [("booking.created", "done")])
    salon.put(booking, {"start_at": booking["start_at"], "end_at": booking["end_at"]})
    clock.shift(timedelta(minutes=31))
    assert mailed() == ["booking.created", "booking.updated"]


def test_a_mail_that_an_earlier_write_owes_leaves_with_the_true_times(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    salon.put(booking, {**LATER, **IN_PERSON})
    assert believed(booking) == what_stands(booking)
    assert mailed() == ["booking.created"]
    assert "12:00" in Message.objects.get().text
    salon.put(booking, {"start_at": "2026-03-24 14:00:00", "end_at": "2026-03-24 15:00:00"})
    salon.put(booking, {"start_at": "2026-03-24 15:00:00", "end_at": "2026-03-24 16:00:00", **IN_PERSON})
    assert believed(booking) == what_stands(booking)
    clock.shift(timedelta(minutes=31))
    assert mailed() == ["booking.created", "booking.updated"]
    assert "15:00" in Message.objects.order_by("-id")[0].text


def test_a_mail_that_is_leaving_does_not_overwrite_what_was_said_since(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    job = outbox.claim(now=timezone.now())
    assert job is not None
    handler = handler_of(job.type)
    assert is_mail(handler)
    mail = handler.compose(job, now=timezone.now())
    outbox.mark_sending(job, now=timezone.now(), frozen=frozen(mail, now=timezone.now()))
    clock.shift(timedelta(seconds=1))
    salon.put(booking, {**LATER, **IN_PERSON})
    handler.sent(job, Message.objects.get(job=job), now=timezone.now())
    assert believed(booking) == what_stands(booking)


def test_an_update_that_was_owed_no_more_stays_so(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    told(booking)
    salon.put(booking, LATER)
    salon.put(booking, {"start_at": booking["start_at"], "end_at": booking["end_at"]})
    salon.put(booking, {**LATER, **IN_PERSON})
    clock.shift(timedelta(minutes=31))
    assert mailed() == []
    assert Message.objects.get(type="booking.updated").reason == "dragged_back"


def test_a_cancelling_that_was_told_mails_nobody_but_who_waits(salon: Salon) -> None:
    booking = salon.book()
    assert mailed() == ["booking.created"]
    WaitlistEntry.objects.create(client=salon.bob, service=salon.service, date="2026-03-24")
    path = f"/api/bookings/{booking['id']}?notify=false&reason=rang+her"
    assert caller(salon.bea).delete(path).status_code == 200
    assert (believed(booking), offer_jobs()) == (
        ("", None, None, None),
        [(f"client:{salon.bob.pk}", "pending")],
    )
    assert mailed() == ["booking.created", "waitlist.offer"]
    salon.put(booking, {"status": "scheduled", "allow_overlap": True})
    assert mailed() == ["booking.created", "waitlist.offer", "booking.created"]


def test_coming_back_that_was_told_and_a_waitlist_slot(salon: Salon) -> None:
    entry = WaitlistEntry.objects.create(client=salon.alice, service=salon.service, date="2026-03-24")
    booking = salon.book(waitlist_id=entry.pk, **IN_PERSON)
    entry.refresh_from_db()
    assert (entry.status, jobs()) == ("booked", [])
    salon.put(booking, {"status": "cancelled"})
    assert mailed() == ["booking.cancelled"]
    salon.put(booking, {"status": "scheduled", **IN_PERSON})
    assert (believed(booking), mailed()) == (what_stands(booking), ["booking.cancelled"])


def test_another_client_and_what_goes_as_always(salon: Salon) -> None:
    booking = salon.book()
    assert mailed() == ["booking.created"]
    salon.put(booking, {"client_id": salon.bob.pk, **IN_PERSON})
    assert (believed(booking), mailed()) == (what_stands(booking), ["booking.created"])
    salon.put(booking, {"status": "completed", **IN_PERSON})
    assert list(Job.objects.filter(state="pending").values_list("type", flat=True)) == ["review.request"]


def test_what_was_told_in_person_is_newer_than_what_the_log_says(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    assert mailed() == ["booking.created"]

    def put(**changes: Any) -> list[str]:
        """What is mailed of it, a minute later."""
        clock.shift(timedelta(minutes=1))
        before = len(mailed())
        assert salon.put(booking, changes).status_code == 200
        return mailed()[before:]

    alice, bob = salon.alice.pk, salon.bob.pk
    put(client_id=bob, **IN_PERSON)
    assert put(client_id=alice) == ["booking.cancelled", "booking.created"]  # they knew that it was gone
    put(**LATER, **IN_PERSON)
    assert set(put(client_id=bob)) == {"booking.created", "booking.cancelled"}
    assert "12:00" in Message.objects.filter(type="booking.cancelled", client_id=alice).latest("id").text
    put(status="cancelled", **IN_PERSON)
    assert (put(client_id=alice), put(client_id=bob)) == ([], [])
    assert believed(booking)[0] == ""
    assert put(status="scheduled") == ["booking.created"]
    assert put(notes="tea", client_id=alice, **IN_PERSON) == []
    visit = caller(salon.bea).put(f"/api/visits/{booking['visit_id']}", {"client_id": bob}, format="json")
    assert (visit.status_code, mailed()[-2:]) == (200, ["booking.cancelled", "booking.created"])


def test_a_visit_and_a_series(salon: Salon, clock: Any) -> None:
    items = [{"service_id": salon.service.pk, "staff_id": salon.bea.pk}] * 2
    order = {"client_id": salon.alice.pk, "items": items, "start_at": "2026-03-25 10:00:00", **IN_PERSON}
    visit = caller(salon.bea).post("/api/visits", order, format="json").json()["visit"]
    assert jobs() == [] and all(believed(each) == what_stands(each) for each in visit["bookings"])
    path = f"/api/visits/{visit['id']}"
    moved = {"start_at": "2026-03-25 11:00:00", **IN_PERSON}
    assert caller(salon.bea).put(path, moved, format="json").status_code == 200
    assert jobs() == [] and all(believed(each) == what_stands(each) for each in visit["bookings"])
    caller(salon.bea).put(path, {"items": {"add": items[:1]}, **IN_PERSON}, format="json")
    assert jobs() == [] and Visit.objects.get().bookings.exclude(announced_as="scheduled").count() == 0
    assert caller(salon.bea).delete(f"{path}?notify=false&reason=x").status_code == 200
    assert jobs() == [] and Visit.objects.get().bookings.exclude(announced_as="").count() == 0
    series = salon.book(recurrence="FREQ=WEEKLY;COUNT=3", **IN_PERSON)
    assert jobs() == []
    salon.put(series, {**LATER, "scope": "all", **IN_PERSON})
    assert jobs() == [] and all(believed(each) == what_stands(each) for each in series["occurrences"])
    salon.put(series, {"start_at": series["start_at"], "end_at": series["end_at"], "scope": "all"})
    second = series["occurrences"][1]
    again = {"start_at": "2026-03-31 15:00:00", "end_at": "2026-03-31 16:00:00", **IN_PERSON}
    assert salon.put(second, again).status_code == 200
    clock.shift(timedelta(minutes=31))
    assert mailed() == ["booking.updated"]
    assert "15:00" in Message.objects.get().text


def test_everybody_in_a_class_has_been_told(salon: Salon) -> None:
    salon.service.max_capacity = 5
    salon.service.save()
    first = salon.book()
    second = salon.book(client_id=salon.bob.pk, session_of=first["id"])
    assert mailed() == ["booking.created"] * 2
    assert salon.put(first, {**LATER, "scope": "session", **IN_PERSON}).status_code == 200
    assert all(believed(each) == what_stands(each) for each in (first, second))
    assert not Job.objects.filter(state="pending").exists()
    told_of = BookingEvent.objects.filter(changes__has_key="told_in_person", reason=IN_PERSON["reason"])
    assert told_of.count() == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"notify": False}, "reason"),
        ({"notify": False, "reason": "  "}, "reason"),
        ({"notify": "no", "reason": "x"}, "notify"),
        ({"notify": None, "reason": "x"}, "notify"),
        ({**IN_PERSON, "provisional": True}, "notify"),
    ],
)
def test_it_needs_a_reason_and_asks_nobody(salon: Salon, body: dict[str, Any], field: str) -> None:
    booking = salon.book()
    items = [{"service_id": salon.service.pk, "staff_id": salon.bea.pk}]
    before = stored()
    change = {name: value for name, value in body.items() if name != "provisional"} | (
        {"status": "provisional"} if "provisional" in body else {}
    )
    visit = {"client_id": salon.alice.pk, "items": items, "start_at": "2026-03-25 10:00:00", **body}
    _, key = make_key()
    for answer in (
        caller(key).post("/api/bookings", salon.order(**LATER) | body, format="json"),
        caller(key).post("/api/visits", visit, format="json"),
        salon.put(booking, change),
        caller(key).put(f"/api/visits/{booking['visit_id']}", change, format="json"),
    ):
        assert (answer.status_code, list(answer.json()["details"])) == (400, [field]), answer.json()
    for path in (f"/api/bookings/{booking['id']}", f"/api/visits/{booking['visit_id']}"):
        answer = caller(key).delete(f"{path}?notify=false")
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["reason"])
    assert stored() == before


def test_who_is_asked_by_mail_is_asked_also_when_another_client_gets_the_request(salon: Salon) -> None:
    booking = salon.book(provisional=True)
    before = stored()
    answer = salon.put(booking, {"client_id": salon.bob.pk, **IN_PERSON})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["notify"])
    assert stored() == before
    salon.put(booking, {**LATER, **IN_PERSON})
    assert mailed() == ["booking.provisional"]
    assert believed(booking) == what_stands(booking)
