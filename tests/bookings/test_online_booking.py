"""Booking online, at once: what is offered, what is booked, who it is (contract §9)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import time_machine

from bookings.models import Booking, BookingEvent, Visit
from clients.models import Client
from notifications.models import Notification
from tests.cast.bookings import MORNING
from tests.cast.factories import (
    caller,
    make_alice,
    make_client,
    make_location,
    make_salon,
    make_service,
    make_staff,
)
from tests.cast.online import DAY, Online, everything, mails, make_online, statements
from tests.cast.parts import make_colour

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _morning() -> Any:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def online() -> Online:
    return make_online()


def test_the_catalogue_shows_what_can_be_booked_and_with_whom(online: Online) -> None:
    salon = online.salon
    salon.cora.online = False
    salon.cora.save()
    hidden = make_service("Secret", hidden=True)
    make_service("Not online", online=False)
    make_service("Nobody does it")
    salon.bea.services.add(hidden)
    offer = {
        "key": str(salon.service.key),
        "name": "Haircut",
        "description": "",
        "price": "40.00",
        "shortest_minutes": 60,
        "longest_minutes": 60,
        "seats": 1,
        "people": [{"key": str(salon.bea.key), "name": "Bea Bakker", "bio": "", "location": ""}],
    }
    answer = online.browser.get("/api/public/catalogue")
    assert answer.json() == {
        "business_name": "Salon Zonne",
        "timezone": "Europe/Amsterdam",
        "currency": "EUR",
        "online_booking": "instant",
        "policy_version": 0,
        "policy_text": {},
        "locations": [],
        "categories": [{"name": "", "services": [offer]}],
    }
    known = online.browser.get("/api/public/catalogue", headers={"If-None-Match": answer["ETag"]})
    assert (known.status_code, known.content) == (304, b"")
    by_key = online.browser.get(f"/api/public/catalogue?service={hidden.key},7,x").json()
    assert [each["name"] for each in by_key["categories"][0]["services"]] == ["Haircut", "Secret"]
    assert online.browser.get(f"/api/public/catalogue?service={hidden.pk}").json() == answer.json()


def test_a_branch_offers_what_its_own_people_do(online: Online) -> None:
    north, _south = make_location("North", "north"), make_location("South", "south")
    online.salon.bea.location = north
    online.salon.bea.save()
    [category] = online.browser.get("/api/public/catalogue?location=north").json()["categories"]
    assert [each["name"] for each in category["services"][0]["people"]] == ["Bea Bakker"]
    assert online.browser.get("/api/public/catalogue?location=south").json()["categories"] == []
    assert online.browser.get("/api/public/catalogue?location=west").json()["code"] == "location_unknown"
    booked = online.book(location="north")
    assert booked["items"][0]["staff_name"] == "Bea Bakker"


def test_a_booking_stands_at_once_and_is_told_to_both_sides(online: Online) -> None:
    form = online.form()
    with statements() as counted:
        answer = online.send(form)
    assert answer.json() == {
        "state": "booked",
        "business_name": "Salon Zonne",
        "first_name": "Noor",
        "email": "noor@example.com",
        "timezone": "Europe/Amsterdam",
        "start_at": f"{DAY} 10:00:00",
        "end_at": f"{DAY} 11:00:00",
        "total_price": "40.00",
        "items": [
            {
                "service_name": "Haircut",
                "staff_name": "Bea Bakker",
                "start_at": f"{DAY} 10:00:00",
                "end_at": f"{DAY} 11:00:00",
            }
        ],
        "url": answer.json()["url"],
    }
    page = online.browser.get(answer.json()["url"])
    assert page.status_code == 200 and "no-store" in page["Cache-Control"]
    booking = Booking.objects.get()
    assert (booking.status, booking.status_detail, booking.source) == ("scheduled", "online", "online")
    client = Client.objects.get(email="noor@example.com")
    assert (booking.client, client.mobile, client.marketing_consent) == (client, "+31612345678", False)
    event = BookingEvent.objects.get()
    assert (event.door, event.actor_type, event.actor_name) == ("public", "client", "Noor Visser")
    assert mails() == [("booking.created", "noor@example.com", "waiting")]
    assert set(Notification.objects.values_list("staff__name", "type")) == {
        ("Bea Bakker", "booking.new"),
        ("Ada Admin", "booking.new"),
    }
    assert len(counted) <= 93, len(counted)


def test_a_visit_of_several_services_is_offered_and_booked_as_shown(online: Online) -> None:
    colour = make_colour(online.salon)
    items = f"{colour.key}:{online.salon.bea.key},{online.salon.service.key}:any"
    assert "10:00" in online.starts(items)
    booked = online.book(items=[online.item(colour, online.salon.bea), online.item()])
    assert [(each["service_name"], each["start_at"][11:16]) for each in booked["items"]] == [
        ("Colour", "10:00"),
        ("Haircut", "11:45"),
    ]
    assert list(Booking.objects.values_list("staff_requested", flat=True).order_by("position")) == [
        True,
        False,
    ]
    assert Visit.objects.count() == 1
    assert mails() == [("booking.created", "noor@example.com", "waiting")]


def test_a_class_is_joined(online: Online) -> None:
    yoga = make_service("Yoga", max_capacity=2)
    online.salon.bea.services.add(yoga)
    items = [online.item(yoga)]
    online.book(items=items)
    online.book(items=items, email="max@example.com", phone="")
    assert Booking.objects.values_list("session_id", flat=True).distinct().count() == 1
    full = online.send(online.form(items=items, email="zoe@example.com", phone=""))
    assert (full.status_code, full.json()["code"]) == (409, "slot_taken")
    both = online.send(online.form("13:00", items=[online.item(yoga), online.item()]))
    assert "items.0.service" in both.json()["details"]


def test_what_a_stranger_may_not_say_is_ignored(online: Online) -> None:
    hold = caller(online.salon.ada).post(
        "/api/holds",
        {
            "service_id": online.salon.service.pk,
            "staff_id": online.salon.bea.pk,
            "start_at": f"{DAY} 10:00:00",
        },
        format="json",
    )
    forged = {
        "price": "1.00",
        "status": "completed",
        "allow_overlap": True,
        "session_of": 1,
        "notify": False,
        "reason": "hello",
        "hold_token": hold.json()["hold_token"],
        "staff_id": online.salon.bea.pk,
        "client_id": online.salon.alice.pk,
        "internal_notes": "free for me",
    }
    taken = online.send(online.form(items=[online.item(staff=online.salon.bea)], **forged))
    assert taken.status_code == 409
    booked = online.book("13:00", **forged)
    assert booked["total_price"] == "40.00"
    booking = Booking.objects.get()
    assert (booking.status, booking.internal_notes, booking.client_id) != ("completed", "free for me", 1)
    assert BookingEvent.objects.get().reason == ""
    assert len(mails()) == 1


REFUSED = {
    "past": {"start_at": "2026-03-19 10:00:00"},
    "closed": {"start_at": f"{DAY} 07:00:00"},
    "far": {"start_at": "2027-06-22 10:00:00"},
    "id of a service": {"items": [{"service": "1"}]},
    "number": {"items": [{"service": 1}]},
    "nobody": {"items": []},
    "no name": {"first_name": " "},
    "a link for a name": {"last_name": "see http://evil.example"},
    "no mail": {"email": "noor"},
    "no number": {"phone": "call me"},
    "branch": {"location": "west"},
}


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_refusal_stores_nothing(online: Online, wrong: str) -> None:
    form = online.form(**REFUSED[wrong])
    before = everything()
    answer = online.send(form)
    assert answer.status_code in (400, 409), answer.json()
    assert answer.json().keys() >= {"error", "code"}
    assert everything() == before


def test_hidden_inactive_and_foreign_things_are_as_good_as_none(online: Online) -> None:
    hidden, off = make_service("Secret", hidden=True), make_service("Off", online=False)
    dora = make_staff("Dora Dekker", services=[online.salon.service], online=False)
    for each in (hidden, off):
        online.salon.bea.services.add(each)
    unknown = "00000000-0000-4000-8000-000000000000"
    answers = {
        json.dumps(online.send(online.form(items=[{"service": service}])).json())
        for service in (str(off.key), str(hidden.pk), unknown, "x")
    }
    assert len(answers) == 1
    people = [{**online.item(), "staff": staff} for staff in (str(dora.key), str(dora.pk), unknown)]
    assert len({online.send(online.form(items=[each])).content for each in people}) == 1
    assert Booking.objects.count() == 0
    assert online.book(items=[online.item(hidden)])["items"][0]["service_name"] == "Secret"


def test_a_time_taken_meanwhile_comes_with_the_three_nearest(online: Online) -> None:
    bea = online.salon.bea
    online.salon.book()
    before = everything()
    answer = online.send(online.form(items=[online.item(staff=bea)]))
    assert answer.status_code == 409
    body = answer.json()
    assert (body["code"], body["conflicts"]) == ("slot_taken", [])
    assert [each["start_at"][11:16] for each in body["nearest"]] == ["09:00", "11:00", "11:15"]
    assert everything() == before


def test_off_means_off(online: Online) -> None:
    form = online.form()
    make_salon(online_booking="off")
    before = everything()
    assert online.send(form).json()["code"] == "online_booking_off"
    answer = online.browser.get("/api/public/availability", {"items": f"{online.salon.service.key}:any"})
    assert answer.json()["code"] == "online_booking_off"
    assert everything() == before


def test_the_terms_are_accepted_as_they_are_now(online: Online) -> None:
    admin = caller(online.salon.ada)
    admin.put("/api/settings", {"policy_text": {"en": "A day before."}}, format="json")
    refused = online.send(online.form())
    assert (refused.status_code, refused.json()["code"]) == (400, "policy_not_accepted")
    assert Booking.objects.count() == 0
    online.book(policy_version=1)
    policy = Visit.objects.get().policy
    assert (policy["version"], policy["text"], policy["ip"]) == (1, "A day before.", "192.0.2.7")


def test_nothing_is_written_on_a_client_who_is_there(online: Online) -> None:
    alice = online.salon.alice
    before = Client.objects.values().get(pk=alice.pk)
    online.book(email="ALICE@example.com", phone="020 123 4567", marketing_consent=True)
    assert Client.objects.values().get(pk=alice.pk) == before
    visit = Visit.objects.get()
    assert visit.client_id == alice.pk
    assert visit.contact_typed == {
        "first_name": "Noor",
        "last_name": "Visser",
        "email": "ALICE@example.com",
        "phone": "+31201234567",
        "note": "First time here",
        "marketing_consent": True,
        "locale": "",
        "verified": False,
        "new_client": False,
        "perhaps_client_ids": [],
        "taken_over_at": None,
    }


@pytest.mark.parametrize("doubt", ["mail alone", "number alone", "two alike"])
def test_doubt_makes_a_new_client_and_a_hint(online: Online, doubt: str) -> None:
    alice = online.salon.alice
    typed = {
        "mail alone": {"email": alice.email, "phone": ""},
        "number alone": {"email": "other@example.com", "phone": alice.phone},
        "two alike": {"email": alice.email, "phone": alice.phone},
    }[doubt]
    others = [alice.pk] if doubt != "two alike" else [alice.pk, make_alice().pk]
    online.book(**typed, marketing_consent=True)
    visit = Visit.objects.get()
    assert visit.client_id not in others
    assert visit.contact_typed["perhaps_client_ids"] == others
    assert visit.contact_typed["new_client"] is True
    assert Client.objects.get(pk=visit.client_id).marketing_consent is True


def test_the_answer_is_the_same_whether_somebody_is_known_or_not(online: Online) -> None:
    """Byte for byte, also of the code that is asked, and in a class that they are in already."""
    yoga = make_service("Yoga", max_capacity=9)
    online.salon.bea.services.add(yoga)
    known = make_client("Zoe", "Zomer", mobile="+31611111111")
    typed = {"email": known.email, "phone": known.mobile, "items": [online.item(yoga)]}
    first = online.send(online.form(**typed))
    again = online.send(online.form(**typed))
    assert without_url(first) == without_url(again)
    assert Visit.objects.filter(client=known).count() == 1
    headers = {name.lower() for name, _ in first.items()}
    assert "set-cookie" not in headers
    stranger = {"email": "new@example.com", "phone": "", "items": [online.item(yoga)]}
    other = online.send(online.form(**stranger))
    assert without_url(other).replace("new@example.com", known.email) == without_url(first)


def without_url(answer: Any) -> str:
    """The body as it came, but for the random link."""
    assert answer.status_code == 200
    return answer.content.decode().replace(answer.json()["url"], "")
