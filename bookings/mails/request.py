"""booking.provisional: would you like to come? With the links to accept and to decline (contract §1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from bookings import links
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    answer_until,
    asking,
    links_are_spent,
    of_visit,
    require_not_ended,
    require_status,
)
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, rows
from bookings.mails.page_link import link_to, page_of
from bookings.models import Booking, counted
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
        items = of_visit(booking)
        require_theirs(booking, reader)
        require_status(items, Booking.Status.PROVISIONAL)
        require_not_ended(items, now=now)
        if asking(items) is None or links_are_spent(items, now=now):
            raise not_needed(Reason.SPENT)
        return _words(items, reader=reader)


def _words(items: Sequence[Booking], *, reader: ClientReader) -> Letter:
    """No calendar file, whose own buttons would confuse."""
    standing = counted(items)
    times = Times.of(standing)
    when = moment(times.start_at, zone=reader.salon.zone)
    return Letter(
        subject=_("Please confirm your appointment on %(when)s") % {"when": when},
        introduction=_("We have reserved this time for you. Please let us know whether it suits you."),
        rows=rows(standing, reader=reader, times=times),
        question=_("Would you like to come at this time?"),
        buttons=answers(items),
        links=link_to(page_of(items, reader=reader)),
        closing=[answer_before(items, reader=reader), if_in_doubt(reader.salon)],
        facts=announces(items),
    )


def answers(items: Sequence[Booking]) -> Sequence[Button]:
    """Accept and decline; none for a request that asks for no answer."""
    booking = asking(items)
    if booking is None or booking.provisional_token is None:
        return ()
    token, base_url = booking.provisional_token, booking.base_url
    return (
        Button(_("Accept the appointment"), links.accept_url(base_url, token)),
        Button(_("Decline the appointment"), links.decline_url(base_url, token)),
    )


def answer_before(items: Sequence[Booking], *, reader: Reader) -> str:
    until = answer_until(items)
    return _("Please answer before %(until)s. After that, the time is free again for others.") % {
        "until": moment(until, zone=reader.salon.zone)
    }
