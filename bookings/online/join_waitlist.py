"""Nothing is free: waiting for a day (contract §9 "time")."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from bookings import waitlist
from bookings.online import code as codes
from bookings.online import proof
from bookings.online.choice import Wanted, chosen
from bookings.online.contact import Contact, client_for, keep_consent, read_contact
from bookings.online.holding import take_turn
from bookings.online.submission import CodeAsked, OnlineBookingOff, Submission
from bookings.online.submit import (
    ProofSpent,
    check_person,
    enter,
    hash_of,
    keep_key,
    scope_of,
    taken_before,
)
from bookings.waitlist.entries import AlreadyWaiting
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest
from staff.wire.times import local_date, print_date


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody waits; `first_name` and `email` as they were typed."""

    first_name: str
    email: str


def join_waitlist(
    submission: Submission,
    *,
    wanted: Wanted,
    date: date,
    address: str,
    door: str,
    salon: SalonSettings,
    now: datetime,
) -> Waiting | CodeAsked:
    """Wait for `wanted` on the salon date `date`. Who submits is read from `submission`, as `submit` does;
    its items and start_at are not looked at.

    Raises as `submit`, without SlotGone and PleaseCall; BadRequest (`date`) also for a day that is over, a
    holiday, or one beyond the salon's horizon. Who waits for it already is answered alike.
    """
    scope = scope_of(submission, purpose=f"waitlist\n{door}\n{wanted.service_key}\n{date}")
    body_hash = hash_of(submission)
    before = taken_before(scope, body_hash)
    if before is None and salon.online_booking == SalonSettings.OnlineBooking.OFF:
        raise OnlineBookingOff
    contact = read_contact(submission, salon=salon)
    waiting = Waiting(contact.first_name, contact.email)
    if before is not None:
        return waiting
    check_person(submission)
    [choice] = chosen([wanted], location=submission.location)
    today = local_date(now, zone=salon.zone)
    last = today + timedelta(days=salon.booking_horizon_days)
    if not today <= date <= last:
        raise BadRequest.field("date", f"Choose a day from {print_date(today)} to {print_date(last)}.")
    entry = enter(
        submission, contact, scope=scope, body_hash=body_hash, address=address, salon=salon, now=now
    )
    if isinstance(entry, CodeAsked):
        return entry
    if entry.needs_code:
        return _ask_code(contact, scope=scope, body_hash=body_hash, now=now)
    try:
        with transaction.atomic():
            take_turn()
            if taken_before(scope, body_hash) is not None:
                return waiting
            if not entry.verified and not proof.spend(submission.proof):
                raise ProofSpent
            found = client_for(contact, salon=salon, now=now)
            if entry.verified:
                keep_consent(found, contact, now=now)
            keep_key(contact, None, scope=scope, body_hash=body_hash, now=now)
            # Answered alike, so it has cost them alike: the proof is spent, the consent kept.
            with suppress(AlreadyWaiting):
                waitlist.add(
                    client_id=found.client.pk,
                    service_id=choice.offer.id,
                    date=date,
                    staff_id=None if choice.person is None else choice.person.id,
                    notes=contact.note,
                    salon=salon,
                    now=now,
                )
    except ProofSpent:
        return _ask_code(contact, scope=scope, body_hash=body_hash, now=now)
    return waiting


def _ask_code(contact: Contact, *, scope: str, body_hash: str, now: datetime) -> CodeAsked:
    with transaction.atomic():
        take_turn()
        code = codes.mail_code(contact, scope=scope, body_hash=body_hash, now=now)
    return codes.asked(code)
