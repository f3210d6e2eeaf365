"""What providers say became of a text: signed, stored once, never taken back (contract §10)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from notifications import outbox
from notifications.channels import wire
from notifications.channels.addresses import receipts_url
from notifications.channels.receipts import KEPT, forget_old_receipts
from notifications.models import Channel, Job, Message, Receipt
from tests.cast.factories import make_ada, make_salon
from tests.cast.outbox import NOON
from tests.cast.text_server import Taken, TextServer, seven_call, twilio_call
from tests.cast.texts import (
    PROVIDERS,
    SpokenCast,
    make_channel,
    owe,
    provider_for,
    receipt,
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


def sent(provider: TextServer) -> Taken:
    owe("a", now=NOON)
    send_due()
    return provider.taken[0]


def test_a_receipt_says_delivered(provider: TextServer, channel: Channel) -> None:
    text = sent(provider)
    assert receipt(channel, id=text.id, state="delivered") == 204
    assert text_states() == {"a": ("done", "delivered", "")}


def test_a_receipt_says_that_it_failed(provider: TextServer, channel: Channel) -> None:
    text = sent(provider)
    assert receipt(channel, id=text.id, state="failed", reference=text.reference) == 204
    word = "NOTDELIVERED" if channel.provider == "seven" else "undelivered"
    assert text_states() == {"a": ("done", "not_sent", f"not_delivered: {word}")}


def test_repeats_and_any_order_end_the_same(provider: TextServer, channel: Channel) -> None:
    text = sent(provider)
    said = ["sent", "failed", "delivered"] * 3
    random.Random(5).shuffle(said)
    assert {receipt(channel, id=text.id, state=each, reference=text.reference) for each in said} == {204}
    assert text_states() == {"a": ("done", "delivered", "")}
    assert Receipt.objects.count() == 3


@pytest.mark.parametrize("said", ["sent", "delivered"])
def test_our_reference_settles_what_nobody_knew(
    provider: TextServer, channel: Channel, handler: SpokenCast, said: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.3)
    provider.fail_next("cut")
    text = sent(provider)
    assert text_states()["a"][0] == "uncertain"
    assert receipt(channel, id=text.id, state=said, reference=text.reference) == 204
    assert text_states() == {"a": ("done", said, "")}
    assert Job.objects.get().external_id.removeprefix("SM") == text.id
    assert [state for _, state in handler.told] == ["uncertain"], "it was told once what was announced"
    send_due()
    assert len(provider.taken) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("knows_us", [True, False])
def test_a_receipt_that_is_quicker_than_the_answer_stays(provider: TextServer, knows_us: bool) -> None:
    """With our reference it finds the text at once; without one it waits for the provider's id."""
    channel = make_channel()
    statuses: list[int] = []

    def tell_at_once(text: Taken) -> None:
        reference = text.reference if knows_us else ""
        statuses.append(receipt(channel, id=text.id, state="delivered", reference=reference))
        connection.close()

    provider.before_answer = tell_at_once
    sent(provider)
    assert (statuses, text_states()) == ([204], {"a": ("done", "delivered", "")})
    assert Job.objects.get().external_id == provider.taken[0].id


def test_a_text_that_would_be_tried_again_has_left_after_all(
    provider: TextServer, channel: Channel, handler: SpokenCast
) -> None:
    provider.fail_next("503")
    owe("a", now=NOON)
    send_due()
    message = Message.objects.get()
    assert text_states()["a"][0] == "pending"
    assert receipt(channel, id="9", state="delivered", reference=message.message_id) == 204
    Job.objects.update(run_at=NOON)
    send_due()
    assert provider.taken == []
    assert text_states() == {"a": ("done", "delivered", "")}
    assert handler.told == [(message.job_id, "delivered")]


