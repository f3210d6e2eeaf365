"""What clients said, in Django admin: to read, not to edit."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from bookings.models import Feedback


@admin.register(Feedback)
class FeedbackAdmin(admin.ModelAdmin):
    list_display = ("created_at", "rating", "client", "service", "staff", "excerpt")
    list_filter = ("rating", "booking__staff", "booking__service")
    search_fields = ("comment", "booking__client__first_name", "booking__client__last_name")
    date_hierarchy = "created_at"
    list_select_related = ("booking__client", "booking__service", "booking__staff")
    ordering = ("-id",)
    fields = ("created_at", "rating", "comment", "client", "service", "staff", "booking")
    readonly_fields = fields

    @admin.display(ordering="booking__client__first_name")
    def client(self, review: Feedback) -> str:
        return "" if review.booking.client is None else review.booking.client.name

    @admin.display(ordering="booking__service__name")
    def service(self, review: Feedback) -> str:
        return review.booking.service.name

    @admin.display(ordering="booking__staff__name")
    def staff(self, review: Feedback) -> str:
        return review.booking.staff.name

    @admin.display(description="comment")
    def excerpt(self, review: Feedback) -> str:
        return review.comment if len(review.comment) <= 80 else f"{review.comment[:79]}…"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Feedback | None = None) -> bool:
        return False
