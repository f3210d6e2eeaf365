"""The waitlist in admin: entries are added, corrected and closed through `bookings.waitlist`."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from bookings import waitlist
from bookings.models import WaitlistEntry, WaitlistOffer
from clients.admin import FoundByClient
from staff.admin.base import say_refusal
from staff.admin.readonly import ReadOnlyInline
from staff.models import SalonSettings
from staff.wire.refusals import Refused


class WaitlistEntryForm(forms.ModelForm):
    """Hands what was typed to the waitlist; its refusals become form errors."""

    status = forms.ChoiceField(
        choices=[("waiting", _("Waiting")), ("cancelled", _("Cancelled"))],
        required=False,
        help_text=_("The other statuses are reached by offers, bookings and time alone."),
    )

    class Meta:
        model = WaitlistEntry
        fields = ("client", "service", "date", "staff", "notes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            del self.fields["status"]
            return
        now = self.instance.status
        if now not in ("waiting", "cancelled"):
            self.fields["status"].choices = [  # type: ignore[attr-defined]
                (now, self.instance.get_status_display()),
                ("waiting", _("Waiting")),
                ("cancelled", _("Cancelled")),
            ]
        self.initial["status"] = now

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self._write(cleaned)
            except Refused as refused:
                say_refusal(self, refused)
        return cleaned

    def _write(self, cleaned: dict[str, Any]) -> None:
        salon, now = SalonSettings.load(), timezone.now()
        staff = cleaned["staff"]
        values = {
            "client_id": cleaned["client"].pk,
            "service_id": cleaned["service"].pk,
            "date": cleaned["date"],
            "staff_id": None if staff is None else staff.pk,
            "notes": cleaned["notes"],
        }
        with transaction.atomic():
            if self.instance.pk is None:
                self.instance = waitlist.add(**values, salon=salon, now=now)
                return
            if cleaned.get("status") and cleaned["status"] != self.instance.status:
                values["status"] = cleaned["status"]
            self.instance = waitlist.change(entry_id=self.instance.pk, changes=values, salon=salon, now=now)

    def _post_clean(self) -> None:
        """The waitlist has checked and saved; there is nothing left to build."""


class OfferInline(ReadOnlyInline):
    model = WaitlistOffer
    fields = ("created_at", "staff", "start_at", "end_at", "state", "expires_at")
    readonly_fields = fields


@admin.register(WaitlistEntry)
class WaitlistEntryAdmin(FoundByClient):
    form = WaitlistEntryForm
    list_display = ("date", "status", "client", "service", "staff", "created_at")
    list_filter = ("status", "service", "staff")
    list_select_related = ("client", "service", "staff")
    search_fields = ("=id",)
    search_help_text = _(
        "The client's name, e-mail or telephone number, words of the notes, or an entry's number."
    )
    searched_besides = "searched"
    autocomplete_fields = ("client",)
    date_hierarchy = "date"
    inlines = (OfferInline,)
    actions = None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new entry waits: its form has no status."""
        return [name for name in super().get_fields(request, obj) if obj is not None or name != "status"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: WaitlistEntry, form: Any, change: bool) -> None:
        """Saved by the form, through the waitlist."""
