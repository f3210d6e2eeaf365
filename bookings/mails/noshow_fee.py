"""noshow.mail: the fee of a missed appointment, with the link to pay it (contract §1.4 "to no-show")."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import links
from bookings.mails.client_mail import ClientMail, ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, what_and_with_whom, when_rows
from bookings.mails.page_link import link_to, page_of
from bookings.models import Booking, NoShowFee
from bookings.why_not_sent import Reason
from notifications.letters.language import moment, money
from notifications.letters.letter import Button, Letter, Row, how_to_reach, joined
from notifications.models import Job
from staff.wire.money import from_minor


class NoShowFeeMail(ClientMail):
    """While the fee is due and its page can be opened. `payload`: fee_id."""

    type = "noshow.mail"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        fee = NoShowFee.objects.filter(pk=job.payload.get("fee_id"), booking_id=booking.pk).first()
        if fee is None:
            raise not_needed(Reason.GONE)
        require_theirs(booking, reader)
        if fee.state != NoShowFee.State.DUE or booking.status != Booking.Status.NO_SHOW:
            raise not_needed(Reason.FEE_NOT_DUE)
        if fee.pay_until <= now:
            raise not_needed(Reason.SPENT)
        return _words(booking, fee, reader=reader)


def _words(booking: Booking, fee: NoShowFee, *, reader: ClientReader) -> Letter:
    salon = reader.salon
    amount = money(from_minor(fee.amount_minor, currency=fee.currency), fee.currency)
    mistaken = _("Has there been a misunderstanding? Please let us know.")
    return Letter(
        subject=_("Your missed appointment on %(when)s")
        % {"when": moment(booking.start_at, zone=salon.zone)},
        introduction=_(
            "We expected you and are sorry to have missed you. For a missed appointment we charge a fee of"
            " %(amount)s."
        )
        % {"amount": amount},
        rows=[
            *when_rows(Times.of([booking]), zone=salon.zone),
            *what_and_with_whom(booking.service, booking.staff),
            Row(pgettext("label", "Fee"), amount),
        ],
        buttons=[
            Button(_("Pay %(amount)s") % {"amount": amount}, links.pay_url(booking.base_url, fee.pay_token))
        ],
        links=link_to(page_of([booking], reader=reader), cancelled=True),
        closing=[
            _("You can pay until %(until)s.") % {"until": moment(fee.pay_until, zone=salon.zone)},
            joined(mistaken, how_to_reach(salon)),
        ],
    )
