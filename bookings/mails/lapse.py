"""booking.lapsed: a request was not answered in time (contract §1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.lifecycle.announced import stands_in_calendar
from bookings.mails import ics
from bookings.mails.appointment import takes_back
from bookings.mails.cancellation import CancellationMail
from bookings.mails.client_mail import ClientReader
from bookings.mails.details import Times, rows, withdrawal
from bookings.mails.page_link import link_to, page_of
from bookings.models import Booking
from notifications.letters.language import moment
from notifications.letters.letter import Letter, how_to_reach, joined


class LapseMail(CancellationMail):
    """Sent when a cancellation would be; with a calendar file only for who has it in the calendar."""

    type = "booking.lapsed"

    def words(self, items: Sequence[Booking], *, reader: ClientReader, times: Times, now: datetime) -> Letter:
        when = moment(times.start_at, zone=reader.salon.zone)
        in_calendar = stands_in_calendar(items[0], client_id=reader.client.pk)
        removal = _("The attached file removes the appointment from your calendar.") if in_calendar else ""
        return Letter(
            subject=_("Your request for %(when)s has lapsed") % {"when": when},
            introduction=_(
                "We have not received your answer in time. Your request has lapsed, and the time is free"
                " again."
            ),
            rows=rows(items, reader=reader, times=times, with_note=False),
            links=link_to(page_of(items, reader=reader), cancelled=True),
            closing=[
                removal,
                joined(
                    _("Would you still like to come? We are glad to find a time for you."),
                    how_to_reach(reader.salon),
                ),
            ],
            ics=withdrawal(items, reader=reader, times=times, now=now) if in_calendar else "",
            ics_method=ics.CANCEL if in_calendar else "",
            facts=takes_back(items),
        )
