"""What of the salon's terms holds for a visit: frozen when it is booked (contract §8; docs/adr/0085)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bookings.models import Booking
from staff.models import SalonSettings, Service

LONGEST_USER_AGENT = 300


class Windows(NamedTuple):
    """How long before the first start, in minutes, a client may still cancel and move."""

    cancel_minutes: int
    reschedule_minutes: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That a client has accepted the salon's terms online, with what proves it."""

    locale: str
    ip: str
    user_agent: str


def windows_of_service(service: Service, *, salon: SalonSettings) -> Windows:
    """The service's own, else the salon's, as they are now."""
    cancel, reschedule = service.client_cancel_minutes, service.client_reschedule_minutes
    return Windows(
        salon.client_cancel_minutes if cancel is None else cancel,
        salon.client_reschedule_minutes if reschedule is None else reschedule,
    )


def windows_of(items: Iterable[Booking], *, salon: SalonSettings) -> Windows:
    """The largest of these bookings, as frozen; what an older release wrote has those of its service."""
    frozen = [_frozen(each, salon=salon) for each in items]
    return Windows(
        max(each.cancel_minutes for each in frozen), max(each.reschedule_minutes for each in frozen)
    )


def _frozen(booking: Booking, *, salon: SalonSettings) -> Windows:
    cancel, reschedule = booking.client_cancel_minutes, booking.client_reschedule_minutes
    if cancel is None or reschedule is None:
        return windows_of_service(booking.service, salon=salon)
    return Windows(cancel, reschedule)


def policy_text(salon: SalonSettings, locale: str) -> str:
    """The salon's terms in this language, else in its own, else in the first it has; "" where it has none."""
    texts: dict[str, str] = salon.policy_text
    return texts.get(locale) or texts.get(salon.locale) or next(iter(texts.values()), "")


def accepted_policy(
    acceptance: Acceptance | None, items: Iterable[Booking], *, salon: SalonSettings, now: datetime
) -> dict[str, Any] | None:
    """What `Visit.policy` keeps of it. Times are UTC, ISO 8601."""
    if acceptance is None:
        return None
    text = policy_text(salon, acceptance.locale)
    windows = windows_of(items, salon=salon)
    return {
        "version": salon.policy_version,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "text": text,
        "cancel_minutes": windows.cancel_minutes,
        "reschedule_minutes": windows.reschedule_minutes,
        "release_unconfirmed": salon.unconfirmed_action == SalonSettings.UnconfirmedAction.RELEASE,
        "accepted_at": now.astimezone(UTC).isoformat(),
        "ip": acceptance.ip,
        "user_agent": acceptance.user_agent[:LONGEST_USER_AGENT],
        "locale": acceptance.locale,
    }
