"""A slot that is free again, and what speaks against offering it (contract §1.4; docs/adr/0022)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from bookings.models import WaitlistOffer
from bookings.slots.stretches import WorkPart, touching, work_parts
from staff.salon.durations import duration_of
from staff.salon.parts import Parts, fitted
from staff.salon.schedule import time_off_of


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
