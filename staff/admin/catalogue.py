"""Services and locations in admin."""

from __future__ import annotations

from django.contrib import admin

from staff.admin.keeping import KeptAdmin
from staff.admin.money import PricedAdmin
from staff.admin.searching import FoldedSearch
from staff.models import Location, Service


@admin.register(Service)
class ServiceAdmin(FoldedSearch, KeptAdmin, PricedAdmin):
    list_display = ("name", "is_active", "category", "duration_minutes", "shown_price", "max_capacity")
    list_filter = ("is_active", "category", "staff")
    search_fields = ("name", "category")
    readonly_fields = ("key",)
    fieldsets = (
        (None, {"fields": ("name", "category", "is_active")}),
        (
            "Time and price",
            {"fields": ("duration_minutes", ("buffer_before_minutes", "buffer_after_minutes"), "price")},
        ),
        ("Groups", {"fields": (("min_capacity", "max_capacity"),)}),
        ("Details", {"fields": ("key",)}),
    )


@admin.register(Location)
class LocationAdmin(FoldedSearch, KeptAdmin):
    list_display = ("name", "is_active", "address", "slug")
    list_filter = ("is_active",)
    search_fields = ("name", "slug", "address")
    prepopulated_fields = {"slug": ("name",)}