def test_a_kill_after_the_provider_took_it_and_said_so(
    provider: TextServer, channel: Channel, clock: Any
) -> None:
    owe("a", now=NOON)
    job = outbox.claim(now=NOON)
    assert job is not None
    outbox.mark_sending(job, now=NOON, frozen={"text": "Hello", "sent_by": channel})
    reference = Message.objects.get().message_id
    assert receipt(channel, id="9", state="delivered", reference=reference) == 204
    clock.shift(3600)
    outbox.release_leases(now=timezone.now())
    assert text_states() == {"a": ("done", "delivered", "")}


def test_a_forged_receipt_stores_nothing(provider: TextServer, channel: Channel) -> None:
    text = sent(provider)
    wrong = {"key": "forged"} if channel.provider == "seven" else {"token": "forged"}
    assert receipt(channel, id=text.id, state="delivered", **wrong) == 403
    url = receipts_url(channel)
    if channel.provider == "seven":
        call = seven_call(url, "dlr", {"msg_id": text.id, "status": "DELIVERED"})
        call["data"] = call["data"].replace(b"DELIVERED", b"EXPIRED")
    else:
        call = twilio_call(url, {"MessageSid": f"SM{text.id}", "MessageStatus": "delivered"})
        call["data"] += b"&ErrorCode=1"
    assert Browser().post(**call).status_code == 403
    call["headers"] = {}
    assert Browser().post(**call).status_code == 403
    assert Browser().get(call["path"]).status_code == 403
    assert (Receipt.objects.count(), text_states()) == (0, {"a": ("done", "sent", "")})


def test_a_receipt_signed_for_another_address_is_none(provider: TextServer, channel: Channel) -> None:
    """Also where the Host header says that it is this one."""
    text = sent(provider)
    url = receipts_url(channel).replace("127.0.0.1", "evil.example")
    data = {"msg_id": text.id, "status": "DELIVERED"}
    fields = {"MessageSid": f"SM{text.id}", "MessageStatus": "delivered"}
    call = seven_call(url, "dlr", data) if channel.provider == "seven" else twilio_call(url, fields)
    assert Browser().post(**call).status_code == 403


@pytest.mark.parametrize(("seconds", "status"), [(-301, 403), (-290, 204), (290, 204), (301, 403)])
def test_an_old_signature_is_none(provider: TextServer, seconds: int, status: int) -> None:
    channel = make_channel("seven")
    text = sent(provider)
    at = timezone.now().timestamp() + seconds
    assert receipt(channel, id=text.id, state="delivered", at=at) == status


def test_an_unknown_address_is_404(channel: Channel) -> None:
    own = receipts_url(channel)
    for url in (own[:-1], own.replace(f"/{channel.pk}/", f"/{channel.pk + 1}/")):
        call = seven_call(url, "dlr", {"msg_id": "1", "status": "DELIVERED"})
        assert Browser().post(**call).status_code == 404


def test_twilio_may_deliver_by_get(provider: TextServer) -> None:
    channel = make_channel("twilio")
    text = sent(provider)
    url = f"{receipts_url(channel)}?ref={text.reference}&MessageSid=SM{text.id}&MessageStatus=delivered"
    call = twilio_call(url, {})
    answer = Browser().get(call["path"], headers=call["headers"])
    assert (answer.status_code, text_states()) == (204, {"a": ("done", "delivered", "")})


def test_news_that_is_none_for_us_is_taken(channel: Channel) -> None:
    if channel.provider == "seven":
        call = seven_call(receipts_url(channel), "tracking", {"msg_id": "1"})
    else:
        call = twilio_call(receipts_url(channel), {"EventType": "READ"})
    assert Browser().post(**call).status_code == 204
    assert not Receipt.objects.exists()


def test_old_receipts_are_forgotten(provider: TextServer, channel: Channel) -> None:
    text = sent(provider)
    receipt(channel, id=text.id, state="delivered")
    forget_old_receipts(now=timezone.now())
    assert Receipt.objects.count() == 1
    forget_old_receipts(now=timezone.now() + KEPT * 2)
    assert Receipt.objects.count() == 0
