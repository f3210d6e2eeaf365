"""Admin speaks its reader's language of models too: their names, fields, help and choices (docs/adr/0099).

`speak` sends them through gettext when the program starts, so that models stay free of markers and no
migration comes of a word. English is what the models say; the catalogues are in `bookings/locale/`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from typing import Any

from django.db.models import Field, Model
from django.utils.translation import gettext_lazy

OURS = ("staff", "clients", "notifications", "bookings", "knox")
"""The apps whose words are ours; knox brings none of its own."""

WIRE_WORDS = ("staff.apikey.mode", "staff.apikey.dialect")
"""Choices whose labels are names, or what stands on the wire: the same in every language."""


def speak(models: Iterable[type[Model]]) -> None:
    """To be called once, before forms are made of these models."""
    for model in models:
        options: Any = model._meta
        if options.app_label not in OURS:
            continue
        options.verbose_name = gettext_lazy(str(options.verbose_name))
        options.verbose_name_plural = gettext_lazy(str(options.verbose_name_plural))
        for field in _fields(model):
            field.verbose_name = gettext_lazy(str(field.verbose_name))
            if field.help_text:
                field.help_text = gettext_lazy(str(field.help_text))
            if has_words(field):
                field.choices = [(value, gettext_lazy(str(label))) for value, label in field.choices]


def words_of(model: type[Model], shown: Container[str]) -> Iterator[str]:
    """Every word of the model, of its fields `shown` and of all choices, while no language is active."""
    options: Any = model._meta
    yield str(options.verbose_name)
    yield str(options.verbose_name_plural)
    for field in _fields(model):
        if field.name in shown:
            yield str(field.verbose_name)
            if field.help_text:
                yield str(field.help_text)
        if field.editable and has_words(field):
            yield from (str(label) for _value, label in field.choices)


def has_words(field: Any) -> bool:
    return bool(field.choices) and str(field).lower() not in WIRE_WORDS


def _fields(model: type[Model]) -> list[Any]:
    return [each for each in model._meta.get_fields() if isinstance(each, Field)]
