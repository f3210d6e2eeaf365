"""booking.cancelled: the appointment does not take place (contract §1.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from bookings.lifecycle.announced import Announced, last_announced, last_told_to_stand
from bookings.mails import ics
from bookings.mails.appointment import (
    AppointmentMail,
    in_payload,
    of_visit,
    require_status,
    sorted_out,
    status_of,
    takes_back,
)
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, calendar_entry, rows, series_rows, withdrawal
from bookings.mails.page_link import link_to, links_to, page_of, pages_of
from bookings.models import Booking
from bookings.why_not_sent import Reason
from notifications import outbox
from notifications.handlers import TryLater
from notifications.letters.language import moment
from notifications.letters.letter import Letter, how_to_reach, joined
from notifications.models import Job


class CancellationMail(AppointmentMail):
    """To the booking's client, or to the one it was taken from by a change of client.

    The mail names the times this client was told. Who was told nothing gets nothing. With `booking_ids` in
    the payload it names all of them that this client believed in.
    """

    type = "booking.cancelled"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        if "booking_ids" in job.payload:
            told = sorted_out(in_payload(job), tell=lambda each: _told(job, each, reader=reader, now=now))
            if len(told) > 1:
                return _words_for_all(told, reader=reader, now=now)
            [(alone, times)] = told
            facts = {"announces_each": {str(each.pk): None for each in alone}}
            return replace(self.words(alone, reader=reader, times=times, now=now), facts=facts)
        items = of_visit(booking)
        times = _told(job, items, reader=reader, now=now)
        return self.words(_named(items), reader=reader, times=times, now=now)

    def again(self, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        items = of_visit(booking)
        require_theirs(booking, reader)
        require_status(items, Booking.Status.CANCELLED)
        times = Times.announced(items)
        if times is None:
            told = (last_told_to_stand(each, client_id=reader.client.pk) for each in items)
            times = Times.said(each for each in told if each is not None)
        if times is None:
            raise not_needed(Reason.NEVER_ANNOUNCED)
        if max(times.end_at, *(each.end_at for each in items)) <= now:
            raise not_needed(Reason.ALREADY_ENDED)
        return self.words(_named(items), reader=reader, times=times, now=now)

    def words(self, items: Sequence[Booking], *, reader: ClientReader, times: Times, now: datetime) -> Letter:
        """`times` are those the client was told."""
        when = moment(times.start_at, zone=reader.salon.zone)
        return Letter(
            subject=_("Your appointment on %(when)s has been cancelled") % {"when": when},
            introduction=_("Your appointment has been cancelled. You do not need to do anything."),
            rows=rows(items, reader=reader, times=times, with_note=False),
            links=link_to(page_of(items, reader=reader), cancelled=True),
            closing=[
                _("The attached file removes the appointment from your calendar."),
                joined(_("We are glad to find another time for you."), how_to_reach(reader.salon)),
            ],
            ics=withdrawal(items, reader=reader, times=times, now=now),
            ics_method=ics.CANCEL,
            facts=takes_back(items),
        )


def _named(items: Sequence[Booking]) -> Sequence[Booking]:
    """Those of a cancelled visit that the client believed in; all where they know of none any more."""
    return [each for each in items if each.announced_as] or items


def _told(job: Job, items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Times:
    """The times this client was told and still believes in, of what they no longer have.

    Raises NotNeeded, TryLater.
    """
    ends = max(each.end_at for each in items)
    if items[0].client_id == reader.client.pk:
        if status_of(items) != Booking.Status.CANCELLED:
            raise not_needed(Reason.RESTORED)
        for each in items:
            if not each.announced_as:
                _wait_for_series(job, each)
        times = Times.announced([each for each in items if each.announced_as]) or _gone(job)
    else:
        times = _announced_to_former_client(job, items, reader)
        ends = ends if times is None else times.end_at
    if times is None:
        raise not_needed(Reason.NEVER_ANNOUNCED)
    if max(ends, times.end_at) <= now:
        raise not_needed(Reason.ALREADY_ENDED)
    return times


def _words_for_all(
    told: Sequence[tuple[Sequence[Booking], Times]], *, reader: ClientReader, now: datetime
) -> Letter:
    """The dates they were told, by the bookings' start; with one calendar file (docs/adr/0074)."""
    entries = [calendar_entry(items, reader=reader, times=times) for items, times in told]
    all_times = sorted((times for _items, times in told), key=lambda times: times.start_at)
    return Letter(
        subject=_("%(count)d of your appointments have been cancelled") % {"count": len(told)},
        introduction=_("Your appointments have been cancelled. You do not need to do anything."),
        rows=series_rows(told[0][0], reader=reader, all_times=all_times, with_note=False),
        links=links_to(
            pages_of([items for items, _times in told], reader=reader),
            [times.start_at for _items, times in told],
            reader=reader,
        ),
        closing=[
            _("The attached file removes the appointments from your calendar."),
            joined(_("We are glad to find another time for you."), how_to_reach(reader.salon)),
        ],
        ics=ics.withdrawals(*entries, now=now),
        ics_method=ics.PUBLISH,
        facts={"announces_each": {str(each.pk): None for items, _times in told for each in items}},
    )


def _wait_for_series(job: Job, booking: Booking) -> None:
    """The mail for a whole series keeps no order with those about its later dates: what it says counts here.

    Raises TryLater while it is on its way; reads anew what it has announced.
    """
    if booking.series_id is None:
        return
    recipient = outbox.Recipient(job.recipient)
    if outbox.on_its_way(booking_id=booking.series_id, types=["booking.created"], recipient=recipient):
        raise TryLater("The confirmation of the whole series is on its way.")
    booking.refresh_from_db(fields=["announced_as", "announced_start_at", "announced_end_at"])


def _gone(job: Job) -> Times | None:
    """What the client was told of a booking that has gone out of the visit since."""
    frozen: Mapping[str, Any] = job.payload.get("announced_each", {})
    return Times.said(Announced.read(each) for each in frozen.values())


def _announced_to_former_client(job: Job, items: Sequence[Booking], reader: ClientReader) -> Times | None:
    """What somebody who no longer has these bookings was last told of them.

    The message log knows best: a confirmation may have left after the change of client froze the payload.
    """
    frozen = job.payload.get("announced_each") or {str(items[0].pk): job.payload.get("announced")}
    told = [
        last_announced(each, client_id=reader.client.pk) or Announced.read(frozen.get(str(each.pk)))
        for each in items
    ]
    return Times.said(told)
