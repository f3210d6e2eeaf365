"""Columns that keep a text as contract §6a says, whichever form or code filled them in.

Names: LineField, ProseField, MailAddressField. Django reads every value that is stored or compared through
`to_python`, so what is looked for is spelt as what is kept. Their migrations are those of Django's own
fields: the tables do not change.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from staff.wire.addresses import BadAddress, mail_address, searched_address
from staff.wire.text import plain_line, plain_prose


class _StoredAsDjango:
    """Tells migrations of the Django field, so that a change of how values are read is none of the table."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, kwargs = super().deconstruct()  # type: ignore[misc]
        kept_as = next(base for base in type(self).__mro__ if base.__module__.startswith("django.db.models"))
        return name, f"django.db.models.{kept_as.__name__}", args, kwargs


class LineFormField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        return plain_line(super().to_python(value) or "")


class MailAddressFormField(forms.EmailField):
    def to_python(self, value: Any) -> Any:
        text = plain_line(super().to_python(value) or "")
        try:
            return mail_address(text) if text else ""
        except BadAddress:
            raise ValidationError("Enter a valid email address.", code="invalid") from None


class LineField(_StoredAsDjango, models.CharField):
    """A name, a number or a subject: one line without what nobody sees."""

    def to_python(self, value: Any) -> Any:
        return plain_line(value) if isinstance(value, str) else super().to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": LineFormField, **kwargs})


class ProseField(_StoredAsDjango, models.TextField):
    """Notes: in NFC, without blanks around them."""

    def to_python(self, value: Any) -> Any:
        return plain_prose(value) if isinstance(value, str) else super().to_python(value)


class MailAddressField(_StoredAsDjango, models.EmailField):
    """A mail address in the one spelling of `staff.wire.addresses`; what is none is kept as typed.

    Whoever takes an address from outside refuses that.
    """

    def to_python(self, value: Any) -> Any:
        return searched_address(value) if isinstance(value, str) else super().to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": MailAddressFormField, **kwargs})
