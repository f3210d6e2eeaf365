"""booking.created and waitlist.confirmed: an appointment is confirmed, or a whole series (contract §1.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from django.utils.translation import gettext as _

from bookings.lifecycle.in_person import is_owed
from bookings.mails import ics
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    announces_each,
    in_payload,
    is_what_was_told,
    of_visit,
    require_not_ended,
    require_status,
    sorted_out,
)
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, calendar_entry, if_unable, invitation, rows, series_rows
from bookings.mails.page_link import link_to, links_to, page_of, pages_of, until_when
from bookings.models import Booking, counted
from bookings.why_not_sent import Reason
from notifications.letters.language import moment
from notifications.letters.letter import Letter
from notifications.models import Job


class ConfirmationMail(AppointmentMail):
    """Of one appointment; with `booking_ids` in the payload of those of them that are still to be told.

    `Job.booking_id` is the first of them.
    """

    type = "booking.created"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        if "booking_ids" not in job.payload:
            items = of_visit(booking)
            _require_news(job, items, reader=reader, now=now)
            return self.words(items, reader=reader, now=now)
        return self._together(job, partial(_require_news, job), reader=reader, now=now)

    def again_together(self, job: Job, *, reader: ClientReader, now: datetime) -> Letter:
        """Those in the payload that still stand, also where the client knows of them."""
        return self._together(job, _require_stands, reader=reader, now=now)

    def _together(
        self, job: Job, require: Callable[..., None], *, reader: ClientReader, now: datetime
    ) -> Letter:
        found = sorted_out(in_payload(job), tell=lambda each: require(each, reader=reader, now=now))
        fresh = [items for items, _ in found]
        if len(fresh) == 1:
            alone = self.words(fresh[0], reader=reader, now=now)
            return replace(alone, facts=announces_each(fresh[0]))
        return _series_confirmed(fresh, reader=reader, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        items = of_visit(booking)
        _require_stands(items, reader=reader, now=now)
        return self.words(items, reader=reader, now=now)

    def words(self, items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Letter:
        """`items`: all of the visit, the cancelled ones too."""
        return _confirmed(items, reader=reader, now=now)


class WaitlistConfirmationMail(ConfirmationMail):
    """Of one appointment, for somebody who waited for it."""

    type = "waitlist.confirmed"

    def words(self, items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Letter:
        when = moment(Times.of(counted(items)).start_at, zone=reader.salon.zone)
        return replace(
            _confirmed(items, reader=reader, now=now),
            subject=_("Your waitlist slot on %(when)s is confirmed") % {"when": when},
            introduction=_("Good news: your waitlist slot is confirmed. We look forward to seeing you."),
        )


def _require_news(job: Job, items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> None:
    """Raises NotNeeded unless the appointment stands, is still ahead, and the client does not know it, or
    knows it in person since."""
    _require_stands(items, reader=reader, now=now)
    if not is_owed(job.payload, items) and is_what_was_told(items, as_=Booking.Status.SCHEDULED):
        raise not_needed(Reason.ALREADY_ANNOUNCED)


def _require_stands(items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> None:
    require_theirs(items[0], reader)
    require_status(items, Booking.Status.SCHEDULED)
    require_not_ended(items, now=now)


def _confirmed(items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Letter:
    standing = counted(items)
    times = Times.of(standing)
    when = moment(times.start_at, zone=reader.salon.zone)
    page = page_of(items, reader=reader)
    return Letter(
        subject=_("Your appointment on %(when)s is confirmed") % {"when": when},
        introduction=_("Your appointment is confirmed. We look forward to seeing you."),
        rows=rows(standing, reader=reader, times=times),
        links=link_to(page),
        closing=[
            until_when(items, reader=reader, now=now),
            _("The attached file puts the appointment in your calendar."),
            if_unable(reader),
        ],
        ics=invitation(standing, reader=reader, status=ics.CONFIRMED, page=page, now=now),
        ics_method=ics.REQUEST,
        facts=announces(items),
    )


def _series_confirmed(visits: Sequence[Sequence[Booking]], *, reader: ClientReader, now: datetime) -> Letter:
    """All dates, then what they have in common; with one calendar file. `visits`: by their start."""
    standing = [counted(items) for items in visits]
    all_times = [Times.of(items) for items in standing]
    pages = pages_of(visits, reader=reader)
    entries = [
        calendar_entry(items, reader=reader, times=times, page=page)
        for items, times, page in zip(standing, all_times, pages, strict=True)
    ]
    return Letter(
        subject=_("Your %(count)d appointments from %(when)s are confirmed")
        % {"count": len(visits), "when": moment(all_times[0].start_at, zone=reader.salon.zone)},
        introduction=_("Your appointments are confirmed. We look forward to seeing you."),
        rows=series_rows(standing[0], reader=reader, all_times=all_times),
        links=links_to(pages, [each.start_at for each in all_times], reader=reader),
        closing=[_("The attached file puts the appointments in your calendar."), if_unable(reader)],
        ics=ics.publication(*entries, now=now),
        ics_method=ics.PUBLISH,
        facts=announces_each(each for items in visits for each in items),
    )
