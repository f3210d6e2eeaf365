"""Making a booking (contract §1.2 POST, §1.3, §1.4)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from bookings import waitlist
from bookings.lifecycle import checks, effects, in_person, visit_row
from bookings.lifecycle.audit import record
from bookings.lifecycle.how import Telling
from bookings.lifecycle.locks import begin_again
from bookings.lifecycle.outcome import Change, Outcome, printed_price
from bookings.lifecycle.policy import Acceptance, accepted_policy, windows_of_service
from bookings.lifecycle.requests import ask_client
from bookings.lifecycle.written import Written
from bookings.models import Booking, Hold, WaitlistOffer, stamp
from bookings.slots import holds
from bookings.slots.availability import Objection
from bookings.slots.busy import lock_staff, occupy, slot_guard
from bookings.slots.class_seats import held_persons, party_of_seats
from bookings.slots.refused_to_everybody import (
    bookable,
    check_agenda,
    check_holiday,
    check_persons,
    check_times,
    find_offered,
)
from bookings.slots.warn_or_refuse import (
    ON_WAITLIST,
    Circumstances,
    circumstances_of,
    refusals_for,
    warnings_for,
)
from bookings.waitlist import BookedEntries
from clients.models import Client
from staff.access.actor import Actor
from staff.models import SalonSettings, Service, Staff
from staff.salon.parts import Parts, fitted
from staff.storage.prepared_statements import new_row
from staff.storage.prepared_writes import PreparedInsert
from staff.wire.refusals import BadRequest
from staff.wire.times import local_date


@dataclass(frozen=True, slots=True)
class AgreedPrice:
    """What was agreed with the client for one person, in the salon's currency; None: no price."""

    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Order(Telling):
    """What somebody wants to book; times are UTC. The fields are those of contract §1.2.

    `status` and `detail` are a dialect's own code, or what online booking makes; `provisional` is the native
    request that mails accept and decline links. `by_client` True: a client books for themselves, so what
    staff may overrule (working hours, notice, horizon) refuses, and they join a class that stands there.
    `foreign_data` is stored and echoed. `in_series`: the caller announces the bookings of the series together
    (`book_series`). `accepted`: the salon's terms, by a client online.
    """

    client_id: int
    staff_id: int
    service_id: int
    start_at: datetime
    end_at: datetime
    notes: str = ""
    internal_notes: str = ""
    provisional: bool = False
    waitlist_id: int | None = None
    base_url: str = ""
    location_id: int | None = None
    persons: int = 1
    price: AgreedPrice | None = None
    allow_overlap: bool = False
    hold_token: str | None = None
    session_of: int | None = None
    status: str = Booking.Status.SCHEDULED
    detail: str = ""
    source: str = "api"
    series_id: int | None = None
    foreign_data: Mapping[str, Any] | None = None
    reason: str = ""
    by_client: bool = False
    in_series: bool = False
    staff_requested: bool = False
    accepted: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """Everybody and everything the order names, read and found fit; `about` where the desk books."""

    staff: Staff
    client: Client
    service: Service
    parts: Parts
    location_id: int | None
    session: Booking | None
    members: list[Booking]
    party: uuid.UUID
    about: Circumstances | None


class _SessionBegan(Exception):
    """A class to join has come to stand there since we looked: it is not locked in the door's order."""


@begin_again
def book(
    *, actor: Actor, order: Order, salon: SalonSettings | None = None, now: datetime | None = None
) -> Outcome:
    """Make the booking and set in motion what contract §1.4 says of POST.

    Raises BadRequest (400, holiday included), Forbidden (403, somebody else's agenda), SlotTaken,
    SessionFull, ClientAlreadyInSession (409). A refusal stores nothing.
    """
    salon = salon or SalonSettings.load()
    check_times(order.start_at, order.end_at)
    check_agenda(actor, order.staff_id)
    while True:
        try:
            return _book(actor=actor, order=order, session_of=_session_to_join(order), salon=salon, now=now)
        except _SessionBegan:
            continue


