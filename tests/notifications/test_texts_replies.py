"""What clients write back: STOP, yes, or something for the desk (contract §10 "words")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from notifications.channels.opt_outs import forget_numbers, is_opted_out
from notifications.channels.reply_words import meaning_of
from notifications.models import Channel, InboundText, Job, Message, Notification, OptOut
from tests.cast.factories import caller, make_ada, make_alice, make_bea, make_client, make_key, make_salon
from tests.cast.outbox import NOON
from tests.cast.text_server import TextServer
from tests.cast.texts import (
    CREDENTIALS,
    NUMBER,
    OTHER,
    PROVIDERS,
    make_channel,
    owe,
    provider_for,
    send_due,
    spoken,
    text_states,
    write_back,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOON)]

confirmed: list[str] = []


def confirms(*, number: str, now: datetime) -> bool:
    """As `settings.CONFIRM_BY_REPLY`: of one number a visit asks."""
    if number == NUMBER:
        confirmed.append(number)
    return number == NUMBER


@pytest.fixture(autouse=True)
def _cast(settings: Any) -> None:
    make_salon()
    make_ada()
    spoken(settings)
    settings.CONFIRM_BY_REPLY = f"{__name__}.confirms"
    confirmed.clear()


@pytest.fixture
def provider(settings: Any) -> Iterator[TextServer]:
    with provider_for(settings) as running:
        yield running


@pytest.fixture(params=PROVIDERS)
def channel(request: Any) -> Channel:
    return make_channel(request.param)


def inbound() -> list[tuple[str, str, str]]:
    return list(InboundText.objects.order_by("id").values_list("number", "meaning", "text"))


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop. ", "STOP!", "Stopp", "stop sms", "SMS STOP", "Stop alles a.u.b."),
        *(
            "Afmelden",
            "ABMELDEN",
            "Arrêt",
            "arrêtez svp",
            "désinscription",
            "BAJA",
            "stop please",
            "Stop bitte",
            "STOP, merci",
            "opt-out",
            "Se désabonner",
            "désinscrire",
            "Darme de baja, por favor",
        ),
    ],
)
def test_words_that_stop(text: str) -> None:
    assert meaning_of(text) == "stop"


@pytest.mark.parametrize(
    "text",
    [
        "Yes",
        "y",
        "YES!",
        "ja",
        "J",
        "Ja, akkoord",
        "oui",
        "OUI.",
        "sí",
        "Si",
        "ok",
        "Bestätigt",
        "confirmé",
        "vale",
    ],
)
def test_words_that_confirm(text: str) -> None:
    assert meaning_of(text) == "yes"


@pytest.mark.parametrize(
    "text",
    [
        *("stop by at three?", "Can I stop by", "yes but can we make it 11?", "", "?", "no", "nee", "cancel"),
        *("ja ja ja", "okidoki", "yesterday", "please", "👍"),
    ],
)
def test_words_for_the_desk(text: str) -> None:
    assert meaning_of(text) == "other"


def test_stop_ends_texts_to_the_number_and_is_confirmed_once(provider: TextServer, channel: Channel) -> None:
    alice = make_alice(mobile=NUMBER, locale="nl")
    assert write_back(channel, "STOP", id="1") == 204
    assert write_back(channel, "stop", id="2") == 204
    assert is_opted_out(NUMBER)
    owe("a", now=NOON)
    send_due()
    assert text_states()["a"] == ("cancelled", "not_sent", "opted_out")
    # Twilio answers a STOP itself, and takes nothing for the number from then on.
    expected = (
        []
        if channel.provider == "twilio"
        else ["Je krijgt geen sms-berichten meer van Salon Zonne. Bel ons als je dat wilt veranderen."]
    )
    assert [each.text for each in provider.taken] == expected
    assert set(InboundText.objects.values_list("client_id", "meaning")) == {(alice.pk, "stop")}
    assert OptOut.objects.count() == 1
    assert not Notification.objects.exists()


def test_yes_confirms_the_one_visit_that_asks(channel: Channel) -> None:
    assert write_back(channel, "Ja") == 204
    assert (confirmed, inbound()) == ([NUMBER], [(NUMBER, "yes", "Ja")])
    assert not Notification.objects.exists()


def test_yes_to_nothing_is_for_the_desk(channel: Channel) -> None:
    assert write_back(channel, "Ja", number=OTHER) == 204
    assert inbound() == [(OTHER, "other", "Ja")]
    assert list(Notification.objects.values_list("type", "title", "body")) == [
        ("message.inbound", "A text from a client", f"{OTHER}: Ja")
    ]


def test_anything_else_is_for_the_desk_with_who_it_is(channel: Channel) -> None:
    alice = make_alice(mobile=NUMBER)
    assert write_back(channel, "May I bring <b>my</b> dog?\n=cmd()") == 204
    line = Notification.objects.get()
    assert (line.type, line.body) == (
        "message.inbound",
        f"{alice.name}, {NUMBER}: May I bring <b>my</b> dog?\n=cmd()",
    )
    make_client("Aunt", phone=NUMBER)
    write_back(channel, "Me again", id="2")
    assert Notification.objects.latest("id").body == f"{NUMBER}: Me again", "two have this number"


@pytest.mark.parametrize(("odd", "by"), [("\0", "seven"), ("\ud800", "seven"), ("\0", "twilio")])
def test_what_no_column_holds_is_read_all_the_same(odd: str, by: str) -> None:
    channel = make_channel(by)
    assert write_back(channel, f"STOP{odd}") == 204
    assert is_opted_out(NUMBER)
    assert write_back(channel, f"At{odd}two", id="2") == 204
    [(_, _, text)] = [each for each in inbound() if each[1] == "other"]
    assert text in ("At two", "At?two")


def test_a_repeat_does_nothing(channel: Channel) -> None:
    assert {write_back(channel, "Hello", id="7") for _ in range(3)} == {204}
    assert (InboundText.objects.count(), Notification.objects.count()) == (1, 1)


def test_what_is_not_signed_stores_nothing(channel: Channel) -> None:
    wrong = {"key": "forged"} if channel.provider == "seven" else {"token": "forged"}
    Channel.objects.update(unsigned_inbound=True)
    for text in ("STOP", "Ja", "Hello"):
        assert write_back(channel, text, **wrong) == 403
    assert (inbound(), OptOut.objects.count(), Job.objects.count(), confirmed) == ([], 0, 0, [])


@pytest.mark.parametrize(("allowed", "status", "stored"), [(True, 204, 1), (False, 403, 0)])
def test_without_a_signing_key_only_stop_counts_and_only_where_allowed(
    allowed: bool, status: int, stored: int
) -> None:
    channel = make_channel(credentials={"api_key": "k"}, unsigned_inbound=allowed)
    for number, text in enumerate(("Ja", "Hello", "STOP")):
        assert write_back(channel, text, id=str(number)) == status
    assert (OptOut.objects.count(), InboundText.objects.count()) == (stored, stored)
    assert (confirmed, Notification.objects.count()) == ([], 0)


def test_staff_lift_it_with_a_reason() -> None:
    channel = make_channel()
    bea = make_bea()
    write_back(channel, "STOP")
    row = OptOut.objects.get()
    who = caller(bea)
    refused = who.post(f"/api/opt-outs/{row.pk}/lift", {"reason": " "})
    assert (refused.status_code, list(refused.json()["details"])) == (400, ["reason"])
    assert is_opted_out(NUMBER)
    lifted = who.post(f"/api/opt-outs/{row.pk}/lift", {"reason": "Asked for it at the desk"})
    assert lifted.status_code == 200
    assert lifted.json() == {
        "id": row.pk,
        "number": NUMBER,
        "source": "reply",
        "created_at": "2026-11-20 13:00:00",
        "lifted_at": "2026-11-20 13:00:00",
        "lifted_by": bea.pk,
        "lifted_because": "Asked for it at the desk",
    }
    assert not is_opted_out(NUMBER)
    again = who.post(f"/api/opt-outs/{row.pk}/lift", {"reason": "Twice"})
    assert (again.status_code, again.json()["code"]) == (409, "already_lifted")
    write_back(channel, "STOP", id="2")
    assert is_opted_out(NUMBER)
    assert [each["id"] for each in who.get("/api/opt-outs?lifted=0").json()] == [
        OptOut.objects.latest("id").pk
    ]


def test_a_key_lifts_nothing() -> None:
    channel = make_channel()
    write_back(channel, "STOP")
    answer = caller(make_key()[1]).post(f"/api/opt-outs/{OptOut.objects.get().pk}/lift", {"reason": "x"})
    assert answer.status_code == 403
    assert is_opted_out(NUMBER)


def test_another_secret_key_still_knows_the_number(settings: Any) -> None:
    """By its fallbacks, also when the number itself was erased."""
    write_back(make_channel(), "STOP")
    OptOut.objects.update(number="")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "the-next-key" * 5
    assert is_opted_out(NUMBER)
    assert not is_opted_out(OTHER)


def test_an_erasure_keeps_a_stop_by_the_key_of_today(settings: Any) -> None:
    write_back(make_channel(), "STOP")
    former, settings.SECRET_KEY = settings.SECRET_KEY, "the-next-key" * 5
    settings.SECRET_KEY_FALLBACKS = [former]
    forget_numbers([NUMBER], client_ids=[])
    assert OptOut.objects.get().number == ""
    settings.SECRET_KEY_FALLBACKS = []
    assert is_opted_out(NUMBER)


def test_the_texts_that_came_in_are_listed() -> None:
    channel = make_channel()
    alice = make_alice(mobile=NUMBER)
    write_back(channel, "Hello")
    who = caller(make_ada(email="other@example.com"))
    assert who.get("/api/inbound-texts").json() == [
        {
            "id": InboundText.objects.get().pk,
            "number": NUMBER,
            "client_id": alice.pk,
            "text": "Hello",
            "meaning": "other",
            "received_at": "2026-11-20 13:00:00",
        }
    ]
    assert who.get("/api/inbound-texts?meaning=stop").json() == []


def test_the_credentials_of_the_cast_are_whole() -> None:
    assert {make_channel(each).provider for each in CREDENTIALS} == set(PROVIDERS)
    assert not Message.objects.exists()
