"""Amounts in admin: with the decimals of their currency, never with the three that the database keeps.

Names: shown_amount, AmountField, AmountsAdmin, PricedAdmin.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet, Value
from django.forms import Widget
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from staff.access.auth import salon_of
from staff.wire.money import minor_digits, shown_digits


def shown_amount(amount: Decimal, *, currency: str) -> str:
    """As the page's language writes numbers, without thousands: 26.00 EUR, in Dutch 26,00; 2600 JPY."""
    return str(number_format(amount, shown_digits(amount, at_least=minor_digits(currency))))


class AmountField(forms.DecimalField):
    """A stored amount stands in the form with at least so many decimals; what is typed may have three.

    None is below zero.
    """

    def __init__(self, *, at_least: int, **options: Any) -> None:
        super().__init__(**options)
        self.at_least = at_least

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, Decimal):
            return value
        return f"{value:.{shown_digits(value, at_least=self.at_least)}f}"

    def widget_attrs(self, widget: Widget) -> dict[str, Any]:
        """The step of the model's three decimals would have a browser count in thousandths."""
        return {**super().widget_attrs(widget), "step": "any"}


class AmountsAdmin(admin.ModelAdmin):
    """Forms whose amounts are in the salon's currency."""

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **options: Any
    ) -> forms.Field | None:
        if isinstance(db_field, models.DecimalField):
            digits = minor_digits(salon_of(request).currency)
            return db_field.formfield(form_class=AmountField, at_least=digits, min_value=0, **options)
        return super().formfield_for_dbfield(db_field, request, **options)


class PricedAdmin(AmountsAdmin):
    """Rows with a `price`: in lists and read-only it stands as `shown_price`."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.with_currency(super().get_queryset(request), request)

    def with_currency(self, rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
        """Every row with the salon's `currency`, which its price is in."""
        return rows.annotate(currency=Value(salon_of(request).currency))

    @admin.display(description=_("price"), ordering="price")
    def shown_price(self, row: Any) -> str:
        return "-" if row.price is None else shown_amount(row.price, currency=row.currency)
