"""What online booking no longer needs (reliability §6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q

from bookings.models import OnlineSubmission
from bookings.online.code import forget_codes
from bookings.online.holding import forget_holds
from bookings.online.limits import forget_attacks
from bookings.online.proof import forget_spent

KEPT = timedelta(hours=24)


def forget_old(*, now: datetime) -> int:
    """Periodic: codes, whose holds were whose, spent challenges, attacks that are over, and the keys of
    submissions a day old whose visits are. Gives how many."""
    over = Q(visit=None) | Q(visit__end_at__lte=now)
    old = OnlineSubmission.objects.filter(over, created_at__lte=now - KEPT)
    ids = list(old.values_list("pk", flat=True)[:1000])
    forgotten, _ = OnlineSubmission.objects.filter(pk__in=ids).delete()
    parts = (forget_codes, forget_holds, forget_spent, forget_attacks)
    return forgotten + sum(forget(now=now) for forget in parts)
