"""The currencies of ISO 4217 that a salon can ask its prices in: decimals, printing, minor units.

Names: CURRENCIES, print_amount, shown_digits, minor_digits, to_minor, from_minor.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_WITH_TWO = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF "
    "IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR "
    "MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD "
    "SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG "
    "YER ZAR ZMW ZWG"
)
_WITH_THREE = "BHD IQD JOD KWD LYD OMR TND"

CURRENCIES: dict[str, int] = {
    code: digits
    for digits, codes in ((0, _WITHOUT_DECIMALS), (2, _WITH_TWO), (3, _WITH_THREE))
    for code in codes.split()
}
"""Currency code to its number of decimals."""


@lru_cache
def print_amount(amount: Decimal, *, currency: str) -> str:
    """The amount with at least the currency's decimals, and no zero beyond them: 40.000 EUR is '40.00'."""
    return f"{amount:.{shown_digits(amount, at_least=minor_digits(currency))}f}"


def shown_digits(amount: Decimal, *, at_least: int) -> int:
    """The decimals that show all of `amount`: 40.000 has none, 0.125 has three."""
    return max(at_least, -int(amount.normalize().as_tuple().exponent))


def minor_digits(currency: str) -> int:
    """The number of decimals of an ISO 4217 currency: 0 for JPY, 3 for KWD, 2 for most."""
    return CURRENCIES.get(currency, 2)


def to_minor(amount: Decimal, *, currency: str) -> int:
    """`amount` in the currency's minor unit, half-up: 12.345 EUR is 1235, 12.345 KWD is 12345."""
    return int(amount.scaleb(minor_digits(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def from_minor(amount_minor: int, *, currency: str) -> Decimal:
    """The amount with the currency's decimals: 1235 EUR is 12.35, 1235 JPY is 1235."""
    return Decimal(amount_minor).scaleb(-minor_digits(currency))
