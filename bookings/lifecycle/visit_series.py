"""A recurring visit: every occurrence through the door, one mail for all of them (contract §7, §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from bookings import waitlist
from bookings.lifecycle.outcome import Warning
from bookings.lifecycle.recurrence import Starts
from bookings.lifecycle.series import Skipped, book_each, name_series, skipped_by_clocks
from bookings.lifecycle.series_mails import announce_series
from bookings.lifecycle.visit_plan import ItemOrder, who_may_do
from bookings.lifecycle.visits import VisitOrder, book_visit
from bookings.models import Visit
from bookings.slots.availability.visit_agendas import LONGEST_VISIT
from bookings.slots.busy import lock_staff
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest
from staff.wire.times import local_date


@dataclass(frozen=True, slots=True)
class VisitSeries:
    """The visits that were booked, in order, and the starts that were skipped."""

    visits: list[Visit]
    skipped: list[Skipped]
    warnings: list[Warning]


def book_visit_series(
    *,
    actor: Actor,
    order: VisitOrder,
    starts: Starts,
    skip_conflicts: bool = False,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> VisitSeries:
    """Book the visit at each of `starts`: all or nothing, or without those that the calendar refuses.

    Raises what `book_visit` raises, naming the occurrence; BadRequest for what cannot recur.
    """
    if order.hold_token or order.provisional:
        raise BadRequest.field("recurrence", "cannot go together with hold_token or provisional.")
    salon, now = salon or SalonSettings.load(), now or timezone.now()
    with transaction.atomic():
        _lock_around(order, starts.taking_place, actor=actor, salon=salon)
        booked, skipped = book_each(
            starts.taking_place,
            lambda start_at: book_visit(actor=actor, order=_at(order, start_at), salon=salon, now=now),
            skip_conflicts=skip_conflicts,
            zone=salon.zone,
        )
        bookings = [item for outcome in booked for item in outcome.visit.items]
        name_series(bookings)
        announce_series(bookings, salon=salon, notify_client=order.mails_client, now=now)
    warnings = dict.fromkeys(warning for outcome in booked for warning in outcome.warnings)
    skipped += [skipped_by_clocks(each) for each in starts.swallowed]
    by_start = sorted(skipped, key=lambda each: each.start_at)
    return VisitSeries([each.visit for each in booked], by_start, list(warnings))


def _lock_around(
    order: VisitOrder, starts: Sequence[datetime], *, actor: Actor, salon: SalonSettings
) -> None:
    """Everybody who may do an item, then what the client waits for on any of the days, each at once."""
    lock_staff(*who_may_do(order.items, actor=actor))
    comings = [
        waitlist.Coming(order.client_id, item.service_id, local_date(start_at + after, zone=salon.zone))
        for item in order.items
        for start_at in starts
        for after in (timedelta(), LONGEST_VISIT)
    ]
    waitlist.lock_open_entries(comings)


def _at(order: VisitOrder, start_at: datetime) -> VisitOrder:
    """The same visit then; an item with an instant of its own keeps its distance."""
    by = start_at - order.start_at
    return replace(order, start_at=start_at, in_series=True, items=[_moved(each, by) for each in order.items])


def _moved(item: ItemOrder, by: timedelta) -> ItemOrder:
    return item if item.start_at is None else replace(item, start_at=item.start_at + by)
