"""A mail job from the queue to a real SMTP server on loopback: accepted, refused, or kept with us."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from tests.cast.factories import make_ada
from tests.cast.outbox import (
    MINUTE,
    NOON,
    cast_handlers,
    counted,
    due,
    enqueue,
    mail_sink,
    outcome,
    run,
    send_to,
)
from tests.cast.servers import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]

ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    cast_handlers(settings)


# --- accepted ----------------------------------------------------------------------------------


def test_a_mail_arrives_and_is_recorded(sink, clock):
    counted.mail = {
        "subject": "Your appointment",
        "text": "Hi Zoë",
        "html": "<html><head><style>p { color: red }</style></head><body><p>Hi Zoë</p></body></html>",
        "ics": ICS,
        "ics_method": "REQUEST",
        "reply_to": "Salon Zonne <hello@salon.example>",
        "headers": {"List-Unsubscribe": "<https://salon.example/unsubscribe/x>"},
        "facts": {"announces": {"as": "scheduled"}},
        "locale": "nl",
    }
    (job,) = enqueue(due("a"))
    assert run() == 1

    message = Message.objects.get()
    (mail,), (envelope,) = sink.mails, sink.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("desk@salon.example", ["alice@example.com"])
    assert {name: mail[name] for name in mail if name not in ("Content-Type", "MIME-Version")} == {
        "Subject": "Your appointment",
        "From": "Salon Zonne <desk@salon.example>",
        "To": "alice@example.com",
        "Reply-To": "Salon Zonne <hello@salon.example>",
        "Date": "Fri, 20 Nov 2026 12:00:00 +0000",
        "Auto-Submitted": "auto-generated",
        "List-Unsubscribe": "<https://salon.example/unsubscribe/x>",
        "Message-ID": message.message_id,
    }
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "text/calendar",
    ]
    plain, html, calendar, attached = [part for part in mail.walk() if not part.is_multipart()]
    assert plain.get_content().strip() == "Hi Zoë"
    assert '<p style="color: red;">Hi Zoë</p>' in html.get_content()
    for part in (calendar, attached):
        assert part["Content-Type"].params["method"] == "REQUEST"
        assert part.get_content().splitlines() == ICS.splitlines()
    assert attached.get_filename() == "appointment.ics" and attached.is_attachment()
    assert not calendar.is_attachment()

    assert outcome() == {
        "state": "done", "sends": 1, "attempts": 1, "last_error": "",
        "message": {"state": "sent", "reason": ""},
    }  # fmt: skip
    assert (message.sent_at, message.locale, message.subject, message.text, message.ics, message.facts) == (
        NOON, "nl", "Your appointment", "Hi Zoë", ICS, {"announces": {"as": "scheduled"}},
    )  # fmt: skip
    assert counted.told == [(job.pk, "sent")]
    assert run() == 0


def test_a_plain_mail_has_no_other_part(sink):
    enqueue(due("a"))
    run()
    assert [part.get_content_type() for part in sink.mails[0].walk()] == ["text/plain"]


def test_mails_about_one_booking_arrive_in_their_order(sink):
    enqueue(*(due(str(n)) for n in range(5)))
    assert run() == 5
    ids = list(Message.objects.order_by("job_id").values_list("message_id", flat=True))
    assert sink.message_ids == ids
    assert len(set(ids)) == 5


def test_a_batch_is_bounded(sink):
    enqueue(*(due(str(n), booking_id=n) for n in range(1, 6)))
    assert run(at_most=2) == 2
    assert Job.objects.filter(state="done").count() == 2


def test_no_job_is_begun_once_the_worker_is_to_stop(sink):
    enqueue(*(due(str(n), booking_id=n) for n in range(1, 4)))
    answers = iter([False, False, True])
    assert run_due(at_most=10, stop=lambda: next(answers, True)) == 1
    assert sorted(Job.objects.values_list("state", flat=True)) == ["done", "pending", "pending"]


def test_no_transaction_is_open_while_the_server_is_spoken_to(transactional_db, sink, monkeypatch):
    seen = set()
    real = smtplib.SMTP.send

    def send(self: Any, said: Any) -> None:
        seen.add(connection.in_atomic_block)
        real(self, said)

    monkeypatch.setattr(smtplib.SMTP, "send", send)
    enqueue(due("a"))
    run()
    assert seen == {False}
    assert Job.objects.get().state == "done"


# --- known not accepted ------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_temporary_refusal_is_tried_again(sink, clock, step):
    sink.answers[step] = "451 4.3.0 come back later"
    enqueue(due("a"))
    run()
    found = outcome()
    assert "451 4.3.0 come back later" in found.pop("last_error")
    assert found == {
        "state": "pending", "sends": 0, "attempts": 1, "message": {"state": "waiting", "reason": ""},
    }  # fmt: skip
    assert NOON <= Job.objects.get().run_at <= NOON + timedelta(seconds=30)
    assert counted.told == []

    sink.answers.clear()
    counted.mail = {"text": "as of now"}
    clock.move_to(NOON + MINUTE)
    run()
    assert outcome()["state"] == "done"
    assert [mail.get_content().strip() for mail in sink.mails][-1] == "as of now"
    assert set(sink.message_ids) == {Message.objects.get().message_id}


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_a_final_refusal_is_the_end_and_told(sink, clock, step):
    ada = make_ada()
    sink.answers[step] = "550 5.1.1 no such user"
    enqueue(due("a"))
    run()
    found = outcome()
    assert "550 5.1.1 no such user" in found["last_error"]
    assert (found["state"], found["sends"]) == ("dead", 0)
    assert found["message"]["state"] == "not_sent" and "550" in found["message"]["reason"]
    assert list(Notification.objects.values_list("staff_id", "type", "booking_id")) == [
        (ada.pk, "job.dead", 7)
    ]
    assert counted.told == []
    assert run() == 0


def test_a_server_that_is_down_is_tried_again(settings):
    send_to(settings, free_port())
    enqueue(due("a"))
    run()
    assert (outcome()["state"], outcome()["sends"]) == ("pending", 0)
    assert "cannot be used" in outcome()["last_error"]


def test_a_server_without_tls_gets_no_mail_that_asks_for_it(sink, settings):
    settings.EMAIL_USE_TLS = True
    enqueue(due("a"))
    run()
    assert (outcome()["state"], sink.mails) == ("pending", [])


def test_a_wrong_password_kills_no_mail(settings):
    with mail_sink(auth_callback=lambda *_: False, auth_require_tls=False, auth_required=True) as sink:
        send_to(settings, sink.port)
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "desk", "wrong"
        enqueue(due("a"))
        run()
        assert (outcome()["state"], outcome()["sends"], sink.mails) == ("pending", 0, [])
        assert "535" in outcome()["last_error"]


# --- no mail server, or nobody to be mailed ----------------------------------------------------


def test_without_a_mail_server_a_mail_is_kept(settings, clock):
    settings.EMAIL_URL = ""
    make_ada()
    (job,) = enqueue(due("a"))
    run()
    assert outcome() == {
        "state": "done", "sends": 0, "attempts": 1, "last_error": "",
        "message": {"state": "kept", "reason": ""},
    }  # fmt: skip
    assert Message.objects.get().text == "Hi Alice"
    assert counted.told == [(job.pk, "kept")]


def test_that_no_mail_leaves_is_said_once_a_day(settings, clock):
    settings.EMAIL_URL, settings.DEBUG = "", False
    ada = make_ada()
    for hours, lines in [(0, 1), (0, 1), (23, 1), (25, 2)]:
        clock.move_to(NOON + timedelta(hours=hours))
        enqueue(due(f"{Job.objects.count()}"))
        run()
        assert list(Notification.objects.values_list("staff_id", "type")) == [(ada.pk, "mail.off")] * lines


def test_that_no_mail_leaves_is_not_said_while_debugging(settings, clock):
    settings.EMAIL_URL, settings.DEBUG = "", True
    make_ada()
    enqueue(due("a"))
    run()
    assert not Notification.objects.exists()


def test_a_demo_client_is_never_mailed(sink):
    make_ada()
    counted.mail = {"deliver_outside": False}
    enqueue(due("a"))
    run()
    assert outcome()["message"]["state"] == "kept"
    assert sink.sessions == 0
    assert not Notification.objects.exists()
