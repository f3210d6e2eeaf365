"""Serializer fields that take JSON at its word (contract §0): an id is an integer, a boolean is a boolean.

Names: StrictIdField, StrictIntegerField, StrictBooleanField, TextField, SlugTextField, ChoiceTextField,
WallClockField, CalendarDateField, TimeOfDayField, MoneyField, PhoneField, EmailAddressField.

Context read: `zone` (ZoneInfo of the salon, needed by WallClockField), `now` (aware, optional), `stored`
({field name: aware datetime}, optional: a doubled wall-clock time printed by us is then left alone).
Each refuses with a sentence in the field's `details`. They subclass REST framework's fields, so that the
OpenAPI schema carries their type and bounds.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from staff.wire.addresses import BadAddress, mail_address
from staff.wire.phones import has_digit
from staff.wire.text import (
    LARGEST_INTEGER,
    LONGEST_STRING,
    BadText,
    check_text,
    is_one_line,
    plain_line,
    plain_prose,
)
from staff.wire.times import BadTime, parse_clock, parse_date, parse_when, print_clock, print_date, print_when

LARGEST_AMOUNT = Decimal("999999999.999")

_MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
_SLUG = re.compile(r"[-a-zA-Z0-9_]+")
_WHEN_SCHEMA = {
    "type": "string",
    "description": "'YYYY-MM-DD HH:MM[:SS]' on the salon's wall clock, or ISO 8601 with T, Z or an offset. "
    "Answers print 'YYYY-MM-DD HH:MM:SS' on the salon's wall clock.",
    "pattern": r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}"
    r"(:[0-9]{2}(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?$",
    "example": "2026-03-24 10:00:00",
}


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer, not `true`, not "5", not 5.0; bounds by min_value and max_value."""

    default_error_messages = {"invalid": "Send a whole number, without quotes or a decimal point."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", -LARGEST_INTEGER - 1)
        kwargs.setdefault("max_value", LARGEST_INTEGER)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int:
            self.fail("invalid")
        return data


class StrictIdField(StrictIntegerField):
    """The id of a row: a JSON integer from 1 to 2^63-1."""

    default_error_messages = {"invalid": "Send an id: a whole number from 1, without quotes."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 1)
        super().__init__(**kwargs)


class StrictBooleanField(serializers.BooleanField):
    """`true` or `false`, nothing that merely looks like it."""

    default_error_messages = {"invalid": "Send true or false, without quotes."}

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            self.fail("invalid")
        return data


class TextField(serializers.CharField):
    """A string of at most `max_length` (10,000) characters, in NFC and without blanks around it.

    `null_is_empty` (default) takes null as "". `allow_blank=False` refuses what nobody can see.
    `single_line`, for what ends up in a header, a heading or a comparison, refuses control characters, line
    breaks included, and takes out what nobody sees (`staff.wire.text.plain_line`). `as_sent` touches nothing:
    for passwords, tokens and what is only echoed.
    """

    default_error_messages = {
        "invalid": "Send a string.",
        "control": "Send one line, without control characters.",
    }

    def __init__(
        self, *, null_is_empty: bool = True, single_line: bool = False, as_sent: bool = False, **kwargs: Any
    ) -> None:
        kwargs.setdefault("max_length", LONGEST_STRING)
        kwargs.setdefault("allow_blank", True)
        kwargs.setdefault("trim_whitespace", False)
        self.null_is_empty = null_is_empty and kwargs["allow_blank"]
        if self.null_is_empty:
            kwargs.setdefault("allow_null", True)
        self.single_line = single_line
        self.as_sent = as_sent
        super().__init__(**kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        if data is None and self.null_is_empty:
            return True, ""
        return super().validate_empty_values(data)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        if isinstance(data, str) and not self.allow_blank and not plain_line(data):
            self.fail("blank")
        return super().run_validation(data)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        try:
            check_text(data)
        except BadText as refused:
            raise serializers.ValidationError(refused.message, code=refused.code) from None
        if self.as_sent:
            return data
        if not self.single_line:
            return plain_prose(data)
        if not is_one_line(data):
            self.fail("control")
        return plain_line(data)


@extend_schema_field({"type": "string", "pattern": r"^[-a-zA-Z0-9_]+$", "maxLength": 100})
class SlugTextField(TextField):
    """Letters A-Z, digits, `-` and `_`."""

    default_error_messages = {"slug": "Use the letters A to Z, digits, '-' and '_' only."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("allow_blank", False)
        kwargs.setdefault("max_length", 100)
        super().__init__(as_sent=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if text and _SLUG.fullmatch(text) is None:
            self.fail("slug")
        return text


class ChoiceTextField(serializers.ChoiceField):
    """One of the strings `choices`; the refusal names them all."""

    default_error_messages = {"invalid_choice": "Send one of: {choices}."}

    def __init__(self, choices: Sequence[Any], **kwargs: Any) -> None:
        kwargs.setdefault("allow_blank", False)
        super().__init__(choices, **kwargs)

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", choices=", ".join(str(choice) for choice in self.choices))
        return data


@extend_schema_field(_WHEN_SCHEMA)
class WallClockField(serializers.Field):
    """A point in time: aware and in UTC inside, the salon's wall clock outside (`staff.wire.times`)."""

    def to_internal_value(self, data: Any) -> datetime:
        stored = self.context.get("stored") or {}
        try:
            return parse_when(
                data,
                zone=self.context["zone"],
                stored=stored.get(self.field_name),
                now=self.context.get("now"),
            )
        except BadTime as refused:
            raise serializers.ValidationError(refused.message, code=refused.code) from None

    def to_representation(self, value: datetime) -> str:
        return print_when(value, zone=self.context["zone"])


@extend_schema_field({"type": "string", "format": "date", "example": "2026-03-24"})
class CalendarDateField(serializers.Field):
    """A calendar date `YYYY-MM-DD` from 1900-01-01 to 2199-12-31."""

    def to_internal_value(self, data: Any) -> date:
        try:
            return parse_date(data)
        except BadTime as refused:
            raise serializers.ValidationError(refused.message, code=refused.code) from None

    def to_representation(self, value: date) -> str:
        return print_date(value)


@extend_schema_field({"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$", "example": "09:30"})
class TimeOfDayField(serializers.Field):
    """A time of day `HH:MM` on the salon's wall clock."""

    def to_internal_value(self, data: Any) -> time:
        try:
            return parse_clock(data)
        except BadTime as refused:
            raise serializers.ValidationError(refused.message, code=refused.code) from None

    def to_representation(self, value: time) -> str:
        return print_clock(value)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,3})?$"},
            {"type": "number", "minimum": 0, "maximum": float(LARGEST_AMOUNT)},
        ],
        "example": "24.50",
    }
)
class MoneyField(serializers.Field):
    """An amount in the salon's currency, from 0 to 999,999,999.999: a decimal string or a JSON number.

    At most three decimals (the Kuwaiti dinar has them). Printed as a string.
    """

    default_error_messages = {
        "invalid": "Send an amount from 0 to 999999999.999 with at most 3 decimals, such as '24.50'.",
    }

    def to_internal_value(self, data: Any) -> Decimal:
        if type(data) in (int, float):
            text = format(Decimal(repr(data)).normalize(), "f")
        else:
            text = data if isinstance(data, str) else ""
        if _MONEY.fullmatch(text) is None:
            self.fail("invalid")
        return Decimal(text)

    def to_representation(self, value: Decimal) -> str:
        return format(value, "f")


