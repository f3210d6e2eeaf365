"""booking.updated: the appointment has new times (contract §1.4).

How long it waits for the last move says `bookings.lifecycle.mail_types`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.lifecycle.in_person import is_owed
from bookings.mails import ics
from bookings.mails.appointment import (
    AppointmentMail,
    announces,
    announces_each,
    asking,
    in_payload,
    is_what_was_told,
    links_are_spent,
    of_visit,
    require_not_ended,
    require_status,
    sorted_out,
    status_of,
)
from bookings.mails.client_mail import ClientReader, not_needed, require_theirs
from bookings.mails.details import Times, calendar_entry, invitation, rows, series_rows
from bookings.mails.page_link import link_to, links_to, page_of, pages_of, until_when
from bookings.mails.request import answer_before, answers
from bookings.models import Booking, counted
from bookings.why_not_sent import Reason
from notifications.letters.language import moment
from notifications.letters.letter import Letter, how_to_reach, if_in_doubt, joined
from notifications.models import Job


class UpdateMail(AppointmentMail):
    """The new times, once, if they differ from those last told; a request repeats both links.

    With `booking_ids` in the payload of those of them whose times differ.
    """

    type = "booking.updated"

    def letter(self, job: Job, booking: Booking, *, reader: ClientReader, now: datetime) -> Letter:
        if "booking_ids" in job.payload:
            return _moved_together(job, reader=reader, now=now)
        items = of_visit(booking)
        owed = "left" in job.payload or is_owed(job.payload, items)
        _require_moved(items, reader=reader, now=now, owed=owed)
        if asking(items) is not None and links_are_spent(items, now=now):
            raise not_needed(Reason.SPENT)
        if status_of(items) == Booking.Status.PROVISIONAL:
            return _request_moved(items, reader=reader, now=now)
        return _moved(items, reader=reader, now=now)


def _require_moved(
    items: Sequence[Booking],
    *,
    reader: ClientReader,
    now: datetime,
    requests: bool = True,
    owed: bool = False,
) -> None:
    """Raises NotNeeded unless it stands, is still ahead, and the client was told something else.

    `owed`: a booking they were told of has gone out of the visit, or somebody has told them since.
    """
    require_theirs(items[0], reader)
    require_status(items, Booking.Status.SCHEDULED, *([Booking.Status.PROVISIONAL] if requests else []))
    require_not_ended(items, now=now)
    if not owed and is_what_was_told(items) and not any(_with_another(each) for each in items):
        raise not_needed(Reason.DRAGGED_BACK)


def _with_another(booking: Booking) -> bool:
    """The client asked for a person, and was told of another one."""
    told = booking.announced_staff_id
    return booking.staff_requested and told is not None and told != booking.staff_id


def _moved_together(job: Job, *, reader: ClientReader, now: datetime) -> Letter:
    """All new dates of a series; as for one appointment where only one of them is news."""
    found = sorted_out(
        in_payload(job),
        tell=lambda each: _require_moved(
            each, reader=reader, now=now, requests=False, owed=is_owed(job.payload, each)
        ),
    )
    moved = [items for items, _ in found]
    if len(moved) == 1:
        return replace(_moved(moved[0], reader=reader, now=now), facts=announces_each(moved[0]))
    all_times = [Times.of(counted(each)) for each in moved]
    pages = pages_of(moved, reader=reader)
    entries = [
        calendar_entry(counted(items), reader=reader, times=times, page=page)
        for items, times, page in zip(moved, all_times, pages, strict=True)
    ]
    return Letter(
        subject=_("%(count)d of your appointments have been moved") % {"count": len(moved)},
        introduction=_("Your appointments have been moved. These are the new times."),
        rows=series_rows(counted(moved[0]), reader=reader, all_times=all_times),
        links=links_to(pages, [each.start_at for each in all_times], reader=reader),
        closing=[
            _("The attached file updates the appointments in your calendar."),
            joined(_("Do the new times not suit you? Please let us know."), how_to_reach(reader.salon)),
        ],
        ics=ics.publication(*entries, now=now),
        ics_method=ics.PUBLISH,
        facts=announces_each(each for items in moved for each in items),
    )


def _moved(items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Letter:
    """`items`: all of the visit, the cancelled ones too."""
    standing = counted(items)
    times, before = Times.of(standing), Times.announced(items)
    when = moment(times.start_at, zone=reader.salon.zone)
    if _begins_as_told(times, before):
        subject = _("Your appointment on %(when)s has been changed") % {"when": when}
        introduction = _("Your appointment has been changed. This is how it stands now.")
        unsuitable = _("Does the change not suit you? Please let us know.")
    else:
        subject = _("Your appointment has been moved to %(when)s") % {"when": when}
        introduction = _("Your appointment has been moved. These are the new times.")
        unsuitable = _("Does the new time not suit you? Please let us know.")
    if items[0].visit is not None and items[0].visit.changed_by_client:
        unsuitable = _("Was it not you who changed it? Please let us know.")
    page = page_of(items, reader=reader)
    return Letter(
        subject=subject,
        introduction=introduction,
        rows=rows(standing, reader=reader, times=times, before=before),
        links=link_to(page),
        closing=[
            until_when(items, reader=reader, now=now),
            _("The attached file updates the appointment in your calendar."),
            joined(unsuitable, how_to_reach(reader.salon)),
        ],
        ics=invitation(standing, reader=reader, status=ics.CONFIRMED, page=page, now=now),
        ics_method=ics.REQUEST,
        facts=announces(items),
    )


def _begins_as_told(times: Times, before: Times | None) -> bool:
    """Another end, other services or another person are no move."""
    return before is not None and before.start_at == times.start_at


def _request_moved(items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> Letter:
    standing = counted(items)
    times, before = Times.of(standing), Times.announced(items)
    when = moment(times.start_at, zone=reader.salon.zone)
    asks = asking(standing) is not None
    page = page_of(items, reader=reader)
    if _begins_as_told(times, before):
        subject = _("Your requested appointment on %(when)s has been changed") % {"when": when}
        introduction = _("What we have reserved for you has changed. This is how it stands now.")
    else:
        subject = _("Your requested appointment has been moved to %(when)s") % {"when": when}
        introduction = _("The time we have reserved for you has changed. These are the new times.")
    return Letter(
        subject=subject,
        introduction=introduction,
        rows=rows(standing, reader=reader, times=times, before=before),
        question=_("Would you like to come at this time?") if asks else "",
        buttons=answers(standing),
        links=link_to(page),
        closing=[answer_before(standing, reader=reader) if asks else "", if_in_doubt(reader.salon)],
        ics=invitation(standing, reader=reader, status=ics.TENTATIVE, page=page, now=now),
        ics_method=ics.REQUEST,
        facts=announces(items),
    )
