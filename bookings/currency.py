"""Currencies: how many decimals each has (ISO 4217), and amounts in minor units.

Names: minor_digits, to_minor, from_minor.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

WITHOUT_DECIMALS = {
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
}
WITH_THREE_DECIMALS = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}


def minor_digits(currency: str) -> int:
    """The number of decimals of an ISO 4217 currency: 0 for JPY, 3 for KWD, 2 for most."""
    if currency in WITHOUT_DECIMALS:
        return 0
    return 3 if currency in WITH_THREE_DECIMALS else 2


def to_minor(amount: Decimal, *, currency: str) -> int:
    """`amount` in the currency's minor unit, half-up: 12.345 EUR is 1235, 12.345 KWD is 12345."""
    return int(amount.scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def from_minor(amount_minor: int, *, currency: str) -> Decimal:
    """The amount with the currency's decimals: 1235 EUR is 12.35, 1235 JPY is 1235."""
    return Decimal(amount_minor).scaleb(-minor_digits(currency))
