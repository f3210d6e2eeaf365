"""What who books online under another's address and number, and proves nothing, gets (contract §9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from bookings.models import Booking, Visit
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Message
from tests.cast.bookings import MORNING
from tests.cast.factories import caller
from tests.cast.online import Online, everything, make_online
from tests.cast.pages import browser, text_of
from tests.cast.visit_page import get_json, page_of, post_json, post_page, twin_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

EVIL = "evil.example/win"


@pytest.fixture
def online() -> Online:
    return make_online()


def as_alice(online: Online, **changes: Any) -> Booking:
    """Booked by Mallory, who knows Alice's address and number."""
    alice = online.salon.alice
    alice.locale = "nl"
    alice.save()
    typed = {"first_name": "Mallory", "email": alice.email, "phone": alice.phone, "locale": "de"}
    online.book(**{**typed, **changes})
    booking: Booking = Booking.objects.get(client=alice)
    return booking


def mailed() -> list[str]:
    """The whole of every mail that has left since this was asked last."""
    run_due(at_most=10)
    left = Message.objects.filter(state="kept").order_by("id")
    texts = [f"{each.subject}\n{each.text}\n{each.html}\n{each.ics}" for each in left]
    left.update(state="sent")
    return texts


def test_no_mail_carries_a_note_that_a_stranger_wrote_last(online: Online, clock: Traveller) -> None:
    booking = as_alice(online, note=f"{EVIL}/a")
    desk = caller(online.salon.ada)
    path = f"/api/bookings/{booking.pk}"
    [first] = mailed()
    assert post_json(booking, "note", notes=f"{EVIL}/b").status_code == 200
    assert post_json(booking, "reschedule", start_at="2026-03-24 11:00").status_code == 200
    [moved] = mailed()
    assert post_page(booking, "note", notes=f"{EVIL}/c").status_code == 200
    assert desk.post(f"{path}/messages", {"type": "confirmation"}, format="json").status_code < 300
    [again] = mailed()
    times = {"start_at": "2026-03-24 13:00", "end_at": "2026-03-24 14:00"}
    assert desk.put(path, {"notes": "Bring a towel", **times}, format="json").status_code == 200
    clock.shift(timedelta(minutes=31))
    [the_salons] = mailed()
    assert post_page(booking, "note", notes="Bring a towel").status_code == 200
    assert post_page(booking, "note", notes=f"{EVIL}/d").status_code == 200
    assert post_page(booking, "cancel").status_code == 200
    [cancelled] = mailed()
    assert not [each for each in (first, moved, again, the_salons, cancelled) if EVIL in each]
    assert "Bring a towel" in the_salons
    assert "Mallory" not in first + moved + again + the_salons + cancelled


@pytest.mark.parametrize("code", [False, True])
def test_a_note_is_carried_to_who_has_proved_to_read_it(online: Online, code: bool) -> None:
    booking = as_alice(online, note="Tea, please")
    typed = Visit.objects.get().contact_typed
    Visit.objects.update(contact_typed={**typed, "verified": code})
    [mail] = mailed()
    assert ("Tea, please" in mail) == code
    assert booking.notes == "Tea, please"


def test_nothing_stored_of_a_client_is_shown_to_who_did_not_prove_to_be_them(online: Online) -> None:
    booking = as_alice(online)
    desk = caller(online.salon.ada)
    seen(booking)
    # Merged into another record of theirs.
    kept = Client.objects.create(first_name="Alicia", last_name="Adams", email="x@example.com", locale="fr")
    merged = desk.post(f"/api/clients/{online.salon.alice.pk}/merge", {"into": kept.pk}, format="json")
    assert merged.status_code < 300, merged.json()
    assert Visit.objects.get().client_id == kept.pk
    seen(booking)
    # Asked by the salon: only who reads the mail may answer.
    asked = desk.put(f"/api/bookings/{booking.pk}", {"status": "provisional"}, format="json")
    token = asked.json()["provisional_token"]
    assert token
    seen(booking, token)


def test_who_is_given_the_visit_reads_nothing_of_who_had_it(online: Online) -> None:
    booking, bob = as_alice(online), online.salon.bob
    path = f"/api/bookings/{booking.pk}"
    assert caller(online.salon.ada).put(path, {"client_id": bob.pk}, format="json").status_code == 200
    assert Visit.objects.get().contact_typed is None
    booking.refresh_from_db()
    page = text_of(browser().get(page_of(booking)))
    assert f"Hello {bob.first_name}," in page
    assert "Mallory" not in page


def seen(booking: Booking, *secrets: str) -> None:
    """Every page and twin of the visit greets Mallory in German and names nobody else."""
    assert "Guten Tag Mallory," in text_of(browser().get(page_of(booking)))
    assert get_json(twin_of(booking))["client_first_name"] == "Mallory"
    answers = [browser().get(page_of(booking, part)) for part in ("", "move", "cancel", "calendar.ics")]
    assert {each.headers["Content-Language"] for each in answers[:3]} == {"de"}
    answers += [
        browser().get(twin_of(booking, part))
        for part in ("", "availability?date_from=2026-03-24&date_to=2026-03-24")
    ]
    for answer in answers:
        assert answer.status_code == 200
        body = answer.content.decode()
        assert not [each for each in ("Alice", "Alicia", "Adams", "example.com", *secrets) if each in body]


LINKS = (
    "evil.com/win",
    "see evil.com",
    "t.co/win",
    "x.com",
    "WWW.evil",
    "https://evil",
    "win@evil",
    "10.0.0.1/win",
    "evil\N{FULLWIDTH FULL STOP}com",
    "evil\N{IDEOGRAPHIC FULL STOP}com",
    "evil.\N{SOFT HYPHEN}com",
    "bücher.de",
)
NAMES = (
    "J.P.",
    "St. John",
    "Jr.",
    "O\N{RIGHT SINGLE QUOTATION MARK}Brien-Smith",
    "J.P. de Vries",
    "Ng",
    "Ł.",
)


def test_a_link_is_no_name(online: Online) -> None:
    form = online.form()
    before = everything()
    for field in ("first_name", "last_name"):
        for link in LINKS:
            answer = online.send({**form, field: link})
            assert (answer.status_code, answer.json()["details"]) == (
                400,
                {field: ["Send a name without a link; write a space after a dot."]},
            ), link
    assert everything() == before
    for hour, name in enumerate(NAMES, start=9):
        online.book(f"{hour:02}:00", first_name=name, last_name=name, email=f"{hour}@example.com", phone="")
