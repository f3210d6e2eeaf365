"""/api/channels and its pages in admin: shapes, what is refused, what is never shown (contract §10)."""

from __future__ import annotations

from typing import Any

import pytest

from notifications.channels.sealing import KeyLost, opened, sealed
from notifications.channels.segments import length_of
from notifications.models import Channel, Job, Message
from tests.cast.factories import caller, make_ada, make_bea, make_salon
from tests.cast.outbox import NOON
from tests.cast.texts import CREDENTIALS, NUMBER, make_channel, owe, provider_for, send_due, spoken

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]

SECRETS = [value for each in CREDENTIALS.values() for value in each.values()]


@pytest.fixture
def admin() -> Any:
    make_salon(country="NL")
    return caller(make_ada())


def body(**changes: Any) -> dict[str, Any]:
    return {
        "provider": "seven",
        "name": "SMS",
        "sender": "Zonne",
        "credentials": CREDENTIALS["seven"],
    } | changes


def test_a_channel_shows_everything_but_its_credentials(admin: Any) -> None:
    made = admin.post("/api/channels", body())
    assert made.status_code == 201
    row = Channel.objects.get()
    base = f"http://127.0.0.1:8000/api/channels/{row.pk}"
    expected = {
        "id": row.pk,
        "kind": "sms",
        "provider": "seven",
        "name": "SMS",
        "sender": "Zonne",
        "is_active": True,
        "daily_cap": 200,
        "unsigned_inbound": False,
        "sent_today": 0,
        "paused_until": None,
        "receipts_url": f"{base}/receipts/{row.secret}",
        "inbound_url": f"{base}/inbound/{row.secret}",
        "created_at": "2026-11-20 13:00:00",
    }
    assert made.json() == expected
    assert admin.get(f"/api/channels/{row.pk}").json() == expected
    assert admin.get("/api/channels").json() == [expected]
    assert len(row.secret) == 22, "128 bits"
    assert not any(each in row.credentials for each in SECRETS)
    assert opened(row.credentials) == CREDENTIALS["seven"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"provider": "vonage"}, "provider"),
        ({"name": " "}, "name"),
        ({"sender": "two\nlines"}, "sender"),
        ({"sender": ""}, "sender"),
        ({"credentials": {}}, "credentials"),
        ({"credentials": {"signing_key": "x"}}, "credentials"),
        ({"credentials": {"api_key": "x", "auth_token": "y"}}, "credentials"),
        ({"credentials": {"api_key": "x" * 201}}, "credentials.api_key"),
        ({"credentials": {"api_key": "caf\u00e9\u20ac"}}, "credentials"),
        ({"credentials": {"api_key": "two words"}}, "credentials"),
        ({"credentials": "x"}, "credentials.non_field_errors"),
        ({"credentials": None}, "credentials"),
        ({"provider": "twilio"}, "credentials"),
        ({"daily_cap": 0}, "daily_cap"),
        ({"daily_cap": "many"}, "daily_cap"),
        ({"daily_cap": 100_001}, "daily_cap"),
        ({"is_active": "yes"}, "is_active"),
        ({"unsigned_inbound": 1}, "unsigned_inbound"),
    ],
)
def test_what_is_refused_stores_nothing(admin: Any, changes: dict[str, Any], field: str) -> None:
    answer = admin.post("/api/channels", body(**changes))
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert not any(each in answer.content.decode() for each in SECRETS)
    channel = make_channel()
    before = Channel.objects.values().get()
    answer = admin.put(f"/api/channels/{channel.pk}", changes)
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert Channel.objects.values().get() == before


def test_a_change_keeps_what_is_absent(admin: Any) -> None:
    channel = make_channel()
    Channel.objects.update(failures=3, paused_until=NOON, down_told_at=NOON)
    answer = admin.put(f"/api/channels/{channel.pk}", {"sender": "Other", "is_active": False})
    assert answer.status_code == 200
    row = Channel.objects.get()
    assert (row.sender, row.is_active, row.credentials, row.secret) == (
        *("Other", False),
        *(channel.credentials, channel.secret),
    )
    assert (row.failures, row.paused_until, row.down_told_at) == (0, None, None)
    moved = {"provider": "twilio", "credentials": CREDENTIALS["twilio"]}
    assert admin.put(f"/api/channels/{channel.pk}", moved).status_code == 200
    assert opened(Channel.objects.get().credentials) == CREDENTIALS["twilio"]


def test_removing_a_channel_keeps_its_messages(admin: Any, settings: Any) -> None:
    spoken(settings)
    channel = make_channel()
    with provider_for(settings):
        owe("a", now=NOON)
        send_due()
    assert admin.delete(f"/api/channels/{channel.pk}").status_code == 204
    assert Message.objects.filter(state="sent", sent_by=None).count() == 1


def test_a_test_text_goes_to_the_number_by_this_channel(admin: Any, settings: Any) -> None:
    make_channel("twilio")
    channel = make_channel(is_active=False)
    with provider_for(settings) as provider:
        answer = admin.post(f"/api/channels/{channel.pk}/test", {"to": "06 12345678"})
        assert answer.status_code == 201
        job = Job.objects.get()
        assert answer.json() == {"message_id": job.message.pk, "job_id": job.pk, "to": NUMBER}
        send_due()
        assert [(each.to, each.text) for each in provider.taken] == [
            (NUMBER, "This is a test from Salon Zonne: texts arrive.")
        ]
    assert Message.objects.get().sent_by == channel
    assert NUMBER not in str(Job.objects.get().payload)


@pytest.mark.parametrize("to", ["", "mother", "06", 5, None])
def test_a_test_to_no_number_is_refused(admin: Any, to: Any) -> None:
    channel = make_channel()
    answer = admin.post(f"/api/channels/{channel.pk}/test", {"to": to})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["to"])
    assert not Job.objects.exists()


def test_only_administrators_see_channels() -> None:
    make_channel()
    assert caller(make_bea()).get("/api/channels").status_code == 403


def test_only_our_keys_open_what_is_sealed(settings: Any) -> None:
    kept = sealed({"api_key": "k"})
    settings.CHANNEL_KEY = "a key of its own"
    assert opened(kept) == {"api_key": "k"}, "sealed before it had one"
    anew = sealed({"api_key": "k"})
    settings.SECRET_KEY = "x" * 60
    assert opened(anew) == {"api_key": "k"}
    for changed in (kept, anew[:-4] + "AAA=", "", "not sealed"):
        with pytest.raises(KeyLost):
            opened(changed)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("GSM-7", 0, 0)),
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("a" * 306, ("GSM-7", 306, 2)),
        ("a" * 307, ("GSM-7", 307, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("€" * 153, ("GSM-7", 306, 3)),
        ("è" * 160, ("GSM-7", 160, 1)),
        ("ê" * 70, ("UCS-2", 70, 1)),
        ("ê" * 71, ("UCS-2", 71, 2)),
        ("ê" * 134, ("UCS-2", 134, 2)),
        ("👍" * 35, ("UCS-2", 70, 1)),
        ("👍" * 67, ("UCS-2", 134, 3)),
    ],
)
def test_segments(text: str, expected: tuple[str, int, int]) -> None:
    """A sign of two places is never cut in two."""
    assert length_of(text) == expected
