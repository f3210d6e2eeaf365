"""Whether clients were asked to say that they come (contract §10 "confirming")."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db.models import F, Max

from bookings.models import Reminded
from notifications.models import Message

CAME = (Message.State.SENT, Message.State.DELIVERED)
"""A message in one of these states is known to have gone out."""

TOLD = (*CAME, Message.State.KEPT)
"""Also where no mail server is set, and the log is all there is."""


def asked_by_visit(visit_ids: Collection[int]) -> dict[int, datetime]:
    """When (UTC) the client was last asked whether they come to the visit at its present time; a visit whose
    client was not asked is left out. One statement."""
    asked = Reminded.objects.filter(
        visit_id__in=visit_ids,
        asks=True,
        start_at=F("visit__start_at"),
        client_id=F("visit__client_id"),
        message__state__in=TOLD,
    )
    return dict(asked.order_by().values_list("visit_id").annotate(last=Max("sent_at")))
