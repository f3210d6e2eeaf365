"""Two records of one client become one: what is pending goes to who stays (contract §10 "merge, erasure")."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from bookings.models import Booking, Reminded, Visit
from bookings.reminders.plan import REMINDER, plan_again
from bookings.reminders.rules import in_force
from bookings.why_not_sent import Reason
from notifications import outbox
from notifications.models import Job
from notifications.outbox import Recipient
from notifications.outbox.states import IS_PENDING
from staff.models import SalonSettings


def hand_over(*, goes_id: int, stays_id: int, now: datetime) -> None:
    """In the merge's transaction, after the visits have come to who stays. Of twins one is left: who had two
    visits on one date under two names is told of both at once. Three statements where no rule is in force."""
    Reminded.objects.filter(client_id=goes_id).update(client_id=stays_id)
    theirs = Job.objects.filter(
        IS_PENDING, type=REMINDER, recipient__in=[Recipient.client(goes_id), Recipient.client(stays_id)]
    )
    for row in theirs.filter(once_key__contains=f":{goes_id}:").order_by("pk"):
        _rename(row, goes_id=goes_id, stays_id=stays_id, now=now)
    rules = in_force()
    if not rules:
        return
    salon = SalonSettings.load()
    visits = Visit.objects.filter(client_id=stays_id, status=Booking.Status.SCHEDULED, start_at__gt=now)
    found = list(visits.prefetch_related("bookings__client").order_by("pk"))
    outbox.enqueue(plan_again(found, rules=rules, salon=salon, now=now), now=now)


def _rename(row: Job, *, goes_id: int, stays_id: int, now: datetime) -> None:
    """To the keys that the reminder would have had with who stays, where these are free."""
    word, visit_id, rule_id, client_id, start_at = row.once_key.split(":", 4)
    if client_id != str(goes_id) or row.dedupe_key is None:
        return
    once_key = ":".join((word, visit_id, rule_id, str(stays_id), start_at))
    dedupe_key = row.dedupe_key
    if dedupe_key != f"{word}:{visit_id}:{rule_id}":
        dedupe_key = f"{word}:{rule_id}:{stays_id}:{dedupe_key.rpartition(':')[2]}"
    others = Job.objects.exclude(pk=row.pk)
    if others.filter(Q(once_key=once_key) | Q(IS_PENDING, dedupe_key=dedupe_key)).exists():
        outbox.drop(once_keys=[row.once_key], reason=Reason.TOLD_TOGETHER, now=now)
    else:
        Job.objects.filter(IS_PENDING, pk=row.pk).update(
            once_key=once_key, dedupe_key=dedupe_key, recipient=Recipient.client(stays_id)
        )
