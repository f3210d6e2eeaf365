"""An appointment as the mails about it show it: its table, its calendar entry (contract §1.4).

Spoken in the active language.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.lifecycle.announced import Announced
from bookings.mails import ics
from bookings.mails.client_mail import ClientReader
from bookings.models import Booking, BookingEvent, price_of
from notifications.letters.language import (
    long_date,
    long_moment,
    money,
    time_range,
    time_span,
    zone_name,
)
from notifications.letters.letter import Reader, Row, how_to_reach, joined
from notifications.letters.plain import one_line
from staff.models import Location, Service, Staff

LONGEST_NOTE = 1000


@dataclass(frozen=True, slots=True)
class Times:
    """From when to when (UTC) a mail says the appointment is."""

    start_at: datetime
    end_at: datetime

    @classmethod
    def of(cls, items: Sequence[Booking]) -> Times:
        """From the first start to the last end of the bookings of one visit."""
        return cls(min(each.start_at for each in items), max(each.end_at for each in items))

    @classmethod
    def announced(cls, items: Sequence[Booking]) -> Times | None:
        """What the client was last told of them; None when they were told nothing."""
        return cls.said(
            Announced(each.announced_as, each.announced_start_at, each.announced_end_at) for each in items
        )

    @classmethod
    def said(cls, announced: Iterable[Announced]) -> Times | None:
        """What a mail said; None when it said that there is no booking."""
        starts, ends = [], []
        for each in announced:
            if each.start_at is not None and each.end_at is not None:
                starts.append(each.start_at)
                ends.append(each.end_at)
        return cls(min(starts), max(ends)) if starts else None


def rows(
    items: Sequence[Booking],
    *,
    reader: Reader,
    times: Times,
    before: Times | None = None,
    with_note: bool = True,
) -> list[Row]:
    """The table of facts about the bookings of one visit; `before` is what the times were."""
    salon, first = reader.salon, items[0]
    found = when_rows(times, zone=salon.zone)
    if before is not None and before.start_at != times.start_at:
        found.append(Row(pgettext("label", "Before"), long_moment(before.start_at, zone=salon.zone)))
    found += what_and_with_whom(first.service, first.staff) if len(items) == 1 else _each(items, salon.zone)
    place = where(first.location, reader=reader)
    if place:
        found.append(Row(pgettext("label", "Where"), place))
    if first.persons > 1:
        found.append(Row(pgettext("label", "Persons"), str(first.persons)))
    if told := _price_of(items, currency=salon.currency):
        found.append(Row(pgettext("label", "Price"), told))
    note = one_line(first.notes, longest=LONGEST_NOTE)
    if note and with_note and not _is_a_strangers(first):
        found.append(Row(pgettext("label", "Note"), note))
    return found


def _is_a_strangers(booking: Booking) -> bool:
    """Whoever wrote its note last may not be the client: no mail of ours carries it to them (contract §9).

    One more statement, for a visit that was booked online without a code.
    """
    if booking.visit is None or booking.visit.by_stranger is None:
        return False
    changed = BookingEvent.objects.filter(booking=booking, changes__has_key="notes").order_by("-id")
    last = changed.exclude(from_status="").values_list("actor_type", flat=True).first()
    return last in (None, "client")


def _each(items: Sequence[Booking], zone: ZoneInfo) -> list[Row]:
    """What is done when in a visit, and by whom."""
    return [Row(time_range(each.start_at, each.end_at, zone=zone), what_by_whom(each)) for each in items]


def what_by_whom(booking: Booking) -> str:
    return _("%(service)s with %(name)s") % {
        "service": one_line(booking.service.name),
        "name": one_line(booking.staff.name),
    }


def _price_of(items: Sequence[Booking], *, currency: str) -> str:
    """Of one booking also how it is made up; of several their sum. Empty where nothing has a price."""
    if len(items) == 1:
        price = items[0].price
        return "" if price is None else price_for(items[0].persons, each=price, currency=currency)
    total = price_of(items)
    return "" if total is None else money(total, currency)


def price_for(persons: int, *, each: Decimal, currency: str) -> str:
    """What all of them pay together; for several also how it is made up: €45.00 (3 × €15.00)."""
    total = money(each * persons, currency)
    return total if persons == 1 else f"{total} ({persons}\N{NO-BREAK SPACE}× {money(each, currency)})"


def series_rows(
    first: Sequence[Booking], *, reader: Reader, all_times: Sequence[Times], with_note: bool = True
) -> list[Row]:
    """The numbered dates, by their start, then what the visits have in common with the `first`."""
    zone = reader.salon.zone
    own_times = len(when_rows(Times.of(first), zone=zone))
    return [
        *(
            Row(
                str(number),
                f"{long_date(each.start_at, zone=zone)}, {time_range(each.start_at, each.end_at, zone=zone)}",
            )
            for number, each in enumerate(all_times, start=1)
        ),
        Row(pgettext("label", "Time zone"), zone.key),
        *rows(first, reader=reader, times=Times.of(first), with_note=with_note)[own_times:],
    ]


def when_rows(times: Times, *, zone: ZoneInfo) -> list[Row]:
    """Date and time; start and end where midnight lies between them."""
    if times.start_at.astimezone(zone).date() == times.end_at.astimezone(zone).date():
        return [
            Row(pgettext("label", "Date"), long_date(times.start_at, zone=zone)),
            Row(pgettext("label", "Time"), time_span(times.start_at, times.end_at, zone=zone)),
        ]
    return [
        Row(label, f"{long_moment(instant, zone=zone)} ({zone_name(instant, zone=zone)})")
        for label, instant in (
            (pgettext("label", "Start"), times.start_at),
            (pgettext("label", "End"), times.end_at),
        )
    ]


def what_and_with_whom(service: Service, staff: Staff) -> list[Row]:
    return [
        Row(pgettext("label", "Service"), one_line(service.name)),
        Row(pgettext("label", "With"), one_line(staff.name)),
    ]


def where(location: Location | None, *, reader: Reader) -> str:
    """The branch with its address, else the salon's own; empty when nothing is known."""
    if location is not None:
        named = (one_line(location.name), one_line(location.address))
    else:
        named = (reader.salon_name, one_line(reader.salon.business_address))
    return ", ".join(part for part in named if part)


