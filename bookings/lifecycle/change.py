"""Changing and cancelling a booking (contract §1.2 PUT and DELETE, §1.3, §1.4)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from bookings import waitlist
from bookings.lifecycle import checks, effects, frozen, in_person, visit_row
from bookings.lifecycle.audit import record
from bookings.lifecycle.edit import SLOT, UNAUDITED, Edit, merged
from bookings.lifecycle.how import AS_USUAL, How
from bookings.lifecycle.locks import begin_again, lock_booking
from bookings.lifecycle.outcome import Change, Outcome, printed_price
from bookings.lifecycle.requests import ask_client, set_deadline, spend_token
from bookings.lifecycle.session_membership import leave_session, party_of_return
from bookings.lifecycle.written import Written
from bookings.links import new_token
from bookings.models import Booking, BookingEvent, Visit, stamp
from bookings.slots.availability import Objection
from bookings.slots.busy import elsewhere, lock_staff, occupy, release, slot_guard
from bookings.slots.class_seats import held_persons
from bookings.slots.refused_to_everybody import (
    bookable,
    check_agenda,
    check_holiday,
    check_persons,
    check_times,
    find_service,
)
from bookings.slots.warn_or_refuse import (
    CLIENT_BUSY,
    ON_WAITLIST,
    Circumstances,
    circumstances_of,
    warnings_for,
)
from clients.records import lock_clients
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.storage.prepared_writes import PreparedUpdate
from staff.wire.times import local_date, print_when


@begin_again
def change(
    *,
    actor: Actor,
    booking_id: int,
    changes: Mapping[str, Any],
    how: How = AS_USUAL,
    expected_version: int | None = None,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> Outcome:
    """Merge `changes` (fields of CHANGEABLE, times UTC) into the booking; absent keys keep their value.

    `parts` are sent in full, and decide the end (`frozen.with_end`). Another status resets the detail unless
    `status_detail` says otherwise; the same status changes nothing.
    Raises BookingNotFound, Stale (412), BadRequest (holiday included), Forbidden, SlotTaken, SessionFull.
    """
    salon = salon or SalonSettings.load()
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        booking = lock_booking(actor=actor, booking_id=booking_id)
        checks.check_version(booking, expected_version)
        changes = frozen.with_end(booking, changes)
        return apply(actor=actor, booking=booking, changes=changes, how=how, salon=salon, now=now)


def cancel(
    *,
    actor: Actor,
    booking_id: int,
    detail: str | None = None,
    how: How = AS_USUAL,
    expected_version: int | None = None,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> Outcome:
    """DELETE: to `cancelled`; 200 and nothing set in motion when it already is. Raises as `change`."""
    target = {"status": Booking.Status.CANCELLED}
    return change(
        actor=actor,
        booking_id=booking_id,
        changes=target if detail is None else {**target, "status_detail": detail},
        how=how,
        expected_version=expected_version,
        salon=salon,
        now=now,
    )


def apply(
    *,
    actor: Actor,
    booking: Booking,
    changes: Mapping[str, Any],
    how: How,
    salon: SalonSettings,
    now: datetime | None,
) -> Outcome:
    """One change of a locked booking in the caller's transaction: written, and set in motion."""
    written = write(actor=actor, booking=booking, changes=changes, how=how, salon=salon, now=now)
    if written is None:
        return Outcome(booking=booking, changed=False)
    return written.outcome(dues=effects.set_in_motion(written.made, queueing=not how.among_others))


