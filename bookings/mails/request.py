"""booking.provisional: would you like to come? With the links to accept and to decline (contract §1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from bookings import links
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    links_are_spent,
    require_not_ended,
    require_status,
)
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, rows
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.letters.language import moment
from notifications.letters.letter import Button, Letter, Reader, if_in_doubt
from notifications.models import Job


class RequestMail(AppointmentMail):
    """While the request stands and its links work."""

    type = "booking.provisional"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        return self.again(booking, reader=reader, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        require_theirs(booking, reader)
        require_status(booking, Booking.Status.PROVISIONAL)
        require_not_ended(booking, now=now)
        if booking.provisional_token is None or links_are_spent(booking, now=now):
            raise not_needed(Reason.SPENT)
        return _words(booking, reader=reader)


def _words(booking: Booking, *, reader: Reader) -> Letter:
    """No calendar file, whose own buttons would confuse."""
    when = moment(booking.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Please confirm your appointment on %(when)s") % {"when": when},
        introduction=_("We have reserved this time for you. Please let us know whether it suits you."),
        rows=rows(booking, reader=reader, times=Times.of(booking)),
        question=_("Would you like to come at this time?"),
        buttons=answers(booking),
        closing=[answer_before(booking, reader=reader), if_in_doubt(reader.salon)],
        facts=announces(booking),
    )


def answers(booking: Booking) -> Sequence[Button]:
    """Accept and decline; none for a request that asks for no answer."""
    if booking.provisional_token is None:
        return ()
    token, base_url = booking.provisional_token, booking.base_url
    return (
        Button(_("Accept the appointment"), links.accept_url(base_url, token)),
        Button(_("Decline the appointment"), links.decline_url(base_url, token)),
    )


def answer_before(booking: Booking, *, reader: Reader) -> str:
    until = min(booking.provisional_expires_at or booking.start_at, booking.start_at)
    return _("Please answer before %(until)s. After that, the time is free again for others.") % {
        "until": moment(until, zone=reader.salon.zone)
    }
