"""Holds: a slot kept while somebody fills in a form (contract §1.5, POST /api/holds; docs/adr/0021).

A hold is a busy time with an expiry, so the database refuses a second one like any double booking; the
salon's `double_booking: "allow"` does not make a hold overlap. An expired hold never blocks: who writes
deletes it first, who reads ignores it. Its row stays for a day, so that a late booking is told apart from
one with an invented token.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from bookings.errors import SessionFull, SlotTaken, no_room
from bookings.models import Booking, BusyTime, Hold
from bookings.slots.availability import Agenda, Case, Terms, objections_to, read_agendas, terms_of
from bookings.slots.busy import forget_expired, lock_staff, slot_guard, write_times
from bookings.slots.class_seats import Standing, standing_at
from bookings.slots.neighbours import Buffers
from bookings.slots.refused_to_everybody import (
    bookable,
    check_agenda,
    check_holiday,
    check_persons,
    check_times,
    find_offered,
    find_service,
)
from bookings.slots.stretches import stretches_of
from staff.access.actor import Actor
from staff.models import SalonSettings, Service, Staff
from staff.salon.parts import ONE_MINUTE, Duration, Parts, fitted
from staff.salon.schedule import ONE_DAY
from staff.wire.refusals import BadRequest, NotFound
from staff.wire.times import day_start, local_date

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
    if staff_id is not None:
        service, duration = find_offered(service_id, staff_id)
    else:
        service = find_service(service_id)
        duration = Duration.of(service)
    check_persons(persons, service)
    asked_end_at, end_at = end_at, end_at or start_at + duration.length
    check_times(start_at, end_at)
    check_holiday(start_at, end_at, zone=salon.zone)
    if staff_id is not None:
        check_agenda(actor, staff_id)
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        if staff_id is not None:
            person_id = bookable(lock_staff(staff_id).get(staff_id), staff_id).pk
        else:
            person_id, duration = _choose(
                service, start_at, asked_end_at, persons=persons, actor=actor, salon=salon, now=now
            )
            if asked_end_at is None and end_at != start_at + duration.length:
                end_at = start_at + duration.length
                check_holiday(start_at, end_at, zone=salon.zone)
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
            parts=fitted(duration.parts, end_at - start_at),
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
    parts: Parts,
    expires_at: datetime,
    party: uuid.UUID | None = None,
    persons: int = 1,
    token: str | None = None,
    buffers: Buffers | None = None,
    now: datetime,
) -> Hold:
    """Write the hold and its busy times, buffers included; in the caller's transaction, after `lock_staff`.

    `parts`: of the booking it stands for. `party`: of the class in which it keeps seats. `token`: of the
    visit of which it is an item, and `buffers` what that leaves of the service's. Raises Occupied when
    somebody is there (`busy.slot_guard`).
    """
    forget_expired(staff_id, now=now)
    hold = Hold.objects.create(
        token=token or new_token(),
        staff_id=staff_id,
        service=service,
        party=party or uuid.uuid4(),
        persons=persons,
        start_at=start_at,
        end_at=end_at,
        expires_at=expires_at,
        created_at=now,
    )
    wanted = wanted_booking(staff_id, service, start_at, end_at, parts, buffers=buffers)
    write_times(
        (
            BusyTime(
                staff_id=staff_id,
                party=hold.party,
                starts_at=stretch.start_at,
                ends_at=stretch.end_at,
                hold=hold,
                expires_at=expires_at,
            )
            for stretch in stretches_of(wanted)
        ),
        wanted=wanted,
    )
    return hold


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def take_over(*, token: str, staff_id: int, now: datetime) -> Hold:
    """Give the held time to the booking about to be written, in the caller's transaction after `lock_staff`.

    The hold and its busy time are deleted. An expired hold gives nothing any more, and takes nothing: the
    booking goes through if the slot is still free. Raises BadRequest with details.hold_token for a token
    that is unknown, already used, another staff member's, or a visit's of several.
    """
    return take_over_all(token=token, staff_ids=[staff_id], most=1, now=now)[0]


def take_over_all(
    *, token: str, staff_ids: Collection[int], most: int | None = None, now: datetime
) -> list[Hold]:
    """`take_over` for the bookings of a visit: every hold of the token, in the order of its items.

    `staff_ids`: whom the caller has locked. Raises BadRequest where one is for somebody else, or where they
    are more than `most`.
    """
    held = list(Hold.objects.filter(token=token).order_by("pk"))
    if not held:
        raise BadRequest.field("hold_token", "There is no such hold; it may have been used already.")
    if most is not None and len(held) > most:
        raise BadRequest.field("hold_token", "This hold is for a visit of several items; book them together.")
    for hold in held:
        if hold.staff_id not in staff_ids:
            raise BadRequest.field("hold_token", f"This hold is for staff member {hold.staff_id}.")
    live = [hold.pk for hold in held if hold.expires_at > now]
    if live:
        _delete(live)
    return held


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


def prolong(*, hold_id: int, expires_at: datetime) -> None:
    """A live hold lasts until then (UTC), in the caller's transaction after `lock_staff`."""
    Hold.objects.filter(pk=hold_id).update(expires_at=expires_at)
    BusyTime.objects.filter(hold_id=hold_id).update(expires_at=expires_at)


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
    asked_end_at: datetime | None,
    *,
    persons: int,
    actor: Actor,
    salon: SalonSettings,
    now: datetime,
) -> tuple[int, Duration]:
    """Lock everybody who offers the service, in id order, and pick one who is free, with their own minutes.

    Raises SessionFull where classes stand at that time and all are full, else NobodyFree.
    """
    offering = Staff.objects.filter(services=service, is_active=True, bookable=True)
    if actor.agenda_of is not None:
        offering = offering.filter(pk=actor.agenda_of)
    locked = lock_staff(*offering.values_list("pk", flat=True))
    full: Standing | None = None
    zone = salon.zone
    day = local_date(start_at, zone=zone)
    everybody, _holidays = read_agendas(service, day, day, zone=zone, now=now)
    agendas = [agenda for agenda in everybody if agenda.staff_id in locked]
    for agenda in agendas if service.max_capacity > 1 else ():
        end_at = asked_end_at or start_at + agenda.duration.length
        present = _class_at(service, agenda.staff_id, start_at, now=now)
        if present is not None and present.end_at == end_at:
            if present.seats_left(service) >= persons:
                return agenda.staff_id, agenda.duration
            full = present if full is None else min(full, present, key=lambda each: each.taken)
    terms = terms_of(service, salon=salon, now=now, holidays={})
    day_begins, day_ends = day_start(day, zone=zone), day_start(day + ONE_DAY, zone=zone)
    ranked = [
        (not agenda.timetable.keeps_hours, agenda.busy_between(day_begins, day_ends), agenda.staff_id, agenda)
        for agenda in agendas
        if _may_be_chosen(terms, agenda, start_at, asked_end_at)
    ]
    if not ranked and full is not None:
        _require_room(full, service=service, persons=persons)
    if not ranked:
        raise NobodyFree
    chosen = min(ranked, key=lambda each: each[:3])[-1]
    return chosen.staff_id, chosen.duration


