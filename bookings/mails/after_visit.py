"""What the mails after a visit have in common (contract §1.4 "to completed")."""

from __future__ import annotations

from datetime import datetime

from bookings.mails.client_mail import ClientMail, ClientReader, not_needed, require_theirs
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications.letters.letter import Letter
from notifications.models import Job


class VisitMail(ClientMail):
    """A mail after a completed visit, to a client the salon still has.

    Nobody counts on it: after a kill in mid-sending it is not sent again.
    """

    client_counts_on_it = False

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        require_theirs(booking, reader)
        if reader.client.archived_at is not None:
            raise not_needed(Reason.CLIENT_ARCHIVED)
        if booking.status != Booking.Status.COMPLETED:
            raise not_needed(Reason.NO_LONGER_COMPLETED)
        return self.after_visit(job, booking, reader=reader, now=now)

    def after_visit(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        """As `letter`, once the visit is known to stand."""
        raise NotImplementedError
