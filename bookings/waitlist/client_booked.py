"""The entries of a client who is booked, by whichever door (contract §6a "on_waitlist"; §1.4 "waitlist_id").

First `book_entries`, before the booking takes its time: the slots held for these entries are given free, so
that it may have one of them. Then `pass_on_slots`, once it stands: the offers end and their slots go on.

Locks: who is here holds the booking, its staff member and its client. The entries are locked together, in id
order, also those of several bookings of one transaction (`lock_open_entries`); after them nothing is waited
for. A staff member whose row somebody else has at that moment is left to the next sweep, which ends the
offers of entries that are booked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from django.db.models import Q, QuerySet

from bookings.models import WaitlistEntry, WaitlistOffer
from bookings.slots import holds
from bookings.waitlist.offers import end_offer
from clients.records import lock_clients
from staff.models import SalonSettings, Staff
from staff.wire.refusals import BadRequest


@dataclass(frozen=True, slots=True)
class BookedEntries:
    """`named` is the one the booking was made from, `others` those closed with it."""

    named: WaitlistEntry | None = None
    others: Sequence[WaitlistEntry] = ()

    @property
    def any(self) -> bool:
        return self.named is not None or bool(self.others)


NOBODY = BookedEntries()


def book_entries(
    *,
    client_id: int,
    service_id: int,
    date: date | None,
    named_id: int | None = None,
) -> BookedEntries:
    """Every open entry of the client for the service on the salon `date` (None: no other) becomes booked.

    `named_id` is the entry to book from, whatever its date. Raises BadRequest with details.waitlist_id.
    """
    entries = list(_locked_like(client_id=client_id, service_id=service_id, date=date, named_id=named_id))
    named = None
    if named_id is not None:
        named = next((entry for entry in entries if entry.pk == named_id), None)
        named = _fit(named, named_id, client_id=client_id, service_id=service_id)
    for entry in entries:
        entry.status = WaitlistEntry.Status.BOOKED
        entry.save(update_fields=["status", "updated_at"])
    for hold_id in _live_offers(entries).filter(hold__isnull=False).values_list("hold_id", flat=True):
        holds.give_free(hold_id=hold_id)
    return BookedEntries(named, [entry for entry in entries if entry.pk != named_id])


class Coming(NamedTuple):
    """A booking to come, as far as an entry may wait for it; `date` is the salon's."""

    client_id: int | None
    service_id: int
    date: date


def lock_open_entries(bookings: Collection[Coming], *, counted: Collection[int | None] = ()) -> bool:
    """Lock at once what several bookings of one transaction may book, before the first of them is written,
    and before it their clients, and those whose no-shows are `counted`.

    After `lock_staff`. Gives whether there is any entry. Two statements.
    """
    client_ids = {each.client_id for each in bookings if each.client_id is not None}
    if client_ids or counted:
        lock_clients(client_ids.union(counted))
    if not client_ids:
        return False
    like = WaitlistEntry.objects.filter(
        client_id__in=client_ids,
        service_id__in={each.service_id for each in bookings},
        date__in={each.date for each in bookings},
        status__in=WaitlistEntry.OPEN_STATUSES,
    )
    return bool(like.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def pass_on_slots(booked: BookedEntries, *, salon: SalonSettings, now: datetime) -> None:
    """The offers that the other entries had end, and their slots go to the next.

    That of the named entry ends with the link that takes it, or at the next sweep.
    """
    if not booked.others:
        return
    for offer in _live_offers(booked.others).select_related("entry__client", "freed_booking").order_by("pk"):
        if _try_to_lock(offer.staff_id):
            end_offer(offer, salon=salon, now=now)


def lock_with_its_like(entry: WaitlistEntry) -> None:
    """Lock its client, then the entry and what `book_entries` will lock beside it, in id order."""
    lock_clients([entry.client_id])
    like = _locked_like(
        client_id=entry.client_id, service_id=entry.service_id, date=entry.date, named_id=entry.pk
    )
    list(like.values_list("pk"))


def _locked_like(
    *, client_id: int, service_id: int, date: date | None, named_id: int | None
) -> QuerySet[WaitlistEntry]:
    wanted = Q(pk=named_id or 0)
    if date is not None:
        wanted |= Q(
            client_id=client_id, service_id=service_id, date=date, status__in=WaitlistEntry.OPEN_STATUSES
        )
    return WaitlistEntry.objects.select_for_update(of=("self",)).filter(wanted).order_by("pk")


def _fit(entry: WaitlistEntry | None, entry_id: int, *, client_id: int, service_id: int) -> WaitlistEntry:
    if entry is None:
        raise BadRequest.field("waitlist_id", f"There is no waitlist entry {entry_id}.")
    if entry.client_id != client_id:
        raise BadRequest.field("waitlist_id", "This waitlist entry is another client's.")
    if entry.service_id != service_id:
        raise BadRequest.field("waitlist_id", "This waitlist entry is for another service.")
    if entry.status not in WaitlistEntry.OPEN_STATUSES:
        raise BadRequest.field(
            "waitlist_id", f"This waitlist entry is {entry.status}; only a waiting one can be booked."
        )
    return entry


def _live_offers(entries: Sequence[WaitlistEntry]) -> QuerySet[WaitlistOffer]:
    return WaitlistOffer.objects.filter(entry__in=entries, state=WaitlistOffer.State.LIVE)


def _try_to_lock(staff_id: int) -> bool:
    """True when the staff member's row is ours, without having waited for it."""
    free = Staff.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    return free.filter(pk=staff_id).exists()
