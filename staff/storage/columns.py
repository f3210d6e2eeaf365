"""Columns that keep a text as contract §6a says, whichever form or code filled them in.

Names: LineField, PhoneField, ProseField, ListField, MailAddressField, DayField; SearchedField, Searched,
SearchedIndex, searched_text.

Django reads every value that is stored or compared through `to_python`, so what is looked for is spelt as
what is kept; their form fields refuse what `staff.wire.fields` refuses. Their migrations are those of
Django's own fields: the tables do not change.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction

from staff.wire.addresses import BadAddress, mail_address, searched_address
from staff.wire.phones import has_digit
from staff.wire.text import LONGEST_STRING, folded, is_one_line, plain_line, plain_prose
from staff.wire.times import EARLIEST_DATE, LATEST_DATE

BATCH = 500


class _StoredAsDjango:
    """Tells migrations of the Django field, so that a change of how values are read is none of the table."""

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, kwargs = super().deconstruct()  # type: ignore[misc]
        kept_as = next(base for base in type(self).__mro__ if base.__module__.startswith("django.db.models"))
        return name, f"django.db.models.{kept_as.__name__}", args, kwargs


class LineFormField(forms.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"strip": False, **kwargs})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value) or ""
        if not is_one_line(text):
            raise ValidationError("Enter one line, without control characters.", code="control")
        return plain_line(text)


class PhoneFormField(LineFormField):
    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text and not has_digit(text):
            raise ValidationError(
                "Enter a phone number, best with its country code: +31 20 123 4567.", code="phone"
            )
        return text


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


class PhoneField(LineField):
    """A telephone number as `staff.wire.phones` keeps it."""

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": PhoneFormField, **kwargs})


class ProseField(_StoredAsDjango, models.TextField):
    """Notes: in NFC, without blanks around them."""

    def to_python(self, value: Any) -> Any:
        return plain_prose(value) if isinstance(value, str) else super().to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"max_length": LONGEST_STRING, **kwargs})


class ListField(_StoredAsDjango, models.JSONField):
    """A list kept as JSON. Read in C: a list of bookings has one in every row, mostly an empty one."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        return None if value is None else orjson.loads(value)


class DayField(_StoredAsDjango, models.DateField):
    """A calendar date, in forms within the bounds of the API."""

    def formfield(self, **kwargs: Any) -> Any:
        bounds = [MinValueValidator(EARLIEST_DATE), MaxValueValidator(LATEST_DATE)]
        return super().formfield(**{"validators": bounds, **kwargs})


class MailAddressField(_StoredAsDjango, models.EmailField):
    """A mail address in the one spelling of `staff.wire.addresses`; what is none is kept as typed.

    Whoever takes an address from outside refuses that.
    """

    def to_python(self, value: Any) -> Any:
        return searched_address(value) if isinstance(value, str) else super().to_python(value)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": MailAddressFormField, **kwargs})


class SearchedField(models.TextField):
    """The texts of the columns `of` as they are searched (`folded`), one below the other.

    The digits of each of `numbers` follow their text, so that a number is found however it is spaced. Its
    model is a `Searched`; a migration that changes one of the columns has to fill this one too. What an older
    release writes, which does not know the column, is not found until `manage.py catch_up` (docs/adr/0107).
    """

    def __init__(self, *, of: Iterable[str] = (), numbers: Iterable[str] = (), **kwargs: Any) -> None:
        self.texts, self.numbers = tuple(of), tuple(numbers)
        super().__init__(**{"default": "", "db_default": "", "editable": False, **kwargs})

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.TextField", args, kwargs

    @property
    def read_from(self) -> frozenset[str]:
        return frozenset((*self.texts, *self.numbers))

    def pre_save(self, model_instance: models.Model, add: bool) -> str:
        value = searched_text(
            [getattr(model_instance, name) for name in self.texts],
            [getattr(model_instance, name) for name in self.numbers],
        )
        setattr(model_instance, self.attname, value)
        return value


def searched_text(texts: Iterable[str], numbers: Iterable[str]) -> str:
    """What a SearchedField holds for these values of its columns."""
    lines = [folded(each) for each in texts]
    for number in map(folded, numbers):
        digits = "".join(filter(str.isdigit, number))
        lines += [number] if digits in number else [number, digits]
    return "\n".join(filter(None, lines))


class SearchedRows(models.QuerySet[Any]):
    def update(self, **kwargs: Any) -> int:
        """With the searched text of each row where it changes; `bulk_update` comes by here too."""
        field = _searched(self.model)
        if field.read_from.isdisjoint(kwargs):
            return super().update(**kwargs)
        with transaction.atomic():
            keys = list(self.order_by().values_list("pk", flat=True))
            changed = super().update(**kwargs)
            for first in range(0, len(keys), BATCH):
                batch = self.model._base_manager.filter(pk__in=keys[first : first + BATCH])
                for row in batch.only("pk", *field.read_from):
                    row.save(update_fields=[field.name])
        return changed


class Searched(models.Model):
    """A model with one SearchedField: whatever writes one of its columns writes it too."""

    objects = SearchedRows.as_manager()

    class Meta:
        abstract = True

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        field, written = _searched(type(self)), kwargs.get("update_fields")
        if written is not None and not field.read_from.isdisjoint(written):
            kwargs["update_fields"] = frozenset((*written, field.name))
        super().save_base(*args, **kwargs)


def _searched(model: type[models.Model]) -> SearchedField:
    return next(each for each in model._meta.concrete_fields if isinstance(each, SearchedField))


class SearchedIndex(models.Index):
    """Finds any part of a SearchedField: by trigrams on PostgreSQL (`gin_trgm_ops`); SQLite reads the index
    from end to end, which is a fraction of the table."""

    def create_sql(self, model: Any, schema_editor: Any, using: str = "", **kwargs: Any) -> Any:
        using = " USING gin" if schema_editor.connection.vendor == "postgresql" else ""
        return super().create_sql(model, schema_editor, using=using, **kwargs)
