"""What clients said of their visits: to be read, not edited."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from bookings.models import Feedback
from staff.admin.readonly import ReadOnlyAdmin
from staff.admin.searching import FoldedSearch

LONGEST_EXCERPT = 80


@admin.register(Feedback)
class FeedbackAdmin(FoldedSearch, ReadOnlyAdmin):
    list_display = ("created_at", "rating", "client", "service", "staff", "excerpt")
    list_filter = ("rating", "booking__staff", "booking__service")
    list_select_related = ("booking__client", "booking__service", "booking__staff")
    search_fields = ("comment", "booking__client__first_name", "booking__client__last_name")
    date_hierarchy = "created_at"
    fields = ("created_at", "rating", "comment", "client", "service", "staff", "booking")

    @admin.display(description=_("client"), ordering="booking__client__first_name")
    def client(self, review: Feedback) -> str:
        return "" if review.booking.client is None else review.booking.client.name

    @admin.display(description=_("service"), ordering="booking__service__name")
    def service(self, review: Feedback) -> str:
        return review.booking.service.name

    @admin.display(description=_("staff"), ordering="booking__staff__name")
    def staff(self, review: Feedback) -> str:
        return review.booking.staff.name

    @admin.display(description=_("comment"))
    def excerpt(self, review: Feedback) -> str:
        comment = review.comment
        return comment if len(comment) <= LONGEST_EXCERPT else f"{comment[: LONGEST_EXCERPT - 1]}…"
