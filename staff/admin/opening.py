"""Working hours, time off and holidays in admin; what is still booked in them is said."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from staff.admin.keeping import say_affected
from staff.models import Holiday, SalonSettings, TimeOff, WorkingHours
from staff.salon.schedule import ONE_DAY
from staff.wire.times import day_start


@admin.register(WorkingHours)
class WorkingHoursAdmin(admin.ModelAdmin):
    list_display = ("staff", "weekday", "opens", "closes")
    list_filter = ("staff", "weekday")
    list_select_related = ("staff",)
    search_fields = ("staff__name",)
    actions = None


@admin.register(TimeOff)
class TimeOffAdmin(admin.ModelAdmin):
    list_display = ("staff", "start_at", "end_at", "reason")
    list_filter = ("staff",)
    list_select_related = ("staff",)
    search_fields = ("staff__name", "reason")
    date_hierarchy = "start_at"
    ordering = ("-start_at",)
    actions = None

    def save_model(self, request: HttpRequest, obj: TimeOff, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        say_affected(request, starts_at=obj.start_at, ends_at=obj.end_at, staff_id=obj.staff_id)


@admin.register(Holiday)
class HolidayAdmin(admin.ModelAdmin):
    list_display = ("date", "name")
    search_fields = ("name",)
    date_hierarchy = "date"
    ordering = ("-date",)
    actions = None

    def save_model(self, request: HttpRequest, obj: Holiday, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        zone = SalonSettings.load().zone
        say_affected(
            request,
            starts_at=day_start(obj.date, zone=zone),
            ends_at=day_start(obj.date + ONE_DAY, zone=zone),
            staff_id=None,
        )
