"""Serializer fields that take JSON at its word (contract §0)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rest_framework import serializers

from staff.wire.fields import (
    CalendarDateField,
    ChoiceTextField,
    EmailAddressField,
    MoneyField,
    PhoneField,
    SlugTextField,
    StrictBooleanField,
    StrictIdField,
    StrictIntegerField,
    TextField,
    TimeOfDayField,
    WallClockField,
)

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def read(field: serializers.Field, value: Any, **context: Any) -> Any:
    """What `field` makes of `value` inside a serializer, or the list of its sentences."""
    serializer = _serializer(field)(data={"it": value}, context={"zone": AMSTERDAM, "now": NOW, **context})
    return serializer.validated_data["it"] if serializer.is_valid() else list(serializer.errors["it"])


def printed(field: serializers.Field, value: Any) -> Any:
    return _serializer(field)({"it": value}, context={"zone": AMSTERDAM}).data["it"]


def _serializer(field: serializers.Field) -> type[serializers.Serializer]:
    return type("One", (serializers.Serializer,), {"it": field})


@pytest.mark.parametrize("value", [1, 2**63 - 1])
def test_an_id_is_a_positive_64_bit_integer(value: int) -> None:
    assert read(StrictIdField(), value) == value


@pytest.mark.parametrize("value", ["5", 1.5, 1.0, True, False, [], {}, [1], "", "１"])
def test_nothing_that_merely_looks_like_an_id_is_one(value: Any) -> None:
    assert read(StrictIdField(), value) == ["Send an id: a whole number from 1, without quotes."]


def test_ids_have_bounds() -> None:
    assert read(StrictIdField(), 0) == ["Ensure this value is greater than or equal to 1."]
    assert read(StrictIdField(), -1) == ["Ensure this value is greater than or equal to 1."]
    assert read(StrictIdField(), 2**63) == ["Ensure this value is less than or equal to 9223372036854775807."]
    assert read(StrictIdField(), None) == ["This field may not be null."]
    assert read(StrictIdField(allow_null=True), None) is None


def test_an_integer_is_a_json_integer_within_its_bounds() -> None:
    field = {"min_value": 1, "max_value": 15}
    assert read(StrictIntegerField(**field), 15) == 15
    assert read(StrictIntegerField(**field), 16) == ["Ensure this value is less than or equal to 15."]
    for value in ("5", 5.0, True, [5]):
        assert read(StrictIntegerField(**field), value) == [
            "Send a whole number, without quotes or a decimal point."
        ]


def test_a_boolean_is_true_or_false() -> None:
    assert read(StrictBooleanField(), True) is True
    assert read(StrictBooleanField(), False) is False
    lookalikes: list[Any] = ["true", "false", 1, 0, "1", "on", "yes", 1.0, [], {}]
    for value in lookalikes:
        assert read(StrictBooleanField(), value) == ["Send true or false, without quotes."]
    assert read(StrictBooleanField(), None) == ["This field may not be null."]


def test_a_text_is_trimmed_and_in_nfc_or_kept_as_it_came() -> None:
    assert read(TextField(as_sent=True), "  Zoe\u0308\r\n <b> ") == "  Zoe\u0308\r\n <b> "
    assert read(TextField(), "  Zoe\u0308\r\n <b> ") == "Zoë\r\n <b>"
    assert read(TextField(), "") == ""
    assert read(TextField(), " ") == ""
    assert read(TextField(as_sent=True), " ") == " "
    assert read(TextField(), "x" * 10_000) == "x" * 10_000


def test_null_means_an_empty_text_unless_said_otherwise() -> None:
    assert read(TextField(), None) == ""
    assert read(TextField(null_is_empty=False), None) == ["This field may not be null."]
    assert read(TextField(null_is_empty=False, allow_null=True), None) is None
    assert read(TextField(allow_blank=False), None) == ["This field may not be null."]


@pytest.mark.parametrize("value", [1, 1.5, True, [], ["a"], {}, {"a": 1}])
def test_only_a_string_is_a_text(value: Any) -> None:
    assert read(TextField(), value) == ["Send a string."]


def test_what_a_text_may_not_hold() -> None:
    assert read(TextField(max_length=5), "123456") == ["Ensure this field has no more than 5 characters."]
    assert read(TextField(), "x" * 10_001) != "x" * 10_001
    assert read(TextField(), "a\0b") == [
        "A text may not hold the character NUL (\\u0000); remove it.",
    ]
    assert read(TextField(), "\ud800") == [
        "A text holds half a surrogate pair (\\ud800 to \\udfff); send it as valid Unicode."
    ]
    for blank in ("", " ", "\t\n "):
        assert read(TextField(allow_blank=False), blank) == ["This field may not be blank."]
    for control in ("a\nb", "a\rb", "a\tb", "\x7f", "\u2028"):
        assert read(TextField(single_line=True), control) == ["Send one line, without control characters."]


def test_a_slug_is_ascii_letters_digits_dash_and_underscore() -> None:
    assert read(SlugTextField(), "Main-street_2") == "Main-street_2"
    for value in ("a b", "é", "a/b", "a\n", "１"):
        assert read(SlugTextField(), value) == ["Use the letters A to Z, digits, '-' and '_' only."]
    assert read(SlugTextField(), "") == ["This field may not be blank."]


def test_a_choice_is_one_of_the_strings() -> None:
    assert read(ChoiceTextField(["staff", "admin"]), "admin") == "admin"
    others: list[Any] = ["root", 1, True, ["admin"], {}, "", "Admin"]
    for value in others:
        assert read(ChoiceTextField(["staff", "admin"]), value) == ["Send one of: staff, admin."]


def test_a_time_is_read_on_the_salons_clock_and_printed_there() -> None:
    instant = datetime(2026, 3, 24, 9, 0, tzinfo=UTC)
    assert read(WallClockField(), "2026-03-24 10:00") == instant
    assert read(WallClockField(), "2026-03-24T09:00:00Z") == instant
    assert printed(WallClockField(), instant) == "2026-03-24 10:00:00"
    assert read(WallClockField(), "2026-03-24") == [
        "The time of day is missing. Send 'YYYY-MM-DD HH:MM:SS' in salon time, "
        "or ISO 8601 such as '2026-03-24T10:00:00+01:00'."
    ]
    refused: list[Any] = [1774342800, None, True, [], "2026-03-29 02:30", "1999-01-01 10:00"]
    for value in refused:
        assert isinstance(read(WallClockField(), value), list)


def test_an_echoed_doubled_time_leaves_the_stored_value_alone() -> None:
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert read(WallClockField(), "2026-10-25 02:30:00", stored={"it": second}) == second
    assert read(WallClockField(), "2026-10-25 02:30:00", stored={"other": second}) == first
    assert read(WallClockField(), "2026-10-25 02:30:00", stored=None) == first


def test_dates_and_times_of_day() -> None:
    assert read(CalendarDateField(), "2026-03-24") == date(2026, 3, 24)
    assert printed(CalendarDateField(), date(2026, 3, 24)) == "2026-03-24"
    assert read(TimeOfDayField(), "09:30") == time(9, 30)
    assert printed(TimeOfDayField(), time(9, 30)) == "09:30"
    assert read(CalendarDateField(), "2026-02-30") == [
        "2026-02-30 is not in the calendar. Send a date as 'YYYY-MM-DD', such as '2026-03-24'."
    ]
    assert read(TimeOfDayField(), "9:30") == ["Send a time of day as 'HH:MM', from '00:00' to '23:59'."]


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        ("24.50", "24.50"),
        ("0", "0"),
        ("0.005", "0.005"),
        ("999999999.999", "999999999.999"),
        (24.5, "24.5"),
        (0.1, "0.1"),
        (100, "100"),
        (1e2, "100"),
        (0, "0"),
        (0.0, "0"),
        (999999999, "999999999"),
    ],
)
def test_an_amount_is_a_decimal_string_or_a_number(value: Any, amount: str) -> None:
    assert read(MoneyField(), value) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    ["24,50", "1e3", "-1", "+1", "", " 1", "1 ", ".5", "5.", "1.2345", "1000000000", "NaN", "１", "1\n",
     -1, -0.01, 0.0001, 1e-7, 1e300, 10**9, 2**62, True, False, [], {}],
)  # fmt: skip
def test_what_is_no_amount(value: Any) -> None:
    assert read(MoneyField(), value) == [
        "Send an amount from 0 to 999999999.999 with at most 3 decimals, such as '24.50'."
    ]


def test_an_amount_is_printed_without_an_exponent() -> None:
    assert printed(MoneyField(), Decimal("1E+2")) == "100"
    assert printed(MoneyField(), Decimal("24.50")) == "24.50"


def test_a_phone_number_is_taken_as_typed() -> None:
    assert read(PhoneField(), " 020 123\u200b4567 ") == "020 1234567"
    assert read(PhoneField(), "012 (mother)") == "012 (mother)"
    assert read(PhoneField(), None) == read(PhoneField(), "") == ""


def test_what_is_no_phone_number() -> None:
    assert read(PhoneField(), "ask her") == [
        "Send a phone number, best with its country code: '+31 20 123 4567'."
    ]
    assert read(PhoneField(), "1\r\n2") == ["Send one line, without control characters."]
    assert read(PhoneField(), 31201234567) == ["Send a string."]
    assert read(PhoneField(), "1" * 41) == ["Ensure this field has no more than 40 characters."]


def test_an_email_address_is_checked_and_may_be_lowered() -> None:
    assert read(EmailAddressField(), " Alice@Example.com ") == "Alice@example.com"
    assert read(EmailAddressField(lower=True), "Alice@Example.com") == "alice@example.com"
    assert read(EmailAddressField(), None) == ""
    assert read(EmailAddressField(), "") == ""
    for value in (
        "alice",
        "alice@",
        "@example.com",
        "a b@example.com",
        "a@b@example.com",
        "alice@example..com",
    ):
        assert read(EmailAddressField(), value) == ["Send an e-mail address such as 'alice@example.com'."]
    for value in ("alice@example.com\r\nBcc: eve@example.com", "alice@example.com\n"):
        assert read(EmailAddressField(), value) == ["Send one line, without control characters."]
    assert read(EmailAddressField(allow_blank=False), " ") == ["This field may not be blank."]
    assert read(EmailAddressField(), "a" * 250 + "@b.nl") != "a" * 250 + "@b.nl"
