"""Which status goes with which detail (contract §5). There is no table of transitions: a person can correct a
mistake, so any status may follow any other, and what that sets in motion is `bookings.lifecycle.effects`.
"""

from __future__ import annotations

from django.db.models import Q

LEGAL_STATUS_PAIRS: tuple[tuple[str, str], ...] = (
    ("scheduled", ""),
    ("scheduled", "new"),
    ("scheduled", "rebooked"),
    ("scheduled", "online"),
    ("scheduled", "confirmed_no_sms"),
    ("scheduled", "arrived"),
    ("scheduled", "in_progress"),
    ("provisional", ""),
    ("provisional", "pending_payment"),
    ("provisional", "pending_form"),
    ("provisional", "pending_companions"),
    ("completed", ""),
    ("completed", "paid"),
    ("cancelled", ""),
    ("cancelled", "client"),
    ("cancelled", "google"),
    ("cancelled", "rejected"),
    ("no-show", ""),
)
"""Every legal (status, status_detail)."""


def legal_pairs() -> Q:
    legal = Q()
    for status, detail in LEGAL_STATUS_PAIRS:
        legal |= Q(status=status, status_detail=detail)
    return legal
