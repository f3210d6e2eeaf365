"""/provisional/<token>/accept and /decline: asked by GET, answered by POST, once (contract §1.4)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine

from bookings.api.client_merge import merge
from bookings.models import Booking, BookingEvent
from notifications.models import Job, Notification
from staff.access.actor import SYSTEM
from tests.cast.factories import make_client
from tests.cast.pages import (
    END,
    FACTS,
    NOW,
    START,
    Cast,
    browser,
    button_of,
    changed,
    everything,
    heading_of,
    make_cast,
    swept,
    text_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

FOOT = "Questions? +31 20 123 4567 hello@salon.example"


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def address(booking: Booking, verb: str = "accept") -> str:
    return f"/provisional/{booking.provisional_token}/{verb}"


def test_the_page_asks_with_the_salon_s_name_and_what_it_is_about(cast: Cast) -> None:
    booking = cast.requested()
    answer = browser().get(address(booking))
    assert answer.status_code == 200
    assert text_of(answer) == (
        "Salon Zonne Does this appointment suit you? Hello Alice, "
        "We have kept this time for you. It is yours as soon as you confirm it. "
        f"{FACTS} Please answer before Monday 23 November 2026 at 10:00. "
        f"Confirm the appointment I cannot come {FOOT}"
    )
    assert f'href="http://127.0.0.1:8000{address(booking, "decline")}"' in answer.content.decode()


def test_the_decline_page_asks_before_it_gives_the_time_away(cast: Cast) -> None:
    booking = cast.requested()
    answer = browser().get(address(booking, "decline"))
    assert answer.status_code == 200
    assert heading_of(answer) == "Do you want to decline this appointment?"
    assert "Decline the appointment I want to come after all" in text_of(answer)
    assert f'href="http://127.0.0.1:8000{address(booking)}"' in answer.content.decode()


@pytest.mark.parametrize("verb", ["accept", "decline"])
@pytest.mark.parametrize("method", ["get", "head"])
def test_a_scanner_that_opens_the_link_changes_nothing(cast: Cast, verb: str, method: str) -> None:
    booking = cast.requested()
    before = everything()
    for _ in range(3):
        answer = getattr(browser(), method)(address(booking, verb))
        assert answer.status_code == 200
    assert everything() == before


def test_accepting_schedules_the_booking_and_confirms_it_by_mail(cast: Cast) -> None:
    booking = cast.requested()
    answer = browser().post(address(booking), button_of(browser().get(address(booking))))
    assert answer.status_code == 200
    assert text_of(answer) == (
        "Salon Zonne Your appointment is confirmed Thank you. We look forward to seeing you. "
        f"A confirmation is on its way to you by e-mail. {FACTS} {FOOT}"
    )
    booking.refresh_from_db()
    assert (booking.status, booking.status_detail, booking.provisional_token) == ("scheduled", "", None)
    assert list(Job.objects.order_by("id").values_list("type", "state")) == [
        ("booking.provisional", "cancelled"),
        ("booking.created", "pending"),
    ]
    event = BookingEvent.objects.latest("id")
    assert (event.door, event.actor_type, event.actor_id) == ("link", "client", cast.alice.pk)
    assert Notification.objects.filter(type="booking.accepted").count() == 2


def test_declining_cancels_frees_the_time_and_sends_no_mail(cast: Cast) -> None:
    booking = cast.requested()
    answer = browser().post(address(booking, "decline"))
    assert answer.status_code == 200
    assert heading_of(answer) == "You have declined the appointment"
    booking.refresh_from_db()
    assert (booking.status, booking.status_detail, booking.provisional_token) == ("cancelled", "client", None)
    assert not booking.busy_times.exists()
    assert not Job.objects.filter(state="pending").exists()
    assert Notification.objects.filter(type="booking.declined").count() == 2


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_after_accepting_both_links_say_that_it_is_confirmed(cast: Cast, verb: str) -> None:
    booking = cast.requested()
    browser().post(address(booking))
    before = everything()
    for answer in (browser().get(address(booking, verb)), browser().post(address(booking, verb))):
        assert answer.status_code == 410
        assert text_of(answer) == (
            f"Salon Zonne This appointment is confirmed You need do nothing more. {FACTS} {FOOT}"
        )
    assert everything() == before


@pytest.mark.parametrize("verb", ["accept", "decline"])
def test_after_declining_both_links_say_so(cast: Cast, verb: str) -> None:
    booking = cast.requested()
    browser().post(address(booking, "decline"))
    before = everything()
    for answer in (browser().get(address(booking, verb)), browser().post(address(booking, verb))):
        assert answer.status_code == 410
        assert text_of(answer) == (
            "Salon Zonne You have declined this appointment You need do nothing more. "
            f"If you would like another time, please contact us. {FOOT}"
        )
    assert everything() == before


@pytest.mark.parametrize("sweep", [False, True])
def test_a_request_that_was_not_answered_in_time_has_lapsed(cast: Cast, sweep: bool) -> None:
    booking = cast.requested()
    later = NOW + timedelta(hours=72)
    with time_machine.travel(later, tick=False):
        if sweep:
            swept(now=later)
        before = everything()
        for answer in (browser().get(address(booking)), browser().post(address(booking))):
            assert answer.status_code == 410
            assert text_of(answer) == (
                "Salon Zonne This request has lapsed It was not answered in time, so the time was given "
                f"free again. If you would like another time, please contact us. {FOOT}"
            )
        assert everything() == before


def test_the_last_second_before_the_deadline_counts(cast: Cast) -> None:
    booking = cast.requested()
    with time_machine.travel(NOW + timedelta(hours=72, seconds=-1), tick=False):
        assert browser().post(address(booking)).status_code == 200


def test_a_request_the_salon_took_back_says_so(cast: Cast) -> None:
    booking = cast.requested()
    changed(booking, status="cancelled")
    before = everything()
    for answer in (browser().get(address(booking)), browser().post(address(booking))):
        assert answer.status_code == 410
        assert text_of(answer) == (
            "Salon Zonne This appointment has been cancelled Please contact us if you have a question. "
            f"If you would like another time, please contact us. {FOOT}"
        )
    assert everything() == before


def test_a_request_the_salon_confirmed_itself_is_confirmed(cast: Cast) -> None:
    booking = cast.requested()
    changed(booking, status="scheduled")
    answer = browser().post(address(booking))
    assert (answer.status_code, heading_of(answer)) == (410, "This appointment is confirmed")
    assert FACTS in text_of(answer)


def test_an_accepted_booking_cancelled_since_is_not_called_confirmed(cast: Cast) -> None:
    booking = cast.requested()
    browser().post(address(booking))
    changed(booking, status="cancelled")
    answer = browser().get(address(booking))
    assert (answer.status_code, heading_of(answer)) == (410, "This appointment has been cancelled")
    assert "10:00" not in text_of(answer)


def test_an_accepted_booking_a_dialect_made_a_request_again_has_no_newer_link(cast: Cast) -> None:
    booking = cast.requested()
    browser().post(address(booking))
    changed(booking, status="provisional")
    answer = browser().get(address(booking))
    assert (answer.status_code, heading_of(answer)) == (410, "This appointment was confirmed")


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("status", ["completed", "no-show"])
def test_a_visit_that_is_over_is_called_so(cast: Cast, status: str, accepted: bool) -> None:
    booking = cast.requested()
    if accepted:
        browser().post(address(booking))
    changed(booking, status=status)
    answer = browser().get(address(booking))
    assert (answer.status_code, heading_of(answer)) == (410, "This appointment is over")


@pytest.mark.parametrize(
    ("locale", "confirmed", "cancelled", "over"),
    [
        ("nl", "Deze afspraak is bevestigd", "Deze afspraak is geannuleerd", "Deze afspraak is voorbij"),
        ("de", "Dieser Termin ist bestätigt", "Dieser Termin wurde abgesagt", "Dieser Termin ist vorbei"),
        ("fr", "Ce rendez-vous est confirmé", "Ce rendez-vous a été annulé", "Ce rendez-vous est passé"),
        ("es", "Esta cita está confirmada", "Esta cita se ha cancelado", "Esta cita ya ha pasado"),
    ],
)
def test_what_the_salon_decided_itself_is_said_in_the_clients_language(
    cast: Cast, locale: str, confirmed: str, cancelled: str, over: str
) -> None:
    cast.alice.locale = locale
    cast.alice.save()
    booking = cast.requested()
    for status, heading in (("scheduled", confirmed), ("cancelled", cancelled), ("completed", over)):
        changed(booking, status=status)
        answer = browser().get(address(booking, "decline"))
        assert (answer.status_code, heading_of(answer)) == (410, heading)


@pytest.mark.parametrize("accepted", [False, True])
def test_a_link_shows_its_former_client_nothing_of_who_has_the_appointment_now(
    cast: Cast, accepted: bool
) -> None:
    cast.alice.locale = "nl"
    cast.alice.save()
    booking = cast.requested()
    bob = make_client("Bob", "Brown", locale="de")
    newer = changed(booking, client_id=bob.pk)
    if accepted:
        browser().post(address(newer))
    answer = browser().get(address(booking))
    assert (answer.status_code, answer.headers["Content-Language"]) == (410, "nl")
    assert heading_of(answer) == "We hebben deze afspraak ingetrokken"
    assert "Haircut" not in text_of(answer)


def test_a_link_accepted_before_the_appointment_went_to_another_client_shows_nothing_of_it(
    cast: Cast,
) -> None:
    booking = cast.requested()
    browser().post(address(booking))
    changed(booking, client_id=make_client("Bob", "Brown", locale="de").pk)
    answer = browser().get(address(booking))
    assert (answer.status_code, answer.headers["Content-Language"]) == (410, "en")
    assert text_of(answer) == (
        "Salon Zonne This appointment was confirmed It has changed since then. "
        f"Please contact us if you have a question. {FOOT}"
    )


def test_a_link_used_before_a_merge_speaks_to_the_one_who_remains(cast: Cast) -> None:
    booking = cast.requested()
    browser().post(address(booking))
    stays = make_client("Alicia", "Adams", locale="de")
    merge(client_id=cast.alice.pk, into_id=stays.pk, actor=SYSTEM, now=NOW)
    answer = browser().get(address(booking))
    assert heading_of(answer) == "Dieser Termin ist bestätigt"
    assert "Haircut" in text_of(answer)


def test_a_move_between_the_page_and_the_button_asks_again_with_the_new_time(cast: Cast) -> None:
    booking = cast.requested()
    button = button_of(browser().get(address(booking)))
    changed(booking, start_at=START + timedelta(hours=3), end_at=END + timedelta(hours=3))
    before = everything()
    answer = browser().post(address(booking), button)
    assert answer.status_code == 409
    assert "We have changed this appointment in the meantime. Please look again" in text_of(answer)
    assert "13:00 to 14:00" in text_of(answer)
    assert everything() == before

    again = browser().post(address(booking), button_of(answer))
    assert (again.status_code, heading_of(again)) == (200, "Your appointment is confirmed")
    assert "13:00 to 14:00" in text_of(again)


def test_a_note_written_meanwhile_does_not_ask_again(cast: Cast) -> None:
    booking = cast.requested()
    button = button_of(browser().get(address(booking)))
    changed(booking, internal_notes="likes tea")
    assert browser().post(address(booking), button).status_code == 200


def test_an_unknown_link_is_404_and_stores_nothing(cast: Cast) -> None:
    booking = cast.requested()
    before = everything()
    for token in ("x", "A" * 43, f"{booking.provisional_token}x", "A" * 65, "%ED%A0%80", "ü", "a.b"):
        for verb in ("accept", "decline"):
            for answer in (
                browser().get(f"/provisional/{token}/{verb}"),
                browser().post(f"/provisional/{token}/{verb}"),
            ):
                assert (answer.status_code, heading_of(answer)) == (404, "We do not know this link"), token
    assert everything() == before


def test_a_nul_in_a_link_is_404(cast: Cast) -> None:
    assert browser().get("/provisional/%00/accept").status_code == 404
    assert browser().post("/feedback/a%00").status_code == 404


def test_a_feedback_token_is_no_request_token(cast: Cast) -> None:
    visit = cast.completed()
    assert browser().get(f"/provisional/{visit.feedback_token}/accept").status_code == 404
    request = cast.requested()
    assert browser().get(f"/feedback/{request.provisional_token}").status_code == 404
