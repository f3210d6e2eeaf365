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
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from staff.admin.base import say_affected, say_refusal
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
    if became_e164:
        said = gettext("Telephone numbers that became international: %(count)d.")
        messages.success(request, said % {"count": became_e164})


def _choices(values: Any) -> list[tuple[str, str]]:
    return [(value, value) for value in sorted(values)]


class SettingsForm(forms.ModelForm):
    timezone = forms.ChoiceField(label=_("Time zone"), choices=lambda: _choices(known_zones()))
    country = forms.TypedChoiceField(
        label=_("Country"),
        choices=lambda: [("", "---------"), *sorted(known_countries().items(), key=lambda each: each[1])],
        required=False,
        empty_value=None,
        help_text=_("How national telephone numbers are read."),
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=_choices(CURRENCIES))
    locale = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)
    review_url = forms.URLField(
        label=_("Public review page"), required=False, assume_scheme="https", max_length=500
    )
    imprint_url = forms.URLField(label=_("Imprint"), required=False, assume_scheme="https", max_length=500)
    privacy_url = forms.URLField(
        label=_("Privacy statement"), required=False, assume_scheme="https", max_length=500
    )
    embed_origins = LinesField(
        label=_("Shown in the frames of"),
        required=False,
        help_text=_(
            "Websites that may show the booking page in a frame, one a line: https://www.example.com"
        ),
    )
    policy_text = TextByLanguageField(
        label=_("Policy"),
        longest=LONGEST_POLICY,
        required=False,
        help_text=_("What a client accepts when booking online. Another text is another version."),
    )

    class Meta:
        model = SalonSettings
        fields = "__all__"
        labels = {
            "business_name": _("Name"),
            "business_address": _("Address"),
            "business_phone": _("Telephone"),
            "reply_to": _("Reply to"),
            "staff_personal_agenda_enabled": _("Personal agenda"),
            "provisional_hours": _("Requests are open for (hours)"),
            "waitlist_hold_minutes": _("Waitlist offers hold the slot for (minutes)"),
            "slot_step_minutes": _("Start times every (minutes)"),
            "min_notice_minutes": _("Shortest notice (minutes)"),
            "booking_horizon_days": _("Furthest ahead (days)"),
            "visit_max_wait_minutes": _("Longest wait within a visit (minutes)"),
            "noshow_enabled": _("Charge a fee for missed visits"),
            "noshow_fee_type": _("Kind of fee"),
            "noshow_fee_value": _("Amount or percentage"),
            "noshow_fee_minimum": _("At least"),
            "review_delay_hours": _("Ask for a review after (hours)"),
            "review_min_days": _("Ask a client again after (days)"),
            "followup_hour": _("Follow-up mails leave at (hour)"),
            "brand_color": _("Colour"),
            "online_booking": _("Online booking"),
            "online_verify": _("Ask for the code in a mail"),
            "request_hours": _("Point out unanswered requests after (hours)"),
            "client_cancel_minutes": _("Clients cancel until (minutes before)"),
            "client_reschedule_minutes": _("Clients move until (minutes before)"),
            "reschedule_limit": _("Clients move a visit at most (times)"),
            "grace_minutes": _("A new booking can be taken back for (minutes)"),
            "client_may_change_staff": _("Clients may move to another person"),
            "late_cancel": _("A cancellation that comes too late"),
            "quiet_from": _("No SMS from"),
            "quiet_to": _("No SMS until"),
            "unconfirmed_action": _("A visit that is not confirmed"),
            "sms_when_no_mail": _("SMS for clients without a mail address"),
            "agenda_step_minutes": _("Lines of the agenda every"),
        }
        help_texts = {
            "business_name": _("As clients know it: on mails and pages."),
            "business_address": _("Stands under mails and pages."),
            "reply_to": _("Where answers to mails go."),
            "staff_personal_agenda_enabled": _("Staff see their own bookings only; the front desk sees all."),
            "double_booking": _("What happens when a time is taken already."),
            "waitlist_hold_minutes": _("0: an offer holds nothing."),
            "visit_max_wait_minutes": _("From the end of one service to the beginning of the next."),
            "noshow_fee_minimum": _("For a percentage: never less than this."),
            "followup_hour": _("0 to 23, on the salon's clock."),
            "brand_color": _("Of mails and pages, such as #8a1c4a. Empty: ours."),
            "reschedule_limit": _("Empty: as often as they like."),
            "quiet_to": _("The same time twice: no quiet hours."),
            "unconfirmed_action": _("Twelve hours before, when the client was asked and has not answered."),
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
        (_("Language, time and money"), {"fields": ("locale", "timezone", "country", "currency")}),
        (
            _("Bookings"),
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
            _("No-shows"),
            {"fields": ("noshow_enabled", "noshow_fee_type", "noshow_fee_value", "noshow_fee_minimum")},
        ),
        (
            _("After the visit"),
            {"fields": ("review_delay_hours", "review_min_days", "review_url", "followup_hour")},
        ),
        (
            _("Online booking"),
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
            _("What clients may do themselves"),
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
            _("Reminders and SMS"),
            {"fields": ("quiet_from", "quiet_to", "unconfirmed_action", "sms_when_no_mail")},
        ),
        (_("Look"), {"fields": ("brand_color", "imprint_url", "privacy_url")}),
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

    def response_post_save_change(self, request: HttpRequest, obj: SalonSettings) -> HttpResponseRedirect:
        """There is no list to go back to: the first page, where a new salon sees what is left."""
        return HttpResponseRedirect(reverse("admin:index"))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one row: its page."""
        SalonSettings.load()
        return HttpResponseRedirect(reverse("admin:staff_salonsettings_change", args=[1]))
