"""The one confirmation of several appointments made at once. Spoken in the active language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import ics
from bookings.mails.appointment import Times, announces, calendar_entry, if_unable, rows, when_rows
from bookings.mails.language import long_date, moment, time_range
from bookings.mails.letter import Letter, Reader, Row
from bookings.models import Booking


def created(bookings: Sequence[Booking], *, reader: Reader, now: datetime) -> Letter:
    """All dates, then what they have in common; with one calendar file. `bookings`: by their start."""
    zone = reader.salon.zone
    first = bookings[0]
    numbered = [
        Row(
            str(number),
            f"{long_date(each.start_at, zone=zone)}, {time_range(each.start_at, each.end_at, zone=zone)}",
        )
        for number, each in enumerate(bookings, start=1)
    ]
    own_times = len(when_rows(Times.of(first), zone=zone))
    entries = [calendar_entry(each, reader=reader, times=Times.of(each)) for each in bookings]
    return Letter(
        subject=_("Your %(count)d appointments from %(when)s are confirmed")
        % {"count": len(bookings), "when": moment(first.start_at, zone=zone)},
        introduction=_("Your appointments are confirmed. We look forward to seeing you."),
        rows=[
            *numbered,
            Row(pgettext("label", "Time zone"), zone.key),
            *rows(first, reader=reader, times=Times.of(first))[own_times:],
        ],
        closing=[_("The attached file puts the appointments in your calendar."), if_unable(reader)],
        ics=ics.publication(*entries, now=now),
        ics_method=ics.PUBLISH,
        facts=announces_each(bookings),
    )


def announces_each(bookings: Sequence[Booking]) -> dict[str, Any]:
    """As `appointment.announces`, by booking id."""
    return {"announces_each": {str(each.pk): announces(each)["announces"] for each in bookings}}
