"""booking.updated: the appointment has new times (contract §1.4).

How long it waits for the last move is `UPDATE_MAIL_DELAY` of `bookings.lifecycle.effects`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.mails import ics
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    announces_each,
    in_payload,
    links_are_spent,
    require_not_ended,
    require_status,
    sorted_out,
)
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, calendar_entry, invitation, rows, series_rows
from bookings.mails.request import answer_before, answers
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.letters.language import moment
from notifications.letters.letter import Letter, how_to_reach, if_in_doubt, joined
from notifications.models import Job


class UpdateMail(AppointmentMail):
    """The new times, once, if they differ from those last told; a request repeats both links.

    With `booking_ids` in the payload of those of them whose times differ.
    """

    type = "booking.updated"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        if "booking_ids" in job.payload:
            return _moved_together(in_payload(job), reader=reader, now=now)
        _require_moved(booking, reader=reader, now=now)
        if booking.provisional_token is not None and links_are_spent(booking, now=now):
            raise not_needed(Reason.SPENT)
        if booking.status == Booking.Status.PROVISIONAL:
            return _request_moved(booking, reader=reader, now=now)
        return _moved(booking, reader=reader, now=now)


def _require_moved(booking: Booking, *, reader: ClientReader, now: datetime, requests: bool = True) -> None:
    """Raises NotNeeded unless it stands, is still ahead, and the client was told other times."""
    require_theirs(booking, reader)
    require_status(booking, Booking.Status.SCHEDULED, *([Booking.Status.PROVISIONAL] if requests else []))
    require_not_ended(booking, now=now)
    if booking.announced_as and Times.announced(booking) == Times.of(booking):
        raise not_needed(Reason.DRAGGED_BACK)


def _moved_together(bookings: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Letter:
    """All new dates of a series; as for one appointment where only one of them is news."""
    found = sorted_out(
        bookings, tell=lambda each: _require_moved(each, reader=reader, now=now, requests=False)
    )
    moved = [each for each, _ in found]
    if len(moved) == 1:
        return replace(_moved(moved[0], reader=reader, now=now), facts=announces_each(moved))
    entries = [calendar_entry(each, reader=reader, times=Times.of(each)) for each in moved]
    return Letter(
        subject=_("%(count)d of your appointments have been moved") % {"count": len(moved)},
        introduction=_("Your appointments have been moved. These are the new times."),
        rows=series_rows(moved[0], reader=reader, all_times=[Times.of(each) for each in moved]),
        closing=[
            _("The attached file updates the appointments in your calendar."),
            joined(_("Do the new times not suit you? Please let us know."), how_to_reach(reader.salon)),
        ],
        ics=ics.publication(*entries, now=now),
        ics_method=ics.PUBLISH,
        facts=announces_each(moved),
    )


def _moved(booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
    when = moment(booking.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Your appointment has been moved to %(when)s") % {"when": when},
        introduction=_("Your appointment has been moved. These are the new times."),
        rows=rows(booking, reader=reader, times=Times.of(booking), before=Times.announced(booking)),
        closing=[
            _("The attached file updates the appointment in your calendar."),
            joined(_("Does the new time not suit you? Please let us know."), how_to_reach(reader.salon)),
        ],
        ics=invitation(booking, reader=reader, status=ics.CONFIRMED, now=now),
        ics_method=ics.REQUEST,
        facts=announces(booking),
    )


def _request_moved(booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
    when = moment(booking.start_at, zone=reader.salon.zone)
    asks = booking.provisional_token is not None
    return Letter(
        subject=_("Your requested appointment has been moved to %(when)s") % {"when": when},
        introduction=_("The time we have reserved for you has changed. These are the new times."),
        rows=rows(booking, reader=reader, times=Times.of(booking), before=Times.announced(booking)),
        question=_("Would you like to come at this time?") if asks else "",
        buttons=answers(booking),
        closing=[answer_before(booking, reader=reader) if asks else "", if_in_doubt(reader.salon)],
        ics=invitation(booking, reader=reader, status=ics.TENTATIVE, now=now),
        ics_method=ics.REQUEST,
        facts=announces(booking),
    )