def write(
    *,
    actor: Actor,
    booking: Booking,
    changes: Mapping[str, Any],
    how: How,
    salon: SalonSettings,
    now: datetime | None,
) -> Written | None:
    """Check, lock, save and audit one change of a locked booking; None where nothing differs."""
    edit = merged(booking, changes)
    if not edit.differing:
        return None
    _check(edit, actor=actor, salon=salon)
    if edit.touches(*SLOT, "status", "persons", "client_id") and not how.whole_visit:
        _lock_around(edit)
    if edit.touches("client_id"):
        checks.find_client(booking.client_id)
    about = _circumstances(edit, salon=salon)
    comes = edit.reopened or edit.touches("start_at", "end_at")
    if comes and (about is None or about.exceptional):
        check_holiday(booking.start_at, booking.end_at, zone=salon.zone)
    now = now or timezone.now()
    frozen.freeze(booking, edit.stored, changes, salon=salon)
    _keep_session(edit, party=how.party, now=now)
    _keep_tokens(edit, how=how, salon=salon, now=now)
    if edit.needs_slot:
        # Whoever has moved has left their session, and is alone.
        booking.party = how.party or (party_of_return(booking, now=now) if edit.returns else uuid.uuid4())
    if booking.status != Booking.Status.CANCELLED:
        booking.amelia_deleted = False
    booking.base_url = booking.base_url if how.base_url is None else how.base_url
    booking.version += 1
    booking.updated_at = stamp(now)
    left_visit = visit_row.keep_true(
        booking,
        of_other_client=edit.touches("client_id"),
        moved=edit.touches("start_at"),
        together=how.whole_visit,
        changed_by_client=actor.type == "client" if edit.touches(*SLOT, "status") else None,
        now=now,
    )
    in_person.keep_announced(booking, before=edit.before, how=how)
    _STORE.write(booking)

    objections = [] if about is None else _objections(edit, about, salon=salon, now=now)
    waited = _book_entries(edit, objections, salon=salon)
    if not how.whole_visit:
        overlap = checks.is_deliberate(actor=actor, asked=how.allow_overlap, salon=salon)
        _occupy(edit, left_visit, overlap=overlap, now=now)
    event = _audited(edit, actor=actor, how=how, salon=salon, now=now)
    made = Change(
        booking=booking,
        before=edit.before,
        event=event,
        salon=salon,
        actor=actor,
        now=now,
        notify_client=how.mails_client,
        told_in_person=how.told_in_person,
        announced_by_page=how.announced_by_page,
        lapsed=how.lapsed,
        waited=waited,
        left_visit=left_visit,
    )
    return Written(made, objections)


_STORE = PreparedUpdate(Booking)


def _check(edit: Edit, *, actor: Actor, salon: SalonSettings) -> None:
    booking = edit.booking
    if edit.touches("status", "status_detail"):
        field = "status" if edit.touches("status") else "status_detail"
        checks.check_pair(booking.status, booking.status_detail, field=field)
    if edit.touches("price"):
        checks.check_price(booking.price, salon=salon)
    if edit.touches("start_at", "end_at"):
        check_times(booking.start_at, booking.end_at)
    if edit.touches("staff_id"):
        check_agenda(actor, booking.staff_id)
    if edit.touches("service_id"):
        find_service(booking.service_id)
    if edit.touches("location_id") and booking.location_id is not None:
        checks.find_location(booking.location_id)


def _lock_around(edit: Edit) -> None:
    """The staff rows left and entered, then the clients, each in id order."""
    booking = edit.booking
    staff = lock_staff(edit.before.staff_id, booking.staff_id)
    if edit.touches("staff_id"):
        bookable(staff.get(booking.staff_id), booking.staff_id)
    booking.staff = staff[booking.staff_id]
    counts = edit.touches("status") and Booking.Status.NO_SHOW in (edit.before.status, booking.status)
    if counts or edit.touches("client_id"):
        lock_clients({edit.before.client_id, booking.client_id})


def _keep_session(edit: Edit, *, party: uuid.UUID | None, now: datetime) -> None:
    """A move takes the booking out into a session of its own; who stays or comes back needs room there."""
    booking = edit.booking
    if edit.touches("persons", "service_id"):
        check_persons(booking.persons, booking.service)
    if party is None and edit.touches(*SLOT):
        leave_session(booking)
    elif booking.stands and (edit.reopened or edit.touches("persons", "client_id")):
        others = checks.live_members(booking.session_id, but=booking.pk)
        one = booking.service.max_capacity == 1
        seats = party_of_return(booking, now=now) if edit.returns and not one else booking.party
        held = 0 if one else held_persons(party=seats, staff_id=booking.staff_id, now=now)
        if others or held:
            who: dict[str, Any] = {"client_id": booking.client_id, "persons": booking.persons}
            checks.check_room(others, **who, service=booking.service, held=held)


