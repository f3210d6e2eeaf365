"""The fee of a no-show: frozen when the booking becomes one, undone when it stops being one (contract §1.4).

`charge` and `undo` run inside the door's transaction, give what to enqueue and never call the network.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bookings.links import new_token
from bookings.models import Booking, BookingEvent, NoShowFee, StripeSession
from bookings.noshow.amounts import NotChargeable, fee_for
from bookings.noshow.states import MAY_BE_LIVE
from notifications import inapp
from notifications.outbox import Due, drop
from staff.models import SalonSettings

PAY_LINK_LIFE = timedelta(days=7)


def charge(*, booking: Booking, event: BookingEvent, salon: SalonSettings, now: datetime) -> list[Due]:
    """Freeze the fee of a booking that became a no-show by `event`; gives the job that asks Stripe.

    Nothing while the salon charges no fees; only the row, `not_charged` with its reason, when there is
    nothing to charge.
    """
    if not salon.noshow_enabled:
        return []
    try:
        if booking.client_id is None:
            raise NotChargeable("The client has been erased.")
        if NoShowFee.objects.filter(booking=booking, state=NoShowFee.State.PAID).exists():
            raise NotChargeable("A fee for this booking has been paid already.")
        amount_minor = fee_for(booking, salon)
    except NotChargeable as nothing:
        _freeze(booking, event, salon, nothing.amount_minor, now=now, not_charged=nothing.reason)
        return []
    fee = _freeze(booking, event, salon, amount_minor, now=now)
    return [
        Due(
            type="noshow.fee",
            once_key=f"noshow.fee:{booking.pk}:{event.pk}",
            run_at=now,
            booking_id=booking.pk,
            payload={"fee_id": fee.pk},
            is_mail=False,
        )
    ]


def undo(*, booking: Booking, event: BookingEvent, salon: SalonSettings, now: datetime) -> list[Due]:
    """The booking stopped being a no-show by `event`: an unpaid fee is void, its session expires at Stripe.

    A paid fee stays, and admins are told.
    """
    fees = NoShowFee.objects.select_for_update().filter(
        booking=booking, state__in=[NoShowFee.State.DUE, NoShowFee.State.PAID]
    )
    dues: list[Due] = []
    for fee in fees.order_by("id"):
        if fee.state == NoShowFee.State.DUE:
            dues += close(
                fee, state=NoShowFee.State.VOID, reason="The booking is no longer a no-show.", now=now
            )
        else:
            _tell_paid_stays(booking, now=now)
    return dues


def close(fee: NoShowFee, *, state: NoShowFee.State, reason: str, now: datetime) -> list[Due]:
    """Void or waive an unpaid fee inside the caller's transaction, which holds a lock on the row."""
    fee.state = state
    fee.reason = reason
    fee.save(update_fields=["state", "reason"])
    drop(now=now, reason="fee_not_due", booking_id=fee.booking_id, types=["noshow.fee", "noshow.mail"])
    live = StripeSession.objects.filter(fee=fee, state__in=MAY_BE_LIVE).order_by("id")
    return [
        Due(
            type="noshow.expire",
            once_key=f"noshow.expire:{fee.booking_id}:{session.pk}",
            run_at=now,
            booking_id=fee.booking_id,
            payload={"session_row": session.pk},
            is_mail=False,
        )
        for session in live
    ]


def _freeze(
    booking: Booking,
    event: BookingEvent,
    salon: SalonSettings,
    amount_minor: int,
    *,
    now: datetime,
    not_charged: str = "",
) -> NoShowFee:
    return NoShowFee.objects.create(
        booking=booking,
        event=event,
        client_id=booking.client_id,
        amount_minor=amount_minor,
        currency=salon.currency,
        state=NoShowFee.State.NOT_CHARGED if not_charged else NoShowFee.State.DUE,
        reason=not_charged,
        pay_token=new_token(),
        pay_until=now + PAY_LINK_LIFE,
        created_at=now,
    )


def _tell_paid_stays(booking: Booking, *, now: datetime) -> None:
    inapp.tell_admins(
        type="noshow.paid",
        title="A booking is no longer a no-show, but its fee has been paid",
        body="The payment stays. To give it back, open the fee in the admin and refund it.",
        booking_id=booking.pk,
        now=now,
    )
