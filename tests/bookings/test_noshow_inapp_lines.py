"""What the salon is told about no-show money: in its own language, and whom it has to ask itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bookings.models import NoShowFee
from bookings.noshow import inapp_lines
from bookings.noshow.checkout import Checkout
from clients.models import Client
from notifications.models import Message, Notification
from staff.models import SalonSettings
from tests.cast.noshow import AFTER_THE_VISIT, charging_cast, fee_of, miss, run_jobs
from tests.cast.stripe_server import StripeServer

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(AFTER_THE_VISIT, tick=True)]

NOW = datetime(2026, 3, 24, 12, 0, tzinfo=UTC)
ODD = Checkout(
    id="cs_test_1",
    reference="",
    status="complete",
    payment_status="paid",
    amount_total=1,
    currency="EUR",
    payment_intent="pi_1",
    url="",
)


def all_told(fee: NoShowFee, *, locale: str) -> list[tuple[str, str]]:
    """Title and body of every line there is about a fee."""
    SalonSettings.objects.update(locale=locale)
    Notification.objects.all().delete()
    inapp_lines.say_paid(fee, now=NOW)
    inapp_lines.say_paid_stays(fee, now=NOW)
    for state in NoShowFee.State.PAID, NoShowFee.State.WAIVED:
        fee.state = state
        inapp_lines.say_surplus(fee, now=NOW)
    inapp_lines.say_wrong_amount(fee, ODD, now=NOW)
    inapp_lines.say_not_sent(fee, why="", job="7 (noshow.fee)", now=NOW)
    inapp_lines.say_no_address(fee, now=NOW)
    found = Notification.objects.filter(staff__name="Ada Admin").order_by("id")
    return list(found.values_list("title", "body"))


@pytest.mark.parametrize(
    ("locale", "paid"),
    [
        ("nl", "Kosten voor niet verschijnen betaald: 20.00 EUR"),
        ("de", "Ausfallgebühr bezahlt: 20.00 EUR"),
        ("fr", "Frais d'absence payés : 20.00 EUR"),
        ("es", "Cargo por no presentarse pagado: 20.00 EUR"),
    ],
)
def test_the_salon_reads_of_fees_in_its_own_language(locale: str, paid: str) -> None:
    fee = fee_of(miss(charging_cast()))
    english = all_told(fee, locale="en")
    translated = all_told(fee, locale=locale)
    assert len(english) == len(translated) == 7
    assert translated[0] == (paid, "")
    for (title, body), (was_title, was_body) in zip(translated, english, strict=True):
        assert title != was_title
        assert body != was_body or not body
    assert "7 (noshow.fee)" in translated[5][1]
    assert " 0.01 EUR " in translated[4][1]
    assert "cs_test_1" in translated[4][1]


def test_admins_hear_of_a_fee_whose_client_has_no_address(stripe: StripeServer) -> None:
    cast = charging_cast()
    Client.objects.filter(pk=cast.alice.pk).update(email="")
    booking = miss(cast)
    run_jobs(rounds=3)
    assert fee_of(booking).state == "due"
    assert Message.objects.get(type="noshow.mail").reason == "no_address"
    assert list(Notification.objects.filter(type="noshow.failed").values_list("staff__name", "title")) == [
        ("Ada Admin", "The no-show fee could not be sent: 20.00 EUR")
    ]


@pytest.mark.parametrize(
    ("counted", "currency", "text"),
    [
        (2000, "EUR", "20.00 EUR"),
        (1, "EUR", "0.01 EUR"),
        (2600, "JPY", "2600 JPY"),
        (500, "ISK", "5 ISK"),
        (20, "MGA", "20.00 MGA"),
        (26000, "KWD", "26.000 KWD"),
        (None, "EUR", "? EUR"),
    ],
)
def test_what_stripe_counted_is_told_as_an_amount(counted: int | None, currency: str, text: str) -> None:
    fee = fee_of(miss(charging_cast()))
    inapp_lines.say_wrong_amount(fee, replace(ODD, amount_total=counted, currency=currency), now=NOW)
    assert f"Stripe counted {text} in cs_test_1." in Notification.objects.latest("id").body
