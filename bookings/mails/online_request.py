"""visit.requested, visit.declined, visit.request_lapsed: a client asked online (contract §9 "request")."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.lifecycle.announced import stands_in_calendar
from bookings.mails import ics
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    of_visit,
    require_not_ended,
    require_status,
    takes_back,
)
from bookings.mails.client_mail import ClientReader, require_theirs
from bookings.mails.details import Times, rows, withdrawal
from bookings.mails.page_link import link_to, page_of
from bookings.models import Booking, counted
from notifications.letters.language import moment
from notifications.letters.letter import Letter, how_to_reach, if_in_doubt, joined
from notifications.models import Job


class RequestedMail(AppointmentMail):
    """We have it, and the salon will answer: while nobody has. No calendar file: it is not certain."""

    type = "visit.requested"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        return self.again(booking, reader=reader, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        items = of_visit(booking)
        require_theirs(booking, reader)
        require_status(items, Booking.Status.PROVISIONAL)
        require_not_ended(items, now=now)
        standing = counted(items)
        times = Times.of(standing)
        when = moment(times.start_at, zone=reader.salon.zone)
        return Letter(
            subject=_("We have received your request for %(when)s") % {"when": when},
            introduction=_(
                "Thank you, we have received your request. It is not certain yet: we will tell you by mail"
                " whether the time suits us."
            ),
            rows=rows(standing, reader=reader, times=times),
            links=link_to(page_of(items, reader=reader)),
            closing=[if_in_doubt(reader.salon)],
            facts=announces(items),
        )


class DeclinedMail(AppointmentMail):
    """The salon cannot: also to a client whose first mail has not left. With a calendar file only for who has
    it in the calendar, from a time when it was certain."""

    type = "visit.declined"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        return self.again(booking, reader=reader, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        items = of_visit(booking)
        require_theirs(booking, reader)
        require_status(items, Booking.Status.CANCELLED)
        require_not_ended(items, now=now)
        times = Times.announced(items) or Times.of(items)
        in_calendar = stands_in_calendar(items[0], client_id=reader.client.pk)
        subject, introduction = self.said(moment(times.start_at, zone=reader.salon.zone))
        return Letter(
            subject=subject,
            introduction=introduction,
            rows=rows(items, reader=reader, times=times, with_note=False),
            links=link_to(page_of(items, reader=reader), cancelled=True),
            closing=[
                _("The attached file removes the appointment from your calendar.") if in_calendar else "",
                joined(_("We are glad to find another time for you."), how_to_reach(reader.salon)),
            ],
            ics=withdrawal(items, reader=reader, times=times, now=now) if in_calendar else "",
            ics_method=ics.CANCEL if in_calendar else "",
            facts=takes_back(items),
        )

    def said(self, when: str) -> Sequence[str]:
        """Subject and introduction."""
        return (
            _("Your request for %(when)s cannot be met") % {"when": when},
            _("We are sorry: we cannot offer you the time you asked for."),
        )


class RequestLapsedMail(DeclinedMail):
    """Its start came, and the salon had not answered."""

    type = "visit.request_lapsed"

    def said(self, when: str) -> Sequence[str]:
        return (
            _("Your request for %(when)s has lapsed") % {"when": when},
            _("We are sorry: we have not answered your request in time, so it has lapsed."),
        )
