"""The fee of a no-show: frozen when the booking becomes one, undone when it stops being one (contract §1.4).

`charge` and `undo` run inside the door's transaction, give what to enqueue and never call the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bookings.links import new_token
from bookings.models import Booking, BookingEvent, NoShowFee, StripeSession
from bookings.noshow.amounts import NotChargeable, fee_for
from bookings.noshow.inapp_lines import say_paid_stays
from bookings.noshow.states import MAY_BE_LIVE
from bookings.why_not_sent import Reason
from notifications.outbox import Due, Recipient, drop
from staff.models import SalonSettings

PAY_LINK_LIFE = timedelta(days=7)


def charge(
    *, bookings: Sequence[Booking], event: BookingEvent, salon: SalonSettings, now: datetime
) -> list[Due]:
    """Freeze the one fee of a visit's bookings that are no-shows by `event`; gives the job that asks Stripe.

    It stands with the first of them.

    Nothing while the salon charges no fees; only the row, `not_charged` with its reason, when there is
    nothing to charge.
    """
    if not salon.noshow_enabled:
        return []
    booking = bookings[0]
    try:
        if booking.client_id is None:
            raise NotChargeable("The client has been erased.")
        if not booking.for_somebody:
            raise NotChargeable("Nobody is known who could pay: it is a walk-in.")
        if NoShowFee.objects.filter(booking__in=bookings, state=NoShowFee.State.PAID).exists():
            raise NotChargeable("A fee for this booking has been paid already.")
        amount_minor = fee_for(bookings, salon)
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


def undo(*, booking: Booking, now: datetime) -> list[Due]:
    """The booking stopped being a no-show: an unpaid fee is void, its session expires at Stripe.

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
            say_paid_stays(fee, now=now)
    return dues


def close(fee: NoShowFee, *, state: NoShowFee.State, reason: str, now: datetime) -> list[Due]:
    """Void or waive an unpaid fee inside the caller's transaction, which holds a lock on the row."""
    fee.state = state
    fee.reason = reason
    fee.save(update_fields=["state", "reason"])
    drop_unsent(fee, now=now)
    live = StripeSession.objects.filter(fee=fee, state__in=MAY_BE_LIVE).order_by("id")
    return expire_dues(live, after="closed", now=now)


def not_chargeable_after_all(fee_id: int, *, reason: str) -> None:
    """Stripe itself says that there is nothing it can charge; what was asked of it was not made."""
    NoShowFee.objects.filter(pk=fee_id, state=NoShowFee.State.DUE).update(
        state=NoShowFee.State.NOT_CHARGED, reason=reason[: NoShowFee.LONGEST_REASON]
    )


def drop_unsent(fee: NoShowFee, *, now: datetime) -> None:
    """What still waits to ask for this fee is moot."""
    drop(
        now=now,
        reason=Reason.FEE_NOT_DUE.value,
        booking_id=fee.booking_id,
        types=["noshow.fee", "noshow.mail"],
    )


def expire_dues(sessions: Iterable[StripeSession], *, after: str, now: datetime) -> list[Due]:
    """The jobs that let these sessions expire at Stripe; `after` names what made them moot."""
    return [
        Due(
            type="noshow.expire",
            once_key=f"noshow.expire:{session.fee.booking_id}:{session.pk}:{after}",
            run_at=now,
            booking_id=session.fee.booking_id,
            payload={"session_row": session.pk},
            is_mail=False,
        )
        for session in sessions
    ]


def mail_due(fee: NoShowFee, *, now: datetime) -> Due:
    """The fee's one mail to the client, with the link to our own page."""
    client = fee.client
    return Due(
        type="noshow.mail",
        once_key=f"noshow.mail:{fee.booking_id}:{fee.event_id}",
        run_at=now,
        booking_id=fee.booking_id,
        client_id=fee.client_id,
        recipient=Recipient.client(fee.client_id),
        to=client.email if client else "",
        payload={"fee_id": fee.pk},
    )


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
