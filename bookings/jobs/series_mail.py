"""booking.created: one confirmation, for one appointment or for all dates of a series (contract §1.4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bookings.jobs.appointment_mails import Created, keep_what_was_told
from bookings.jobs.client_mail import find_recipient, not_needed
from bookings.mails import series
from bookings.mails.letter import Letter, Reader
from bookings.models import Booking
from bookings.reasons import Reason
from notifications.handlers import NotNeeded
from notifications.models import Job, Message


class SeriesCreated(Created):
    """As Created; with `booking_ids` in the payload it confirms those of them that are still to be told.

    `Job.booking_id` is the first of them.
    """

    def letter(self, job: Job, booking: Booking, *, reader: Reader, now: datetime) -> Letter:
        if "booking_ids" not in job.payload:
            return super().letter(job, booking, reader=reader, now=now)
        fresh, moot = self._sorted_out(job, reader=reader, now=now)
        if not fresh:
            raise moot or not_needed(Reason.GONE)
        if len(fresh) == 1:
            alone = self.words(fresh[0], reader=reader, now=now)
            return replace(alone, facts=series.announces_each(fresh))
        return series.created(fresh, reader=reader, now=now)

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Keeps for each appointment of the mail what the client now believes."""
        each = message.facts.get("announces_each")
        if each is None:
            super().sent(job, message, now=now)
            return
        reader = find_recipient(job)
        if reader is not None:
            for booking_id, told in each.items():
                keep_what_was_told(int(booking_id), client_id=reader.pk, told=told)

    def _sorted_out(
        self, job: Job, *, reader: Reader, now: datetime
    ) -> tuple[Sequence[Booking], NotNeeded | None]:
        """The appointments that are news, by their start, and why the first of the others is not."""
        fresh: list[Booking] = []
        moot: NotNeeded | None = None
        found = Booking.objects.filter(pk__in=job.payload["booking_ids"])
        for booking in found.select_related("staff", "service", "location").order_by("start_at", "pk"):
            try:
                self.require_news(booking, reader=reader, now=now)
            except NotNeeded as why:
                moot = moot or why
            else:
                fresh.append(booking)
        return fresh, moot
