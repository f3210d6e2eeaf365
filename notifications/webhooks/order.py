"""The order of events about one booking at one endpoint, and who may leave it.

The outbox keeps it: a later job of the same booking and recipient waits for an earlier one. Here the head of
a line is passed over when it has held up the others long enough, and a person has an event sent once more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef

from notifications import outbox
from notifications.models import Job, WebhookDelivery
from notifications.outbox import Due, Recipient
from notifications.outbox.states import IS_LIVE, literal
from notifications.wake import wake_workers
from notifications.webhooks.enqueue import JOB_TYPE
from staff.storage.storing import locked
from staff.wire.refusals import Conflict

LONGEST_HEAD = timedelta(hours=1)
"""So long after its first attempt an event keeps later ones about the same booking waiting."""

PASSED_OVER = "Later events about this booking had waited long enough; this one was skipped."
MOST_AT_ONCE = 500


class UnderWay(Conflict):
    code = "delivery_under_way"


class EndpointOff(Conflict):
    code = "webhook_inactive"


def pass_over_heads(*, now: datetime) -> int:
    """Periodic: skip what has been tried for LONGEST_HEAD while later events wait behind it."""
    behind = Job.objects.filter(
        IS_LIVE,
        booking_id=OuterRef("booking_id"),
        recipient=OuterRef("job__recipient"),
        id__gt=OuterRef("job_id"),
    )
    stuck = WebhookDelivery.objects.filter(
        Exists(behind),
        first_attempt_at__lte=now - LONGEST_HEAD,
        delivered_at__isnull=True,
        skipped_at__isnull=True,
        job__state=literal(Job.State.PENDING),
    )
    skipped = 0
    for pk, job_id in list(stuck.order_by("id").values_list("pk", "job_id")[:MOST_AT_ONCE]):
        with transaction.atomic():
            if outbox.pass_over(job_id, reason=PASSED_OVER, now=now):
                WebhookDelivery.objects.filter(pk=pk, job_id=job_id).update(skipped_at=now)
                skipped += 1
    if skipped:
        wake_workers()
    return skipped


def replay(delivery_id: int, *, now: datetime) -> WebhookDelivery:
    """Due at once by a job of its own, with the same webhook-id and, once frozen, the same body.

    Raises NotFound, UnderWay, EndpointOff.
    """
    with transaction.atomic():
        delivery = locked(WebhookDelivery.objects.all(), delivery_id)
        if delivery.job.state in (Job.State.PENDING, Job.State.CLAIMED):
            raise UnderWay("This event is on its way already; it can be replayed when that has ended.")
        if not delivery.endpoint.is_active:
            raise EndpointOff("The endpoint is switched off; switch it on, then replay.")
        again = Due(
            type=JOB_TYPE,
            once_key=f"{JOB_TYPE}:again:{delivery.pk}:{delivery.job_id}",
            run_at=now,
            booking_id=delivery.booking_id,
            recipient=Recipient.endpoint(delivery.endpoint_id),
            is_mail=False,
        )
        outbox.enqueue([again], now=now)
        delivery.job = Job.objects.get(once_key=again.once_key)
        delivery.first_attempt_at = delivery.delivered_at = delivery.skipped_at = None
        delivery.response_status, delivery.response_excerpt = None, ""
        delivery.save()
    return delivery
