"""The defaults of every model: of the very type that a row read back has."""

from __future__ import annotations

from django.apps import apps
from django.db.models import NOT_PROVIDED

OURS = ("staff", "clients", "notifications", "bookings")


def test_a_default_is_what_the_database_gives_back() -> None:
    """So that a row just made prints as the same row does when it is read."""
    fields = [
        field
        for model in apps.get_models()
        if model._meta.app_label in OURS
        for field in model._meta.concrete_fields
        if field.default is not NOT_PROVIDED
    ]
    defaults = {str(field): field.get_default() for field in fields}
    read = {str(field): field.to_python(defaults[str(field)]) for field in fields}
    assert "staff.SalonSettings.noshow_fee_value" in defaults
    assert [name for name, value in defaults.items() if not isinstance(value, type(read[name]))] == []