def _keep_tokens(edit: Edit, *, how: How, salon: SalonSettings, now: datetime) -> None:
    booking = edit.booking
    provisional = booking.status == Booking.Status.PROVISIONAL
    had_token = booking.provisional_token is not None
    if had_token and (not provisional or edit.touches("client_id")):
        confirmed = booking.status == Booking.Status.SCHEDULED and not edit.touches("client_id")
        by_salon = "confirmed" if confirmed else "withdrawn"
        spend_token(booking, outcome=how.token_outcome or by_salon, now=now)
    asks_again = had_token and edit.touches("client_id")
    if provisional and (asks_again or (how.ask_by_mail and edit.touches("status"))):
        if how.told_in_person:
            raise in_person.refuse_to_ask()
        ask_client(booking, hours=salon.provisional_hours, now=now)
    elif booking.provisional_token is not None and edit.touches("start_at"):
        set_deadline(booking, hours=salon.provisional_hours, now=now)
    if edit.touches("client_id"):
        # The link that the former client was sent is not this one's.
        booking.feedback_token = None
    if booking.status == Booking.Status.COMPLETED and booking.feedback_token is None:
        booking.feedback_token = new_token()


def _occupy(edit: Edit, left_visit: Visit | None, *, overlap: bool, now: datetime) -> None:
    """The booking's busy times, and those of its neighbours in a visit, whose buffers come and go with it."""
    booking = edit.booking
    visits = [each for each in (booking.visit, left_visit) if each is not None]
    mates = [each for visit in visits for each in visit.items if each.pk != booking.pk and each.stands]
    others = elsewhere(mates)
    release(*others)
    if edit.needs_slot or (booking.stands and left_visit is not None):
        occupy(booking, overlap=overlap, now=now)
    elif not booking.stands:
        release(booking)
    for each in others:
        occupy(each, overlap=overlap, now=now)


def _audited(edit: Edit, *, actor: Actor, how: How, salon: SalonSettings, now: datetime) -> BookingEvent:
    booking = edit.booking
    changes = {
        name: [_plain(edit.stored[name], salon), _plain(getattr(booking, name), salon)]
        for name in edit.differing
        if name not in UNAUDITED
    }
    if "parts" in changes:
        changes["parts"] = frozen.parts_audited(booking, edit.stored)
    if how.allow_overlap and edit.needs_slot:
        changes["allow_overlap"] = [None, True]
    changes |= in_person.AUDITED if how.told_in_person else {}
    return record(
        booking,
        actor=actor,
        from_status=edit.before.status,
        changes=changes,
        reason=how.reason,
        now=now,
    )


def _plain(value: Any, salon: SalonSettings) -> Any:
    match value:
        case datetime():
            return print_when(value, zone=salon.zone)
        case Decimal():
            return printed_price(value, salon=salon)
    return value


def _circumstances(edit: Edit, *, salon: SalonSettings) -> Circumstances | None:
    """Of a booking that stands and whose place or client has become another."""
    booking = edit.booking
    if not booking.stands or not (edit.needs_slot or edit.touches("client_id")):
        return None
    return circumstances_of(
        staff_id=booking.staff_id,
        service_id=booking.service_id,
        client_id=booking.client_id,
        booking_id=booking.pk,
        start_at=booking.start_at,
        end_at=booking.end_at,
        zone=salon.zone,
    )


def _objections(edit: Edit, about: Circumstances, *, salon: SalonSettings, now: datetime) -> list[Objection]:
    booking = edit.booking
    found = warnings_for(
        about,
        staff=booking.staff,
        service=booking.service,
        start_at=booking.start_at,
        end_at=booking.end_at,
        salon=salon,
        now=now,
        parts=booking.parts,
    )
    return found if edit.needs_slot else [each for each in found if each in (CLIENT_BUSY, ON_WAITLIST)]


def _book_entries(edit: Edit, found: list[Objection], *, salon: SalonSettings) -> waitlist.BookedEntries:
    """The waitlist entries of a client who has come to this service, person or start only now."""
    booking = edit.booking
    newly_there = edit.reopened or edit.touches("client_id", "service_id", "staff_id", "start_at")
    if ON_WAITLIST not in found or not newly_there or booking.client_id is None:
        return waitlist.NOBODY
    return waitlist.book_entries(
        client_id=booking.client_id,
        service_id=booking.service_id,
        date=local_date(booking.start_at, zone=salon.zone),
    )
