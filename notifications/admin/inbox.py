"""Everybody's in-app lines in admin, to be read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from notifications.models import Notification
from staff.admin.readonly import ReadOnlyAdmin


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "is_read", "staff", "type", "title", "booking_id")
    list_filter = ("is_read", "type", "staff")
    list_select_related = ("staff",)
    search_fields = ("title", "body", "=booking_id", "staff__name")
    search_help_text = _("Words of the line, a booking's number, a person's name.")
    date_hierarchy = "created_at"
