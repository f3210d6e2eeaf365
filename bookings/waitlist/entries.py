"""An entry's own life: waiting, notified, booked, cancelled, expired (contract §1.5, /api/waitlist)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from bookings.errors import HolidayClosed
from bookings.models import ONE_OPEN_ENTRY, WaitlistEntry, WaitlistOffer
from bookings.slots.availability.rules import closed_on
from bookings.slots.busy import lock_staff
from bookings.slots.refused_to_everybody import bookable, find_service
from bookings.waitlist.offers import end_offer, live_offer_of, lock_entry
from clients.records import lock_clients, not_archived
from clients.walk_in import refuse_walk_in
from staff.models import SalonSettings, Staff
from staff.salon.schedule import holiday_names
from staff.wire.refusals import BadRequest, Conflict, NotFound
from staff.wire.times import local_date

Status = WaitlistEntry.Status

WANTED = ("client_id", "service_id", "staff_id", "date")
"""What an entry waits for, and for whom."""


class EntryNotFound(NotFound):
    code = "waitlist_entry_not_found"
    message = "There is no such waitlist entry."


class EntryClosed(Conflict):
    code = "waitlist_entry_closed"
    message = "This entry is booked, cancelled or expired; set it to waiting again or make a new one."


class OfferOut(Conflict):
    code = "waitlist_offer_out"
    message = (
        "A slot is being offered to this client; set the status to 'waiting' first, which ends the offer."
    )


class AlreadyWaiting(Conflict):
    code = "already_waiting"
    message = "This client waits for the same service, day and staff member already."

    def __init__(self) -> None:
        super().__init__(details={"client_id": self.message})


class _OfferedMeanwhile(Exception):
    """A slot was offered between the look and the lock: its staff member is to be locked before the entry."""


@contextmanager
def _one_open_entry() -> Iterator[None]:
    """Turn the database's refusal of a second open entry alike into AlreadyWaiting; around a transaction."""
    try:
        yield
    except IntegrityError as error:
        if ONE_OPEN_ENTRY not in str(error):
            raise
        raise AlreadyWaiting from error


def add(
    *,
    client_id: int,
    service_id: int,
    date: date,
    staff_id: int | None = None,
    notes: str = "",
    salon: SalonSettings,
    now: datetime,
) -> WaitlistEntry:
    """Put a client on the waitlist for a salon date. Raises BadRequest, AlreadyWaiting."""
    with _one_open_entry(), transaction.atomic():
        lock_clients([client_id])
        _check_wanted(
            client_id=client_id, service_id=service_id, staff_id=staff_id, date=date, salon=salon, now=now
        )
        return WaitlistEntry.objects.create(
            client_id=client_id, service_id=service_id, staff_id=staff_id, date=date, notes=notes
        )


def change(
    *, entry_id: int, changes: Mapping[str, Any], salon: SalonSettings, now: datetime
) -> WaitlistEntry:
    """Merge `changes` (client_id, service_id, staff_id, date, notes, status) into the entry.

    Staff set the status to waiting (from any other, for a date that is not over) or to cancelled (not once it
    is booked); the others are reached by offers, bookings and time alone. An offer that is out is ended by
    both, its slot goes to the next. What is waited for changes only while the entry waits; notes always.
    Raises EntryNotFound, BadRequest, EntryClosed, OfferOut, AlreadyWaiting.
    """
    while True:
        try:
            return _change(entry_id, changes, salon=salon, now=now)
        except _OfferedMeanwhile:
            continue