def _book(
    *, actor: Actor, order: Order, session_of: int | None, salon: SalonSettings, now: datetime | None
) -> Outcome:
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        session = None if session_of is None else _lock_joined_session(actor, order, session_of)
        staff = bookable(lock_staff(order.staff_id).get(order.staff_id), order.staff_id)
        if _session_to_join(order) != session_of:
            raise _SessionBegan
        now = now or timezone.now()
        fresh = prepare(order, staff=staff, session=session, salon=salon, now=now)
        policy = accepted_policy(order.accepted, [fresh.booking], salon=salon, now=now)
        visit_row.begin([fresh.booking], policy=policy, now=now)
        written = write_new(fresh, actor=actor, salon=salon, now=now)
        if fresh.booking.stands:
            overlap = checks.is_deliberate(actor=actor, asked=order.allow_overlap, salon=salon)
            occupy(fresh.booking, overlap=overlap, now=now)
        return written.outcome(dues=effects.set_in_motion(written.made))


@dataclass(frozen=True, slots=True)
class Fresh:
    """A booking as ordered, checked and not saved yet, with what speaks against its time.

    `waited`: the waitlist entries that it fulfils, booked already.
    """

    order: Order
    booking: Booking
    objections: list[Objection]
    waited: BookedEntries
    audited: dict[str, Any]


def prepare(
    order: Order, *, staff: Staff, session: Booking | None, salon: SalonSettings, now: datetime
) -> Fresh:
    """In the caller's transaction, after the staff member was locked; a hold is given up to the booking."""
    found = _gather(order, staff=staff, session=session, salon=salon, now=now)
    objections = _checked_time(order, found, salon=salon, now=now)
    waited = _book_entries(order, objections, salon=salon, now=now)
    booking = _made(order, found, waited=waited, salon=salon, now=now)
    return Fresh(order, booking, objections, waited, _audited(order, found, salon=salon))


def write_new(fresh: Fresh, *, actor: Actor, salon: SalonSettings, now: datetime) -> Written:
    """Save and audit a booking that has its visit; its busy times are the caller's."""
    order, booking = fresh.order, fresh.booking
    _STORE.write([booking])
    event = record(booking, actor=actor, from_status="", changes=fresh.audited, reason=order.reason, now=now)
    made = Change(
        booking=booking,
        before=None,
        event=event,
        salon=salon,
        actor=actor,
        now=now,
        notify_client=order.mails_client,
        told_in_person=order.told_in_person,
        in_series=order.in_series,
        waited=fresh.waited,
    )
    return Written(made, fresh.objections)


_STORE = PreparedInsert(Booking)


def _session_to_join(order: Order) -> int | None:
    """A booking of the class to join: as ordered; that of the hold; for a client the one that stands there.

    To be asked again under the staff member's lock.
    """
    if order.session_of is not None or not (order.hold_token or order.by_client):
        return order.session_of
    present = Booking.objects.occupying().filter(
        staff_id=order.staff_id,
        service_id=order.service_id,
        service__max_capacity__gt=1,
        start_at=order.start_at,
        end_at=order.end_at,
    )
    if order.hold_token is not None:
        present = present.filter(party__in=Hold.objects.filter(token=order.hold_token).values("party"))
    session_of: int | None = present.order_by("pk").values_list("pk", flat=True).first()
    return session_of


def _lock_joined_session(actor: Actor, order: Order, session_of: int) -> Booking:
    """The first booking of the session to join: same service, staff member and times as ordered."""
    joined: Booking | None = Booking.objects.visible_to(actor).filter(pk=session_of).first()
    first = None if joined is None else checks.lock_session(joined.session_id)
    if first is None:
        raise BadRequest.field("session_of", f"There is no booking {session_of} to join.")
    asked = (order.service_id, order.staff_id, order.start_at, order.end_at)
    if asked != (first.service_id, first.staff_id, first.start_at, first.end_at):
        raise BadRequest.field(
            "session_of", "send the same service_id, staff_id, start_at and end_at as the session has."
        )
    return first


