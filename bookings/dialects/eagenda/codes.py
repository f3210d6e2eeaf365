"""eAgenda's eleven statuses over our two columns (contract §5), and what a mixed session shows (§4)."""

from __future__ import annotations

from collections.abc import Iterable

from bookings.models import Booking

WRITTEN_AS: dict[str, tuple[str, str]] = {
    "ATTENDED": ("completed", ""),
    "CANCELED": ("cancelled", ""),
    "CANCELED_CLIENT": ("cancelled", "client"),
    "CANCELED_GOOGLE": ("cancelled", "google"),
    "CONFIRMED": ("scheduled", ""),
    "IN_PROGRESS": ("scheduled", "in_progress"),
    "NO_SHOW": ("no-show", ""),
    "PENDING": ("provisional", ""),
    "PENDING_COMPANIONS": ("provisional", "pending_companions"),
    "PENDING_FORM": ("provisional", "pending_form"),
    "PENDING_PAYMENT": ("provisional", "pending_payment"),
}

SHOWN_AS: dict[tuple[str, str], str] = {pair: code for code, pair in WRITTEN_AS.items()} | {
    ("scheduled", "new"): "CONFIRMED",
    ("scheduled", "rebooked"): "CONFIRMED",
    ("scheduled", "online"): "CONFIRMED",
    ("scheduled", "confirmed_no_sms"): "CONFIRMED",
    ("scheduled", "arrived"): "CONFIRMED",
    ("completed", "paid"): "ATTENDED",
    ("cancelled", "rejected"): "CANCELED",
}

RANKS = (
    "IN_PROGRESS",
    "CONFIRMED",
    "PENDING",
    "PENDING_PAYMENT",
    "PENDING_FORM",
    "PENDING_COMPANIONS",
    "ATTENDED",
    "NO_SHOW",
    "CANCELED",
    "CANCELED_CLIENT",
    "CANCELED_GOOGLE",
)
"""A session of several clients shows the first of these that one of them has."""

CANCELED = ("CANCELED", "CANCELED_CLIENT", "CANCELED_GOOGLE")


def code_of(booking: Booking) -> str:
    return SHOWN_AS[booking.status, booking.status_detail]


def shown_for(members: Iterable[Booking]) -> str:
    """What the session of these bookings shows."""
    return min((code_of(member) for member in members), key=RANKS.index)


def pairs_of(*codes: str) -> list[tuple[str, str]]:
    """Every (status, detail) that is shown as one of `codes`."""
    return [pair for pair, code in SHOWN_AS.items() if code in codes]