def _change(
    entry_id: int, changes: Mapping[str, Any], *, salon: SalonSettings, now: datetime
) -> WaitlistEntry:
    with _one_open_entry(), transaction.atomic():
        entry, offer = _locked(entry_id, client_id=changes.get("client_id"))
        status = changes.get("status", entry.status)
        if status != entry.status:
            _check_status(entry.status, status)
        stored = {name: getattr(entry, name) for name in WANTED}
        wanted = {name: changes.get(name, stored[name]) for name in WANTED}
        if wanted != stored and status != Status.WAITING:
            raise OfferOut if status == Status.NOTIFIED else EntryClosed
        ends_offer = status != entry.status
        if wanted != stored or (ends_offer and status == Status.WAITING):
            _check_wanted(**wanted, salon=salon, now=now)
        for name, value in wanted.items():
            setattr(entry, name, value)
        entry.notes = changes.get("notes", entry.notes)
        entry.status = status
        entry.save(update_fields=[*WANTED, "notes", "status", "updated_at"])
        if offer is not None and ends_offer:
            end_offer(offer, salon=salon, now=now)
    return entry


def cancel(*, entry_id: int, salon: SalonSettings, now: datetime) -> WaitlistEntry:
    """The client waits no more; a cancelled entry stays so. Raises EntryNotFound, EntryClosed."""
    return change(entry_id=entry_id, changes={"status": Status.CANCELLED}, salon=salon, now=now)


def lock_open_of(client_ids: Collection[int]) -> None:
    """Lock what these clients wait for, in id order."""
    list(_open_of(client_ids).select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _open_of(client_ids: Collection[int]) -> QuerySet[WaitlistEntry]:
    return WaitlistEntry.objects.filter(client_id__in=client_ids, status__in=WaitlistEntry.OPEN_STATUSES)


def join(*, goes_id: int, stays_id: int, now: datetime) -> None:
    """Give the entries of one client to another, in the transaction that merges the two and has locked them.

    Of two open ones alike the older stays, a notified one before a waiting one, and the other is cancelled:
    the next sweep passes on what it was offered.
    """
    both = _open_of([goes_id, stays_id])
    kept: set[tuple[Any, ...]] = set()
    more: list[int] = []
    for entry in sorted(both, key=_which_stays):
        wanted = (entry.service_id, entry.date, entry.staff_id)
        if wanted in kept:
            more.append(entry.pk)
        kept.add(wanted)
    WaitlistEntry.objects.filter(pk__in=more).update(status=Status.CANCELLED, updated_at=now)
    WaitlistEntry.objects.filter(client_id=goes_id).update(client_id=stays_id)


def _which_stays(entry: WaitlistEntry) -> tuple[bool, int]:
    return entry.status != Status.NOTIFIED, entry.pk


def _locked(entry_id: int, *, client_id: int | None) -> tuple[WaitlistEntry, WaitlistOffer | None]:
    """The entry and its live offer: the offer's staff member locked, then the client who is to wait, then the
    entry. Raises EntryNotFound, _OfferedMeanwhile."""
    known = WaitlistEntry.objects.filter(pk=entry_id).first()
    if known is None:
        raise EntryNotFound
    offer = live_offer_of(known)
    if offer is not None:
        lock_staff(offer.staff_id)
    if client_id is not None:
        lock_clients([client_id])
    entry = lock_entry(entry_id)
    current = live_offer_of(entry)
    if current is not None and (offer is None or offer.staff_id != current.staff_id):
        raise _OfferedMeanwhile
    return entry, current


def _check_status(before: str, after: str) -> None:
    if after not in (Status.WAITING, Status.CANCELLED):
        raise BadRequest.field(
            "status", "Send waiting or cancelled; the others come from offers, bookings and time."
        )
    if before == Status.BOOKED and after == Status.CANCELLED:
        raise EntryClosed


def _check_wanted(
    *, client_id: int, service_id: int, staff_id: int | None, date: date, salon: SalonSettings, now: datetime
) -> None:
    client = not_archived().filter(pk=client_id).first()
    if client is None:
        raise BadRequest.field("client_id", f"There is no client {client_id}, or they are archived.")
    refuse_walk_in(client)
    find_service(service_id)
    if staff_id is not None:
        bookable(Staff.objects.filter(pk=staff_id).first(), staff_id)
    if date < local_date(now, zone=salon.zone):
        raise BadRequest.field("date", "This date is over; send today's or a later one.")
    for holiday_date, name in holiday_names(date, date).items():
        closed = closed_on(holiday_date, name)
        raise HolidayClosed(closed, details={"date": closed})
