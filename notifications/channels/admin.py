"""Channels in admin, with a text to try one; what came in, and who wants no texts.

What a channel logs in with is typed and never shown: an empty field keeps what is stored.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from notifications.channels.addresses import inbound_url, receipts_url
from notifications.channels.opt_outs import lift
from notifications.channels.records import add_channel, change_channel, check_credentials, send_test
from notifications.channels.serializers import CREDENTIALS, LONGEST_CREDENTIAL
from notifications.models import Channel, InboundText, OptOut
from staff.admin.readonly import ReadOnlyAdmin
from staff.models import SalonSettings
from staff.wire.refusals import Refused

OPEN = ("provider", "name", "sender", "is_active", "daily_cap", "unsigned_inbound")


def _typed_once(label: str) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=LONGEST_CREDENTIAL,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "vTextField"}),
        help_text=_("Never shown again; an empty field keeps what is stored."),
    )


class ChannelForm(forms.ModelForm):
    api_key = _typed_once("seven.io: API key")
    signing_key = _typed_once("seven.io: signing key")
    account_sid = _typed_once("Twilio: Account SID")
    auth_token = _typed_once("Twilio: Auth Token")

    class Meta:
        model = Channel
        fields = OPEN

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        typed = self.typed()
        moved = not self.instance._state.adding and "provider" in self.changed_data
        if cleaned.get("provider") and (typed or moved or self.instance._state.adding):
            try:
                check_credentials(cleaned["provider"], typed)
            except Refused as refused:
                raise forms.ValidationError(refused.message) from None
        return cleaned

    def typed(self) -> dict[str, str]:
        return {name: value for name in CREDENTIALS if (value := self.cleaned_data.get(name, ""))}


@admin.register(Channel)
class ChannelAdmin(admin.ModelAdmin):
    form = ChannelForm
    actions = None
    list_display = ("name", "is_active", "provider", "sender", "counted", "counted_on", "daily_cap")
    list_filter = ("is_active", "provider")
    search_fields = ("name", "sender")
    list_per_page = 50
    fields = (*OPEN, *CREDENTIALS, "receipts", "replies", "paused_until", "created_at")
    readonly_fields = ("receipts", "replies", "paused_until", "created_at")

    @admin.display(description=_("address for receipts"))
    def receipts(self, channel: Channel) -> str:
        return "-" if channel.pk is None else receipts_url(channel)

    @admin.display(description=_("address for replies"))
    def replies(self, channel: Channel) -> str:
        return "-" if channel.pk is None else inbound_url(channel)

    def save_model(self, request: HttpRequest, obj: Channel, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in OPEN}
        if typed := form.typed():
            fields["credentials"] = typed
        stored = change_channel(obj.pk, fields=fields) if change else add_channel(fields=fields)
        obj.pk, obj._state.adding = stored.pk, False

    def get_urls(self) -> list[URLPattern]:
        test = path(
            "<int:channel_id>/test/",
            self.admin_site.admin_view(self.test_view),
            name="notifications_channel_test",
        )
        return [test, *super().get_urls()]

    @method_decorator(require_POST)
    def test_view(self, request: HttpRequest, channel_id: int) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        to, region = request.POST.get("to", "")[:40], SalonSettings.load().country
        try:
            message = send_test(channel_id, to=to, region=region, now=timezone.now())
        except Refused as refused:
            messages.error(request, gettext(refused.message))
        else:
            messages.success(request, gettext("A test to %(number)s is on its way.") % {"number": message.to})
        return HttpResponseRedirect(reverse("admin:notifications_channel_change", args=[channel_id]))


@admin.register(InboundText)
class InboundTextAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "number", "meaning", "text", "client_id", "channel")
    list_display_links = ("received_at",)
    list_filter = ("meaning", "channel")
    list_select_related = ("channel",)
    search_fields = ("number", "text", "=client_id")
    search_help_text = _("A telephone number, words, a client's number.")
    date_hierarchy = "received_at"


@admin.register(OptOut)
class OptOutAdmin(ReadOnlyAdmin):
    list_display = ("number", "source", "created_at", "lifted_at", "lifted_because")
    list_filter = ("source",)
    search_fields = ("number",)
    search_help_text = _("A telephone number.")
    fields = ("kind", "number", "source", "created_at", "lifted_at", "lifted_by", "lifted_because")

    def get_urls(self) -> list[URLPattern]:
        again = path(
            "<int:opt_out_id>/lift/",
            self.admin_site.admin_view(self.lift_view),
            name="notifications_optout_lift",
        )
        return [again, *super().get_urls()]

    @method_decorator(require_POST)
    def lift_view(self, request: HttpRequest, opt_out_id: int) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        reason, by = request.POST.get("reason", "")[:300], request.user.pk or 0
        try:
            lift(opt_out_id, reason=reason, by=by, now=timezone.now())
        except Refused as refused:
            messages.error(request, gettext(refused.message))
        else:
            messages.success(request, gettext("This number gets texts again."))
        return HttpResponseRedirect(reverse("admin:notifications_optout_change", args=[opt_out_id]))
