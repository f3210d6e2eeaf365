"""Which bookings a change of the salon touches: named in `settings.AFFECTED_BOOKINGS`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from zoneinfo import ZoneInfo

from bookings.models import Booking
from bookings.slots.availability.agenda import Agenda
from bookings.slots.stretches import WorkPart, touching, work_parts
from staff.access.actor import Actor
from staff.salon.affected import AffectedBookingJson, Touched
from staff.salon.parts import Duration
from staff.salon.schedule import ONE_DAY, Stretch, local_dates
from staff.salon.timetable import timetables_of
from staff.wire.times import print_when

NO_DURATION = Duration(0)
"""Of these agendas nothing is asked but when somebody works."""


def affected_bookings(touched: Touched, *, actor: Actor, zone: ZoneInfo) -> list[AffectedBookingJson]:
    """See `staff.salon.affected.FindsAffected`. One statement, and three where hours are asked for."""
    found = Booking.objects.visible_to(actor).occupying().filter(end_at__gt=touched.starts_at)
    last = touched.night_ends_at or touched.ends_at
    if last is not None:
        found = found.filter(start_at__lt=last)
    if touched.staff_ids is not None:
        found = found.filter(staff_id__in=touched.staff_ids)
    if touched.client_id is not None:
        found = found.filter(client_id=touched.client_id)
    bookings = list(found.select_related("client").order_by("start_at", "id"))
    bookings = [each for each in bookings if _is_concerned(each, touched, zone=zone)]
    standing: Iterable[Booking] = bookings
    if touched.outside_hours:
        standing = _outside_hours(bookings, zone=zone)
    elif touched.night_ends_at is not None and touched.ends_at is not None:
        on_the_day = [each for each in bookings if each.start_at < touched.ends_at]
        standing = chain(on_the_day, _outside_hours(bookings[len(on_the_day) :], zone=zone))
    elif touched.staff_ids is not None and touched.ends_at is not None:
        absence = [Stretch(touched.starts_at, touched.ends_at)]
        standing = (each for each in bookings if touching(_work_of(each), absence))
    return [_printed(each, zone=zone) for each in standing]


def _is_concerned(booking: Booking, touched: Touched, *, zone: ZoneInfo) -> bool:
    """Whether it may stand in hours that open on one of the dates."""
    if touched.concerns is None:
        return True
    dates = local_dates(booking.start_at, booking.end_at, zone=zone)
    if booking.start_at.astimezone(zone).time() < touched.night_ends:
        dates.append(dates[0] - ONE_DAY)
    return any(touched.concerns(booking.staff_id, day) for day in dates)


def _outside_hours(bookings: Sequence[Booking], *, zone: ZoneInfo) -> Iterator[Booking]:
    if not bookings:
        return
    first = bookings[0].start_at.astimezone(zone).date() - ONE_DAY
    last = max(each.end_at for each in bookings).astimezone(zone).date()
    agendas = {
        staff_id: Agenda(
            staff_id=staff_id,
            offers_service=True,
            duration=NO_DURATION,
            timetable=timetable,
            windows=timetable.windows_between(first, last, zone=zone),
            away=[],
            busy=[],
        )
        for staff_id, kept in timetables_of(
            {each.staff_id for each in bookings}, first=first, last=last
        ).items()
        for timetable in (kept if kept.keeps_hours else kept.around_the_clock(),)
    }
    for each in bookings:
        works = agendas[each.staff_id].works
        if not all(works(part.start_at, part.end_at) for part in _work_of(each)):
            yield each


def _work_of(booking: Booking) -> list[WorkPart]:
    """An absence or other hours in a gap touch nobody."""
    return work_parts(booking.start_at, booking.end_at, booking.parts)


def _printed(booking: Booking, *, zone: ZoneInfo) -> AffectedBookingJson:
    return {
        "booking_id": booking.pk,
        "start_at": print_when(booking.start_at, zone=zone),
        "end_at": print_when(booking.end_at, zone=zone),
        "status": booking.status,
        "client_id": booking.client_id,
        "client_name": booking.client.name if booking.client else None,
        "staff_id": booking.staff_id,
        "service_id": booking.service_id,
    }
