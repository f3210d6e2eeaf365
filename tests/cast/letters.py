"""Bookings in any state and jobs about them, written straight to the database: handlers read rows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from bookings.lifecycle import visit_row
from bookings.models import Booking, BookingEvent, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from clients.models import Client
from notifications.handlers import Mail, MailHandler
from notifications.models import Job, Message
from notifications.registry import handler_of, is_mail
from staff.models import Service, Staff
from tests.cast.factories import make_alice, make_bea, make_salon, make_service

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""Monday 23 November 2026, 10:00 in Amsterdam."""
END = START + timedelta(minutes=45)
TOKEN = "T" * 43


def furnish() -> None:
    """A salon that says everything a mail can say."""
    make_salon(
        business_address="Zonnelaan 1, Utrecht",
        business_phone="030 123 45 67",
        reply_to="hello@zonne.example",
    )


def make_booking(**fields: Any) -> Booking:
    """Alice's haircut with Bea, scheduled and untold, unless said otherwise."""
    values: dict[str, Any] = {"start_at": START, "end_at": END, "created_at": NOW, "updated_at": NOW} | fields
    values.setdefault("client", Client.objects.first() or make_alice())
    values.setdefault("staff", Staff.objects.first() or make_bea())
    values.setdefault("service", Service.objects.first() or make_service())
    values.setdefault("price", values["service"].price)
    booking = Booking(**values)
    if booking.visit_id is None:
        visit_row.begin([booking], now=NOW)
    booking.save()
    return booking


def told(as_: str = "scheduled", start_at: datetime = START, end_at: datetime = END) -> dict[str, Any]:
    """The announced_* fields of a booking whose client was told this."""
    return {"announced_as": as_, "announced_start_at": start_at, "announced_end_at": end_at}


def make_job(type: str, booking: Booking | None, *, client: Client | None = None, **fields: Any) -> Job:
    """A claimed mail job with its message row."""
    recipient = client or (booking.client if booking is not None else None)
    assert recipient is not None
    values: dict[str, Any] = {
        "once_key": f"{type}:{Job.objects.count()}",
        "booking_id": None if booking is None else booking.pk,
        "visit_id": None if booking is None else booking.visit_id,
        "recipient": f"client:{recipient.pk}",
        "run_at": NOW,
        "first_run_at": NOW,
        "created_at": NOW,
        "state": Job.State.CLAIMED,
    } | fields
    job = Job.objects.create(type=type, **values)
    make_message(job, client_id=recipient.pk)
    return job


def make_message(job: Job, **fields: Any) -> Message:
    values: dict[str, Any] = {
        "type": job.type,
        "booking_id": job.booking_id,
        "visit_id": job.visit_id,
        "message_id": f"<{job.pk}@test>",
        "created_at": NOW,
    } | fields
    return Message.objects.create(job=job, **values)


def mark_sent(job: Job, *, state: str = Message.State.SENT, **fields: Any) -> Message:
    """The job is done and its message left."""
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE)
    message = Message.objects.get(job=job)
    for name, value in {"state": state, "sent_at": NOW, **fields}.items():
        setattr(message, name, value)
    message.save()
    return message


def compose(job: Job, *, now: datetime) -> Mail:
    """The mail that the worker would send for this job."""
    return _mail_handler(job).compose(job, now=now)


LOOK = "See, move or cancel the appointment:\nhttp://127.0.0.1:8000/v/PAGE\n\n"
LOOK_ONLY = "See the appointment:\nhttp://127.0.0.1:8000/v/PAGE\n\n"
FREE_UNTIL = "You can move or cancel it free of charge until Sunday 22 November at 10:00.\n\n"
"""What a mail says of the client's own page (`said`)."""


def said(mail: Mail) -> str:
    """The text of the mail; the token of the client's own page is PAGE."""
    return re.sub(r"/v/[A-Za-z0-9_-]{22}", "/v/PAGE", mail.text)


def note_sent(job: Job, message: Message, *, now: datetime) -> None:
    """What the worker does once the job's mail has left."""
    _mail_handler(job).sent(job, message, now=now)


def _mail_handler(job: Job) -> MailHandler:
    handler = handler_of(job.type)
    assert is_mail(handler)
    return handler


def make_event(booking: Booking) -> BookingEvent:
    return BookingEvent.objects.create(
        booking=booking, at=NOW, door="api", actor_type="system", to_status=booking.status
    )


def make_offer(*, held: bool = False, **fields: Any) -> WaitlistOffer:
    """A live offer of Bea's freed slot to Alice; `held` keeps it by a hold for an hour."""
    service = Service.objects.first() or make_service()
    staff = Staff.objects.first() or make_bea()
    client = Client.objects.first() or make_alice()
    entry = WaitlistEntry.objects.create(
        client=client, service=service, date=START.date(), status=WaitlistEntry.Status.NOTIFIED
    )
    expires_at = NOW + timedelta(hours=1)
    hold = None
    if held:
        hold = Hold.objects.create(
            token=f"hold-of-{entry.pk}",
            staff=staff,
            service=service,
            start_at=START,
            end_at=END,
            expires_at=expires_at,
            created_at=NOW,
        )
        BusyTime.objects.create(
            staff=staff, party=hold.party, starts_at=START, ends_at=END, hold=hold, expires_at=expires_at
        )
    values: dict[str, Any] = {"token": TOKEN, "start_at": START, "end_at": END, "created_at": NOW} | fields
    return WaitlistOffer.objects.create(
        entry=entry, staff=staff, hold=hold, **{"expires_at": expires_at} | values
    )
