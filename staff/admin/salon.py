"""The salon's settings in admin: one row, one page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone

from staff.admin.keeping import say_affected, say_refusal
from staff.admin.money import AmountField, AmountsAdmin
from staff.admin.texts import LinesField, TextByLanguageField
from staff.models import SalonSettings
from staff.salon.affected import Touched
from staff.salon.online import LONGEST_POLICY, as_stored
from staff.salon.settings import check_settings, known_zones, numbers_read_again, with_country
from staff.wire.countries import known_countries
from staff.wire.money import CURRENCIES
from staff.wire.refusals import BadRequest


def _read_numbers_again(request: HttpRequest, salon: SalonSettings, *, before: str | None) -> None:
    became_e164 = numbers_read_again(salon, before=before)
    if became_e164 is not None:
        messages.success(request, f"Telephone numbers that became international: {became_e164}.")


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(value, value) for value in sorted(values)]


class SettingsForm(forms.ModelForm):
    timezone = forms.ChoiceField(choices=lambda: _choices(known_zones()))
    country = forms.TypedChoiceField(
        choices=lambda: [("", "---------"), *sorted(known_countries().items(), key=lambda each: each[1])],
        required=False,
        empty_value=None,
        help_text="How national telephone numbers are read.",
    )
    currency = forms.ChoiceField(choices=_choices(CURRENCIES))
    locale = forms.ChoiceField(choices=settings.LANGUAGES)
    review_url = forms.URLField(required=False, assume_scheme="https", max_length=500)
    imprint_url = forms.URLField(required=False, assume_scheme="https", max_length=500)
    privacy_url = forms.URLField(required=False, assume_scheme="https", max_length=500)
    embed_origins = LinesField(
        required=False,
        help_text="Websites that may show the booking page in a frame, one a line: https://www.example.com",
    )
    policy_text = TextByLanguageField(
        longest=LONGEST_POLICY,
        required=False,
        help_text="What a client accepts when booking online. Another text is another version.",
    )

    class Meta:
        model = SalonSettings
        fields = "__all__"
        labels = {
            "reply_to": "Reply to",
            "staff_personal_agenda_enabled": "Personal agenda",
            "provisional_hours": "Requests are open for (hours)",
            "waitlist_hold_minutes": "Waitlist offers hold the slot for (minutes)",
            "slot_step_minutes": "Start times every (minutes)",
            "min_notice_minutes": "Shortest notice (minutes)",
            "booking_horizon_days": "Furthest ahead (days)",
            "visit_max_wait_minutes": "Longest wait within a visit (minutes)",
            "noshow_enabled": "Charge a fee for missed visits",
            "noshow_fee_type": "Kind of fee",
            "noshow_fee_value": "Amount or percentage",
            "noshow_fee_minimum": "At least",
            "review_delay_hours": "Ask for a review after (hours)",
            "review_min_days": "Ask a client again after (days)",
            "review_url": "Public review page",
            "followup_hour": "Follow-up mails leave at (hour)",
            "brand_color": "Colour",
            "imprint_url": "Imprint",
            "privacy_url": "Privacy statement",
            "online_booking": "Online booking",
            "online_verify": "Ask for the code in a mail",
            "request_hours": "Point out unanswered requests after (hours)",
            "embed_origins": "Shown in the frames of",
            "client_cancel_minutes": "Clients cancel until (minutes before)",
            "client_reschedule_minutes": "Clients move until (minutes before)",
            "reschedule_limit": "Clients move a visit at most (times)",
            "grace_minutes": "A new booking can be taken back for (minutes)",
            "client_may_change_staff": "Clients may move to another person",
            "late_cancel": "A cancellation that comes too late",
            "quiet_from": "No SMS from",
            "quiet_to": "No SMS until",
            "unconfirmed_action": "A visit that is not confirmed",
            "sms_when_no_mail": "SMS for clients without a mail address",
            "agenda_step_minutes": "Lines of the agenda every",
        }
        help_texts = {
            "business_address": "Stands under mails and pages.",
            "reply_to": "Where answers to mails go.",
            "staff_personal_agenda_enabled": "Staff see their own bookings only; the front desk sees all.",
            "double_booking": "What happens when a time is taken already.",
            "waitlist_hold_minutes": "0: an offer holds nothing.",
            "visit_max_wait_minutes": "From the end of one service to the beginning of the next.",
            "noshow_fee_minimum": "For a percentage: never less than this.",
            "followup_hour": "0 to 23, on the salon's clock.",
            "brand_color": "Of mails and pages, such as #8a1c4a. Empty: ours.",
            "reschedule_limit": "Empty: as often as they like.",
            "quiet_to": "The same time twice: no quiet hours.",
            "unconfirmed_action": "Twelve hours before, when the client was asked and has not answered.",
        }
        widgets = {"business_address": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fee = self.fields["noshow_fee_value"]
        if isinstance(fee, AmountField) and self.instance.noshow_fee_type == SalonSettings.FeeType.PERCENT:
            fee.at_least = 0

    def clean(self) -> dict[str, Any]:
        """The first zone brings its country, and another policy its version, as in the API."""
        cleaned = super().clean() or {}
        changed = {name: cleaned[name] for name in self.changed_data if name in cleaned}
        try:
            stored = as_stored(self.instance, with_country(changed, known=self.instance.country))
        except BadRequest as refused:
            say_refusal(self, refused)
            return cleaned
        self.instance.policy_version = stored.get("policy_version", self.instance.policy_version)
        return {**cleaned, **stored}

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        try:
            check_settings(self.instance, changed=self.changed_data)
        except BadRequest as refused:
            if not self.errors:
                say_refusal(self, refused)


@admin.register(SalonSettings)
class SalonSettingsAdmin(AmountsAdmin):
    form = SettingsForm
    readonly_fields = ("policy_version",)
    fieldsets = (
        (None, {"fields": ("business_name", "business_address", "business_phone", "reply_to")}),
        ("Language, time and money", {"fields": ("locale", "timezone", "country", "currency")}),
        (
            "Bookings",
            {
                "fields": (
                    "staff_personal_agenda_enabled",
                    "double_booking",
                    "provisional_hours",
                    "waitlist_hold_minutes",
                    "slot_step_minutes",
                    "min_notice_minutes",
                    "booking_horizon_days",
                    "visit_max_wait_minutes",
                    "agenda_step_minutes",
                )
            },
        ),
        (
            "No-shows",
            {"fields": ("noshow_enabled", "noshow_fee_type", "noshow_fee_value", "noshow_fee_minimum")},
        ),
        (
            "After the visit",
            {"fields": ("review_delay_hours", "review_min_days", "review_url", "followup_hour")},
        ),
        (
            "Online booking",
            {
                "fields": (
                    "online_booking",
                    "online_verify",
                    "request_hours",
                    "embed_origins",
                    "policy_text",
                    "policy_version",
                )
            },
        ),
        (
            "What clients may do themselves",
            {
                "fields": (
                    "client_cancel_minutes",
                    "client_reschedule_minutes",
                    "reschedule_limit",
                    "grace_minutes",
                    "client_may_change_staff",
                    "late_cancel",
                )
            },
        ),
        (
            "Reminders and SMS",
            {"fields": ("quiet_from", "quiet_to", "unconfirmed_action", "sms_when_no_mail")},
        ),
        ("Look", {"fields": ("brand_color", "imprint_url", "privacy_url")}),
    )

    def save_model(self, request: HttpRequest, salon: SalonSettings, form: Any, change: bool) -> None:
        """Another zone tells what is ahead; another country reads clients' numbers again, in batches of
        their own, once the settings are stored."""
        before = form.initial.get("country")
        super().save_model(request, salon, form, change)
        transaction.on_commit(lambda: _read_numbers_again(request, salon, before=before))
        if "timezone" in form.changed_data:
            say_affected(request, Touched(timezone.now()))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one row: its page."""
        SalonSettings.load()
        return HttpResponseRedirect(reverse("admin:staff_salonsettings_change", args=[1]))
