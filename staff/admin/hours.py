"""A form's field for the hours of a day, written as one would say them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from staff.wire.times import BadTime, parse_clock, print_clock


class HoursField(forms.CharField):
    """Stretches of a day in words, such as `09:00-12:30, 13:00-17:00` or `9-17`; nothing means closed."""

    def to_python(self, value: Any) -> list[list[str]]:  # type: ignore[override]
        typed = super().to_python(value) or ""
        return [self._stretch(each) for each in typed.replace(";", ",").split(",") if each.strip()]

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str):
            return value
        return ", ".join(f"{opens}-{closes}" for opens, closes in value or [])

    def _stretch(self, text: str) -> list[str]:
        try:
            opens, closes = (parse_clock(_clock(each)) for each in text.replace("–", "-").split("-"))
        except (BadTime, ValueError):
            said = _("%(typed)s: write it as 09:00-17:00.") % {"typed": text.strip()}
            raise ValidationError(said, code="invalid") from None
        if opens == closes:
            said = _("%(typed)s: it must close at another time.") % {"typed": text.strip()}
            raise ValidationError(said, code="empty")
        return [print_clock(opens), print_clock(closes)]


def _clock(typed: str) -> str:
    """`9`, `9:30` and `9.30` are said too."""
    hour, _colon, minutes = typed.strip().replace(".", ":").partition(":")
    return f"{hour:0>2}:{minutes or '00'}"
