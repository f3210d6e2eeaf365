"""Webhook endpoints in admin, and the log of what was delivered to them, to be replayed by POST."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.webhooks.endpoints import add_endpoint, change_endpoint, remove_endpoint, why_not
from notifications.webhooks.order import replay
from notifications.webhooks.printing import STATES, state_of
from staff.admin.readonly import ReadOnlyAdmin
from staff.wire.refusals import Refused

NEWEST = 20


class EndpointForm(forms.ModelForm):
    refusal = ""
    """Why the address that was sent is refused."""

    events = forms.MultipleChoiceField(
        label=capfirst(_("events")),
        choices=[(each, each) for each in settings.WEBHOOK_EVENTS],
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("None chosen means all of them."),
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "events", "is_active")

    def clean_url(self) -> str:
        if self.refusal:
            raise ValidationError(self.refusal)
        url: str = self.cleaned_data["url"]
        return url


class NewestDeliveries(forms.BaseInlineFormSet):
    @cached_property
    def newest(self) -> list[Any]:
        return list(super().get_queryset()[:NEWEST])

    def get_queryset(self) -> Any:
        return self.newest


class DeliveryInline(admin.TabularInline):
    model = WebhookDelivery
    formset = NewestDeliveries
    verbose_name_plural = _("the newest deliveries")
    fields = (
        "created_at",
        "event_type",
        "booking_id",
        "state",
        "attempts",
        "response_status",
        "delivered_at",
    )
    readonly_fields = fields
    ordering = ("-id",)
    can_delete = False
    show_change_link = True
    extra = max_num = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        return super().get_queryset(request).select_related("job", "endpoint")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("state"))
    def state(self, delivery: WebhookDelivery) -> str:
        return state_of(delivery)

    @admin.display(description=_("attempts"))
    def attempts(self, delivery: WebhookDelivery) -> int:
        return delivery.job.attempts


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(admin.ModelAdmin):
    form = EndpointForm
    actions = None
    list_display = ("url", "is_active", "told_of", "failing_since", "disabled_at")
    list_filter = ("is_active",)
    search_fields = ("url",)
    list_per_page = 50
    fields = ("url", "events", "is_active", "failing_since", "disabled_at", "created_at")
    readonly_fields = ("failing_since", "disabled_at", "created_at")

    @admin.display(description=_("events"))
    def told_of(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.events) or gettext("all")

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The network is asked here, before admin opens its transaction."""
        if request.method == "POST":
            request.url_refusal = why_not(request.POST.get("url", ""))  # type: ignore[attr-defined]
        return super().changeform_view(request, *args, **kwargs)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.refusal = getattr(request, "url_refusal", "")
        return form

    def get_inlines(self, request: HttpRequest, obj: WebhookEndpoint | None) -> Any:
        return () if obj is None else (DeliveryInline,)

    def save_model(self, request: HttpRequest, obj: WebhookEndpoint, form: Any, change: bool) -> None:
        fields = {name: form.cleaned_data[name] for name in ("url", "events", "is_active")}
        if change:
            stored = change_endpoint(obj.pk, fields=fields, now=timezone.now())
        else:
            stored = add_endpoint(fields=fields)
            request.new_webhook_secret = stored.secret  # type: ignore[attr-defined]
        obj.pk, obj._state.adding = stored.pk, False

    def response_add(
        self, request: HttpRequest, obj: WebhookEndpoint, post_url_continue: Any = None
    ) -> HttpResponse:
        """The page that shows the secret, this once."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("Webhook endpoint"),
            "opts": self.opts,
            "endpoint": obj,
            "secret": request.new_webhook_secret,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/notifications/webhookendpoint/made.html", context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its log goes with it, though nobody may delete a line of the log."""
        shown, counts, _, protected = super().get_deleted_objects(objs, request)
        return shown[:NEWEST], counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        remove_endpoint(obj.pk, now=timezone.now())


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(state, gettext(state)) for state in STATES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        condition = STATES.get(self.value() or "")
        return queryset if condition is None else queryset.filter(condition)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "state",
        "event_type",
        "booking_id",
        "endpoint",
        "attempts",
        "response_status",
    )
    list_display_links = ("created_at",)
    list_filter = (StateFilter, "event_type", "endpoint")
    list_select_related = ("endpoint", "job")
    search_fields = ("=booking_id", "=message_id")
    search_help_text = _("A booking's number, or a webhook-id.")
    date_hierarchy = "created_at"
    actions = ("replay_chosen",)
    fields = (
        ("event_type", "booking_id"),
        ("endpoint", "state", "attempts"),
        "last_error",
        ("response_status", "response_excerpt"),
        ("created_at", "first_attempt_at", "delivered_at"),
        "message_id",
        "body",
    )
    readonly_fields = ("state", "attempts", "last_error")

    @admin.display(description=_("state"))
    def state(self, delivery: WebhookDelivery) -> str:
        return state_of(delivery)

    @admin.display(description=_("attempts"))
    def attempts(self, delivery: WebhookDelivery) -> int:
        return delivery.job.attempts

    @admin.display(description=_("last error"))
    def last_error(self, delivery: WebhookDelivery) -> str:
        return delivery.job.last_error

    @admin.action(description=_("Deliver the chosen ones once more"))
    def replay_chosen(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        replayed = 0
        for delivery_id in list(deliveries.order_by("id").values_list("id", flat=True)):
            try:
                replay(delivery_id, now=timezone.now())
            except Refused as refused:
                messages.error(request, f"#{delivery_id}: {gettext(refused.message)}")
            else:
                replayed += 1
        if replayed:
            messages.success(request, _("Due once more: %(count)d.") % {"count": replayed})
