"""A mail job from the queue to a real SMTP server on loopback, and what each of its answers means."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from notifications import mail as mail_module
from notifications import outbox
from notifications.execution import execute, run_due
from notifications.handlers import NotNeeded, RefusedForGood, TryLater
from notifications.models import Job, Message, Notification
from notifications.retention import forget_bodies
from notifications.tasks import drain, sweep
from tests.factories import make_ada
from tests.outbox_cast import HANDLERS, NOON, Sink, counted, due, effect, enqueue, mail_sink, optional
from tests.servers import free_port

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
ICS = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    settings.HANDLERS = HANDLERS
    settings.JOB_LEASE_SECONDS = 120
    for handler in (counted, optional, effect):
        handler.reset()


def send_to(settings: Any, port: int) -> None:
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 1
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    settings.DEFAULT_FROM_EMAIL = "Salon Zonne <desk@salon.example>"


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with mail_sink() as sink:
        send_to(settings, sink.port)
        yield sink


@pytest.fixture(autouse=True)
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


def run(at_most: int = 100) -> int:
    return run_due(at_most=at_most)


def outcome() -> dict[str, Any]:
    """The only job and its message."""
    return {
        **Job.objects.values("state", "sends", "attempts", "last_error").get(),
        "message": Message.objects.values("state", "reason").get(),
    }


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
    seen = []
    real = mail_module.MailServer.send

    def send(self: Any, envelope: Any) -> None:
        seen.append(connection.in_atomic_block)
        real(self, envelope)

    monkeypatch.setattr(mail_module.MailServer, "send", send)
    enqueue(due("a"))
    run()
    assert seen == [False]
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
    def refuse(*args: Any) -> Any:
        from_server = args
        return bool(from_server) and False

    with mail_sink(auth_callback=refuse, auth_require_tls=False, auth_required=True) as sink:
        send_to(settings, sink.port)
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "desk", "wrong"
        enqueue(due("a"))
        run()
        assert (outcome()["state"], outcome()["sends"], sink.mails) == ("pending", 0, [])
        assert "535" in outcome()["last_error"]


# --- nobody knows ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang", "reset"])
def test_no_answer_to_a_mail_is_left_to_the_lease(sink, clock, fault):
    sink.after_data = fault
    (job,) = enqueue(due("a"))
    run()
    found = outcome()
    assert "No answer to the mail" in found.pop("last_error")
    assert found == {
        "state": "claimed", "sends": 1, "attempts": 1, "message": {"state": "waiting", "reason": ""},
    }  # fmt: skip
    assert counted.told == []
    clock.move_to(NOON + timedelta(seconds=119))
    drain()
    assert len(sink.mails) == 1

    sink.after_data = ""
    counted.mail = {"text": "something newer"}
    clock.move_to(NOON + timedelta(seconds=120))
    drain()
    assert outcome()["state"] == "done" and outcome()["sends"] == 2
    assert sink.message_ids == [Message.objects.get().message_id] * 2
    assert [mail.get_content().strip() for mail in sink.mails] == ["Hi Alice"] * 2
    assert [mail["Date"] for mail in sink.mails] == ["Fri, 20 Nov 2026 12:00:00 +0000"] * 2
    assert counted.composed == 1 and counted.told == [(job.pk, "sent")]


def test_no_answer_twice_is_uncertain(sink, clock):
    sink.after_data = "reset"
    (job,) = enqueue(due("a"))
    for minutes in (0, 3, 6, 9):
        clock.move_to(NOON + minutes * MINUTE)
        drain()
    assert outcome()["state"] == "uncertain"
    assert outcome()["message"]["state"] == "uncertain"
    assert sink.message_ids == [Message.objects.get().message_id] * 2
    assert counted.told == [(job.pk, "uncertain")]


def test_no_answer_to_what_nobody_counts_on_is_uncertain(sink, clock):
    sink.after_data = "reset"
    enqueue(due("a", type="test.optional"))
    drain()
    clock.move_to(NOON + 3 * MINUTE)
    sweep()
    assert outcome()["state"] == "uncertain"
    assert len(sink.mails) == 1


def test_a_person_may_send_an_uncertain_mail_again_as_it_was(sink, clock):
    sink.after_data = "reset"
    (job,) = enqueue(due("a", type="test.optional"))
    drain()
    clock.move_to(NOON + 3 * MINUTE)
    drain()
    sink.after_data = ""
    outbox.retry(job.pk, now=NOON + 4 * MINUTE)
    clock.move_to(NOON + 4 * MINUTE)
    drain()
    assert outcome()["state"] == "done"
    assert sink.message_ids == [Message.objects.get().message_id] * 2
    assert optional.composed == 1


def test_a_mail_whose_words_were_forgotten_is_not_sent_again(sink, clock):
    sink.after_data = "reset"
    (job,) = enqueue(due("a", type="test.optional"))
    drain()
    clock.move_to(NOON + 3 * MINUTE)
    drain()
    sink.after_data = ""
    forget_bodies(before=NOON + MINUTE)
    outbox.retry(job.pk, now=NOON + 4 * MINUTE)
    clock.move_to(NOON + 4 * MINUTE)
    drain()
    assert (outcome()["state"], outcome()["message"]["state"]) == ("dead", "uncertain")
    assert len(sink.mails) == 1


def test_a_worker_frozen_longer_than_its_lease_does_not_send(sink, clock):
    enqueue(due("a"))
    slow = outbox.claim(now=NOON)
    assert slow is not None
    clock.move_to(NOON + 3 * MINUTE)
    execute(slow)
    assert sink.mails == []
    drain()
    assert len(sink.mails) == 1
    execute(slow)
    assert len(sink.mails) == 1
    assert outcome()["state"] == "done"


# --- what a handler says -----------------------------------------------------------------------


def test_a_mail_nobody_needs_any_more_is_not_sent(sink):
    counted.raises = NotNeeded("moved back")
    enqueue(due("a"))
    run()
    assert outcome() == {
        "state": "cancelled", "sends": 0, "attempts": 1, "last_error": "moved back",
        "message": {"state": "not_sent", "reason": "moved back"},
    }  # fmt: skip
    assert (sink.sessions, counted.told) == (0, [])


def test_a_mail_to_nobody_is_not_sent(sink):
    counted.mail = {"to": ""}
    enqueue(due("a"))
    run()
    assert outcome()["message"] == {"state": "not_sent", "reason": "no address"}
    assert sink.sessions == 0


def test_a_handler_may_postpone(sink, clock):
    counted.raises = TryLater("not yet", after=NOON + timedelta(hours=2))
    enqueue(due("a"))
    run()
    assert Job.objects.values("state", "run_at").get() == {
        "state": "pending", "run_at": NOON + timedelta(hours=2),
    }  # fmt: skip


def test_a_handler_that_breaks_is_tried_again_and_stops_nobody(sink, clock):
    counted.raises = RuntimeError("a bug")
    enqueue(due("a"), due("b", type="test.optional", booking_id=8))
    run()
    assert Job.objects.values("state", "last_error").get(once_key="a") == {
        "state": "pending", "last_error": "RuntimeError: a bug",
    }  # fmt: skip
    assert Job.objects.get(once_key="b").state == "done"


def test_bookkeeping_that_breaks_after_the_mail_left_does_not_repeat_it(sink, clock):
    counted.sent_raises = RuntimeError("a bug")
    enqueue(due("a"))
    run()
    clock.move_to(NOON + timedelta(hours=1))
    drain()
    assert outcome()["state"] == "done"
    assert len(sink.mails) == 1


def test_a_job_nobody_knows_is_dead(sink):
    enqueue(due("a", type="test.unknown"))
    run()
    assert (outcome()["state"], outcome()["last_error"]) == ("dead", "No handler is named for test.unknown.")


# --- effects -----------------------------------------------------------------------------------


def call_due(name: str = "a") -> Any:
    return due(name, type="test.effect", recipient="", is_mail=False)


def test_an_effect_is_called_once_and_keeps_its_id():
    (job,) = enqueue(call_due())
    run()
    job.refresh_from_db()
    assert (job.state, job.external_id, job.sends) == ("done", "cs_1", 1)
    assert (effect.called, effect.finished) == (1, ["cs_1"])


@pytest.mark.parametrize(
    ("raised", "state", "sends"),
    [
        (TryLater("429"), "pending", 0),
        (RefusedForGood("bad amount"), "dead", 0),
        (ConnectionResetError("gone"), "claimed", 1),
    ],
    ids=["not accepted", "refused", "unknown"],
)
def test_what_an_effect_answers_decides(raised, state, sends):
    effect.raises = raised
    (job,) = enqueue(call_due())
    run()
    job.refresh_from_db()
    assert (job.state, job.sends, job.sending_at is None) == (state, sends, sends == 0)
    assert effect.finished == []


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


# --- headers -----------------------------------------------------------------------------------


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