def if_unable(reader: Reader) -> str:
    """What to do when something comes between."""
    return joined(_("Can you not make it? Please let us know in good time."), how_to_reach(reader.salon))


def calendar_entry(
    items: Sequence[Booking], *, reader: ClientReader, times: Times, page: str = ""
) -> ics.Appointment:
    """What stands in the client's calendar: one event for a visit. `page`: the address of the client's page.

    What an older release has just written has no visit yet.
    """
    first, visit = items[0], items[0].visit
    what = ", ".join(dict.fromkeys(one_line(each.service.name) for each in items))
    if len(items) == 1:
        done = [f"{pgettext('label', 'With')}: {one_line(first.staff.name)}"]
    else:
        done = [f"{row.label}: {row.value}" for row in _each(items, reader.salon.zone)]
    return ics.Appointment(
        key=str(first.key if visit is None else visit.key),
        sequence=(first.version if visit is None else visit.version) - 1,
        start_at=times.start_at,
        end_at=times.end_at,
        summary=f"{what} - {reader.salon_name}" if reader.salon_name else what,
        location=where(first.location, reader=reader),
        description="\n".join(line for line in (*done, how_to_reach(reader.salon), page) if line),
        organizer=settings.DEFAULT_FROM_EMAIL,
        organizer_name=reader.salon_name,
        attendee=reader.client.email,
        attendee_name=reader.client.name,
        url=page,
    )


def invitation(
    items: Sequence[Booking], *, reader: ClientReader, status: str, page: str, now: datetime
) -> str:
    """The calendar file that puts or moves it there; `status` as `ics.invitation` has it."""
    entry = calendar_entry(items, reader=reader, times=Times.of(items), page=page)
    return ics.invitation(entry, status=status, now=now)


def withdrawal(items: Sequence[Booking], *, reader: ClientReader, times: Times, now: datetime) -> str:
    """The calendar file that takes it out."""
    return ics.cancellation(calendar_entry(items, reader=reader, times=times), now=now)
