"""The salon writes on the client what was typed online (contract §9 "who is it")."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from bookings.errors import VisitNotFound
from bookings.lifecycle.audit import record
from bookings.lifecycle.locks import lock_visits
from bookings.models import Visit
from clients.records import change_client
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import Conflict


class NothingToTakeOver(Conflict):
    code = "nothing_to_take_over"
    message = "Nothing was typed online for this visit, or its client was erased."


def take_over(*, actor: Actor, visit_id: int, salon: SalonSettings, now: datetime) -> Visit:
    """Name and number as they were typed; the address where the client has none. Audited, once: a second time
    changes nothing. Consent is never taken over: only the client gives it.

    Raises VisitNotFound (404), NothingToTakeOver (409).
    """
    with transaction.atomic():
        seen = Visit.objects.visible_to(actor).filter(pk=visit_id)
        visit = lock_visits(seen).get(visit_id)
        if visit is None:
            raise VisitNotFound
        typed = visit.contact_typed
        if typed is None or visit.client_id is None or visit.client is None:
            raise NothingToTakeOver
        if typed["taken_over_at"] is not None:
            return visit
        fields: dict[str, Any] = {name: typed[name] for name in ("first_name", "last_name")}
        if typed["phone"]:
            fields["mobile"] = typed["phone"]
        if not visit.client.email:
            fields["email"] = typed["email"]
        change_client(visit.client_id, fields=fields, salon=salon, now=now)
        visit.contact_typed = typed | {"taken_over_at": now.isoformat()}
        visit.save(update_fields=["contact_typed"])
        first = visit.items[0]
        record(
            first,
            actor=actor,
            from_status=first.status,
            changes={"contact_typed": [None, "taken over"]},
            reason="",
            now=now,
        )
    return visit