def _class_at(service: Service, staff_id: int, start_at: datetime, *, now: datetime) -> Standing | None:
    if service.max_capacity == 1:
        return None
    return standing_at(service=service, staff_id=staff_id, start_at=start_at, now=now)


def _require_room(present: Standing, *, service: Service, persons: int) -> None:
    """Raises SessionFull."""
    if present.seats_left(service) < persons:
        raise SessionFull(no_room(service, taken=present.taken, persons=persons))


def _may_be_chosen(terms: Terms, agenda: Agenda, start_at: datetime, asked_end_at: datetime | None) -> bool:
    end_at = asked_end_at or start_at + agenda.duration.length
    case = Case(terms, agenda, start_at, end_at, fitted(agenda.duration.parts, end_at - start_at))
    against = {objection.code for objection in objections_to(case)}
    if agenda.timetable.keeps_hours and "outside_working_hours" in against:
        return False
    return against.isdisjoint(KEEPS_FROM_BEING_CHOSEN)


def wanted_booking(
    staff_id: int,
    service: Service,
    start_at: datetime,
    end_at: datetime,
    parts: Parts,
    *,
    buffers: Buffers | None = None,
) -> Booking:
    """The booking a hold or an offer stands for, never saved: it has the stretches and conflicts of one."""
    kept = buffers or Buffers.of(service)
    return Booking(
        staff_id=staff_id,
        service=service,
        start_at=start_at,
        end_at=end_at,
        buffer_before_minutes=kept.before // ONE_MINUTE,
        buffer_after_minutes=kept.after // ONE_MINUTE,
        parts=parts,
    )
