"""No-show fees in Django admin: to read, to waive with a reason, to refund. Each by POST, after asking.

Nobody adds, edits or deletes a fee: what was owed and what was paid stays written down.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.models import NoShowFee, StripeSession
from bookings.noshow.waive_or_refund import refund, waive
from clients.admin import FoundByClient
from notifications.models import Job
from staff.admin.money import shown_amount
from staff.admin.readonly import ReadOnlyAdmin, ReadOnlyInline
from staff.wire.money import from_minor
from staff.wire.refusals import Refused

ROLE_NEEDED = "bookings.change_noshowfee"


class WaiveForm(forms.Form):
    reason = forms.CharField(
        label=capfirst(_("reason")),
        max_length=NoShowFee.LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
        help_text=_("Kept with the fee. The client is not told."),
    )


class RefundForm(forms.Form):
    pass


class SessionInline(ReadOnlyInline):
    model = StripeSession
    verbose_name_plural = _("Stripe Checkout Sessions")
    fields = ("session_id", "state", "payment_intent", "expires_at", "created_at")
    readonly_fields = fields


@admin.register(NoShowFee)
class NoShowFeeAdmin(FoundByClient, ReadOnlyAdmin):
    list_display = ("created_at", "state", "client", "booked_for", "amount", "paid_at", "reason")
    list_filter = ("state", "currency")
    search_fields = ("=booking__id",)
    date_hierarchy = "created_at"
    list_select_related = ("client", "booking")
    ordering = ("-id",)
    fields = (
        "decide",
        "state",
        "amount",
        "client",
        "booking",
        "reason",
        "pay_until",
        "paid_at",
        "created_at",
        "jobs",
    )
    readonly_fields = fields
    inlines = (SessionInline,)

    @admin.display(description=_("booking"), ordering="booking__start_at")
    def booked_for(self, fee: NoShowFee) -> datetime:
        return fee.booking.start_at

    @admin.display(description=_("amount"), ordering="amount_minor")
    def amount(self, fee: NoShowFee) -> str:
        amount = from_minor(fee.amount_minor, currency=fee.currency)
        return f"{shown_amount(amount, currency=fee.currency)} {fee.currency}"

    @admin.display(description=_("What you can do"))
    def decide(self, fee: NoShowFee) -> str:
        match fee.state:
            case NoShowFee.State.DUE:
                way, label = "waive", gettext("Waive this fee…")
            case NoShowFee.State.PAID:
                way, label = "refund", gettext("Refund it…")
            case _:
                return "-"
        address = reverse(f"admin:bookings_noshowfee_{way}", args=[fee.pk])
        return format_html('<a href="{}">{}</a>', address, label)

    @admin.display(description=_("Jobs"))
    def jobs(self, fee: NoShowFee) -> str:
        found = Job.objects.filter(booking_id=fee.booking_id, type__startswith="noshow.").order_by("id")
        return ", ".join(f"{job.type} {job.state}" for job in found) or "-"

    def get_urls(self) -> list[URLPattern]:
        waiving = path(
            "<int:fee_id>/waive/",
            self.admin_site.admin_view(self.waive_view),
            name="bookings_noshowfee_waive",
        )
        refunding = path(
            "<int:fee_id>/refund/",
            self.admin_site.admin_view(self.refund_view),
            name="bookings_noshowfee_refund",
        )
        return [waiving, refunding, *super().get_urls()]

    def waive_view(self, request: HttpRequest, fee_id: int) -> HttpResponse:
        form = WaiveForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            reason = form.cleaned_data["reason"]
            return self._decided(
                request,
                fee_id,
                lambda: waive(fee_id=fee_id, reason=reason, now=timezone.now()),
                said=_("The fee is waived."),
                log=gettext("Waived: %(reason)s") % {"reason": reason},
            )
        return self._asking(
            request, fee_id, form, title=_("Waive this no-show fee?"), label=_("Waive the fee")
        )

    def refund_view(self, request: HttpRequest, fee_id: int) -> HttpResponse:
        form = RefundForm(request.POST or None)
        if request.method == "POST":
            return self._decided(
                request,
                fee_id,
                lambda: refund(fee_id=fee_id, now=timezone.now()),
                said=_("The refund is on its way; the fee is refunded once Stripe has done it."),
                log=gettext("Refund asked for"),
            )
        return self._asking(
            request, fee_id, form, title=_("Give all of this payment back?"), label=_("Refund the payment")
        )

    def _asking(
        self, request: HttpRequest, fee_id: int, form: forms.Form, *, title: Any, label: Any
    ) -> HttpResponse:
        fee = self._fee(request, fee_id)
        return TemplateResponse(
            request,
            "admin/bookings/noshowfee/decide.html",
            {
                **self.admin_site.each_context(request),
                "opts": self.model._meta,
                "title": title,
                "label": label,
                "fee": fee,
                "amount": self.amount(fee),
                "form": form,
                "back": self._address(fee_id),
            },
        )

    def _decided(
        self, request: HttpRequest, fee_id: int, decide: Any, *, said: Any, log: str
    ) -> HttpResponse:
        fee = self._fee(request, fee_id)
        try:
            decide()
        except Refused as refused:
            self.message_user(request, gettext(refused.message), messages.ERROR)
        else:
            self.log_change(request, fee, log)
            self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(self._address(fee_id))

    def _fee(self, request: HttpRequest, fee_id: int) -> NoShowFee:
        """Raises Http404, also for who may not change fees."""
        fee = NoShowFee.objects.select_related("client", "booking").filter(pk=fee_id).first()
        if fee is None or not request.user.has_perm(ROLE_NEEDED):
            raise Http404
        return fee

    def _address(self, fee_id: int) -> str:
        return reverse("admin:bookings_noshowfee_change", args=[fee_id])
