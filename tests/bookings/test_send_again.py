"""Sending again: the mail that the present state owes, to the address the client has now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client as Browser
from icalendar import Calendar

from bookings.lifecycle import lapse_due
from bookings.models import Booking, BookingEvent, WaitlistEntry
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Job, Message, MessageText
from staff.models import ApiKey
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_key
from tests.cast.outbox import Sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

WRONG, RIGHT = "alcie@example.com", "alice@example.com"
UNTRUE = {
    ("scheduled", "request"): "The booking is scheduled: a request would not be true; send the confirmation "
    "again.",
    ("scheduled", "cancellation"): "The booking is scheduled: a cancellation would not be true; send the "
    "confirmation again.",
    ("cancelled", "confirmation"): "The booking is cancelled: a confirmation would not be true; send the "
    "cancellation again.",
    ("completed", "confirmation"): "The visit is closed as completed; no confirmation, request or "
    "cancellation would be true.",
    ("no-show", "cancellation"): "The visit is closed as no-show; no confirmation, request or "
    "cancellation would be true.",
}


@pytest.fixture
def salon() -> Salon:
    salon = make_cast()
    Client.objects.filter(pk=salon.alice.pk).update(email=WRONG)
    return salon


def again(booking: dict[str, Any], type: str, *, who: Any, **headers: str) -> Any:
    address = f"/api/bookings/{booking['id']}/messages"
    return caller(who).post(address, {"type": type}, format="json", headers=headers)


def correct(salon: Salon) -> None:
    answer = caller(salon.ada).put(f"/api/clients/{salon.alice.pk}", {"email": RIGHT}, format="json")
    assert answer.status_code == 200


def event_of(mail: Any) -> Any:
    files = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    (event,) = Calendar.from_ical(files[0].get_payload(decode=True)).events
    return event


def log() -> list[tuple[str, str, str, str]]:
    return list(Message.objects.order_by("id").values_list("type", "to", "state", "reason"))


def deliver() -> None:
    run_due(at_most=20)


def beliefs() -> tuple[str, Any]:
    booking = Booking.objects.get()
    return booking.announced_as, booking.announced_start_at


def test_a_wrong_address_is_corrected_and_the_confirmation_arrives_once_more(
    salon: Salon, sink: Sink
) -> None:
    booking = salon.book()
    deliver()
    correct(salon)
    answer = again(booking, "confirmation", who=salon.bea)
    assert (answer.status_code, answer.json()["type"], answer.json()["to"], answer.json()["state"]) == (
        201,
        "booking.resent",
        RIGHT,
        "waiting",
    )
    deliver()
    first, second = sink.mails
    assert [envelope.rcpt_tos for envelope in sink.envelopes] == [[WRONG], [RIGHT]]
    assert second["Message-ID"] == answer.json()["message_id"] != first["Message-ID"]
    assert (second["Subject"], event_of(second)["UID"]) == (first["Subject"], event_of(first)["UID"])
    assert event_of(second)["SEQUENCE"] >= event_of(first)["SEQUENCE"]
    assert log() == [
        ("booking.created", WRONG, "sent", ""),
        ("booking.resent", RIGHT, "sent", ""),
    ]
    shown = caller(salon.ada).get(f"/api/bookings/{booking['id']}/messages").json()
    assert [(each["type"], each["to"]) for each in shown] == [
        ("booking.created", WRONG),
        ("booking.resent", RIGHT),
    ]
    event = caller(salon.ada).get(f"/api/bookings/{booking['id']}/events").json()[-1]
    assert (event["actor"]["name"], event["door"], event["from"], event["to"]) == (
        "Bea Bakker",
        "api",
        "scheduled",
        "scheduled",
    )
    assert event["changes"] == {"sent_again": [None, "confirmation"]}
    deliver()
    assert len(sink.mails) == 2


def test_an_address_added_later_is_told_and_then_also_of_a_move(salon: Salon, clock: Any) -> None:
    Client.objects.filter(pk=salon.alice.pk).update(email="")
    booking = salon.book()
    deliver()
    refused = again(booking, "confirmation", who=salon.ada)
    assert (refused.status_code, refused.json()) == (
        409,
        {
            "error": "This client has no e-mail address; enter one first, then send again.",
            "code": "nothing_to_send",
        },
    )
    correct(salon)
    assert again(booking, "confirmation", who=salon.ada).status_code == 201
    deliver()
    assert beliefs() == ("scheduled", Booking.objects.get().start_at)
    salon.put(booking, {"start_at": "2026-03-24 15:00:00", "end_at": "2026-03-24 16:00:00"})
    clock.shift(timedelta(minutes=31))
    deliver()
    assert log() == [
        ("booking.created", "", "not_sent", "no_address"),
        ("booking.resent", RIGHT, "kept", ""),
        ("booking.updated", RIGHT, "kept", ""),
    ]


def test_sent_again_after_a_move_it_says_the_move_in_place_of_the_pending_mail(
    salon: Salon, clock: Any
) -> None:
    booking = salon.book()
    deliver()
    salon.put(booking, {"start_at": "2026-03-24 15:00:00", "end_at": "2026-03-24 16:00:00"})
    assert again(booking, "confirmation", who=salon.ada).status_code == 201
    deliver()
    clock.shift(timedelta(minutes=31))
    deliver()
    assert [(type, state, reason) for type, _, state, reason in log()] == [
        ("booking.created", "kept", ""),
        ("booking.updated", "not_sent", "dragged_back"),
        ("booking.resent", "kept", ""),
    ]
    assert "15:00" in Message.objects.get(type="booking.resent").text


def test_a_request_repeats_the_links_and_its_answer_counts(salon: Salon) -> None:
    booking = salon.book(provisional=True)
    deliver()
    correct(salon)
    assert again(booking, "request", who=salon.ada).status_code == 201
    deliver()
    first, second = Message.objects.order_by("id")
    assert (second.to, second.subject, second.text) == (RIGHT, first.subject, first.text)
    assert f"/provisional/{booking['provisional_token']}/accept" in second.text
    Booking.objects.update(provisional_token=None, provisional_expires_at=None)
    refused = again(booking, "request", who=salon.ada)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_send")
    assert "no link the client could answer with" in refused.json()["error"]


def test_a_cancellation_says_the_times_that_were_told(salon: Salon) -> None:
    booking = salon.book()
    deliver()
    salon.delete(booking)
    deliver()
    assert beliefs() == ("", None)
    correct(salon)
    assert again(booking, "cancellation", who=salon.ada).status_code == 201
    deliver()
    told, second = Message.objects.filter(type__in=["booking.cancelled", "booking.resent"]).order_by("id")
    assert (second.to, second.subject, second.text) == (RIGHT, told.subject, told.text)
    files = [Calendar.from_ical(each.ics) for each in (told, second)]
    assert [str(each["METHOD"]) for each in files] == ["CANCEL", "CANCEL"]
    first, last = (each.events[0] for each in files)
    assert (first["UID"], first["SEQUENCE"], first.start) == (last["UID"], last["SEQUENCE"], last.start)
    assert beliefs() == ("", None)


def test_a_lapsed_request_lapses_again_in_its_own_words(salon: Salon, clock: Any) -> None:
    booking = salon.book(provisional=True)
    deliver()
    clock.shift(timedelta(hours=73))
    Booking.objects.filter(pk=booking["id"]).update(
        start_at=MORNING + timedelta(days=9), end_at=MORNING + timedelta(days=9, hours=1)
    )
    from_sweep()
    assert again(booking, "cancellation", who=salon.ada).status_code == 201
    deliver()
    lapsed, second = Message.objects.exclude(type="booking.provisional").order_by("id")
    assert (lapsed.type, second.type, second.subject) == ("booking.lapsed", "booking.resent", lapsed.subject)


def from_sweep() -> None:
    """The request nobody answered lapses, and its mail leaves."""
    Booking.objects.update(provisional_expires_at=MORNING)
    assert lapse_due(now=MORNING + timedelta(hours=73)) == 1
    deliver()


def test_who_was_never_told_hears_of_no_cancellation(salon: Salon) -> None:
    booking = salon.book()
    salon.delete(booking)
    deliver()
    before = stored()
    refused = again(booking, "cancellation", who=salon.ada)
    assert (refused.status_code, refused.json()) == (
        409,
        {
            "error": "The client was never told of this booking; there is nothing to take back.",
            "code": "nothing_to_send",
        },
    )
    assert stored() == before


@pytest.mark.parametrize(("status", "type"), UNTRUE)
def test_what_would_not_be_true_is_refused_and_stores_nothing(salon: Salon, status: str, type: str) -> None:
    booking = salon.book()
    deliver()
    salon.put(booking, {"status": status})
    deliver()
    before = stored()
    refused = again(booking, type, who=salon.ada)
    assert (refused.status_code, refused.json()) == (
        409,
        {"error": UNTRUE[status, type], "code": "nothing_to_send"},
    )
    assert stored() == before


def test_what_has_ended_is_refused(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    deliver()
    clock.shift(timedelta(days=5))
    refused = again(booking, "confirmation", who=salon.ada)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_send")
    assert "has ended" in refused.json()["error"]


@pytest.mark.parametrize("body", [{}, {"type": "invoice"}, {"type": None}, {"type": ["request"]}])
def test_a_type_there_is_not_is_malformed(salon: Salon, body: Any) -> None:
    booking = salon.book()
    address = f"/api/bookings/{booking['id']}/messages"
    refused = caller(salon.ada).post(address, body, format="json")
    assert (refused.status_code, list(refused.json()["details"])) == (400, ["type"])


def test_two_presses_are_one_mail_and_an_original_that_waits_is_enough(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    refused = again(booking, "confirmation", who=salon.ada)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_send")
    assert "has not left yet" in refused.json()["error"]
    deliver()
    pressed = [again(booking, "confirmation", who=salon.ada).json() for _ in range(2)]
    assert pressed[0] == pressed[1]
    deliver()
    clock.shift(timedelta(seconds=59))
    assert again(booking, "confirmation", who=salon.ada).json()["id"] == pressed[0]["id"]
    clock.shift(timedelta(seconds=1))
    later = again(booking, "confirmation", who=salon.ada).json()
    assert later["id"] != pressed[0]["id"] and later["message_id"] != pressed[0]["message_id"]
    deliver()
    assert [type for type, *_ in log()] == ["booking.created", "booking.resent", "booking.resent"]
    assert BookingEvent.objects.filter(changes__has_key="sent_again").count() == 2


@pytest.mark.parametrize("of_it", ["claimed", "sending", "tried again"])
def test_one_that_is_leaving_to_this_address_is_the_one_asked_for(salon: Salon, of_it: str) -> None:
    booking = salon.book()
    deliver()
    correct(salon)
    first = again(booking, "confirmation", who=salon.ada).json()
    state = "pending" if of_it == "tried again" else "claimed"
    jobs = Job.objects.filter(type="booking.resent")
    jobs.update(state=state, sending_at=None if of_it == "claimed" else MORNING)
    assert [again(booking, "confirmation", who=salon.ada).json()["id"] for _ in range(3)] == [first["id"]] * 3
    assert jobs.count() == 1
    assert BookingEvent.objects.filter(changes__has_key="sent_again").count() == 1


def test_one_that_is_leaving_to_another_address_is_not(salon: Salon) -> None:
    booking = salon.book()
    deliver()
    first = again(booking, "confirmation", who=salon.ada).json()
    Job.objects.filter(type="booking.resent").update(state="claimed", sending_at=MORNING)
    correct(salon)
    second = again(booking, "confirmation", who=salon.ada).json()
    assert (first["to"], second["to"], second["id"] != first["id"]) == (WRONG, RIGHT, True)


def test_the_first_mail_that_is_leaving_to_this_address_is_enough(salon: Salon) -> None:
    booking = salon.book()
    Job.objects.update(state="claimed", sending_at=MORNING)
    refused = again(booking, "confirmation", who=salon.ada)
    assert (refused.status_code, "has not left yet" in refused.json()["error"]) == (409, True)
    correct(salon)
    assert again(booking, "confirmation", who=salon.ada).status_code == 201


def test_a_move_between_two_presses_is_told(salon: Salon, clock: Any) -> None:
    booking = salon.book()
    deliver()
    again(booking, "confirmation", who=salon.ada)
    deliver()
    clock.shift(timedelta(seconds=20))
    salon.put(booking, {"start_at": "2026-03-24 15:00:00", "end_at": "2026-03-24 16:00:00"})
    again(booking, "confirmation", who=salon.ada)
    deliver()
    first, second = Message.objects.filter(type="booking.resent").order_by("id")
    assert ("15:00" in first.text, "15:00" in second.text) == (False, True)


def test_an_idempotency_key_repeats_the_answer(salon: Salon) -> None:
    booking = salon.book()
    deliver()
    headers = {"Idempotency-Key": "again-1"}
    first = again(booking, "confirmation", who=salon.ada, **headers)
    deliver()
    second = again(booking, "confirmation", who=salon.ada, **headers)
    assert (second.status_code, second.json()) == (201, first.json())
    assert again(booking, "request", who=salon.ada, **headers).status_code == 422
    deliver()
    assert [type for type, *_ in log()] == ["booking.created", "booking.resent"]


def test_it_waits_behind_a_mail_on_its_way_and_is_checked_when_it_leaves(salon: Salon) -> None:
    booking = salon.book()
    deliver()
    assert again(booking, "confirmation", who=salon.ada).status_code == 201
    salon.delete(booking)
    deliver()
    assert [(type, state, reason) for type, _, state, reason in log()] == [
        ("booking.created", "kept", ""),
        ("booking.resent", "not_sent", "cancelled_meanwhile"),
        ("booking.cancelled", "kept", ""),
    ]


def test_who_is_being_told_of_the_cancellation_again_is_told_that_it_stands_after_all(salon: Salon) -> None:
    booking = salon.book()
    deliver()
    salon.delete(booking)
    Job.objects.filter(type="booking.cancelled").update(state="dead")
    again(booking, "cancellation", who=salon.ada)
    Job.objects.filter(type="booking.resent").update(state="claimed")
    salon.put(booking, {"status": "scheduled"})
    assert pending() == ["booking.created"]


def test_who_is_being_told_of_a_booking_that_becomes_another_s_is_told_that_too(salon: Salon) -> None:
    Client.objects.filter(pk=salon.alice.pk).update(email="")
    booking = salon.book()
    deliver()
    correct(salon)
    again(booking, "confirmation", who=salon.ada)
    Job.objects.filter(type="booking.resent").update(state="claimed")
    salon.put(booking, {"client_id": salon.bob.pk})
    assert pending() == ["booking.cancelled", "booking.created"]
    assert Job.objects.get(type="booking.cancelled").payload["announced"]["as"] == "scheduled"


def pending() -> list[str]:
    return list(Job.objects.filter(state="pending").order_by("id").values_list("type", flat=True))


def test_an_accepted_waitlist_offer_keeps_its_words(salon: Salon) -> None:
    entry = WaitlistEntry.objects.create(
        client=salon.alice, service=salon.service, date="2026-03-24", status="waiting"
    )
    booking = salon.book(waitlist_id=entry.pk)
    deliver()
    again(booking, "confirmation", who=salon.ada)
    deliver()
    first, second = Message.objects.order_by("id")
    assert (first.type, second.subject, second.text) == ("waitlist.confirmed", first.subject, first.text)


def test_a_series_is_confirmed_again_as_it_was_owed(salon: Salon) -> None:
    booking = salon.book(recurrence="FREQ=WEEKLY;COUNT=3")
    first, later, last = booking["occurrences"]
    assert again(later, "confirmation", who=salon.ada).status_code == 409
    deliver()
    correct(salon)
    made = again(later, "confirmation", who=salon.ada)
    assert (made.status_code, made.json()["to"]) == (201, RIGHT)
    assert again(first, "confirmation", who=salon.ada).json()["id"] == made.json()["id"]
    deliver()
    told, second = Message.objects.order_by("id")
    assert (second.booking_id, second.subject, second.text) == (later["id"], told.subject, told.text)
    assert "Your 3 appointments" in second.subject
    uids = [[event["UID"] for event in Calendar.from_ical(each.ics).events] for each in (told, second)]
    assert (uids[0], len(uids[1])) == (uids[1], 3)
    assert set(second.facts["announces_each"]) == {str(each["id"]) for each in (first, later, last)}


def test_of_a_series_only_what_stands_is_confirmed_again(salon: Salon, clock: Any) -> None:
    first, later, last = salon.book(recurrence="FREQ=WEEKLY;COUNT=3")["occurrences"]
    deliver()
    salon.delete(first)
    deliver()
    again(last, "confirmation", who=salon.ada)
    deliver()
    assert "Your 2 appointments" in Message.objects.latest("id").subject
    salon.delete(later)
    deliver()
    clock.shift(timedelta(minutes=2))
    again(last, "confirmation", who=salon.ada)
    deliver()
    alone = Message.objects.latest("id")
    assert (alone.booking_id, len(Calendar.from_ical(alone.ics).events)) == (last["id"], 1)
    assert again(later, "cancellation", who=salon.ada).status_code == 201


def test_one_date_that_was_confirmed_alone_is_so_again(salon: Salon) -> None:
    _first, later, _last = salon.book(recurrence="FREQ=WEEKLY;COUNT=3")["occurrences"]
    salon.put(later, {"client_id": salon.bob.pk})
    deliver()
    again(later, "confirmation", who=salon.ada)
    deliver()
    message = Message.objects.latest("id")
    assert (message.to, len(Calendar.from_ical(message.ics).events)) == (salon.bob.email, 1)


def test_words_are_the_client_s_and_the_salon_s_own(salon: Salon) -> None:
    Client.objects.filter(pk=salon.alice.pk).update(locale="nl")
    MessageText.objects.create(type="booking.created", locale="nl", subject="Tot gauw!")
    booking = salon.book()
    deliver()
    again(booking, "confirmation", who=salon.ada)
    deliver()
    first, second = Message.objects.order_by("id")
    assert (second.locale, second.subject, second.text) == ("nl", "Tot gauw!", first.text)


def test_a_demo_client_is_never_mailed(salon: Salon, sink: Sink) -> None:
    Client.objects.filter(pk=salon.alice.pk).update(is_demo=True)
    booking = salon.book()
    deliver()
    assert again(booking, "confirmation", who=salon.ada).status_code == 201
    deliver()
    assert sink.mails == []
    assert [state for _, _, state, _ in log()] == ["kept", "kept"]


def test_who_may_write_the_booking_may_send_it_again() -> None:
    salon = make_cast(staff_personal_agenda_enabled=True)
    booking = salon.book()
    deliver()
    assert again(booking, "confirmation", who=None).status_code == 401
    assert again(booking, "confirmation", who=make_key("Reads", mode=ApiKey.Mode.READ)[1]).status_code == 403
    hidden = again(booking, "confirmation", who=salon.cora)
    assert (hidden.status_code, hidden.json()["error"]) == (404, "Booking not found")
    assert again(booking, "confirmation", who=salon.bea).status_code == 201
    assert Job.objects.filter(type="booking.resent").count() == 1


def test_the_button_on_the_booking_s_page(salon: Salon) -> None:
    booking = salon.book()
    deliver()
    correct(salon)
    browser = Browser()
    browser.force_login(salon.ada)
    page = f"/admin/bookings/booking/{booking['id']}/"
    address = f"{page[:-1]}/send-again/"
    shown = browser.get(f"{page}change/").content.decode()
    assert f'action="{address}"' in shown and "Send the confirmation again" in shown
    assert browser.get(address).status_code == 405
    answer = browser.post(address, {"type": "confirmation"}, follow=True)
    assert said(answer) == [f"The confirmation leaves at once, for {RIGHT}."]
    deliver()
    assert log()[-1] == ("booking.resent", RIGHT, "kept", "")
    assert said(browser.post(address, {"type": "cancellation"}, follow=True)) == [
        UNTRUE["scheduled", "cancellation"]
    ]
    assert said(browser.post(address, {"type": "x"}, follow=True)) == [
        "Choose what to send again: confirmation, request or cancellation."
    ]
    salon.put(booking, {"status": "completed"})
    assert address not in browser.get(f"{page}change/").content.decode()
    browser.force_login(salon.bea)
    assert browser.post(address, {"type": "confirmation"}).status_code == 302
    assert Job.objects.filter(type="booking.resent").count() == 1


def said(answer: Any) -> list[str]:
    return [str(each) for each in get_messages(answer.wsgi_request)]
