"""Visits in admin: several services at one go, booked, moved and cancelled through the door (contract §7)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.admin.online import TAKE_OVER, WaitingFilter, in_the_log, typed_online
from bookings.admin.visit_form import VisitForm
from bookings.models import Booking, Visit, counted, price_of
from bookings.online.contact_onto_client import take_over
from clients.admin import FoundByClient
from notifications.models import Message
from staff.admin.base import acting
from staff.admin.money import shown_amount
from staff.models import SalonSettings
from staff.wire.refusals import Refused


class SeveralFilter(admin.SimpleListFilter):
    """Most visits are of one booking."""

    title = _("services")
    parameter_name = "several"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Several")), ("no", _("One"))]

    def queryset(self, request: HttpRequest, visits: QuerySet[Visit]) -> QuerySet[Visit]:
        several = Exists(Booking.objects.filter(visit_id=OuterRef("pk"), position__gt=1))
        match self.value():
            case "yes":
                return visits.filter(several)
            case "no":
                return visits.filter(~several)
        return visits


@admin.register(Visit)
class VisitAdmin(FoundByClient):
    form = VisitForm
    list_display = ("start_at", "status", "client", "services", "end_at")
    list_filter = ("status", WaitingFilter, SeveralFilter)
    list_select_related = ("client",)
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("=id",)
    search_help_text = _("The client's name, e-mail or telephone number, or a visit's number.")
    autocomplete_fields = ("client",)
    date_hierarchy = "start_at"
    ordering = ("-start_at", "-id")
    actions = None
    readonly_fields = (
        "client_alert",
        "end_at",
        "shown_total",
        "client_confirmed_at",
        "late",
        "shown_typed",
        "created_at",
        "updated_at",
        "messages_sent",
    )

    def get_fieldsets(self, request: HttpRequest, obj: Visit | None = None) -> Any:
        """An alert of the client stands above everything else; the rows of services follow the visit."""
        this_change = (
            _("This change"),
            {"fields": ("allow_overlap", "told_in_person", "reason", "seen_version")},
        )
        usual = ("client", "start_at", "status", "notes", "internal_notes")
        if obj is None:
            return [(None, {"fields": usual, "classes": ("then-services",)}), this_change]
        alert = [(None, {"fields": ("client_alert",)})] if obj.client is not None and obj.client.alert else []
        details = ("shown_typed", "client_confirmed_at", "late", "created_at", "updated_at", "messages_sent")
        return [
            *alert,
            (None, {"fields": (*usual, "end_at", "shown_total", "remove"), "classes": ("then-services",)}),
            this_change,
            (_("Details"), {"fields": details}),
        ]

    @admin.display(description=_("alert"))
    def client_alert(self, visit: Visit) -> str:
        return "" if visit.client is None else visit.client.alert

    @admin.display(description=_("services"))
    def services(self, visit: Visit) -> str:
        """What is left of it; of a cancelled visit all that was."""
        told = counted(visit.items)
        return ", ".join(
            _("%(service)s with %(person)s") % {"service": each.service.name, "person": each.staff.name}
            for each in told
        )

    @admin.display(description=_("total price"))
    def shown_total(self, visit: Visit) -> str:
        """Of the bookings that are not cancelled."""
        total = price_of(counted(visit.items))
        return "-" if total is None else shown_amount(total, currency=SalonSettings.load().currency)

    @admin.display(description=_("typed online"))
    def shown_typed(self, visit: Visit) -> str:
        return typed_online(visit)

    @admin.display(description=_("messages"))
    def messages_sent(self, visit: Visit) -> str:
        """A link to the message log of this visit."""
        count = Message.objects.filter(visit_id=visit.pk).count()
        address = reverse("admin:notifications_message_changelist")
        return format_html('<a href="{}?visit_id={}">{}</a>', address, visit.pk, in_the_log(count))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Visit]:
        """The bookings of all of them at once, as `Visit.items`."""
        bookings = Booking.objects.select_related("service", "staff").order_by("position", "pk")
        visits: QuerySet[Visit] = Visit.objects.visible_to(acting(request))
        return visits.prefetch_related(Prefetch("bookings", bookings, to_attr="items"))  # type: ignore[no-redef]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("VisitFormOfActor", (form,), {"actor": acting(request)})

    def response_change(self, request: HttpRequest, obj: Visit) -> HttpResponse:
        """Saved; the button beside what was typed online also writes that on the client."""
        if TAKE_OVER not in request.POST:
            return super().response_change(request, obj)
        try:
            take_over(actor=acting(request), visit_id=obj.pk, salon=SalonSettings.load(), now=timezone.now())
        except Refused as refused:
            messages.error(request, gettext(refused.message))
        else:
            messages.success(request, _("The client has the name and number that were typed."))
        return HttpResponseRedirect(reverse("admin:bookings_visit_change", args=[obj.pk]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted: a visit is cancelled by its status, and its history stays."""
        return False

    def save_model(self, request: HttpRequest, obj: Visit, form: Any, change: bool) -> None:
        """Saved by the form, through the door; what the desk may overrule is said."""
        for warning in form.warnings:
            messages.warning(request, gettext(warning.message))
