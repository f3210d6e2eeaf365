"""/waitlist/<token>: an offered slot is taken by one POST while it is free (contract §1.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bookings import lifecycle, waitlist
from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from notifications.models import Job
from staff.access.actor import SYSTEM
from tests.cast.factories import make_client, make_holiday
from tests.cast.pages import (
    END,
    FACTS,
    NOW,
    START,
    Cast,
    browser,
    changed,
    everything,
    heading_of,
    make_cast,
    swept,
    text_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]


@pytest.fixture
def cast() -> Cast:
    return make_cast(business_phone="", reply_to="")


@pytest.fixture
def holding_cast() -> Cast:
    return make_cast(business_phone="", reply_to="", waitlist_hold_minutes=120)


def test_the_page_offers_the_slot(cast: Cast) -> None:
    offer = cast.offered()
    answer = browser().get(f"/waitlist/{offer.token}")
    assert answer.status_code == 200
    assert text_of(answer) == (
        "Salon Zonne A time has come free Hello Alice, You are on our waitlist. Would this time suit you? "
        f"{FACTS} You can take it until Saturday 21 November 2026 at 10:00. "
        "Whoever takes it first has it, so do not wait too long. Take this appointment"
    )


def test_a_held_slot_says_how_long_it_is_kept(holding_cast: Cast) -> None:
    offer = holding_cast.offered()
    answer = browser().get(f"/waitlist/{offer.token}")
    assert answer.status_code == 200
    assert "We keep it for you until Friday 20 November 2026 at 12:00. Take this appointment" in text_of(
        answer
    )


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_scanner_that_opens_the_link_changes_nothing(cast: Cast, method: str) -> None:
    offer = cast.offered()
    before = everything()
    assert getattr(browser(), method)(f"/waitlist/{offer.token}").status_code == 200
    assert everything() == before


@pytest.mark.parametrize("hold_minutes", [0, 120])
def test_taking_the_slot_books_it_from_the_entry(cast: Cast, hold_minutes: int) -> None:
    cast.salon.waitlist_hold_minutes = hold_minutes
    cast.salon.save()
    offer = cast.offered()
    answer = browser().post(f"/waitlist/{offer.token}")
    assert answer.status_code == 200
    assert text_of(answer) == (
        "Salon Zonne The appointment is yours We look forward to seeing you. "
        f"A confirmation is on its way to you by e-mail. {FACTS}"
    )
    booking = Booking.objects.get(status="scheduled")
    offer.refresh_from_db()
    assert (booking.client_id, booking.staff_id, booking.start_at) == (cast.alice.pk, cast.bea.pk, START)
    assert (booking.status_detail, booking.waitlist_id) == ("online", offer.entry_id)
    assert (offer.state, offer.hold) == (WaitlistOffer.State.TAKEN, None)
    assert WaitlistEntry.objects.get().status == "booked"
    assert list(BusyTime.objects.values_list("booking_id", flat=True)) == [booking.pk]
    assert not Hold.objects.exists()
    pending = Job.objects.filter(state="pending").values_list("type", "booking_id")
    assert ("waitlist.confirmed", booking.pk) in pending
    assert "waitlist.offer" not in [type for type, _ in pending]


def test_a_second_click_says_that_it_is_taken_by_oneself(cast: Cast) -> None:
    offer = cast.offered()
    browser().post(f"/waitlist/{offer.token}")
    before = everything()
    for answer in (browser().get(f"/waitlist/{offer.token}"), browser().post(f"/waitlist/{offer.token}")):
        assert answer.status_code == 410
        assert text_of(answer) == (
            "Salon Zonne You have taken this appointment "
            f"You need do nothing more. We look forward to seeing you. {FACTS}"
        )
    assert everything() == before


def test_kind_words_when_somebody_else_was_quicker(cast: Cast) -> None:
    offer = cast.offered()
    cast.booked(client_id=make_client("Carl").pk)
    before = everything()
    for answer in (browser().get(f"/waitlist/{offer.token}"), browser().post(f"/waitlist/{offer.token}")):
        assert answer.status_code == 409
        assert text_of(answer) == (
            "Salon Zonne This time has just been taken We are sorry: somebody else was a little quicker. "
            "You are still on our waitlist. We will write to you when another time comes free."
        )
    assert everything() == before


def test_a_client_never_overlaps_even_where_staff_may(cast: Cast) -> None:
    offer = cast.offered()
    cast.booked(client_id=make_client("Carl").pk)
    cast.salon.double_booking = "allow"
    cast.salon.save()
    before = everything()
    assert browser().post(f"/waitlist/{offer.token}").status_code == 409
    assert everything() == before


def test_a_hold_in_the_service_s_buffer_counts_as_taken(cast: Cast) -> None:
    offer = cast.offered()
    cast.booked(
        client_id=make_client("Carl").pk,
        start_at=START + timedelta(hours=1),
        end_at=START + timedelta(hours=2),
    )
    cast.service.buffer_after_minutes = 15
    cast.service.save()
    before = everything()
    assert browser().get(f"/waitlist/{offer.token}").status_code == 409
    assert browser().post(f"/waitlist/{offer.token}").status_code == 409
    assert everything() == before


@pytest.mark.parametrize("sweep", [False, True])
def test_an_offer_that_is_over_says_so(cast: Cast, sweep: bool) -> None:
    offer = cast.offered()
    later = NOW + timedelta(hours=24)
    with time_machine.travel(later, tick=False):
        if sweep:
            swept(now=later)
        before = everything()
        for answer in (browser().get(f"/waitlist/{offer.token}"), browser().post(f"/waitlist/{offer.token}")):
            assert (answer.status_code, heading_of(answer)) == (410, "This offer is over")
        assert everything() == before


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda cast: make_holiday(START.date()),
        lambda cast: type(cast.service).objects.update(is_active=False),
        lambda cast: type(cast.bea).objects.update(is_active=False),
        lambda cast: WaitlistEntry.objects.update(status="cancelled"),
    ],
    ids=["holiday", "service archived", "staff gone", "entry cancelled"],
)
def test_what_changed_since_the_offer_ends_it(cast: Cast, meanwhile: Any) -> None:
    offer = cast.offered()
    meanwhile(cast)
    before = everything()
    answer = browser().post(f"/waitlist/{offer.token}")
    assert (answer.status_code, heading_of(answer)) == (410, "This offer is over")
    assert everything() == before


def test_the_freed_booking_restored_takes_the_slot_back(cast: Cast) -> None:
    offer = cast.offered()
    changed(Booking.objects.get(), status="scheduled")
    assert browser().post(f"/waitlist/{offer.token}").status_code == 409


def test_who_was_booked_by_the_salon_meanwhile_reads_so(cast: Cast) -> None:
    offer = cast.offered()
    booking = cast.booked(waitlist_id=offer.entry_id)
    before = everything()
    for answer in (browser().get(f"/waitlist/{offer.token}"), browser().post(f"/waitlist/{offer.token}")):
        assert answer.status_code == 410
        assert text_of(answer) == (
            "Salon Zonne This offer is over We have booked an appointment for you in the meantime. "
            f"You need do nothing more. We look forward to seeing you. {FACTS}"
        )
    assert everything() == before
    changed(booking, status="cancelled")
    assert FACTS not in text_of(browser().get(f"/waitlist/{offer.token}"))


def test_what_was_taken_is_told_as_it_stands_now(cast: Cast) -> None:
    offer = cast.offered()
    browser().post(f"/waitlist/{offer.token}")
    booking = Booking.objects.get(waitlist_id=offer.entry_id)
    changed(booking, start_at=START + timedelta(hours=1), end_at=END + timedelta(hours=1))
    answer = browser().get(f"/waitlist/{offer.token}")
    assert (answer.status_code, heading_of(answer)) == (410, "You have taken this appointment")
    assert "11:00 to 12:00" in text_of(answer)
    changed(booking, status="cancelled")
    answer = browser().get(f"/waitlist/{offer.token}")
    assert (answer.status_code, heading_of(answer)) == (410, "This appointment has been cancelled")
    assert "We look forward" not in text_of(answer)


@pytest.mark.parametrize(
    ("taken", "heading"), [(False, "This offer is over"), (True, "This appointment has been cancelled")]
)
def test_of_an_entry_that_went_to_another_client_nothing_is_told(
    cast: Cast, taken: bool, heading: str
) -> None:
    offer = cast.offered()
    if taken:
        browser().post(f"/waitlist/{offer.token}")
        changed(Booking.objects.get(waitlist_id=offer.entry_id), status="cancelled")
    carla = make_client("Carla", "Cohen", locale="nl")
    for changes in ({"status": "waiting"}, {"client_id": carla.pk}):
        waitlist.change(entry_id=offer.entry_id, changes=changes, salon=cast.salon, now=NOW)
    cast.booked(client_id=carla.pk, waitlist_id=offer.entry_id)
    answer = browser().get(f"/waitlist/{offer.token}")
    assert (answer.status_code, heading_of(answer)) == (410, heading)
    assert "Bea Bakker" not in text_of(answer)
    assert "We look forward" not in text_of(answer)


def test_what_was_taken_and_is_a_request_without_links_by_now_has_no_newer_mail(cast: Cast) -> None:
    offer = cast.offered()
    browser().post(f"/waitlist/{offer.token}")
    booking = Booking.objects.get(waitlist_id=offer.entry_id)
    lifecycle.change(
        actor=SYSTEM,
        booking_id=booking.pk,
        changes={"status": "provisional"},
        how=lifecycle.How(ask_by_mail=False),
    )
    assert heading_of(browser().get(f"/waitlist/{offer.token}")) == "This appointment was confirmed"


def test_an_unknown_link_is_404(cast: Cast) -> None:
    cast.offered()
    before = everything()
    for answer in (browser().get("/waitlist/" + "A" * 43), browser().post("/waitlist/" + "A" * 43)):
        assert (answer.status_code, heading_of(answer)) == (404, "We do not know this link")
    assert everything() == before
