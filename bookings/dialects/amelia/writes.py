"""Amelia's four writes as calls of the door, each all or nothing (contract §3). No rule lives here.

Locks are taken in the door's own order: the session's bookings, then every staff member, by id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from bookings import lifecycle, waitlist
from bookings.dialects.amelia.appointments import OURS, Appointment, find_appointment, kept
from bookings.dialects.amelia.codes import LIVE, REJECTED, WRITTEN_AS, shown_as
from bookings.dialects.amelia.parse import Edit, NewAppointment, Occurrence, Seat
from bookings.errors import BookingNotFound
from bookings.models import Booking
from bookings.slots.busy import lock_staff
from bookings.slots.refused_to_everybody import find_offered, find_service
from staff.access.actor import Actor
from staff.models import SalonSettings, Service
from staff.salon.durations import duration_of
from staff.wire.refusals import Refused
from staff.wire.times import local_date, print_when


@dataclass(frozen=True, slots=True)
class Caller:
    """Who writes, in which salon, at what time (UTC), and whether the clients are told.

    `among_others`: it writes several bookings at once.
    """

    actor: Actor
    salon: SalonSettings
    now: datetime
    notify: bool = True
    among_others: bool = False

    def telling(self, *, notify: bool) -> Caller:
        return replace(self, notify=notify)

    @property
    def how(self) -> lifecycle.How:
        return lifecycle.How(notify_client=self.notify, among_others=self.among_others)

    def date_of(self, start_at: datetime) -> date:
        return local_date(start_at, zone=self.salon.zone)

    def change(self, booking: Booking, changes: dict[str, Any]) -> None:
        lifecycle.change(
            actor=self.actor,
            booking_id=booking.pk,
            changes=changes,
            how=self.how,
            salon=self.salon,
            now=self.now,
        )


@dataclass(frozen=True, slots=True)
class Written:
    """An appointment before and after a write, and the ids of the bookings it touched.

    `emptied`: every booking was removed, so that there is no appointment any more; `after` is `before`.
    """

    before: Appointment
    after: Appointment
    changed: set[int] = field(default_factory=set)
    updated: set[int] = field(default_factory=set)
    added: bool = False
    emptied: bool = False


def create(wanted: NewAppointment, *, caller: Caller) -> list[int]:
    """Book every seat of the appointment and of each that recurs; gives their ids, the first one first.

    The client of a series gets one mail with all dates. Raises what `lifecycle.book` raises, with the date
    where there are several.
    """
    first = Occurrence(wanted.start_at, wanted.provider_id, wanted.service_id, wanted.location_id)
    recurs = bool(wanted.recurring)
    made: list[list[Booking]] = []
    with transaction.atomic():
        providers = {each.provider_id or wanted.provider_id for each in wanted.recurring}
        lock_staff(wanted.provider_id, *providers)
        waitlist.lock_open_entries(
            [
                waitlist.Coming(
                    seat.customer_id, each.service_id or wanted.service_id, caller.date_of(each.start_at)
                )
                for each in (first, *wanted.recurring)
                for seat in wanted.seats
            ]
        )
        for occurrence in (first, *wanted.recurring):
            with _naming(occurrence.start_at, salon=caller.salon, named=recurs):
                made.append(_book_all(wanted, occurrence, caller=caller))
        if recurs:
            lifecycle.name_series([booking for bookings in made for booking in bookings])
            _announce(made, caller=caller)
    return [bookings[0].pk for bookings in made]


@lifecycle.begin_again
def update(appointment_id: int, edit: Edit, *, caller: Caller) -> Written:
    """What `edit` names changes, for the whole session or for single bookings of it.

    First who leaves, then the move, then who changes, then who comes: so a seat that is given up can be
    taken, and a slot that is not needed any more stands in nobody's way. Raises what the door raises.
    """
    with transaction.atomic():
        before = _hold(appointment_id, edit.provider_id, caller=caller)
        caller = _among(before, edit, caller=caller)
        seats = _seats_of(edit, before)
        removed = [each for each in before.bookings if each.pk in edit.removed]
        staying = [each for each in before.bookings if each.pk not in edit.removed]
        own = {each.pk: _own_changes(each, seats.get(each.pk), edit) for each in staying}
        new = [seat for seat in edit.seats if seat.booking_id is None]
        session = _session_changes(before, staying, seats, new, edit)

        leaving = [each for each in staying if _closes(each, own[each.pk])]
        for booking in removed:
            caller.change(booking, _removal())
        for booking in leaving:
            caller.change(booking, own[booking.pk])
        if session:
            lifecycle.change_session(
                actor=caller.actor,
                session_id=appointment_id,
                changes=session,
                how=caller.how,
                salon=caller.salon,
                now=caller.now,
            )
        remaining = [each for each in staying if each not in leaving and own[each.pk]]
        for booking in sorted(remaining, key=lambda each: _persons_more(each, own[each.pk])):
            caller.change(booking, own[booking.pk])
        added = [_join(appointment_id, seat, edit, before=before, caller=caller) for seat in new]
        emptied = not staying and not added
        after = before if emptied else find_appointment(appointment_id, actor=caller.actor)
    shown_before = {each.pk: shown_as(each) for each in before.bookings}
    return Written(
        before=before,
        after=after,
        changed={each.pk for each in after.bookings if shown_before.get(each.pk, "") != shown_as(each)},
        updated=set(seats),
        added=bool(added),
        emptied=emptied,
    )


@lifecycle.begin_again
def set_status(
    appointment_id: int, status: str, package_customer_id: int | None, *, caller: Caller
) -> Written:
    """Every booking gets the status, but for those that show it already: nothing of them is touched."""
    pair = dict(zip(("status", "status_detail"), WRITTEN_AS[status], strict=True))
    with transaction.atomic():
        before = _hold(appointment_id, None, caller=caller)
        caller = _among(before, None, caller=caller)
        differing = [each for each in before.bookings if shown_as(each) != status]
        for booking in differing:
            echo = {} if package_customer_id is None else {"packageCustomerId": package_customer_id}
            caller.change(booking, pair | _foreign(booking, echo))
        after = find_appointment(appointment_id, actor=caller.actor)
    return Written(before=before, after=after, changed={each.pk for each in differing})


@lifecycle.begin_again
def delete(appointment_id: int, *, caller: Caller) -> Appointment:
    """Everything rejected and hidden from Amelia's reads; gives the appointment as it was before."""
    with transaction.atomic():
        before = _hold(appointment_id, None, caller=caller)
        caller = _among(before, None, caller=caller)
        for booking in before.bookings:
            caller.change(booking, _removal())
    return before


