"""The mail with the link to pay a no-show fee (contract §1.4 "to no-show")."""

from __future__ import annotations

from datetime import datetime

from bookings.jobs.appointment_mails import require_theirs
from bookings.jobs.client_mail import ClientMail, not_needed
from bookings.mails import visit
from bookings.mails.letter import Letter, Reader
from bookings.models import Booking, NoShowFee
from bookings.reasons import Reason
from notifications.models import Job


class NoShowFeeMail(ClientMail):
    """noshow.mail: while the fee is due and its page can be opened. `payload`: fee_id."""

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        fee = NoShowFee.objects.filter(pk=job.payload.get("fee_id"), booking_id=booking.pk).first()
        if fee is None:
            raise not_needed(Reason.GONE)
        require_theirs(booking, reader)
        if fee.state != NoShowFee.State.DUE or booking.status != Booking.Status.NO_SHOW:
            raise not_needed(Reason.FEE_NOT_DUE)
        if fee.pay_until <= now:
            raise not_needed(Reason.SPENT)
        return visit.noshow_fee(booking, fee, reader=reader)
