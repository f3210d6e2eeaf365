"""Whoever searches, and whatever: neither case, accents nor apostrophes count (contract §6a)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from bookings.models import WaitlistEntry
from notifications.models import FollowupSequence
from staff.models import Holiday, Location, TimeOff
from tests.cast.amelia import Desk
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller, make_key, make_staff
from tests.cast.waitlist import waits

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

ZOE = ("zoe obrien", "ZOË O'BRIEN", "O’Brien", "06 12345678", "612345678", "zoe@munchen-x.de")


@pytest.fixture
def salon() -> Salon:
    salon = make_cast()
    zoe = {"first_name": "Zoë", "last_name": "O’Brien", "email": "zoe@münchen-x.de", "mobile": "+31612345678"}
    for name, value in zoe.items():
        setattr(salon.alice, name, value)
    salon.alice.save()
    return salon


def ids(who: Any, path: str, text: str) -> list[int]:
    answer = caller(who).get(path, {"search": text})
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()]


@pytest.mark.parametrize("text", ZOE)
def test_bookings_and_the_waitlist_are_found_by_their_client(salon: Salon, text: str) -> None:
    booked = salon.book()
    salon.book(client_id=salon.bob.pk, start_at="2026-03-24 13:00:00", end_at="2026-03-24 14:00:00")
    waiting = waits(salon)
    waits(salon, salon.bob, notes="Wants the café chair")
    assert ids(salon.ada, "/api/bookings", text) == [booked["id"]]
    assert ids(salon.ada, "/api/waitlist", text) == [waiting.pk]


def test_the_waitlist_is_found_by_its_notes_as_well(salon: Salon) -> None:
    noted, other = waits(salon, notes="Wants the Café chair"), waits(salon, salon.bob)
    assert (
        ids(salon.ada, "/api/waitlist", "cafe") == ids(salon.ada, "/api/waitlist", "zoe CAFÉ") == [noted.pk]
    )
    assert ids(salon.ada, "/api/waitlist", "bob cafe") == []
    assert caller(salon.ada).put(f"/api/waitlist/{other.pk}", {"notes": "Naïve"}).status_code == 200
    assert ids(salon.ada, "/api/waitlist", "naive") == [other.pk]
    assert WaitlistEntry.objects.get(pk=other.pk).searched == "naive"


@pytest.mark.parametrize("text", ZOE)
def test_the_dialects_find_clients_alike(salon: Salon, text: str) -> None:
    found = Desk().get("/users/customers", search=text).json()["data"]
    assert [each["id"] for each in found["users"]] == [salon.alice.pk]
    assert (found["filteredCount"], found["totalCount"]) == (1, 2)
    key = make_key(dialect="simplespa")[1]
    answer = caller(key).post("/api/v1/clients.php", {"search": text}, format="json")
    assert [each["client_id"] for each in answer.json()["clients"]] == [str(salon.alice.pk)]


@pytest.mark.parametrize("text", ZOE)
def test_admin_finds_clients_and_what_is_theirs(salon: Salon, text: str) -> None:
    booked = salon.book()
    salon.book(client_id=salon.bob.pk, start_at="2026-03-24 13:00:00", end_at="2026-03-24 14:00:00")
    waiting = waits(salon)
    waits(salon, salon.bob)
    browser = Browser()
    browser.force_login(salon.ada, backend="django.contrib.auth.backends.ModelBackend")

    def listed(page: str, q: str) -> list[int]:
        answer = browser.get(f"/admin/{page}/", {"q": q})
        assert answer.status_code == 200
        return [row.pk for row in answer.context["cl"].result_list]

    assert listed("clients/client", text) == [salon.alice.pk]
    assert listed("bookings/booking", text) == [booked["id"]]
    assert listed("bookings/booking", str(booked["id"])) == [booked["id"]]
    assert listed("bookings/waitlistentry", text) == [waiting.pk]
    assert listed("bookings/noshowfee", text) == []


def test_small_lists_are_folded_too(salon: Salon) -> None:
    person = make_staff("Łukasz Nowak", email="lukasz@salon.example")
    salon.service.name = "Brushing d’été"
    salon.service.save()
    place = Location.objects.create(name="Straße 5", slug="strasse-5")
    holiday = Holiday.objects.create(name="Noël", date=date(2026, 12, 25))
    sequence = FollowupSequence.objects.create(name="Après")
    off = TimeOff.objects.create(
        staff=person, start_at=MORNING, end_at=MORNING + timedelta(hours=2), reason="Fête"
    )
    for path, text, row in (
        ("staff", "lukasz NOWAK", person),
        ("services", "dete brushing", salon.service),
        ("locations", "strasse", place),
        ("holidays", "noel", holiday),
        ("followup-sequences", "APRES", sequence),
        ("time-off", "fete", off),
    ):
        assert ids(salon.ada, f"/api/{path}", text) == [row.pk], path
        assert ids(salon.ada, f"/api/{path}", f"{text} elsewhere") == [], path
