"""What the door wrote: the audit trail, busy times and holds, to be read."""

from __future__ import annotations

from django.contrib import admin

from bookings.models import BookingEvent, BusyTime, Hold
from staff.admin.readonly import ReadOnlyAdmin


@admin.register(BookingEvent)
class BookingEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "to_status", "from_status", "booking", "door", "actor_name", "reason")
    list_filter = ("door", "to_status", "actor_type")
    list_select_related = ("booking",)
    search_fields = ("=booking__id", "actor_name", "reason")
    date_hierarchy = "at"


@admin.register(BusyTime)
class BusyTimeAdmin(ReadOnlyAdmin):
    list_display = ("starts_at", "ends_at", "staff", "booking", "hold", "expires_at")
    list_filter = ("staff",)
    list_select_related = ("staff", "booking", "hold")
    date_hierarchy = "starts_at"
    ordering = ("-starts_at",)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("start_at", "end_at", "staff", "service", "expires_at")
    list_filter = ("staff",)
    list_select_related = ("staff", "service")
    exclude = ("token",)
    ordering = ("-id",)