def _hold(appointment_id: int, provider_id: int | None, *, caller: Caller) -> Appointment:
    """The appointment as it is, locked with its staff and those to come."""
    members = lifecycle.lock_members(actor=caller.actor, session_id=appointment_id)
    lock_staff(*{each.staff_id for each in members}, *([] if provider_id is None else [provider_id]))
    return find_appointment(appointment_id, actor=caller.actor)


def _among(before: Appointment, edit: Edit | None, *, caller: Caller) -> Caller:
    """Locks what anybody who is in it or comes may have waited for, before the first slot is offered."""
    customers = {each.client_id for each in before.bookings}
    services, starts = {before.lead.service_id}, {before.start_at}
    if edit is not None:
        customers |= {seat.customer_id for seat in edit.seats}
        services |= {edit.service_id or before.lead.service_id}
        starts |= {edit.start_at or before.start_at}
    waited = waitlist.lock_open_entries(
        [
            waitlist.Coming(customer, service, caller.date_of(start_at))
            for customer in customers
            for service in services
            for start_at in starts
        ]
    )
    several = len(before.bookings) > 1 or (edit is not None and len(edit.seats) > 1)
    return replace(caller, among_others=waited or several)


def _book_all(wanted: NewAppointment, occurrence: Occurrence, *, caller: Caller) -> list[Booking]:
    provider_id = occurrence.provider_id or wanted.provider_id
    service, duration = find_offered(occurrence.service_id or wanted.service_id, provider_id)
    asked = [(seat.wanted_status, seat.duration or duration.minutes * 60) for seat in wanted.seats]
    live = [seconds for status, seconds in asked if status in LIVE]
    longest = max(live or [seconds for _, seconds in asked])
    booked: list[Booking] = []
    for seat in wanted.seats:
        order = _order(
            seat,
            start_at=occurrence.start_at,
            end_at=occurrence.start_at + timedelta(seconds=longest),
            staff_id=provider_id,
            service_id=service.pk,
            location_id=occurrence.location_id or wanted.location_id,
            internal_notes=wanted.internal_notes,
            session_of=booked[0].pk if booked else None,
            in_series=bool(wanted.recurring),
            notify_client=caller.notify,
            appointment_echo={"notifyParticipants": int(wanted.notify), "lessonSpace": wanted.lesson_space},
        )
        booked.append(
            lifecycle.book(actor=caller.actor, order=order, salon=caller.salon, now=caller.now).booking
        )
    return booked


def _order(seat: Seat, *, appointment_echo: dict[str, Any], **more: Any) -> lifecycle.Order:
    status, detail = WRITTEN_AS[seat.wanted_status]
    return lifecycle.Order(
        client_id=seat.customer_id or 0,
        persons=seat.persons or 1,
        status=status,
        detail=detail,
        source="amelia",
        foreign_data={OURS: {**appointment_echo, **seat.echo}},
        **more,
    )


def _announce(made: Sequence[Sequence[Booking]], *, caller: Caller) -> None:
    """One mail with all dates for each customer: the first seat of every date is theirs, and so on."""
    for dates in zip(*made, strict=True):
        lifecycle.announce_series(dates, salon=caller.salon, notify_client=caller.notify, now=caller.now)


@contextmanager
def _naming(start_at: datetime, *, salon: SalonSettings, named: bool) -> Iterator[None]:
    """A refusal inside says which date it is about."""
    try:
        yield
    except Refused as refused:
        if named:
            refused.message = f"{print_when(start_at, zone=salon.zone)}: {refused.message}"
        raise


