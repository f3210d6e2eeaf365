"""Online booking where the salon answers: requests, their mails and lines, and how they end (contract §9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from django.utils import timezone

from bookings.models import Booking, Visit
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Message, Notification
from notifications.registry import periodic_callables
from tests.cast.bookings import MORNING
from tests.cast.factories import caller, make_salon
from tests.cast.online import DAY, Online, everything, make_online
from tests.cast.parts import AMSTERDAM, make_colour

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(MORNING, tick=False) as travelled:
        yield travelled


@pytest.fixture(params=["one", "several"])
def asked(request: pytest.FixtureRequest) -> Online:
    """Noor has asked, for one service or for two; nothing has left yet."""
    online = make_online(online_booking="request")
    items = [online.item()]
    if request.param == "several":
        items = [online.item(make_colour(online.salon)), online.item()]
    booked = online.book(items=items)
    assert booked["state"] == "requested"
    return online


@pytest.fixture
def online() -> Online:
    return make_online(online_booking="request")


def mails() -> list[tuple[str, str]]:
    return list(Message.objects.order_by("id").values_list("type", "state"))


def lines(type: str) -> set[str]:
    return set(Notification.objects.filter(type=type).values_list("staff__name", flat=True))


def visit() -> Visit:
    return Visit.objects.get()


def answer(online: Online, status: str) -> None:
    put = caller(online.salon.ada).put(f"/api/visits/{visit().pk}", {"status": status}, format="json")
    assert put.status_code == 200, put.json()


def test_a_request_waits_for_the_salon_without_links(asked: Online) -> None:
    assert set(Booking.objects.values_list("status", "status_detail", "provisional_token", "source")) == {
        ("provisional", "", None, "online")
    }
    assert mails() == [("visit.requested", "waiting")]
    assert lines("booking.requested") == {"Ada Admin", "Bea Bakker"}
    assert lines("booking.new") == set()
    run_due(at_most=5)
    mail = Message.objects.get()
    assert (mail.state, mail.ics) == ("kept", "")
    assert "not certain yet" in mail.text and "/provisional/" not in mail.text
    assert set(Booking.objects.values_list("announced_as", flat=True)) == {"provisional"}


@pytest.mark.parametrize("sent", [True, False])
def test_accepted_it_is_confirmed(asked: Online, sent: bool) -> None:
    if sent:
        run_due(at_most=5)
    answer(asked, "scheduled")
    run_due(at_most=5)
    first = ("visit.requested", "kept" if sent else "not_sent")
    assert mails() == [first, ("booking.created", "kept")]
    assert Message.objects.latest("id").ics_method == "REQUEST"


@pytest.mark.parametrize("sent", [True, False])
def test_declined_the_client_is_told_whatever_was_said_before(asked: Online, sent: bool) -> None:
    if sent:
        run_due(at_most=5)
    answer(asked, "cancelled")
    run_due(at_most=5)
    first = ("visit.requested", "kept" if sent else "not_sent")
    assert mails() == [first, ("visit.declined", "kept")]
    declined = Message.objects.latest("id")
    assert declined.ics == "" and "cannot offer you the time" in declined.text
    assert set(Booking.objects.values_list("announced_as", flat=True)) == {""}


def test_a_refusal_taken_back_before_it_left_says_nothing(asked: Online) -> None:
    run_due(at_most=5)
    answer(asked, "cancelled")
    answer(asked, "scheduled")
    run_due(at_most=5)
    assert mails()[0] == ("visit.requested", "kept")
    assert ("visit.declined", "not_sent") in mails()


def test_unanswered_it_is_remembered_once_and_lapses_at_its_start(asked: Online, clock: Any) -> None:
    run_due(at_most=5)
    sweep()
    assert lines("booking.request_waiting") == set()
    clock.shift(timedelta(hours=12))
    sweep()
    sweep()
    assert Notification.objects.filter(type="booking.request_waiting").count() == 1
    assert lines("booking.request_waiting") == {"Ada Admin"}
    clock.move_to(visit().start_at - timedelta(seconds=1))
    sweep()
    assert visit().status == "provisional"
    clock.shift(timedelta(seconds=1))
    sweep()
    sweep()
    assert visit().status == "cancelled"
    run_due(at_most=5)
    assert mails() == [("visit.requested", "kept"), ("visit.request_lapsed", "kept")]
    assert lines("booking.lapsed") == {"Ada Admin", "Bea Bakker"}


def sweep() -> None:
    for _name, task in periodic_callables():
        task(now=timezone.now())


def test_who_asked_may_cancel_on_their_page(online: Online) -> None:
    booked = online.book()
    run_due(at_most=5)
    token = booked["url"].rpartition("/")[2]
    shown = online.browser.get(f"/api/public/visits/{token}").json()
    assert (shown["status"], shown["client_first_name"]) == ("provisional", "Noor")


def test_requests_waiting_are_found_in_the_api_and_in_admin(online: Online) -> None:
    other = online.salon.book(start_at=f"{DAY} 14:00:00", end_at=f"{DAY} 15:00:00", provisional=True)
    online.book()
    waiting = Booking.objects.get(source="online")
    ask = caller(online.salon.ada)
    assert [each["id"] for each in ask.get("/api/bookings?requests_waiting=1").json()] == [waiting.pk]
    assert [each["id"] for each in ask.get("/api/bookings?requests_waiting=0").json()] == [other["id"]]
    assert [each["id"] for each in ask.get("/api/visits?requests_waiting=1").json()] == [waiting.visit_id]
    browser = Browser()
    browser.force_login(online.salon.ada)
    for table in ("booking", "visit"):
        page = browser.get(f"/admin/bookings/{table}/?requests=waiting").content.decode()
        assert "1 booking" in page or "1 visit" in page


def test_what_was_typed_is_shown_to_staff_and_taken_over_once(online: Online) -> None:
    make_salon(online_booking="instant", online_verify="never")
    alice = online.salon.alice
    online.book(email=alice.email, phone=alice.phone, first_name="Alicia")
    ask, path = caller(online.salon.ada), f"/api/visits/{visit().pk}"
    shown = ask.get(path).json()["contact_typed"]
    assert (shown["first_name"], shown["verified"], shown["taken_over_at"]) == ("Alicia", False, None)
    taken = ask.post(f"{path}/take-over", {}, format="json").json()["contact_typed"]
    assert taken == {**shown, "taken_over_at": "2026-03-20 09:00:00"}
    alice.refresh_from_db()
    assert (alice.first_name, alice.last_name, alice.mobile) == ("Alicia", "Visser", "+31201234567")
    events = ask.get(f"/api/bookings/{Booking.objects.get().pk}/events").json()
    assert [each["changes"] for each in events][-1] == {"contact_typed": [None, "taken over"]}
    Client.objects.filter(pk=alice.pk).update(first_name="Alice")
    before = everything()
    assert ask.post(f"{path}/take-over", {}, format="json").status_code == 200
    assert everything() == before
    plain = online.salon.book(start_at=f"{DAY} 14:00:00", end_at=f"{DAY} 15:00:00")
    refused = ask.post(f"/api/visits/{plain['visit_id']}/take-over", {}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_take_over")


def test_the_button_in_admin_takes_over(online: Online) -> None:
    alice = online.salon.alice
    online.book(email=alice.email, phone=alice.phone, first_name="Alicia")
    browser = Browser()
    browser.force_login(online.salon.ada)
    address = f"/admin/bookings/visit/{visit().pk}/change/"
    page = browser.get(address)
    assert 'name="_take_over"' in page.content.decode()
    shown = page.context["adminform"].form
    typed = {each.html_name: each.value() for each in shown if each.value() is not None}
    begins = typed.pop("start_at").astimezone(AMSTERDAM)
    typed |= {"start_at_0": f"{begins:%Y-%m-%d}", "start_at_1": f"{begins:%H:%M:%S}"}
    answered = browser.post(address, typed | {"_take_over": "1"})
    assert answered.status_code == 302
    alice.refresh_from_db()
    assert alice.first_name == "Alicia"


def test_the_note_of_a_stranger_is_in_no_mail(online: Online) -> None:
    online.book(note="see http://evil.example")
    run_due(at_most=5)
    assert "evil" not in Message.objects.get().text
    assert Booking.objects.get().notes == "see http://evil.example"


def test_each_of_its_mails_can_be_sent_again(online: Online) -> None:
    online.book()
    path = f"/api/bookings/{Booking.objects.get().pk}/messages"
    ask = caller(online.salon.ada)
    run_due(at_most=5)
    assert ask.post(path, {"type": "request"}, format="json").status_code == 201
    run_due(at_most=5)
    answer(online, "cancelled")
    run_due(at_most=5)
    assert ask.post(path, {"type": "cancellation"}, format="json").status_code == 201
    run_due(at_most=5)
    texts = list(Message.objects.order_by("id").values_list("type", "subject"))
    assert texts[0][1] == texts[1][1] and texts[2][1] == texts[3][1]
    assert [each[0] for each in texts] == [
        "visit.requested",
        "booking.resent",
        "visit.declined",
        "booking.resent",
    ]
