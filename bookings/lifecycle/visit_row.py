"""The visit of a booking: made with its first one, kept true with every change of one (contract §7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from bookings.lifecycle.audit import record
from bookings.models import Booking, BookingEvent, Visit, VisitLink, counted, stamp
from staff.access.actor import Actor
from staff.storage.prepared_statements import new_row
from staff.storage.prepared_writes import PreparedInsert, PreparedUpdate

SAYS_MORE = (
    Booking.Status.PROVISIONAL,
    Booking.Status.SCHEDULED,
    Booking.Status.NO_SHOW,
    Booking.Status.COMPLETED,
    Booking.Status.CANCELLED,
)
"""A visit has the first of these that one of its bookings has."""

SO_SOON = timedelta(hours=24)
"""Who books for within this time is taken to have said that they come (contract §10 "confirming")."""


def begin(items: Sequence[Booking], *, now: datetime, policy: dict[str, Any] | None = None) -> Visit:
    """A visit of these bookings, not saved yet, saved; they are placed in it in this order.

    That of a row which an older release wrote has its version, so that the SEQUENCE in calendars goes on.
    """
    first = items[0]
    taken = Visit.objects.filter(key=first.key).exists() if first.pk is not None else False
    visit = new_row(
        Visit,
        key=uuid.uuid4() if taken else first.key,
        client_id=first.client_id,
        version=first.version if first.pk is not None and first.visit_id is None else 1,
        policy=policy,
        created_at=now,
        updated_at=stamp(now),
    )
    visit.items = list(items)
    _derive(visit)
    if visit.status == Booking.Status.SCHEDULED and now < visit.start_at < now + SO_SOON:
        visit.client_confirmed_at = now
    _STORE.write([visit])
    for position, booking in enumerate(items, start=1):
        booking.visit, booking.position = visit, position
    return visit


_STORE = PreparedInsert(Visit)
_UPDATE = PreparedUpdate(Visit)


def keep_true(
    booking: Booking,
    *,
    of_other_client: bool,
    moved: bool,
    together: bool,
    changed_by_client: bool | None,
    now: datetime,
) -> Visit | None:
    """Write the visit of a locked booking that is about to be saved as it is now; gives the one it left.

    `of_other_client`: it has come to another client; alone it then leaves into a visit of its own, unless
    all of its visit change `together`: these the caller stores once. `changed_by_client`: whose change of its
    time, person, service or status this is; None where it is none.
    """
    visit = booking.visit
    if visit is None or (of_other_client and not together and len(visit.items) > 1):
        if visit is not None:
            visit.items = [each for each in visit.items if each.pk != booking.pk]
            store(visit, now=now)
        begin([booking], now=now)
        return visit
    visit.items = [booking if each.pk == booking.pk else each for each in visit.items]
    if visit.client_id != booking.client_id:
        _hand_over(visit, client_id=booking.client_id)
    if changed_by_client is not None:
        visit.changed_by_client = changed_by_client
    if (of_other_client or moved) and visit.client_confirmed_at is not None:
        visit.client_confirmed_at = None
        if not together:
            show_anew((each for each in visit.items if each.pk != booking.pk), now=now)
    if not together:
        store(visit, now=now)
    return None


def add(visit: Visit, booking: Booking, *, now: datetime) -> None:
    """Put a new booking, about to be saved, at the end of a locked visit."""
    booking.visit, booking.position = visit, max(each.position for each in visit.items) + 1
    visit.items = [*visit.items, booking]
    visit.changed_by_client = False
    store(visit, now=now)


def confirm(visit: Visit, *, confirmed: bool, actor: Actor, reason: str = "", now: datetime) -> BookingEvent:
    """The client has said that they come, or the salon says that they have not. Gives the row of the history,
    an event for the caller to announce."""
    visit.client_confirmed_at = now if confirmed else None
    told = counted(visit.items)
    show_anew(told, now=now)
    store(visit, now=now)
    changes = {"client_confirmed": [not confirmed, confirmed]}
    status = told[0].status
    return record(told[0], actor=actor, from_status=status, changes=changes, reason=reason, now=now)


def show_anew(items: Iterable[Booking], *, now: datetime) -> None:
    """What is shown of these locked bookings changes beside what is saved: another version, for who polls."""
    shown, at = list(items), stamp(now)
    Booking.objects.filter(pk__in=[each.pk for each in shown]).update(version=F("version") + 1, updated_at=at)
    for each in shown:
        each.version, each.updated_at = each.version + 1, at


def _hand_over(visit: Visit, *, client_id: int | None) -> None:
    """What was the former client's own goes: what they typed and accepted, their link, what they did
    (contract §8)."""
    visit.client_id, visit.policy, visit.contact_typed = client_id, None, None
    visit.link_nonce += 1
    visit.late, visit.client_moves, visit.grace_from = False, 0, None
    VisitLink.objects.filter(visit=visit).delete()


def store(visit: Visit, *, now: datetime) -> None:
    """What its bookings, as they are now, say of a locked visit; another version."""
    _derive(visit)
    visit.version += 1
    visit.updated_at = stamp(now)
    _UPDATE.write(visit)


def is_true(visit: Visit) -> bool:
    """Whether it says what its `items` say."""
    clients = {each.client_id for each in visit.items}
    return clients == {visit.client_id} and (visit.status, visit.start_at, visit.end_at) == _told(visit)


def _derive(visit: Visit) -> None:
    visit.status, visit.start_at, visit.end_at = _told(visit)


def _told(visit: Visit) -> tuple[Booking.Status, datetime, datetime]:
    """Status and times from its bookings: of those not cancelled, or of all where all are."""
    telling = counted(visit.items)
    return (
        next(status for status in SAYS_MORE if any(each.status == status for each in telling)),
        min(each.start_at for each in telling),
        max(each.end_at for each in telling),
    )
