"""Holds: a slot kept while somebody fills in a form (contract §1.5, POST /api/holds; docs/adr/0021).

A hold is a busy time with an expiry, so the database refuses a second one like any double booking; the
salon's `double_booking: "allow"` does not make a hold overlap. An expired hold never blocks: who writes
deletes it first, who reads ignores it. Its row stays for a day, so that a late booking is told apart from
one with an invented token.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from bookings.errors import SessionFull, SlotTaken, no_room
from bookings.models import Booking, BusyTime, Hold
from bookings.slots.availability import Agenda, Case, objections_to, read_agendas, terms_of
from bookings.slots.busy import forget_expired, lock_staff, occupied_range, slot_guard, write_times
from bookings.slots.class_seats import Standing, standing_at
from bookings.slots.refused_to_everybody import (
    bookable,
    check_agenda,
    check_holiday,
    check_persons,
    check_times,
    find_service,
)
from staff.access.actor import Actor
from staff.models import SalonSettings, Service, Staff
from staff.salon.schedule import ONE_DAY, local_dates
from staff.wire.refusals import BadRequest, NotFound
from staff.wire.times import day_start

SHORTEST_MINUTES = 1
LONGEST_MINUTES = 15
USUAL_MINUTES = 5
TOKEN_BYTES = 24
KEPT_AFTER_EXPIRY = timedelta(days=1)

KEEPS_FROM_BEING_CHOSEN = frozenset({"time_off", SlotTaken.code})


class HoldNotFound(NotFound):
    code = "hold_not_found"
    message = "There is no such hold; it may have been used or have expired."


class NobodyFree(SlotTaken):
    message = "Nobody who offers this service is free at that time; choose another time."


def keep(
    *,
    actor: Actor,
    service_id: int,
    start_at: datetime,
    staff_id: int | None = None,
    end_at: datetime | None = None,
    minutes: int = USUAL_MINUTES,
    persons: int = 1,
    salon: SalonSettings,
    now: datetime,
) -> Hold:
    """Keep the slot for `minutes` (times UTC; without `end_at` as long as the service lasts).

    Without `staff_id` the one of those who offer the service, are free and not away who is least busy that
    day, then the lowest id; who keeps working hours is only chosen within them, who keeps none comes last.
    In a class it keeps seats beside those who are there, and who has a class with room then is chosen first.
    Raises BadRequest (400, holiday included), Forbidden (somebody else's agenda), SlotTaken, SessionFull,
    NobodyFree (409). Everybody who may be chosen is locked first, in id order, so the choice is exact.
    """
    service = find_service(service_id)
    check_persons(persons, service)
    asked_end_at, end_at = end_at, end_at or start_at + timedelta(minutes=service.duration_minutes)
    check_times(start_at, end_at)
    check_holiday(start_at, end_at, zone=salon.zone)
    if staff_id is not None:
        check_agenda(actor, staff_id)
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        if staff_id is not None:
            person_id = bookable(lock_staff(staff_id).get(staff_id), staff_id).pk
        else:
            person_id = _choose(service, start_at, end_at, persons=persons, actor=actor, salon=salon, now=now)
        present = _class_at(service, person_id, start_at, now=now)
        if present is not None and asked_end_at in (None, present.end_at):
            _require_room(present, service=service, persons=persons)
            end_at = present.end_at
        else:
            present = None
        return write(
            staff_id=person_id,
            service=service,
            start_at=start_at,
            end_at=end_at,
            expires_at=now + timedelta(minutes=minutes),
            party=None if present is None else present.party,
            persons=persons,
            now=now,
        )


def write(
    *,
    staff_id: int,
    service: Service,
    start_at: datetime,
    end_at: datetime,
    expires_at: datetime,
    party: uuid.UUID | None = None,
    persons: int = 1,
    now: datetime,
) -> Hold:
    """Write the hold and its busy time, buffers included, inside the caller's transaction after `lock_staff`.

    `party`: of the class in which it keeps seats. Raises Occupied when somebody is there (`busy.slot_guard`).
    """
    forget_expired(staff_id, now=now)
    hold = Hold.objects.create(
        token=secrets.token_urlsafe(TOKEN_BYTES),
        staff_id=staff_id,
        service=service,
        party=party or uuid.uuid4(),
        persons=persons,
        start_at=start_at,
        end_at=end_at,
        expires_at=expires_at,
        created_at=now,
    )
    wanted = _as_booking(staff_id, service, start_at, end_at)
    starts_at, ends_at = occupied_range(wanted)
    busy = BusyTime(
        staff_id=staff_id,
        party=hold.party,
        starts_at=starts_at,
        ends_at=ends_at,
        hold=hold,
        expires_at=expires_at,
    )
    write_times([busy], wanted=wanted)
    return hold


def take_over(*, token: str, staff_id: int, now: datetime) -> Hold:
    """Give the held time to the booking about to be written, in the caller's transaction after `lock_staff`.

    The hold and its busy time are deleted. An expired hold gives nothing any more, and takes nothing: the
    booking goes through if the slot is still free. Raises BadRequest with details.hold_token for a token
    that is unknown, already used, or another staff member's.
    """
    hold = Hold.objects.filter(token=token).first()
    if hold is None:
        raise BadRequest.field("hold_token", "There is no such hold; it may have been used already.")
    if hold.staff_id != staff_id:
        raise BadRequest.field("hold_token", f"This hold is for staff member {hold.staff_id}.")
    if hold.expires_at > now:
        _delete([hold.pk])
    return hold


def lift(*, party: uuid.UUID, staff_id: int, now: datetime) -> list[Hold]:
    """The live holds that keep seats in the class of this party, which is about to move with them.

    Their busy times are given up until `seat`; in the caller's transaction after `lock_staff`.
    """
    times = BusyTime.objects.filter(staff_id=staff_id, party=party, hold__isnull=False, expires_at__gt=now)
    held = list(Hold.objects.filter(pk__in=times.values("hold_id")).order_by("pk"))
    times.delete()
    return held


def seat(held: Sequence[Hold], *, beside: Booking) -> None:
    """Keep the seats beside a booking of the class that has its place: with its person, service and times."""
    taken = list(BusyTime.objects.filter(booking_id=beside.pk))
    for hold in held:
        hold.party, hold.staff_id, hold.service_id = beside.party, beside.staff_id, beside.service_id
        hold.start_at, hold.end_at = beside.start_at, beside.end_at
    Hold.objects.bulk_update(held, ["party", "staff_id", "service_id", "start_at", "end_at"])
    times = (
        BusyTime(
            staff_id=each.staff_id,
            party=each.party,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            hold=hold,
            expires_at=hold.expires_at,
        )
        for hold in held
        for each in taken
    )
    write_times(times, wanted=beside)


def release(*, token: str) -> None:
    """Give the slot free before its time. Raises HoldNotFound."""
    with transaction.atomic():
        held = list(Hold.objects.filter(token=token).values_list("pk", flat=True))
        if not held:
            raise HoldNotFound
        _delete(held)


def drop(*, hold_id: int) -> None:
    """Delete the hold and its busy time, in the caller's transaction; nothing to do where it is gone."""
    _delete([hold_id])


def give_free(*, hold_id: int) -> None:
    """Delete the hold's busy time alone: whoever has the hold's row locked is not waited for."""
    BusyTime.objects.filter(hold_id=hold_id).delete()


def sweep_expired(*, now: datetime) -> int:
    """Periodic: delete the busy times of expired holds, and a day later the holds. Gives how many times.

    Nobody depends on it: expired holds block nobody before they are swept.
    """
    with transaction.atomic():
        swept, _ = BusyTime.objects.filter(expires_at__isnull=False, expires_at__lte=now).delete()
        Hold.objects.filter(expires_at__lte=now - KEPT_AFTER_EXPIRY).delete()
    return swept


def _delete(hold_ids: Sequence[int]) -> None:
    BusyTime.objects.filter(hold_id__in=hold_ids).delete()
    Hold.objects.filter(pk__in=hold_ids).delete()


def _choose(
    service: Service,
    start_at: datetime,
    end_at: datetime,
    *,
    persons: int,
    actor: Actor,
    salon: SalonSettings,
    now: datetime,
) -> int:
    """Lock everybody who offers the service, in id order, and pick one who is free.

    Raises SessionFull where classes stand at that time and all are full, else NobodyFree.
    """
    offering = Staff.objects.filter(services=service, is_active=True, bookable=True)
    if actor.agenda_of is not None:
        offering = offering.filter(pk=actor.agenda_of)
    locked = lock_staff(*offering.values_list("pk", flat=True))
    full: Standing | None = None
    for staff_id in sorted(locked) if service.max_capacity > 1 else ():
        present = _class_at(service, staff_id, start_at, now=now)
        if present is not None and present.end_at == end_at:
            if present.seats_left(service) >= persons:
                return staff_id
            full = present if full is None else min(full, present, key=lambda each: each.taken)
    zone = salon.zone
    touched = local_dates(start_at, end_at, zone=zone)
    agendas = [
        agenda
        for agenda in read_agendas(service, touched[0], touched[-1], zone=zone, now=now)
        if agenda.staff_id in locked
    ]
    terms = terms_of(service, salon=salon, now=now, holidays={})
    day_begins, day_ends = day_start(touched[0], zone=zone), day_start(touched[0] + ONE_DAY, zone=zone)
    ranked = [
        (not agenda.timetable.keeps_hours, agenda.busy_between(day_begins, day_ends), agenda.staff_id)
        for agenda in agendas
        if _may_be_chosen(agenda, Case(terms, agenda, start_at, end_at))
    ]
    if not ranked and full is not None:
        _require_room(full, service=service, persons=persons)
    if not ranked:
        raise NobodyFree
    return min(ranked)[-1]


def _class_at(service: Service, staff_id: int, start_at: datetime, *, now: datetime) -> Standing | None:
    if service.max_capacity == 1:
        return None
    return standing_at(service=service, staff_id=staff_id, start_at=start_at, now=now)


def _require_room(present: Standing, *, service: Service, persons: int) -> None:
    """Raises SessionFull."""
    if present.seats_left(service) < persons:
        raise SessionFull(no_room(service, taken=present.taken, persons=persons))


def _may_be_chosen(agenda: Agenda, case: Case) -> bool:
    against = {objection.code for objection in objections_to(case)}
    if agenda.timetable.keeps_hours and "outside_working_hours" in against:
        return False
    return against.isdisjoint(KEEPS_FROM_BEING_CHOSEN)


def _as_booking(staff_id: int, service: Service, start_at: datetime, end_at: datetime) -> Booking:
    """The booking a hold stands for, never saved: it has the range and the conflicts of one."""
    return Booking(
        staff_id=staff_id,
        service=service,
        start_at=start_at,
        end_at=end_at,
        buffer_before_minutes=service.buffer_before_minutes,
        buffer_after_minutes=service.buffer_after_minutes,
    )