def _gather(
    order: Order, *, staff: Staff, session: Booking | None, salon: SalonSettings, now: datetime
) -> _Found:
    client = checks.find_client(order.client_id)
    service, duration = find_offered(order.service_id, staff.pk)
    times: dict[str, Any] = {"start_at": order.start_at, "end_at": order.end_at, "zone": salon.zone}
    who: dict[str, Any] = {"staff_id": staff.pk, "service_id": service.pk, "client_id": client.pk}
    about = None if order.by_client else circumstances_of(**who, **times)
    if about is None or about.exceptional:
        check_holiday(**times)
    checks.check_pair(order.status, order.detail)
    check_persons(order.persons, service)
    if order.price is not None and order.price.amount != service.price:
        checks.check_price(order.price.amount, salon=salon)
    members = [] if session is None else checks.live_members(session.pk)
    party = members[0].party if members else uuid.uuid4()
    if not members and (session is not None or order.by_client):
        seats = party_of_seats(service=service, staff_id=staff.pk, start_at=order.start_at, now=now)
        party = seats or party
    if order.hold_token is not None:
        hold = holds.take_over(token=order.hold_token, staff_id=staff.pk, now=now)
        if not members and (hold.service_id, hold.start_at) == (service.pk, order.start_at):
            party = hold.party
    if session is not None or service.max_capacity > 1:
        offered = WaitlistOffer.objects.filter(entry_id=order.waitlist_id, hold__isnull=False)
        own = [] if order.waitlist_id is None else list(offered.values_list("hold_id", flat=True))
        held = held_persons(party=party, staff_id=staff.pk, now=now, but=own)
        checks.check_room(members, client_id=client.pk, persons=order.persons, service=service, held=held)
    return _Found(
        staff=staff,
        client=client,
        service=service,
        parts=fitted(duration.parts, order.end_at - order.start_at),
        location_id=checks.location_for(order.location_id, staff=staff, about=about),
        session=session,
        members=members,
        party=party,
        about=about,
    )


def _checked_time(order: Order, found: _Found, *, salon: SalonSettings, now: datetime) -> list[Objection]:
    case: dict[str, Any] = {
        "staff": found.staff,
        "service": found.service,
        "start_at": order.start_at,
        "end_at": order.end_at,
        "salon": salon,
        "now": now,
    }
    if found.about is not None:
        return warnings_for(found.about, **case, parts=found.parts)
    for refused in refusals_for(**case):
        raise BadRequest.field("start_at", refused.message, code=refused.code)
    return []


def _audited(order: Order, found: _Found, *, salon: SalonSettings) -> dict[str, Any]:
    """What the history says of a new booking beyond the booking itself."""
    changes: dict[str, Any] = {"allow_overlap": [None, True]} if order.allow_overlap else {}
    changes |= in_person.AUDITED if order.told_in_person else {}
    if order.price is not None and order.price.amount != found.service.price:
        changes["price"] = [
            printed_price(found.service.price, salon=salon),
            printed_price(order.price.amount, salon=salon),
        ]
    return changes


def _book_entries(
    order: Order, objections: list[Objection], *, salon: SalonSettings, now: datetime
) -> BookedEntries:
    """The waitlist entries that this booking fulfils, before it takes its time."""
    stands = order.provisional or order.status in Booking.OCCUPYING
    ahead = stands and order.start_at > now
    # For the desk the warnings have asked already whether the client waits.
    waits = ahead and (order.by_client or ON_WAITLIST in objections)
    if order.waitlist_id is None and not waits:
        return waitlist.NOBODY
    return waitlist.book_entries(
        client_id=order.client_id,
        service_id=order.service_id,
        date=local_date(order.start_at, zone=salon.zone) if waits else None,
        named_id=order.waitlist_id,
    )


def _made(
    order: Order, found: _Found, *, waited: BookedEntries, salon: SalonSettings, now: datetime
) -> Booking:
    windows = windows_of_service(found.service, salon=salon)
    booking = new_row(
        Booking,
        client=found.client,
        staff=found.staff,
        service=found.service,
        location_id=found.location_id,
        start_at=order.start_at,
        end_at=order.end_at,
        status=Booking.Status.PROVISIONAL if order.provisional else order.status,
        status_detail=order.detail,
        notes=order.notes,
        internal_notes=order.internal_notes,
        waitlist=waited.named,
        session_of_id=None if found.session is None else found.session.pk,
        series_id=order.series_id,
        party=found.party,
        persons=order.persons,
        price=found.service.price if order.price is None else order.price.amount,
        buffer_before_minutes=found.service.buffer_before_minutes,
        buffer_after_minutes=found.service.buffer_after_minutes,
        staff_requested=order.staff_requested,
        client_cancel_minutes=windows.cancel_minutes,
        client_reschedule_minutes=windows.reschedule_minutes,
        parts=found.parts,
        source=order.source,
        base_url=order.base_url,
        foreign_data=dict(order.foreign_data or {}),
        created_at=now,
        updated_at=stamp(now),
    )
    if order.provisional:
        if order.told_in_person:
            raise in_person.refuse_to_ask()
        ask_client(booking, hours=salon.provisional_hours, now=now)
    if order.told_in_person:
        in_person.believe(booking)
    return booking
