"""What the salon's own people are told about no-show money: in their in-app list, in the salon's language."""

from __future__ import annotations

from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _

from bookings.models import NoShowFee
from bookings.noshow.amounts import stripe_amount_text
from bookings.noshow.checkout import Checkout
from notifications import inapp
from staff.models import SalonSettings
from staff.wire.money import from_minor

PAID = "noshow.paid"
FAILED = "noshow.failed"


def amount_text(fee: NoShowFee) -> str:
    """Such as "12.50 EUR"."""
    return f"{from_minor(fee.amount_minor, currency=fee.currency)} {fee.currency}"


def say_paid(fee: NoShowFee, *, now: datetime) -> None:
    """To the booking's staff member and the admins."""
    with _salons_language():
        inapp.tell_staff(
            staff_ids=[fee.booking.staff_id],
            and_admins=True,
            type=PAID,
            title=_("No-show fee paid: %(amount)s") % {"amount": amount_text(fee)},
            booking_id=fee.booking_id,
            now=now,
        )


def say_paid_stays(fee: NoShowFee, *, now: datetime) -> None:
    with _salons_language():
        title = _("No longer a no-show, but the fee has been paid: %(amount)s")
        body = _("The payment stays. To give it back, open the fee in the admin and refund it.")
        _tell_admins(fee, type=PAID, title=title % {"amount": amount_text(fee)}, body=body, now=now)


def say_surplus(fee: NoShowFee, *, now: datetime) -> None:
    with _salons_language():
        title = _("A no-show fee was paid that was not owed any more: %(amount)s")
        if fee.state in (NoShowFee.State.PAID, NoShowFee.State.REFUNDED):
            body = _("It had been paid before. This payment is being given back.")
        else:
            body = _("It had been waived or withdrawn. This payment is being given back.")
        _tell_admins(fee, type=PAID, title=title % {"amount": amount_text(fee)}, body=body, now=now)


def say_wrong_amount(fee: NoShowFee, checkout: Checkout, *, now: datetime) -> None:
    with _salons_language():
        body = _(
            "The fee is %(amount)s; Stripe counted %(counted)s in %(session)s. Nothing was booked. Look at "
            "the payment in Stripe."
        ) % {
            "amount": amount_text(fee),
            "counted": stripe_amount_text(checkout.amount_total, currency=checkout.currency),
            "session": checkout.id,
        }
        title = _("A payment for a no-show fee has the wrong amount")
        _tell_admins(fee, type=FAILED, title=title, body=body, now=now)


def say_not_sent(fee: NoShowFee, *, why: str, job: str, now: datetime) -> None:
    """The client was not asked for the fee: `job` has given up, and `why` is its error as it came."""
    with _salons_language():
        what_to_do = _(
            "The fee is recorded and the client has not been asked for it. If it is for the key, set "
            "STRIPE_API_KEY and STRIPE_WEBHOOK_SECRET and restart. Then retry job %(job)s; or waive the fee."
        )
        _tell_unsent(fee, f"{why} {what_to_do % {'job': job}}", now=now)


def say_no_address(fee: NoShowFee, *, now: datetime) -> None:
    """The client cannot be asked by mail."""
    with _salons_language():
        body = _(
            "The client has no e-mail address. The fee is recorded: settle it with them yourself, or "
            "waive it."
        )
        _tell_unsent(fee, body, now=now)


def _salons_language() -> translation.override:
    return translation.override(SalonSettings.load().locale)


def _tell_unsent(fee: NoShowFee, body: str, *, now: datetime) -> None:
    title = _("The no-show fee could not be sent: %(amount)s") % {"amount": amount_text(fee)}
    _tell_admins(fee, type=FAILED, title=title, body=body, now=now)


def _tell_admins(fee: NoShowFee, *, type: str, title: str, body: str, now: datetime) -> None:
    inapp.tell_admins(type=type, title=title, body=body, booking_id=fee.booking_id, now=now)