@extend_schema_field(
    {
        "type": "string",
        "maxLength": 40,
        "description": "Empty, or with at least one digit, of any script. Kept as E.164 where it is a "
        "possible number, of the salon's `country` where it says none; else as typed.",
        "example": "+31 20 123 4567",
    }
)
class PhoneField(TextField):
    """A telephone number as typed; whoever stores it reads it as E.164 where it is one (`clients.numbers`).

    Only a text without any digit is refused: a note such as "012 (mother)" is still of use at the desk.
    """

    default_error_messages = {"phone": "Send a phone number, best with its country code: '+31 20 123 4567'."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40)
        super().__init__(single_line=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text:
            return ""
        if not has_digit(text):
            self.fail("phone")
        return text


@extend_schema_field({"type": "string", "format": "idn-email", "maxLength": 254})
class EmailAddressField(TextField):
    """An e-mail address of at most 254 characters, its domain in lower case Unicode; `lower`: all of it."""

    default_error_messages = {"email": "Send an e-mail address such as 'alice@example.com'."}

    def __init__(self, *, lower: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 254)
        self.lower = lower
        super().__init__(single_line=True, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not text and self.allow_blank:
            return ""
        try:
            address = mail_address(text)
        except BadAddress:
            self.fail("email" if text else "blank")
        return address.lower() if self.lower else address
