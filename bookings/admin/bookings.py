"""Bookings in admin: made, moved and closed through the door, with its refusals as form errors."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from bookings import lifecycle
from bookings.admin.online import WaitingFilter, in_the_log
from bookings.admin.told_in_person import check_reason, told_field
from bookings.mails.resent import Kind
from bookings.models import Booking, BookingEvent
from bookings.send_again import KIND_OF_STATUS, send_again
from clients.admin import FoundByClient
from notifications.models import Message
from staff.access.actor import Actor
from staff.admin.base import acting, say_refusal
from staff.admin.money import PricedAdmin, shown_amount
from staff.admin.parts import parts_in_words
from staff.admin.readonly import ReadOnlyInline
from staff.models import SalonSettings
from staff.salon.durations import duration_of
from staff.wire.refusals import Refused


class Again(NamedTuple):
    """A mail that can be sent again."""

    kind: Kind
    button: Any
    said: Any


SENT_AGAIN = {
    each.kind: each
    for each in (
        Again(
            Kind.CONFIRMATION,
            _("Send the confirmation again"),
            _("The confirmation leaves at once, for %(address)s."),
        ),
        Again(Kind.REQUEST, _("Send the request again"), _("The request leaves at once, for %(address)s.")),
        Again(
            Kind.CANCELLATION,
            _("Send the cancellation again"),
            _("The cancellation leaves at once, for %(address)s."),
        ),
    )
}


class BookingForm(forms.ModelForm):
    """Hands what was typed to the door: the same rules, refusals and mails as the API."""

    actor: ClassVar[Actor]

    start_at = forms.SplitDateTimeField(
        label=capfirst(_("start at")), widget=AdminSplitDateTime, help_text=_("The salon's wall clock.")
    )
    end_at = forms.SplitDateTimeField(
        label=capfirst(_("end at")),
        widget=AdminSplitDateTime,
        required=False,
        help_text=_("Empty: as long as it takes this person."),
    )
    allow_overlap = forms.BooleanField(
        label=_("Overlap"),
        required=False,
        help_text=_("Book even though the time is taken. It is written into the history."),
    )
    told_in_person = told_field()
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=capfirst(_("reason")),
        required=False,
        max_length=BookingEvent.LONGEST_REASON,
        help_text=_("For the history of the booking."),
    )

    class Meta:
        model = Booking
        fields = (
            "client",
            "staff",
            "service",
            "location",
            "start_at",
            "end_at",
            "status",
            "persons",
            "price",
            "notes",
            "internal_notes",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[lifecycle.Warning] = []
        self.fields["client"].required = True
        self.initial["seen_version"] = self.instance.version
        if self.instance.pk is None:
            self.fields["status"].choices = [  # type: ignore[attr-defined]
                ("scheduled", _("Scheduled")),
                ("provisional", _("Provisional: ask the client by mail")),
            ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        check_reason(self, cleaned)
        if not self.errors:
            if cleaned.get("end_at") is None:
                duration = duration_of(cleaned["service"], cleaned["staff"].pk)
                cleaned["end_at"] = cleaned["start_at"] + duration.length
            try:
                with transaction.atomic():
                    outcome = self._through_the_door(cleaned)
            except Refused as refused:
                say_refusal(self, refused)
            else:
                self.instance, self.warnings = outcome.booking, outcome.warnings
        return cleaned

    def _through_the_door(self, cleaned: dict[str, Any]) -> lifecycle.Outcome:
        location = cleaned["location"]
        values = {
            "client_id": cleaned["client"].pk,
            "staff_id": cleaned["staff"].pk,
            "service_id": cleaned["service"].pk,
            "location_id": None if location is None else location.pk,
            "start_at": cleaned["start_at"],
            "end_at": cleaned["end_at"],
            "persons": cleaned["persons"],
            "notes": cleaned["notes"],
            "internal_notes": cleaned["internal_notes"],
        }
        if self.instance.pk is None:
            order = lifecycle.Order(
                **values,
                price=None if cleaned["price"] is None else lifecycle.AgreedPrice(cleaned["price"]),
                provisional=cleaned["status"] == Booking.Status.PROVISIONAL,
                allow_overlap=cleaned["allow_overlap"],
                reason=cleaned["reason"],
                told_in_person=cleaned["told_in_person"],
                source="admin",
            )
            return lifecycle.book(actor=self.actor, order=order)
        return lifecycle.change(
            actor=self.actor,
            booking_id=self.instance.pk,
            changes=values | {"status": cleaned["status"], "price": cleaned["price"]},
            how=lifecycle.How(
                reason=cleaned["reason"],
                allow_overlap=cleaned["allow_overlap"],
                ask_by_mail=True,
                told_in_person=cleaned["told_in_person"],
            ),
            expected_version=cleaned["seen_version"],
        )

    def _post_clean(self) -> None:
        """The door has checked and saved; there is nothing left to build."""


class EventInline(ReadOnlyInline):
    model = BookingEvent
    verbose_name_plural = _("history")
    fields = ("at", "before", "after", "changes", "door", "actor_name", "reason")
    readonly_fields = fields

    @admin.display(description=_("from status"))
    def before(self, event: BookingEvent) -> str:
        return _status(event.from_status)

    @admin.display(description=_("to status"))
    def after(self, event: BookingEvent) -> str:
        return _status(event.to_status)


def _status(code: str) -> str:
    return gettext(str(Booking.Status(code).label)) if code else "-"


@admin.register(Booking)
class BookingAdmin(FoundByClient, PricedAdmin):
    form = BookingForm
    list_display = ("start_at", "status", "client", "service", "staff", "end_at", "status_detail", "source")
    list_filter = ("status", WaitingFilter, "staff", "service", "location", "source")
    list_select_related = ("client", "service", "staff")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("=id",)
    autocomplete_fields = ("client",)
    date_hierarchy = "start_at"
    ordering = ("-start_at", "-id")
    actions = None
    inlines = (EventInline,)
    readonly_fields = (
        "client_alert",
        "status_detail",
        "shown_total",
        "session",
        "shown_visit",
        "work_and_gaps",
        "created_at",
        "updated_at",
        "messages_sent",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "client",
                    ("staff", "service", "location"),
                    ("start_at", "end_at"),
                    ("status", "status_detail"),
                    ("persons", "price", "shown_total"),
                    "notes",
                    "internal_notes",
                )
            },
        ),
        (_("This change"), {"fields": ("allow_overlap", "told_in_person", "reason", "seen_version")}),
        (
            _("Details"),
            {
                "fields": (
                    "shown_visit",
                    "work_and_gaps",
                    "session",
                    "created_at",
                    "updated_at",
                    "messages_sent",
                )
            },
        ),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        """An alert of the client stands above everything else."""
        usual = super().get_fieldsets(request, obj)
        if obj is None or obj.client is None or not obj.client.alert:
            return usual
        return [(None, {"fields": ("client_alert",)}), *usual]

    @admin.display(description=_("alert"))
    def client_alert(self, booking: Booking) -> str:
        return "" if booking.client is None else booking.client.alert

    @admin.display(description=_("total price"))
    def shown_total(self, booking: Booking) -> str:
        """As it is stored, for all persons."""
        total = booking.total_price if booking.pk else None
        return "-" if total is None else shown_amount(total, currency=SalonSettings.load().currency)

    @admin.display(description=_("session"))
    def session(self, booking: Booking) -> str:
        return str(booking.session_of_id or booking.pk or "-")

    @admin.display(description=_("visit"))
    def shown_visit(self, booking: Booking) -> str:
        """A link to all that the client comes for."""
        if booking.visit_id is None:
            return "-"
        size = Booking.objects.filter(visit_id=booking.visit_id).count()
        address = reverse("admin:bookings_visit_change", args=[booking.visit_id])
        place = {"number": booking.position, "all": size}
        alone = gettext("this booking alone")
        told = alone if size == 1 else gettext("%(number)d of %(all)d bookings") % place
        return format_html('<a href="{}">{} #{}</a>, {}', address, gettext("visit"), booking.visit_id, told)

    @admin.display(description=_("parts"))
    def work_and_gaps(self, booking: Booking) -> str:
        return parts_in_words(booking.parts) or "-"

    @admin.display(description=_("messages"))
    def messages_sent(self, booking: Booking) -> str:
        """A link to the message log of this booking."""
        count = Message.objects.filter(booking_id=booking.pk).count()
        address = reverse("admin:notifications_message_changelist")
        return format_html('<a href="{}?booking_id={}">{}</a>', address, booking.pk, in_the_log(count))

    def get_urls(self) -> list[URLPattern]:
        again = path(
            "<int:booking_id>/send-again/",
            self.admin_site.admin_view(self.send_again_view),
            name="bookings_booking_send_again",
        )
        return [again, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        booking = self.get_object(request, object_id)
        kind = None if booking is None else KIND_OF_STATUS.get(booking.status)
        return super().change_view(
            request,
            object_id,
            form_url,
            {**(extra_context or {}), "sent_again": SENT_AGAIN[kind] if kind else None},
        )

    @method_decorator(require_POST)
    def send_again_view(self, request: HttpRequest, booking_id: int) -> HttpResponse:
        """The mail that the page offered, to the address the client has now."""
        back = HttpResponseRedirect(reverse("admin:bookings_booking_change", args=[booking_id]))
        if not self.has_change_permission(request):
            raise PermissionDenied
        try:
            kind = Kind(request.POST.get("type", ""))
            message = send_again(actor=acting(request), booking_id=booking_id, kind=kind)
        except ValueError:
            messages.error(request, _("Choose what to send again: confirmation, request or cancellation."))
        except Refused as refused:
            messages.error(request, gettext(refused.message))
        else:
            messages.success(request, SENT_AGAIN[kind].said % {"address": message.to})
        return back

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return self.with_currency(Booking.objects.visible_to(acting(request)), request)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        return type("BookingFormOfActor", (form,), {"actor": acting(request)})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted: a booking is cancelled by its status, and its history stays."""
        return False

    def save_model(self, request: HttpRequest, obj: Booking, form: Any, change: bool) -> None:
        """Saved by the form, through the door; what the desk may overrule is said."""
        for warning in form.warnings:
            messages.warning(request, gettext(warning.message))
