"""Mails about an appointment: when each is still true at the sending, and what is kept once it has left."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Booking
from clients.models import Client
from notifications.handlers import NotNeeded
from notifications.models import Job, Message
from notifications.registry import handler_of
from tests.cast.factories import make_alice, make_client, make_salon
from tests.cast.letters import (
    END,
    NOW,
    START,
    TOKEN,
    compose,
    make_booking,
    make_job,
    mark_sent,
    note_sent,
    told,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
ASKED = {"status": "provisional", "provisional_token": TOKEN, "provisional_expires_at": NOW + DAY}
TYPES = (
    "booking.created",
    "booking.updated",
    "booking.cancelled",
    "booking.provisional",
    "booking.lapsed",
    "waitlist.confirmed",
)


@pytest.fixture(autouse=True)
def _salon():
    make_salon()


def reason_of(type: str, booking: Booking, *, now=NOW, client: Client | None = None, **fields: Any) -> str:
    """Why the mail is not sent."""
    with pytest.raises(NotNeeded) as refusal:
        compose(make_job(type, booking, client=client, **fields), now=now)
    return refusal.value.reason


@pytest.mark.parametrize("type", ["booking.created", "waitlist.confirmed"])
@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "cancelled"}, "cancelled_meanwhile"),
        (ASKED, "provisional_meanwhile"),
        ({"status": "completed"}, "completed_meanwhile"),
        ({"status": "no-show"}, "no_show_meanwhile"),
        ({"start_at": NOW - DAY, "end_at": NOW}, "already_ended"),
        (told(), "already_announced"),
    ],
)
def test_a_confirmation_is_sent_only_while_it_is_news(type, fields, reason):
    assert reason_of(type, make_booking(**fields)) == reason


@pytest.mark.parametrize("type", ["booking.created", "waitlist.confirmed"])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        told("provisional"),
        told(start_at=START - DAY, end_at=END - DAY),
        told(end_at=END + timedelta(minutes=15)),
        {"start_at": NOW - timedelta(minutes=5), "end_at": NOW + timedelta(minutes=40)},
        {"status_detail": "arrived"},
    ],
)
def test_a_confirmation_is_sent_when_it_tells_something_new(type, fields):
    booking = make_booking(**fields)
    assert compose(make_job(type, booking), now=NOW).to == "alice@example.com"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (told(), "dragged_back"),
        ({**ASKED, **told("provisional")}, "dragged_back"),
        ({"status": "cancelled", **told(start_at=START - DAY)}, "cancelled_meanwhile"),
        ({"status": "completed", **told(start_at=START - DAY)}, "completed_meanwhile"),
        ({"status": "no-show", **told(start_at=START - DAY)}, "no_show_meanwhile"),
        ({"start_at": NOW - DAY, "end_at": NOW, **told()}, "already_ended"),
        (
            {**ASKED, "provisional_expires_at": NOW, **told("provisional", start_at=START - DAY)},
            "spent",
        ),
    ],
)
def test_new_times_are_told_only_if_they_differ_from_those_last_told(fields, reason):
    assert reason_of("booking.updated", make_booking(**fields)) == reason


@pytest.mark.parametrize(
    "fields",
    [
        told(start_at=START - DAY, end_at=END - DAY),
        told(end_at=END - timedelta(minutes=15)),
        {**ASKED, **told("provisional", start_at=START - DAY)},
        {},
        {"status": "provisional"},
    ],
)
def test_new_times_are_told(fields):
    booking = make_booking(**fields)
    mail = compose(make_job("booking.updated", booking), now=NOW)
    assert mail.facts["announces"] == {
        "as": booking.status,
        "start_at": START.isoformat(),
        "end_at": END.isoformat(),
        "staff_id": booking.staff_id,
    }


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "cancelled"}, "never_announced"),
        ({"status": "scheduled", **told()}, "restored"),
        ({**ASKED, **told()}, "restored"),
        ({"status": "completed", **told()}, "restored"),
        (
            {
                "status": "cancelled",
                "start_at": NOW - DAY,
                "end_at": NOW,
                **told(start_at=NOW - DAY, end_at=NOW),
            },
            "already_ended",
        ),
    ],
)
@pytest.mark.parametrize("type", ["booking.cancelled", "booking.lapsed"])
def test_an_end_is_told_only_to_who_knew_of_the_booking(type, fields, reason):
    assert reason_of(type, make_booking(**fields)) == reason


@pytest.mark.parametrize("type", ["booking.cancelled", "booking.lapsed"])
def test_who_still_expects_an_appointment_is_told_though_it_was_moved_into_the_past(type):
    booking = make_booking(status="cancelled", start_at=NOW - DAY, end_at=NOW, **told())
    assert "23 November" in compose(make_job(type, booking), now=NOW).subject


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "scheduled"}, "accepted_meanwhile"),
        ({"status": "cancelled"}, "cancelled_meanwhile"),
        ({"status": "completed"}, "completed_meanwhile"),
        ({**ASKED, "provisional_expires_at": NOW}, "spent"),
        ({**ASKED, "start_at": NOW, "end_at": NOW + DAY / 24}, "spent"),
        ({"status": "provisional"}, "spent"),
        ({**ASKED, "start_at": NOW - DAY, "end_at": NOW}, "already_ended"),
    ],
)
def test_a_request_is_sent_only_while_its_links_work(fields, reason):
    assert reason_of("booking.provisional", make_booking(**fields)) == reason


@pytest.mark.parametrize("type", TYPES)
def test_a_client_without_an_address_gets_no_mail(type):
    fields = {
        "booking.updated": told(start_at=START - DAY),
        "booking.cancelled": {"status": "cancelled", **told()},
        "booking.lapsed": {"status": "cancelled", **told()},
        "booking.provisional": ASKED,
    }.get(type, {})
    booking = make_booking(client=make_alice(email=""), **fields)
    assert reason_of(type, booking) == "no_address"
    Client.objects.update(email="not an address\r\nBcc: x@evil.example")
    assert reason_of(type, booking) == "no_address"


@pytest.mark.parametrize("type", TYPES)
def test_an_erased_client_gets_no_mail(type):
    booking = make_booking(status="cancelled", client=None)
    alice = make_client("Zed")
    job = make_job(type, booking, client=alice)
    alice.delete()
    with pytest.raises(NotNeeded, match="client_erased"):
        compose(job, now=NOW)


@pytest.mark.parametrize("type", TYPES)
def test_a_booking_that_does_not_exist_is_gone(type):
    job = make_job(type, None, client=make_alice(), booking_id=10**12)
    with pytest.raises(NotNeeded, match="gone"):
        compose(job, now=NOW)


@pytest.mark.parametrize(
    "type",
    ["booking.created", "booking.updated", "booking.provisional", "waitlist.confirmed"],
)
def test_a_mail_to_who_no_longer_has_the_booking_is_not_sent(type):
    booking = make_booking()
    assert reason_of(type, booking, client=make_client("Zed")) == "another_client"


def test_an_archived_client_who_expects_an_appointment_is_still_told():
    booking = make_booking(client=make_alice(archived_at=NOW), status="cancelled", **told())
    assert compose(make_job("booking.cancelled", booking), now=NOW).to


def announced(as_: str = "scheduled") -> dict[str, Any]:
    return {"announced": {"as": as_, "start_at": START.isoformat(), "end_at": END.isoformat()}}


def test_the_former_client_is_told_the_times_they_knew():
    alice, zed = make_alice(), make_client("Zed")
    booking = make_booking(client=zed, start_at=START + DAY, end_at=END + DAY, **told(start_at=START + DAY))
    job = make_job("booking.cancelled", booking, client=alice, payload=announced())
    mail = compose(job, now=NOW)
    assert mail.to == "alice@example.com"
    assert mail.subject == "Your appointment on Monday 23 November at 10:00 has been cancelled"
    assert (mail.ics_method, mail.facts) == ("CANCEL", {"announces": None})
    assert "zed" not in (mail.text + mail.html + mail.ics).lower()


@pytest.mark.parametrize("payload", [{}, announced(""), {"announced": {"as": "", "start_at": None}}])
def test_a_former_client_who_knew_nothing_is_told_nothing(payload):
    booking = make_booking(client=make_client("Zed"))
    assert reason_of("booking.cancelled", booking, client=make_alice(), payload=payload) == "never_announced"


def test_a_former_client_whose_appointment_is_over_is_told_nothing():
    booking = make_booking(client=make_client("Zed"))
    assert (
        reason_of("booking.cancelled", booking, client=make_alice(), payload=announced(), now=END)
        == "already_ended"
    )


def test_a_confirmation_that_left_while_the_client_was_changed_is_taken_back():
    """The payload was frozen before it left: the message log knows better."""
    alice = make_alice()
    booking = make_booking(client=alice)
    confirmation = make_job("booking.created", booking)
    mark_sent(confirmation, facts=compose(confirmation, now=NOW).facts)
    Booking.objects.update(client=make_client("Zed"))
    job = make_job("booking.cancelled", booking, client=alice, payload=announced(""))
    assert compose(job, now=NOW).to == "alice@example.com"
    mark_sent(job, facts={"announces": None})
    again = make_job("booking.cancelled", booking, client=alice, payload=announced())
    with pytest.raises(NotNeeded, match="never_announced"):
        compose(again, now=NOW)


def test_a_merged_client_is_mailed_under_the_one_they_became():
    old = make_client("Alicia")
    alice = make_alice()
    Client.objects.filter(pk=old.pk).update(merged_into=alice, archived_at=NOW)
    booking = make_booking(client=alice)
    job = make_job("booking.created", booking, client=old)
    mail = compose(job, now=NOW)
    assert mail.to == "alice@example.com"
    note_sent(job, Message(facts=mail.facts), now=NOW)
    assert Booking.objects.get().announced_as == "scheduled"


def believed(booking: Booking) -> tuple[Any, ...]:
    booking.refresh_from_db()
    return booking.announced_as, booking.announced_start_at, booking.announced_end_at


@pytest.mark.parametrize(
    ("type", "fields", "believes"),
    [
        ("booking.created", {}, ("scheduled", START, END)),
        ("waitlist.confirmed", {}, ("scheduled", START, END)),
        ("booking.provisional", ASKED, ("provisional", START, END)),
        ("booking.updated", told(start_at=START - DAY), ("scheduled", START, END)),
        ("booking.updated", {**ASKED, **told("provisional", START - DAY)}, ("provisional", START, END)),
        ("booking.cancelled", {"status": "cancelled", **told()}, ("", None, None)),
        ("booking.lapsed", {"status": "cancelled", **told("provisional")}, ("", None, None)),
    ],
)
def test_what_was_sent_is_what_the_client_believes(type, fields, believes):
    booking = make_booking(**fields)
    job = make_job(type, booking)
    message = mark_sent(job, facts=compose(job, now=NOW).facts)
    version, updated_at = booking.version, booking.updated_at
    note_sent(job, message, now=NOW)
    assert believed(booking) == believes
    assert (booking.version, booking.updated_at) == (version, updated_at)


def test_what_was_sent_to_the_former_client_says_nothing_about_the_new_one():
    booking = make_booking(client=make_client("Zed"), **told())
    job = make_job("booking.cancelled", booking, client=make_alice(), payload=announced())
    note_sent(job, mark_sent(job, facts={"announces": None}), now=NOW)
    assert believed(booking) == ("scheduled", START, END)


def test_a_mail_that_left_just_before_the_client_was_erased_is_recorded_without_a_fuss():
    alice = make_alice()
    booking = make_booking(client=None, status="cancelled")
    job = make_job("booking.created", booking, client=alice)
    message = mark_sent(job, facts={"announces": None})
    Message.objects.update(client_id=None)
    alice.delete()
    note_sent(job, message, now=NOW)
    assert Job.objects.get().state == Job.State.DONE


def test_clients_count_on_every_mail_about_an_appointment():
    assert [type for type in TYPES if not handler_of(type).client_counts_on_it] == []
