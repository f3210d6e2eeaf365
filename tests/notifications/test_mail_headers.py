"""What a mail's address, headers and text become on their way to a real SMTP server."""

from __future__ import annotations

import email
import email.policy
from typing import Any

import pytest

from notifications.models import Message
from tests.cast.outbox import NOON, cast_handlers, counted, due, enqueue, outcome, run

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


def test_no_name_or_subject_can_add_a_header(sink):
    evil = "Alice\r\nBcc: everybody@example.com\r\n\r\nBuy this"
    counted.mail = {
        "subject": evil,
        "reply_to": f'"{evil}" <desk@salon.example>',
        "headers": {"List-Unsubscribe": evil, "X-Bad\r\nBcc": "x", "": "y"},
        "text": evil,
    }
    enqueue(due("a"))
    run()
    (mail,) = sink.mails
    assert mail["Bcc"] is None and "X-Bad" not in mail
    assert mail["Subject"] == "Alice Bcc: everybody@example.com Buy this"
    assert mail["List-Unsubscribe"] == "Alice Bcc: everybody@example.com Buy this"
    assert sink.envelopes[0].rcpt_tos == ["alice@example.com"]
    assert mail.get_content().replace("\r\n", "\n").strip() == evil.replace("\r\n", "\n")


@pytest.mark.parametrize(
    "subject",
    [
        "Bitte bestätigen Sie Ihren Termin am Mittwoch, 25. November um 10:00 Uhr",
        "Votre place en liste d'attente du mercredi 25 novembre à 13:00 est confirmée",
        "é" * 250,
        "Your appointment on Wednesday 25 November at 10:00 has been cancelled " * 3,
    ],
)
def test_a_long_subject_arrives_as_it_was_written(sink, subject):
    counted.mail = {"subject": subject}
    enqueue(due("a"))
    run()
    assert sink.mails[0]["Subject"] == subject.strip()
    content = sink.envelopes[0].content
    assert b"\r\nSubject: \r\n" not in b"\r\n" + content
    assert max(map(len, content.partition(b"\r\n\r\n")[0].split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "to",
    [
        "alice@example.com, bob@example.com",
        "alice",
        "zoë@example.com",
        "a@b\r\nBcc: c@example.com",
        "@",
        "a@" + "b" * 70,
    ],
)
def test_an_address_that_is_not_exactly_one_is_refused(sink, to):
    counted.mail = {"to": to}
    enqueue(due("a"))
    run()
    assert outcome()["state"] == "dead", outcome()
    assert outcome()["message"]["state"] == "not_sent"
    assert sink.sessions == 0


def test_a_foreign_domain_and_a_foreign_name_are_encoded(sink):
    counted.mail = {"to": "alice@bücher.example", "subject": "Grüße ✂ " + "word " * 100}
    enqueue(due("a"))
    run()
    assert sink.envelopes[0].rcpt_tos == ["alice@xn--bcher-kva.example"]
    assert sink.mails[0]["Subject"].strip() == ("Grüße ✂ " + "word " * 100)[:300]


def test_a_domain_goes_to_its_owner_and_to_nobody_else(sink, settings):
    settings.DEFAULT_FROM_EMAIL = "Salon Straße <desk@straße-salon.de>"
    counted.mail = {"to": "anna@straße-salon.de", "reply_to": "Wir <reply@faß.example>"}
    enqueue(due("a"))
    run()
    assert sink.envelopes[0].rcpt_tos == ["anna@xn--strae-salon-y6a.de"]
    assert sink.envelopes[0].mail_from == "desk@xn--strae-salon-y6a.de"
    mail = sink.mails[0]
    assert (mail["To"], mail["Reply-To"]) == ("anna@xn--strae-salon-y6a.de", "Wir <reply@xn--fa-hia.example>")
    assert mail["From"] == "Salon Straße <desk@xn--strae-salon-y6a.de>"


def test_an_answering_address_that_is_none_keeps_no_mail_from_leaving(sink):
    counted.mail = {"reply_to": "nowhere"}
    enqueue(due("a"))
    run()
    assert len(sink.mails) == 1 and sink.mails[0]["Reply-To"] is None


def test_what_cannot_be_stored_is_left_out(sink):
    counted.mail = {"subject": "a\x00b\ud800c", "text": "a\x00b\ud800c"}
    enqueue(due("a"))
    run()
    assert Message.objects.values("subject", "text").get() == {"subject": "abc", "text": "abc"}


def test_lines_longer_than_mail_allows_arrive_whole(sink):
    counted.mail = {"text": "é" * 3000}
    enqueue(due("a"))
    run()
    raw = sink.envelopes[0].content
    assert isinstance(raw, bytes) and max(len(line) for line in raw.split(b"\r\n")) <= 998
    parsed: Any = email.message_from_bytes(raw, policy=email.policy.default)
    assert parsed.get_payload(decode=True).decode().strip() == "é" * 3000
