"""No-show money: rows frozen when they arise (contract §1.4)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q


class NoShowFee(models.Model):
    """A fee frozen when the booking became a no-show. `amount_minor` is in the currency's minor unit."""

    class State(models.TextChoices):
        DUE = "due", "Due"
        PAID = "paid", "Paid"
        NOT_CHARGED = "not_charged", "Not charged"
        VOID = "void", "Void"
        WAIVED = "waived", "Waived"
        REFUNDED = "refunded", "Refunded"

    LONGEST_REASON = 500

    booking = models.ForeignKey("bookings.Booking", on_delete=models.PROTECT, related_name="noshow_fees")
    event = models.OneToOneField("bookings.BookingEvent", on_delete=models.PROTECT, related_name="noshow_fee")
    client = models.ForeignKey("clients.Client", null=True, on_delete=models.SET_NULL, related_name="+")
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=12, choices=State, default=State.DUE)
    reason = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    pay_token = models.CharField(max_length=64, unique=True)
    pay_until = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["booking"], condition=Q(state__in=["due"]), name="noshow_fee_one_due_per_booking"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["due", "paid", "not_charged", "void", "waived", "refunded"]),
                name="noshow_fee_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"no-show fee #{self.pk} {self.state}"


class StripeSession(models.Model):
    """One Checkout Session; key and parameters are stored before Stripe is called (reliability §1).

    creating -> open -> paid -> refunded; creating -> doubtful after an answer that says nothing (then asked
    again under the same key, then looked for at Stripe); open -> processing while a slow payment method is
    under way, -> failed when it fails; open -> expired. `lost` was looked for at Stripe and is not there;
    `refused` was never made. `surplus` was paid although nothing was owed: it is refunded. `wrong_amount`
    needs a person.
    """

    class State(models.TextChoices):
        CREATING = "creating", "Creating"
        DOUBTFUL = "doubtful", "Doubtful"
        OPEN = "open", "Open"
        PROCESSING = "processing", "Processing"
        FAILED = "failed", "Failed"
        PAID = "paid", "Paid"
        SURPLUS = "surplus", "Surplus"
        REFUNDED = "refunded", "Refunded"
        EXPIRED = "expired", "Expired"
        LOST = "lost", "Lost"
        REFUSED = "refused", "Refused"
        WRONG_AMOUNT = "wrong_amount", "Wrong amount"

    fee = models.ForeignKey(NoShowFee, on_delete=models.PROTECT, related_name="sessions")
    idempotency_key = models.CharField(max_length=100, unique=True)
    params: Any = models.JSONField()
    session_id = models.CharField(max_length=255, null=True, unique=True)
    url = models.TextField(blank=True, default="")
    payment_intent = models.CharField(max_length=255, blank=True, default="")
    state = models.CharField(max_length=12, choices=State, default=State.CREATING)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "creating",
                        "doubtful",
                        "open",
                        "processing",
                        "failed",
                        "paid",
                        "surplus",
                        "refunded",
                        "expired",
                        "lost",
                        "refused",
                        "wrong_amount",
                    ]
                ),
                name="stripe_session_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.session_id or f"session #{self.pk} being made"


class StripeEvent(models.Model):
    """A webhook event that was taken in: its id once, in the transaction of its effect."""

    event_id = models.CharField(max_length=255, unique=True)
    type = models.CharField(max_length=100)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.event_id
