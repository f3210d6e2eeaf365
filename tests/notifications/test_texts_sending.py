"""A text on its way to a provider: accepted, refused, or nobody knows; never twice (contract §10)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from notifications import outbox
from notifications.channels import wire
from notifications.channels.opt_outs import is_opted_out
from notifications.held_after_restore import hold_all, release
from notifications.models import Channel, Job, Message, Notification
from notifications.outbox.retry_by_hand import NotRetriable, retry
from tests.cast.factories import make_ada, make_salon
from tests.cast.outbox import NOON
from tests.cast.text_server import NOT_TAKEN, TextServer
from tests.cast.texts import (
    NUMBER,
    PROVIDERS,
    SpokenCast,
    make_channel,
    owe,
    provider_for,
    send_due,
    spoken,
    text_states,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]


@pytest.fixture(autouse=True)
def handler(settings: Any) -> SpokenCast:
    make_salon()
    make_ada()
    return spoken(settings)


@pytest.fixture
def provider(settings: Any) -> Iterator[TextServer]:
    with provider_for(settings) as running:
        yield running


@pytest.fixture(params=PROVIDERS)
def channel(request: Any) -> Channel:
    return make_channel(request.param)


def notices() -> list[tuple[str, str]]:
    return list(Notification.objects.order_by("id").values_list("type", "title"))


def test_a_text_that_was_accepted_is_sent(
    provider: TextServer, channel: Channel, handler: SpokenCast
) -> None:
    owe("a", now=NOON)
    send_due()
    job = Job.objects.get()
    message = job.message
    assert [(each.to, each.sender, each.text, each.reference) for each in provider.taken] == [
        (NUMBER, "Salon", "Hello a", message.message_id)
    ]
    assert text_states() == {"a": ("done", "sent", "")}
    assert job.external_id.removeprefix("SM") == provider.taken[0].id
    seven = channel.provider == "seven"
    assert (message.channel, message.segments, message.sent_by, message.cost, message.currency) == (
        *("sms", 1, channel),
        *((Decimal("0.0750"), "EUR") if seven else (None, "")),
    )
    assert handler.told == [(job.pk, "sent")]
    assert Channel.objects.get().counted == 1


@pytest.mark.parametrize("fault", ["429", "503"])
def test_what_the_provider_did_not_take_waits(
    provider: TextServer, channel: Channel, fault: str, handler: SpokenCast
) -> None:
    provider.fail_next(fault)
    owe("a", now=NOON)
    send_due()
    job = Job.objects.get()
    assert (job.state, job.sends, job.sending_at, job.message.state) == ("pending", 0, None, "waiting")
    assert job.run_at >= NOON + timedelta(seconds=30 if fault == "429" else 0)
    assert (provider.taken, handler.told, Channel.objects.get().counted) == ([], [], 0)


def test_nobody_there_is_known_too(settings: Any, channel: Channel) -> None:
    settings.SEVEN_API_BASE = settings.TWILIO_API_BASE = "http://127.0.0.1:9"
    owe("a", now=NOON)
    send_due()
    job = Job.objects.get()
    assert (job.state, job.sends, job.message.state) == ("pending", 0, "waiting")
    assert "cannot be reached" in job.last_error


def test_refused_is_dead_and_administrators_are_told(provider: TextServer, channel: Channel) -> None:
    provider.fail_next("refused")
    owe("a", now=NOON)
    send_due()
    job = Job.objects.get()
    assert (job.state, job.message.state, provider.taken) == ("dead", "not_sent", [])
    assert notices() == [("job.dead", "test.text could not be carried out")]
    retry(job.pk, now=NOON)
    send_due()
    assert text_states() == {"a": ("done", "sent", "")}


@pytest.mark.parametrize("fault", ["500", "cut", "hang", "dropped"])
def test_what_nobody_knows_is_uncertain_at_once_and_never_sent_again(
    provider: TextServer, channel: Channel, fault: str, handler: SpokenCast, monkeypatch: Any, clock: Any
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.3)
    provider.fail_next(fault)
    owe("a", now=NOON)
    send_due()
    job = Job.objects.get()
    assert (job.state, job.sends, job.message.state) == ("uncertain", 1, "uncertain")
    assert job.message.text == "Hello a"
    assert handler.told == [(job.pk, "uncertain")]
    clock.move_to(NOON + timedelta(days=2))
    outbox.release_leases(now=timezone.now())
    send_due()
    with pytest.raises(NotRetriable):
        retry(job.pk, now=timezone.now())
    send_due()
    assert len(provider.taken) == (0 if fault in NOT_TAKEN else 1)


def test_a_kill_in_mid_sending_sends_nothing_again(
    provider: TextServer, channel: Channel, clock: Any
) -> None:
    """As a worker leaves it that was killed behind the point of no return; whatever the client counts on."""
    owe("a", now=NOON)
    job = outbox.claim(now=NOON)
    assert job is not None
    outbox.mark_sending(job, now=NOON, frozen={"text": "Hello a", "sent_by": channel})
    later = NOON + timedelta(hours=1)
    clock.move_to(later)
    assert outbox.release_leases(now=later) == 1
    send_due()
    assert text_states() == {"a": ("uncertain", "uncertain", "No answer came while it was being sent.")}
    assert provider.taken == []


def test_a_kill_before_it_sends_it_once(provider: TextServer, channel: Channel, clock: Any) -> None:
    owe("a", now=NOON)
    assert outbox.claim(now=NOON) is not None
    clock.move_to(NOON + timedelta(hours=1))
    outbox.release_leases(now=timezone.now())
    send_due()
    assert (len(provider.taken), text_states()) == (1, {"a": ("done", "sent", "")})


@pytest.mark.parametrize("fault", ["bad_key", "no_credit"])
def test_an_account_to_be_mended_keeps_its_texts(provider: TextServer, channel: Channel, fault: str) -> None:
    provider.fail_next(fault, times=2)
    owe("a", "b", now=NOON)
    send_due()
    assert {each[0] for each in text_states().values()} == {"pending"}
    assert notices() == [("channel.down", f"No text leaves by {channel.name}")]
    assert Channel.objects.get().counted == 0


def test_a_provider_that_hangs_is_left_alone_for_a_while(
    provider: TextServer, channel: Channel, monkeypatch: Any, clock: Any
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.1)
    provider.fail_next("hang", times=9)
    owe("a", "b", "c", "d", now=NOON)
    send_due()
    assert [each[0] for each in text_states().values()] == ["uncertain", "uncertain", "pending", "pending"]
    assert [each[0] for each in notices()] == ["channel.down"]
    provider.faults.clear()
    clock.move_to(NOON + timedelta(minutes=30))
    send_due()
    assert [each[0] for each in text_states().values()] == ["uncertain", "uncertain", "done", "done"]
    assert Channel.objects.values("failures", "paused_until").get() == {"failures": 0, "paused_until": None}


def test_a_provider_that_comes_and_goes_is_told_of_once_a_day(
    provider: TextServer, channel: Channel, clock: Any
) -> None:
    for hour in range(3):
        clock.move_to(NOON + timedelta(hours=hour))
        provider.fail_next("500", times=2)
        owe(*(f"{hour} {each}" for each in "ab"), now=timezone.now())
        send_due()
        clock.move_to(NOON + timedelta(hours=hour, minutes=30))
        owe(f"{hour} c", now=timezone.now())
        send_due()
        assert text_states()[f"{hour} c"] == ("done", "sent", "")
    assert [each[0] for each in notices()] == ["channel.down"]
    clock.move_to(NOON + timedelta(days=1))
    provider.fail_next("500", times=2)
    owe("d", "e", now=timezone.now())
    send_due()
    assert [each[0] for each in notices()] == ["channel.down", "channel.down"]


def test_over_the_cap_nothing_leaves_until_the_salons_next_day(provider: TextServer, clock: Any) -> None:
    make_channel(daily_cap=2)
    owe("a", "b", "c", "d", now=NOON)
    send_due()
    assert [each[1:] for each in text_states().values()] == [
        *(("sent", ""), ("sent", "")),
        *(("not_sent", "daily_cap"), ("not_sent", "daily_cap")),
    ]
    assert [each[0] for each in notices()] == ["channel.down"]
    clock.move_to(NOON + timedelta(days=1))
    owe("e", now=timezone.now())
    send_due()
    assert text_states()["e"] == ("done", "sent", "")


@pytest.mark.parametrize("to", ["", "0612345678", "+316", "not a number"])
def test_only_a_number_that_can_be_one(provider: TextServer, channel: Channel, to: str) -> None:
    owe("a", to=to, now=NOON)
    send_due()
    assert (text_states(), provider.taken) == ({"a": ("cancelled", "not_sent", "no_number")}, [])


def test_without_a_channel_nothing_is_sent(provider: TextServer) -> None:
    make_channel(is_active=False)
    owe("a", now=NOON)
    send_due()
    assert (text_states(), provider.taken) == ({"a": ("cancelled", "not_sent", "no_channel")}, [])


def test_the_first_active_channel_is_used(provider: TextServer) -> None:
    make_channel("seven", is_active=False)
    second = make_channel("twilio")
    make_channel("seven", name="third")
    owe("a", now=NOON)
    send_due()
    assert Message.objects.get().sent_by == second


def test_a_demo_client_gets_none(provider: TextServer, channel: Channel, handler: SpokenCast) -> None:
    handler.fields = {"deliver_outside": False}
    owe("a", now=NOON)
    send_due()
    assert (text_states(), provider.taken) == ({"a": ("done", "kept", "")}, [])


def test_the_providers_own_list_is_believed(provider: TextServer) -> None:
    make_channel("twilio")
    provider.fail_next("opted_out")
    owe("a", "b", now=NOON)
    send_due()
    assert {each[1:] for each in text_states().values()} == {("not_sent", "opted_out")}
    assert is_opted_out(NUMBER)
    assert provider.taken == []


def test_another_key_is_said_and_costs_no_text(provider: TextServer, channel: Channel, settings: Any) -> None:
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-secret-key" * 4
    owe("a", now=NOON)
    send_due()
    assert text_states()["a"][0] == "pending"
    [(type_, _)] = notices()
    assert type_ == "channel.down"
    assert "credentials" in Notification.objects.get().body
    settings.SECRET_KEY_FALLBACKS = [old]
    Job.objects.update(run_at=NOON)
    send_due()
    assert text_states() == {"a": ("done", "sent", "")}


def test_texts_leave_a_thread_to_the_mails(channel: Channel) -> None:
    """Three in hand at once; the fourth waits, and what is no text goes before it."""
    owe("a", "b", "c", "d", now=NOON)
    outbox.enqueue([outbox.Due(type="test.mail", once_key="mail", run_at=NOON)], now=NOON)
    held = [outbox.claim(now=NOON) for _ in range(4)]
    assert [job.once_key for job in held if job is not None] == ["a", "b", "c", "mail"]
    assert outbox.claim(now=NOON) is None


def test_after_a_restore_a_text_counts_as_sent(provider: TextServer, channel: Channel, clock: Any) -> None:
    owe("a", now=NOON)
    hold_all()
    later = NOON + timedelta(hours=1)
    clock.move_to(later)
    release(send_overdue=False, now=later)
    send_due()
    assert provider.taken == []
    assert text_states()["a"][:2] == ("uncertain", "uncertain")
