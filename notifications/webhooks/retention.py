"""How long deliveries are kept: their bodies hold what a booking says of a person (reliability §6)."""

from __future__ import annotations

from datetime import datetime, timedelta

from notifications.models import Job, WebhookDelivery
from notifications.outbox.states import IS_LIVE

KEPT = timedelta(days=30)
ROWS_AT_ONCE = 1000


def forget_old_deliveries(*, now: datetime) -> int:
    """Periodic: take the log's lines older than KEPT away, but for those still under way; a bounded batch."""
    old = WebhookDelivery.objects.filter(created_at__lt=now - KEPT).exclude(
        job__in=Job.objects.filter(IS_LIVE)
    )
    ids = list(old.order_by("created_at").values_list("id", flat=True)[:ROWS_AT_ONCE])
    if ids:
        WebhookDelivery.objects.filter(id__in=ids).delete()
    return len(ids)
