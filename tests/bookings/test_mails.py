"""What each mail says, whole, in English, and what leaves with it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bookings.models import NoShowFee
from notifications.models import FollowupSequence, FollowupStep
from tests.cast.factories import make_alice, make_location
from tests.cast.letters import (
    END,
    FREE_UNTIL,
    LOOK,
    LOOK_ONLY,
    NOW,
    START,
    TOKEN,
    compose,
    furnish,
    make_booking,
    make_event,
    make_job,
    make_offer,
    said,
    told,
)

pytestmark = pytest.mark.django_db

SIGNED = """\
--
Salon Zonne
Zonnelaan 1, Utrecht
030 123 45 67
hello@zonne.example
"""
REACH = "Simply reply to this mail or call us on 030 123 45 67."


@pytest.fixture(autouse=True)
def _salon():
    furnish()


def test_created():
    booking = make_booking(notes="No perfume, please")
    mail = compose(make_job("booking.created", booking), now=NOW)
    assert (mail.to, mail.locale, mail.reply_to) == ("alice@example.com", "en", "hello@zonne.example")
    assert mail.subject == "Your appointment on Monday 23 November at 10:00 is confirmed"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "Your appointment is confirmed. We look forward to seeing you.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n"
        "Note: No perfume, please\n\n"
        f"{LOOK}{FREE_UNTIL}"
        "The attached file puts the appointment in your calendar.\n\n"
        f"Can you not make it? Please let us know in good time. {REACH}\n\n"
        f"{SIGNED}"
    )
    assert (mail.ics_method, mail.headers, mail.deliver_outside) == ("REQUEST", {}, True)
    assert "STATUS:CONFIRMED" in mail.ics
    assert mail.facts == {
        "announces": {
            "as": "scheduled",
            "start_at": "2026-11-23T09:00:00+00:00",
            "end_at": "2026-11-23T09:45:00+00:00",
            "staff_id": booking.staff_id,
        }
    }


def test_waitlist_confirmed():
    booking = make_booking()
    mail = compose(make_job("waitlist.confirmed", booking), now=NOW)
    assert mail.subject == "Your waitlist slot on Monday 23 November at 10:00 is confirmed"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "Good news: your waitlist slot is confirmed. We look forward to seeing you.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        f"{LOOK}{FREE_UNTIL}"
        "The attached file puts the appointment in your calendar.\n\n"
        f"Can you not make it? Please let us know in good time. {REACH}\n\n"
        f"{SIGNED}"
    )
    assert (mail.ics_method, mail.facts["announces"]["as"]) == ("REQUEST", "scheduled")


def test_provisional():
    booking = make_booking(
        status="provisional", provisional_token=TOKEN, provisional_expires_at=NOW + timedelta(hours=30)
    )
    mail = compose(make_job("booking.provisional", booking), now=NOW)
    assert mail.subject == "Please confirm your appointment on Monday 23 November at 10:00"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "We have reserved this time for you. Please let us know whether it suits you.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        "Would you like to come at this time?\n\n"
        f"Accept the appointment:\nhttp://127.0.0.1:8000/provisional/{TOKEN}/accept\n\n"
        f"Decline the appointment:\nhttp://127.0.0.1:8000/provisional/{TOKEN}/decline\n\n"
        f"{LOOK}"
        "Please answer before Saturday 21 November at 16:00. "
        "After that, the time is free again for others.\n\n"
        f"Do you have a question? {REACH}\n\n"
        f"{SIGNED}"
    )
    assert f'href="http://127.0.0.1:8000/provisional/{TOKEN}/accept"' in mail.html
    assert f'href="http://127.0.0.1:8000/provisional/{TOKEN}/decline"' in mail.html
    assert (mail.ics, mail.ics_method, mail.facts["announces"]["as"]) == ("", "", "provisional")


def test_an_answer_is_due_at_the_start_at_the_latest():
    booking = make_booking(
        status="provisional", provisional_token=TOKEN, provisional_expires_at=START + timedelta(hours=30)
    )
    mail = compose(make_job("booking.provisional", booking), now=NOW)
    assert "Please answer before Monday 23 November at 10:00." in mail.text


def test_links_stand_under_the_bookings_base_url(settings):
    settings.FRONTEND_ORIGINS = ["https://app.salon.example"]
    booking = make_booking(
        status="provisional",
        provisional_token=TOKEN,
        provisional_expires_at=START,
        base_url="https://app.salon.example/nl",
    )
    mail = compose(make_job("booking.provisional", booking), now=NOW)
    assert f"https://app.salon.example/nl/provisional/{TOKEN}/accept\n" in mail.text
    assert "127.0.0.1" not in mail.text + mail.html


def test_updated():
    booking = make_booking(**told(start_at=START - timedelta(days=1), end_at=END - timedelta(days=1)))
    mail = compose(make_job("booking.updated", booking), now=NOW)
    assert mail.subject == "Your appointment has been moved to Monday 23 November at 10:00"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "Your appointment has been moved. These are the new times.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Before: Sunday 22 November 2026 at 10:00\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        f"{LOOK}{FREE_UNTIL}"
        "The attached file updates the appointment in your calendar.\n\n"
        f"Does the new time not suit you? Please let us know. {REACH}\n\n"
        f"{SIGNED}"
    )
    assert (mail.ics_method, mail.facts["announces"]["start_at"]) == ("REQUEST", START.isoformat())
    assert "STATUS:CONFIRMED" in mail.ics


def test_updated_while_provisional_repeats_both_links():
    booking = make_booking(
        status="provisional",
        provisional_token=TOKEN,
        provisional_expires_at=NOW + timedelta(hours=30),
        **told("provisional", START - timedelta(days=1), END - timedelta(days=1)),
    )
    mail = compose(make_job("booking.updated", booking), now=NOW)
    assert mail.subject == "Your requested appointment has been moved to Monday 23 November at 10:00"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "The time we have reserved for you has changed. These are the new times.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Before: Sunday 22 November 2026 at 10:00\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        "Would you like to come at this time?\n\n"
        f"Accept the appointment:\nhttp://127.0.0.1:8000/provisional/{TOKEN}/accept\n\n"
        f"Decline the appointment:\nhttp://127.0.0.1:8000/provisional/{TOKEN}/decline\n\n"
        f"{LOOK}"
        "Please answer before Saturday 21 November at 16:00. "
        "After that, the time is free again for others.\n\n"
        f"Do you have a question? {REACH}\n\n"
        f"{SIGNED}"
    )
    assert (mail.ics_method, mail.facts["announces"]["as"]) == ("REQUEST", "provisional")
    assert "STATUS:TENTATIVE" in mail.ics


def test_updated_while_a_dialects_request_asks_for_nothing():
    mail = compose(make_job("booking.updated", make_booking(status="provisional")), now=NOW)
    assert "Would you like" not in mail.text
    assert "/provisional/" not in mail.text
    assert "Before:" not in mail.text


def test_cancelled_names_the_times_the_client_was_told():
    booking = make_booking(
        status="cancelled",
        notes="Allergic to nuts",
        **told(start_at=START - timedelta(days=1), end_at=END - timedelta(days=1)),
    )
    mail = compose(make_job("booking.cancelled", booking), now=NOW)
    assert mail.subject == "Your appointment on Sunday 22 November at 10:00 has been cancelled"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "Your appointment has been cancelled. You do not need to do anything.\n\n"
        "Date: Sunday 22 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        f"{LOOK_ONLY}"
        "The attached file removes the appointment from your calendar.\n\n"
        f"We are glad to find another time for you. {REACH}\n\n"
        f"{SIGNED}"
    )
    assert (mail.ics_method, mail.facts) == ("CANCEL", {"announces": None})
    assert "STATUS:CANCELLED" in mail.ics


def test_lapsed():
    booking = make_booking(status="cancelled", **told("provisional"))
    mail = compose(make_job("booking.lapsed", booking), now=NOW)
    assert mail.subject == "Your request for Monday 23 November at 10:00 has lapsed"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "We have not received your answer in time. Your request has lapsed, and the time is free again.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        f"{LOOK_ONLY}"
        f"Would you still like to come? We are glad to find a time for you. {REACH}\n\n"
        f"{SIGNED}"
    )
    assert (mail.ics, mail.ics_method, mail.facts) == ("", "", {"announces": None})


def test_review_request():
    booking = make_booking(status="completed", feedback_token=TOKEN)
    mail = compose(make_job("review.request", booking), now=END + timedelta(hours=2))
    assert mail.subject == "How was your visit on Monday 23 November?"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "Thank you for your visit. We would love to hear how it was.\n\n"
        "Date: Monday 23 November 2026\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n\n"
        f"Give your opinion:\nhttp://127.0.0.1:8000/feedback/{TOKEN}\n\n"
        f"{LOOK_ONLY}"
        "It takes less than a minute, and it helps us to do well.\n\n"
        f"{SIGNED}"
    )
    assert (mail.ics, mail.facts) == ("", {})


def test_followup_step_carries_the_salons_words_and_the_way_out(settings):
    settings.FRONTEND_ORIGINS = ["https://app.salon.example"]
    alice = make_alice(marketing_consent=True, unsubscribe_token=TOKEN)
    booking = make_booking(status="completed", client=alice, base_url="https://app.salon.example")
    sequence = FollowupSequence.objects.create(name="Care")
    step = FollowupStep.objects.create(
        sequence=sequence, delay_days=3, subject="How is your hair?", body="Brush it.\n\nSee you <soon>."
    )
    job = make_job("followup.step", booking, payload={"step_id": step.pk, "sequence_id": sequence.pk})
    mail = compose(job, now=END + timedelta(days=3))
    assert mail.subject == "How is your hair?"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "Brush it.\n\n"
        "See you <soon>.\n\n"
        "See the appointment:\nhttps://app.salon.example/v/PAGE\n\n"
        f"{SIGNED}\n"
        "You receive this mail because you agreed to hear from us after a visit.\n"
        f"Unsubscribe: https://app.salon.example/unsubscribe/{TOKEN}\n"
    )
    assert "See you &lt;soon&gt;." in mail.html
    assert mail.headers == {
        "List-Unsubscribe": f"<http://127.0.0.1:8000/unsubscribe/{TOKEN}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def test_waitlist_offer():
    offer = make_offer(token=TOKEN)
    job = make_job("waitlist.offer", None, client=offer.entry.client, payload={"offer_id": offer.pk})
    mail = compose(job, now=NOW)
    assert mail.subject == "A time has come free: Monday 23 November at 10:00"
    assert mail.text == (
        "Hello Alice,\n\n"
        "You are on our waiting list, and a time has come free for you.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Where: Salon Zonne, Zonnelaan 1, Utrecht\n"
        "Price: €40.00\n\n"
        "Would you like to come at this time?\n\n"
        f"Take this time:\nhttp://127.0.0.1:8000/waitlist/{TOKEN}\n\n"
        "The time is not reserved: it is yours as soon as you take it, while it is still free.\n\n"
        f"Do you have a question? {REACH}\n\n"
        f"{SIGNED}"
    )


def test_a_held_waitlist_offer_says_until_when():
    offer = make_offer(token=TOKEN, held=True)
    job = make_job("waitlist.offer", None, client=offer.entry.client, payload={"offer_id": offer.pk})
    mail = compose(job, now=NOW)
    assert "We keep this time for you until Friday 20 November at 11:00.\n" in mail.text
    assert "not reserved" not in mail.text


def test_noshow_fee():
    booking = make_booking(status="no-show")
    fee = NoShowFee.objects.create(
        booking=booking,
        event=make_event(booking),
        client=booking.client,
        amount_minor=1250,
        currency="EUR",
        pay_token=TOKEN,
        pay_until=END + timedelta(days=7),
        created_at=END,
    )
    job = make_job("noshow.mail", booking, payload={"fee_id": fee.pk})
    mail = compose(job, now=END)
    assert mail.subject == "Your missed appointment on Monday 23 November at 10:00"
    assert said(mail) == (
        "Hello Alice,\n\n"
        "We expected you and are sorry to have missed you. For a missed appointment we charge a fee of "
        "€12.50.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n"
        "Fee: €12.50\n\n"
        f"Pay €12.50:\nhttp://127.0.0.1:8000/pay/{TOKEN}\n\n"
        f"{LOOK_ONLY}"
        "You can pay until Monday 30 November at 10:45.\n\n"
        f"Has there been a misunderstanding? Please let us know. {REACH}\n\n"
        f"{SIGNED}"
    )


def test_a_location_and_several_persons_are_named():
    booking = make_booking(location=make_location(address="Dam 2, Amsterdam"), persons=3)
    mail = compose(make_job("booking.created", booking), now=NOW)
    priced = "Price: €120.00 (3\N{NO-BREAK SPACE}× €40.00)\n"
    assert f"Where: Centre, Dam 2, Amsterdam\nPersons: 3\n{priced}\n" in mail.text


def test_demo_clients_are_never_mailed_to_the_outside():
    booking = make_booking(client=make_alice(is_demo=True))
    assert not compose(make_job("booking.created", booking), now=NOW).deliver_outside


def test_a_mail_costs_a_bounded_number_of_statements(django_assert_num_queries):
    job = make_job("booking.created", make_booking(location=make_location()))
    with django_assert_num_queries(6):
        compose(job, now=NOW)
    with django_assert_num_queries(5):
        compose(job, now=NOW)
