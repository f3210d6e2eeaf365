"""What a completed visit earns: a review request and follow-up mails (contract §1.4 "to completed").

That a client is asked for a review once in `review_min_days` is checked by `bookings.mails.review`.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.db.models import CharField, Q

from bookings.models import Booking, BookingEvent
from bookings.why_not_sent import Reason
from notifications import outbox
from notifications.models import FollowupSequence, FollowupStep, Job, Message
from notifications.outbox import Due, Recipient
from notifications.outbox.states import IS_LIVE
from staff.models import SalonSettings
from staff.salon.schedule import instant_on
from staff.storage.prepared_statements import Blank, Prepared

REVIEW_REQUEST = "review.request"
FOLLOWUP_STEP = "followup.step"

REACHED = (Message.State.SENT, Message.State.KEPT, Message.State.UNCERTAIN)
"""What has (or may have) reached the client is never sent a second time for the same booking."""


def start(*, booking: Booking, event: BookingEvent, salon: SalonSettings, now: datetime) -> list[Due]:
    """The mails due after this visit, without those that already reached this client for this booking."""
    return [
        *ask_for_review(booking=booking, event=event, salon=salon, now=now),
        *follow_up(booking=booking, event=event, salon=salon, now=now),
    ]


def follow_up(*, booking: Booking, event: BookingEvent, salon: SalonSettings, now: datetime) -> list[Due]:
    """The steps of the salon's sequences, of each booking of a visit."""
    if not booking.for_somebody:
        return []
    reached = _steps_that_reached(booking)
    steps = FollowupStep.objects.filter(sequence__is_active=True).filter(
        Q(sequence__service_id=booking.service_id) | Q(sequence__service_id__isnull=True)
    )
    return [
        _step(booking, event, step, salon=salon, now=now)
        for step in steps.order_by("sequence_id", "delay_days", "id")
        if step.pk not in reached
    ]


def ask_for_review(
    *, booking: Booking, event: BookingEvent, salon: SalonSettings, now: datetime
) -> list[Due]:
    """The request for a review of the booking's visit, which is asked for once (contract §7 "others")."""
    if not booking.for_somebody:
        return []
    asked = Q(visit_id=booking.visit_id) | Q(booking_id=booking.pk)
    reached = Message.objects.filter(asked, client_id=booking.client_id, type=REVIEW_REQUEST)
    of_visit = Job.objects.filter(IS_LIVE, visit_id=booking.visit_id, type=REVIEW_REQUEST)
    if reached.filter(state__in=REACHED).exists() or of_visit.exists():
        return []
    return [_review(booking, event, salon=salon, now=now)]


def stop(*, booking_id: int, now: datetime) -> None:
    """The visit is not completed after all: what is still pending is cancelled."""
    outbox.drop(
        booking_id=booking_id,
        types=[REVIEW_REQUEST, FOLLOWUP_STEP],
        reason=Reason.NO_LONGER_COMPLETED,
        now=now,
    )


def stop_for_rebooking(*, client_id: int, now: datetime) -> None:
    """The client has booked again: sequences with `stop_on_rebook` stop."""
    pending = _PENDING_STEPS.rows(recipient=Recipient.client(client_id))
    steps = {once_key: payload["sequence_id"] for once_key, payload in pending}
    if not steps:
        return
    stopping = FollowupSequence.objects.filter(pk__in=set(steps.values()), stop_on_rebook=True)
    stopping_ids = set(stopping.values_list("pk", flat=True))
    moot = [once_key for once_key, sequence_id in steps.items() if sequence_id in stopping_ids]
    if moot:
        outbox.drop(once_keys=moot, reason=Reason.REBOOKED, now=now)


_PENDING_STEPS = Prepared(
    lambda: (
        Job.objects.filter(
            IS_LIVE,
            state=Job.State.PENDING,
            type=FOLLOWUP_STEP,
            recipient=Blank("recipient", CharField()),
        )
        .order_by()
        .values_list("once_key", "payload")
    )
)


def _review(booking: Booking, event: BookingEvent, *, salon: SalonSettings, now: datetime) -> Due:
    ended_at = booking.end_at if booking.visit is None else booking.visit.end_at
    return _due(
        REVIEW_REQUEST,
        booking,
        once_key=f"{REVIEW_REQUEST}:{booking.pk}:{event.pk}",
        run_at=max(now, ended_at) + timedelta(hours=salon.review_delay_hours),
        payload={},
    )


def _step(
    booking: Booking, event: BookingEvent, step: FollowupStep, *, salon: SalonSettings, now: datetime
) -> Due:
    visit = max(now, booking.end_at).astimezone(salon.zone).date()
    day = visit + timedelta(days=step.delay_days)
    return _due(
        FOLLOWUP_STEP,
        booking,
        once_key=f"{FOLLOWUP_STEP}:{booking.pk}:{event.pk}:{step.pk}",
        run_at=max(now, instant_on(day, time(salon.followup_hour), zone=salon.zone)),
        payload={"step_id": step.pk, "sequence_id": step.sequence_id},
    )


def _due(type: str, booking: Booking, *, once_key: str, run_at: datetime, payload: dict[str, int]) -> Due:
    return Due(
        type=type,
        once_key=once_key,
        run_at=run_at,
        booking_id=booking.pk,
        visit_id=booking.visit_id,
        client_id=booking.client_id,
        recipient=Recipient.client(booking.client_id),
        to=booking.client.email if booking.client is not None else "",
        payload=payload,
    )


def _steps_that_reached(booking: Booking) -> set[int | None]:
    """The steps of sequences that this client has had for this booking."""
    told = Message.objects.filter(
        booking_id=booking.pk, client_id=booking.client_id, type=FOLLOWUP_STEP, state__in=REACHED
    )
    return {(payload or {}).get("step_id") for payload in told.values_list("job__payload", flat=True)}
