"""A slot that is free again, who waits for it, and what speaks against offering it (contract §1.4;
docs/adr/0022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import BigAutoField, DateField, DateTimeField, Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from bookings.models import WaitlistEntry, WaitlistOffer
from bookings.slots.stretches import WorkPart, touching, work_parts
from staff.models import SalonSettings
from staff.salon.durations import duration_of
from staff.salon.parts import Parts, fitted
from staff.salon.schedule import time_off_of
from staff.storage.prepared_statements import Blank, Prepared
from staff.wire.times import local_date

ENTRIES_TRIED = 20
"""How many are tried while other transactions are taking the first ones."""


@dataclass(frozen=True, slots=True)
class FreedSlot:
    """A slot that is free again (times UTC); `client_id` had it with the booking `booking_id`."""

    staff_id: int
    service_id: int
    start_at: datetime
    end_at: datetime
    client_id: int | None
    booking_id: int | None
    base_url: str


def who_waits(freed: FreedSlot, *, salon: SalonSettings, first_round: bool) -> Sequence[tuple[int, int]]:
    """Entries with their clients: never offered anything before offered once, then by when, then oldest.

    When a slot is passed on, those who were offered it before are left out, or it would go round in a circle.
    """
    known: dict[str, Any] = {
        "staff_id": freed.staff_id,
        "service_id": freed.service_id,
        "date": local_date(freed.start_at, zone=salon.zone),
        # No client, and no booking, has this id.
        "client_id": freed.client_id or 0,
        "start_at": freed.start_at,
        "booking_id": freed.booking_id or 0,
    }
    return (_WAITING if first_round else _WAITING_STILL).rows(**known)


def _waiting() -> QuerySet[WaitlistEntry]:
    return (
        WaitlistEntry.objects.filter(
            Q(staff_id=None) | Q(staff_id=Blank("staff_id", BigAutoField())),
            status=WaitlistEntry.Status.WAITING,
            service_id=Blank("service_id", BigAutoField()),
            date=Blank("date", DateField()),
            client__archived_at=None,
        )
        .exclude(client_id=Blank("client_id", BigAutoField()))
        .order_by(F("last_offered_at").asc(nulls_first=True), "id")
    )


def _waiting_still() -> QuerySet[WaitlistEntry]:
    """Without those who were offered the same slot, of the same booking or of none, before."""
    offered = WaitlistOffer.objects.alias(freed_by=Coalesce("freed_booking_id", 0)).filter(
        entry=OuterRef("pk"),
        staff_id=Blank("staff_id", BigAutoField()),
        start_at=Blank("start_at", DateTimeField()),
        freed_by=Blank("booking_id", BigAutoField()),
    )
    return _waiting().exclude(Exists(offered))


_WAITING = Prepared(lambda: _waiting().values_list("pk", "client_id")[:ENTRIES_TRIED])
_WAITING_STILL = Prepared(lambda: _waiting_still().values_list("pk", "client_id")[:ENTRIES_TRIED])


def is_away(freed: FreedSlot, parts: Parts) -> bool:
    """The staff member has time off in one of the parts that are work. One statement."""
    away = time_off_of([freed.staff_id], start_at=freed.start_at, end_at=freed.end_at)[freed.staff_id]
    return touching(work_parts(freed.start_at, freed.end_at, parts), away)


def is_offered(freed: FreedSlot, parts: Parts) -> bool:
    """Somebody has a live offer of a time in which this staff member would be with the client.

    One statement; one more for each offer around the slot.
    """
    wanted = work_parts(freed.start_at, freed.end_at, parts)
    return any(
        touching(wanted, _work_of(offer))
        for offer in live_offers_around(freed).select_related("entry__service")
    )


def _work_of(offer: WaitlistOffer) -> list[WorkPart]:
    usual = duration_of(offer.entry.service, offer.staff_id).parts
    return work_parts(offer.start_at, offer.end_at, fitted(usual, offer.end_at - offer.start_at))


def live_offers_around(freed: FreedSlot) -> QuerySet[WaitlistOffer]:
    """The live offers of this staff member around the slot, gaps and all."""
    return WaitlistOffer.objects.filter(
        staff_id=freed.staff_id,
        state=WaitlistOffer.State.LIVE,
        start_at__lt=freed.end_at,
        end_at__gt=freed.start_at,
    )
