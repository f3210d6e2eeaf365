"""What the salon's own people are told about no-show money, in their in-app list."""

from __future__ import annotations

from datetime import datetime

from bookings.models import NoShowFee
from bookings.noshow.checkout import Checkout
from notifications import inapp
from staff.currencies import from_minor

PAID = "noshow.paid"
FAILED = "noshow.failed"


def amount_text(fee: NoShowFee) -> str:
    """Such as "12.50 EUR"."""
    return f"{from_minor(fee.amount_minor, currency=fee.currency)} {fee.currency}"


def say_paid(fee: NoShowFee, *, now: datetime) -> None:
    """To the booking's staff member and the admins."""
    inapp.tell_staff(
        staff_ids=[fee.booking.staff_id],
        and_admins=True,
        type=PAID,
        title=f"No-show fee paid: {amount_text(fee)}",
        booking_id=fee.booking_id,
        now=now,
    )


def say_paid_stays(fee: NoShowFee, *, now: datetime) -> None:
    _tell_admins(
        fee,
        type=PAID,
        title=f"No longer a no-show, but the fee has been paid: {amount_text(fee)}",
        body="The payment stays. To give it back, open the fee in the admin and refund it.",
        now=now,
    )


def say_surplus(fee: NoShowFee, *, now: datetime) -> None:
    _tell_admins(
        fee,
        type=PAID,
        title=f"A no-show fee was paid that was not owed any more: {amount_text(fee)}",
        body=f"The fee was {fee.get_state_display().lower()} already. This payment is being given back.",
        now=now,
    )


def say_wrong_amount(fee: NoShowFee, told: Checkout, *, now: datetime) -> None:
    _tell_admins(
        fee,
        type=FAILED,
        title="A payment for a no-show fee has the wrong amount",
        body=(
            f"The fee is {amount_text(fee)}; Stripe counted {told.amount_total} {told.currency} in "
            f"{told.id}. Nothing was booked. Look at the payment in Stripe."
        ),
        now=now,
    )


def say_not_sent(fee: NoShowFee, *, why: str, do: str, now: datetime) -> None:
    """The client was not asked for the fee; `do` says what an admin can do about it."""
    _tell_admins(
        fee,
        type=FAILED,
        title=f"The no-show fee could not be sent: {amount_text(fee)}",
        body=f"{why} {do}",
        now=now,
    )


def _tell_admins(fee: NoShowFee, *, type: str, title: str, body: str, now: datetime) -> None:
    inapp.tell_admins(type=type, title=title, body=body, booking_id=fee.booking_id, now=now)
