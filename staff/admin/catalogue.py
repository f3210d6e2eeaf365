"""Services and locations in admin."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from staff.admin.base import KeptAdmin
from staff.admin.money import PricedAdmin
from staff.admin.parts import OwnMinutesForm, OwnMinutesFormSet, ServiceForm
from staff.admin.searching import FoldedSearch
from staff.models import Location, Service, ServiceDuration


class OwnMinutesInline(admin.TabularInline):
    model = ServiceDuration
    form = OwnMinutesForm
    formset = OwnMinutesFormSet
    extra = 0
    verbose_name = _("person who takes longer or shorter")
    verbose_name_plural = _("people who take longer or shorter")


@admin.register(Service)
class ServiceAdmin(FoldedSearch, KeptAdmin, PricedAdmin):
    form = ServiceForm
    inlines = (OwnMinutesInline,)
    list_display = ("name", "is_active", "category", "duration_minutes", "shown_price", "max_capacity")
    list_filter = ("is_active", "category", "staff")
    search_fields = ("name", "category")
    readonly_fields = ("key",)
    fieldsets = (
        (None, {"fields": ("name", "category", "is_active")}),
        (
            _("Time and price"),
            {
                "fields": (
                    "duration_minutes",
                    "parts",
                    ("buffer_before_minutes", "buffer_after_minutes"),
                    "price",
                )
            },
        ),
        (_("Groups"), {"fields": (("min_capacity", "max_capacity"),)}),
        (
            _("Online booking"),
            {
                "fields": (
                    ("online", "hidden"),
                    "description",
                    "client_cancel_minutes",
                    "client_reschedule_minutes",
                    "client_may_change_staff",
                ),
                "description": _(
                    "What is left empty is as in the salon's settings. A hidden service is "
                    "found by its key only."
                ),
            },
        ),
        (_("Details"), {"fields": ("key",)}),
    )


@admin.register(Location)
class LocationAdmin(FoldedSearch, KeptAdmin):
    list_display = ("name", "is_active", "address", "slug")
    list_filter = ("is_active",)
    search_fields = ("name", "slug", "address")
    prepopulated_fields = {"slug": ("name",)}
