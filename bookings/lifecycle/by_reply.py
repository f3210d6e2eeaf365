"""A client answers yes to a text that asked whether they come (contract §10 "words")."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from bookings import webhooks
from bookings.errors import VisitNotFound
from bookings.lifecycle import visit_row
from bookings.lifecycle.client_terms import standing
from bookings.lifecycle.locks import begin_again
from bookings.lifecycle.visit_scope import ONE, lock_visits_in
from bookings.models import Booking, Visit
from bookings.reminders.asked import asked_by_visit
from clients.models import Client
from staff.access.actor import Actor


def confirm_by_reply(*, number: str, now: datetime) -> bool:
    """True when exactly one visit to come of all clients with this number (E.164) asks, and is confirmed now;
    False: nothing has changed."""
    clients = Client.objects.filter(Q(mobile=number) | Q(phone=number), merged_into=None)
    open_visits = Visit.objects.filter(
        client__in=clients, status=Booking.Status.SCHEDULED, start_at__gt=now, client_confirmed_at=None
    )
    asking = list(asked_by_visit(list(open_visits.order_by("pk").values_list("pk", flat=True))))
    return len(asking) == 1 and _confirm(asking[0], now=now)


@begin_again
def _confirm(visit_id: int, *, now: datetime) -> bool:
    with transaction.atomic():
        try:
            [visit] = lock_visits_in(ONE, actor=_NOBODY, visit_id=visit_id, now=now)
        except VisitNotFound:
            return False
        client = visit.client
        asks = (
            visit.status == Booking.Status.SCHEDULED
            and visit.start_at > now
            and not visit.client_confirmed_at
        )
        if client is None or not standing(visit) or not asks or not asked_by_visit([visit.pk]):
            return False
        actor = Actor(type="client", id=client.pk, name=client.name, channel="reply")
        event = visit_row.confirm(visit, confirmed=True, actor=actor, now=now)
        webhooks.announce([event], now=now)
    return True


_NOBODY = Actor(type="client", id=None, name="", channel="reply")