def _seats_of(edit: Edit, before: Appointment) -> dict[int, Seat]:
    """The seats to update, by booking id. Raises BookingNotFound for one that is not of this appointment."""
    present = {each.pk for each in before.bookings}
    seats = {seat.booking_id: seat for seat in edit.seats if seat.booking_id is not None}
    for booking_id in (*seats, *edit.removed):
        if booking_id not in present:
            raise BookingNotFound(f"There is no booking {booking_id} in this appointment.")
    return {booking_id: seat for booking_id, seat in seats.items() if booking_id not in edit.removed}


def _session_changes(
    before: Appointment, staying: Sequence[Booking], seats: dict[int, Seat], new: Sequence[Seat], edit: Edit
) -> dict[str, Any]:
    """What changes for all of them, as far as it differs from what is stored."""
    service = before.lead.service
    if edit.service_id is not None and edit.service_id != service.pk:
        service = find_service(edit.service_id)
    start_at = edit.start_at or before.start_at
    usual = duration_of(service, edit.provider_id or before.lead.staff_id).minutes * 60
    wanted = {
        "start_at": start_at,
        "end_at": start_at + _length(before, staying, seats, new, service=service, usual=usual),
        "staff_id": edit.provider_id,
        "service_id": service.pk,
        "location_id": edit.location_id,
        "internal_notes": edit.internal_notes,
    }
    return {
        name: value
        for name, value in wanted.items()
        if value is not None and any(getattr(each, name) != value for each in before.bookings)
    }


def _length(
    before: Appointment,
    staying: Sequence[Booking],
    seats: dict[int, Seat],
    new: Sequence[Seat],
    *,
    service: Service,
    usual: int,
) -> timedelta:
    """The longest duration of those who will be live; with nobody live it stays as it is.

    `usual`: the seconds that the service takes with the provider.
    """
    seconds = [seat.duration or usual for seat in new if seat.wanted_status in LIVE]
    durations = before.durations
    for booking in staying:
        seat = seats.get(booking.pk)
        status = (seat.status if seat is not None else None) or shown_as(booking)
        own = seat.duration if seat is not None else None
        if own is None and service != before.lead.service and kept(booking).get("duration") is None:
            own = usual
        if status in LIVE:
            seconds.append(own or durations[booking.pk])
    return timedelta(seconds=max(seconds)) if seconds else before.length


def _own_changes(booking: Booking, seat: Seat | None, edit: Edit) -> dict[str, Any]:
    """What changes for this booking alone, as far as it differs."""
    changes: dict[str, Any] = {}
    echo: dict[str, Any] = {}
    if edit.notify is not None:
        echo["notifyParticipants"] = int(edit.notify)
    if edit.lesson_space is not None:
        echo["lessonSpace"] = edit.lesson_space
    if seat is not None:
        echo |= seat.echo
        if seat.customer_id is not None and seat.customer_id != booking.client_id:
            changes["client_id"] = seat.customer_id
        if seat.persons is not None and seat.persons != booking.persons:
            changes["persons"] = seat.persons
        if seat.status is not None and seat.status != shown_as(booking):
            changes["status"], changes["status_detail"] = WRITTEN_AS[seat.status]
    return changes | _foreign(booking, echo)


def _foreign(booking: Booking, echo: dict[str, Any]) -> dict[str, Any]:
    """`foreign_data` with the echo merged in; nothing where it says the same already."""
    merged = {**kept(booking), **echo}
    return {} if merged == kept(booking) else {"foreign_data": {**booking.foreign_data, OURS: merged}}


def _removal() -> dict[str, Any]:
    status, detail = WRITTEN_AS[REJECTED]
    return {"status": status, "status_detail": detail, "amelia_deleted": True}


def _closes(booking: Booking, changes: dict[str, Any]) -> bool:
    return "status" in changes and changes["status"] not in Booking.OCCUPYING


def _persons_more(booking: Booking, changes: dict[str, Any]) -> int:
    """How many persons more the session has after the changes: fewer first, so that there is room."""
    persons = int(changes.get("persons", booking.persons))
    stood = booking.persons if booking.stands else 0
    return persons - stood


def _join(appointment_id: int, seat: Seat, edit: Edit, *, before: Appointment, caller: Caller) -> Booking:
    """One more customer, with the session's service, staff member and times as they are by now."""
    head = Booking.objects.visible_to(caller.actor).get(pk=appointment_id)
    notify = edit.notify if edit.notify is not None else kept(before.lead).get("notifyParticipants", 1)
    lesson_space = edit.lesson_space or kept(before.lead).get("lessonSpace")
    order = _order(
        seat,
        start_at=head.start_at,
        end_at=head.end_at,
        staff_id=head.staff_id,
        service_id=head.service_id,
        location_id=head.location_id,
        internal_notes=head.internal_notes,
        session_of=head.pk,
        series_id=head.series_id,
        notify_client=caller.notify,
        appointment_echo={"notifyParticipants": int(notify), "lessonSpace": lesson_space},
    )
    return lifecycle.book(actor=caller.actor, order=order, salon=caller.salon, now=caller.now).booking
