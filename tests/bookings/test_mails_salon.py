"""What mails say of the salon, and in its own words."""

from __future__ import annotations

import pytest

from clients.models import Client
from notifications.models import MessageText
from staff.salon.look import look_of
from tests.cast.factories import make_client, make_salon
from tests.cast.letters import FREE_UNTIL, LOOK, NOW, compose, furnish, make_booking, make_job, said

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _salon():
    furnish()


def test_a_salon_that_told_nothing_of_itself_still_writes_whole_sentences():
    make_salon(business_name="", business_address="", business_phone="", reply_to="")
    booking = make_booking(client=make_client("", email="alice@example.com"), price=None)
    mail = compose(make_job("booking.created", booking), now=NOW)
    assert mail.reply_to == ""
    assert said(mail) == (
        "Hello,\n\n"
        "Your appointment is confirmed. We look forward to seeing you.\n\n"
        "Date: Monday 23 November 2026\n"
        "Time: 10:00 to 10:45 (Europe/Amsterdam, CET)\n"
        "Service: Haircut\n"
        "With: Bea Bakker\n\n"
        f"{LOOK}{FREE_UNTIL}"
        "The attached file puts the appointment in your calendar.\n\n"
        "Can you not make it? Please let us know in good time.\n"
    )


@pytest.mark.parametrize(
    ("phone", "reply_to", "sentence"),
    [("030 1", "", "Please call us on 030 1.\n"), ("", "a@b.example", "Simply reply to this mail.\n")],
)
def test_how_to_reach_the_salon_names_what_there_is(phone, reply_to, sentence):
    make_salon(business_phone=phone, reply_to=reply_to)
    mail = compose(make_job("booking.created", make_booking()), now=NOW)
    assert f"in good time. {sentence}" in mail.text


def test_the_salons_own_subject_and_introduction_replace_ours():
    MessageText.objects.create(
        type="booking.created", locale="en", subject="See you soon!", introduction="Ring the bell.\nTwice."
    )
    MessageText.objects.create(type="booking.created", locale="nl", subject="Tot gauw!")
    booking = make_booking()
    mail = compose(make_job("booking.created", booking), now=NOW)
    assert mail.subject == "See you soon!"
    assert mail.text.startswith("Hello Alice,\n\nRing the bell.\n\nTwice.\n\nDate: ")
    Client.objects.update(locale="nl-BE")
    mail = compose(make_job("booking.created", booking), now=NOW)
    assert (mail.locale, mail.subject) == ("nl", "Tot gauw!")
    assert "Je afspraak is bevestigd." in mail.text


def test_a_mail_wears_the_salons_colour_and_names_its_imprint():
    make_salon(brand_color="#ffff00", imprint_url="https://a.example/i", privacy_url="https://a.example/p")
    mail = compose(make_job("booking.created", make_booking()), now=NOW)
    look = look_of("#ffff00")
    assert f".first {{ background: {look.light.accent}; color: #ffffff; }}" in mail.html
    assert f".first {{ background: {look.dark.accent} !important" in mail.html
    assert (
        '<a href="https://a.example/i">Imprint</a> · <a href="https://a.example/p">Privacy</a>' in mail.html
    )
    assert mail.text.endswith("Imprint: https://a.example/i\nPrivacy: https://a.example/p\n")
