"""How much, and how Stripe counts it. Amounts from outside are never used (reliability §3).

A fee's `amount_minor` is in the currency's ISO 4217 minor unit (`staff.wire.money`). Stripe counts most
currencies so; the few others are converted here, at its border.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from bookings.models import Booking, price_of
from staff.models import SalonSettings
from staff.wire.money import minor_digits, print_amount, to_minor

STRIPE_DIGITS = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where Stripe's minor unit is not ISO 4217's."""

LAST_DIGIT_ZERO = {"BHD", "JOD", "KWD", "OMR", "TND"}
"""Three decimals, of which Stripe takes two."""

STRIPE_MINIMUM: dict[str, Decimal] = {
    **dict.fromkeys(("ARS", "AUD", "BRL", "CAD", "CHF", "COP", "EUR", "INR", "NZD"), Decimal("0.50")),
    **dict.fromkeys(("PHP", "RUB", "SGD", "USD", "ZAR"), Decimal("0.50")),
    **dict.fromkeys(("AED", "MYR", "PLN", "RON"), Decimal(2)),
    **dict.fromkeys(("NOK", "SEK"), Decimal(3)),
    **dict.fromkeys(("MXN", "THB"), Decimal(10)),
    "BGN": Decimal(1),
    "CZK": Decimal(15),
    "DKK": Decimal("2.50"),
    "GBP": Decimal("0.30"),
    "HKD": Decimal(4),
    "HUF": Decimal(175),
    "JPY": Decimal(50),
}
"""The least Stripe charges, in major units. Elsewhere it depends on the account and Stripe says so itself."""

STRIPE_MAXIMUM = 99_999_999
"""The most Stripe charges in most currencies, in its minor unit."""


class NotChargeable(Exception):
    """There is nothing to charge, with the reason for people."""

    def __init__(self, reason: str, *, amount_minor: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.amount_minor = amount_minor


def fee_for(bookings: Sequence[Booking], salon: SalonSettings) -> int:
    """The one fee of these bookings in the minor unit of `salon.currency`, half-up (contract §1.4).

    Raises NotChargeable.
    """
    amount = _minor(_major_fee(bookings, salon), salon.currency)
    if amount <= 0:
        raise NotChargeable("The fee comes to zero.")
    minimum = _minor(STRIPE_MINIMUM.get(salon.currency, Decimal(0)), salon.currency)
    if amount < minimum:
        raise NotChargeable(
            f"The fee is under the least that Stripe charges in {salon.currency}.", amount_minor=amount
        )
    if stripe_amount(amount, currency=salon.currency) > STRIPE_MAXIMUM:
        raise NotChargeable(
            f"The fee is over the most that Stripe charges in {salon.currency}.", amount_minor=amount
        )
    return amount


def stripe_amount(amount_minor: int, *, currency: str) -> int:
    """`amount_minor` as Stripe counts: 5 ISK are 500, 12340 KWD fils stay 12340."""
    shift = STRIPE_DIGITS.get(currency, minor_digits(currency)) - minor_digits(currency)
    return int(Decimal(amount_minor).scaleb(shift))


def stripe_amount_text(counted: int | None, *, currency: str) -> str:
    """What Stripe counted, for people: 2000 in EUR is "20.00 EUR", 500 in ISK "5 ISK", None "? EUR"."""
    if counted is None:
        return f"? {currency}"
    amount = Decimal(counted).scaleb(-STRIPE_DIGITS.get(currency, minor_digits(currency)))
    return f"{print_amount(amount, currency=currency)} {currency}"


def _major_fee(bookings: Sequence[Booking], salon: SalonSettings) -> Decimal:
    if salon.noshow_fee_type == SalonSettings.FeeType.FIXED:
        return salon.noshow_fee_value
    price = price_of(bookings)
    if price is None:
        raise NotChargeable("The booking has no price to take a percentage of.")
    return max(price * salon.noshow_fee_value / 100, salon.noshow_fee_minimum)


def _minor(amount: Decimal, currency: str) -> int:
    """Half-up to the smallest step Stripe takes in this currency."""
    if currency in LAST_DIGIT_ZERO:
        return int(amount.scaleb(2).quantize(Decimal(1), rounding=ROUND_HALF_UP)) * 10
    if STRIPE_DIGITS.get(currency, 2) < minor_digits(currency):
        return int(amount.quantize(Decimal(1), rounding=ROUND_HALF_UP).scaleb(minor_digits(currency)))
    return to_minor(amount, currency=currency)
