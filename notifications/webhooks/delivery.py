"""Delivering one event to one endpoint: what the outbox does with a job of type `webhook.deliver`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db.models import Q

from notifications.handlers import NotNeeded, RefusedForGood, TryLater
from notifications.inapp import tell_admins
from notifications.models import Job, WebhookDelivery
from notifications.outbox import Persistence
from notifications.webhooks.addresses import BadTarget, Target, addresses_of, target_of
from notifications.webhooks.endpoints import SWITCHED_OFF, note_failure, note_success, switch_off
from notifications.webhooks.http import Answer, NoAnswer, post
from notifications.webhooks.signing import signed_headers

WAITS = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""Ten attempts in a little over three days."""

LONGEST_POSTPONEMENT = timedelta(hours=1)
"""Retry-After is heeded as far as this."""

BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery with its frozen body and the checked addresses it goes to."""

    delivery: WebhookDelivery
    target: Target
    addresses: list[str]


class Delivering:
    """A `notifications.handlers.EffectHandler`; a subclass renders the body.

    After a kill in mid-sending it is sent once more: the receiver knows it by its webhook-id.
    """

    client_counts_on_it = True
    persistence = Persistence(waits=WAITS)

    def body(self, delivery: WebhookDelivery) -> str:
        """The JSON to send, as of now. Raises NotNeeded."""
        raise NotImplementedError

    def prepare(self, job: Job, *, now: datetime) -> Ready:
        """Raises NotNeeded; TryLater for an address that is not allowed or cannot be looked up."""
        delivery = WebhookDelivery.objects.filter(job=job).select_related("endpoint").first()
        if delivery is None:
            raise NotNeeded("The endpoint was removed, or another job replays this.")
        if not delivery.endpoint.is_active:
            raise NotNeeded(SWITCHED_OFF)
        self._begin(delivery, now=now)
        try:
            target = target_of(delivery.endpoint.url)
            return Ready(delivery, target, addresses_of(target))
        except BadTarget as refused:
            _note_answer(delivery, None)
            raise _failed(delivery, str(refused), now=now) from refused

    def call(self, job: Job, prepared: Ready, *, now: datetime) -> str:
        """Gives the status the receiver took it with. Raises TryLater, NotNeeded, RefusedForGood (410).

        A receiver that was too slow may have it all the same: the same webhook-id comes again.
        """
        delivery, endpoint = prepared.delivery, prepared.delivery.endpoint
        body = delivery.body.encode()
        headers = signed_headers(secret=endpoint.secret, message_id=delivery.message_id, body=body, now=now)
        try:
            answer = post(prepared.target, prepared.addresses, body=body, headers=headers)
        except NoAnswer as silence:
            _note_answer(delivery, None)
            raise _failed(delivery, str(silence), now=now) from silence
        _note_answer(delivery, answer)
        if 200 <= answer.status < 300:
            return str(answer.status)
        if answer.status == HTTPStatus.GONE:
            switch_off(endpoint, why="It answered 410 Gone.", now=now)
            raise RefusedForGood("The receiver answered 410: it wants no more.")
        raise _failed(delivery, _said(answer), now=now, after=_not_before(answer, now=now))

    def done(self, job: Job, prepared: Ready, external_id: str, *, now: datetime) -> None:
        WebhookDelivery.objects.filter(job=job).update(delivered_at=now)
        note_success(prepared.delivery.endpoint)

    def given_up(self, job: Job, error: str, *, now: datetime) -> None:
        """One line for administrators while an endpoint is failing, however many deliveries that costs."""
        delivery = WebhookDelivery.objects.filter(job=job).select_related("endpoint").first()
        if delivery is None or not delivery.endpoint.is_active or _was_said(delivery):
            return
        tell_admins(
            type="job.dead",
            title=f"A webhook to {delivery.endpoint.url} was given up",
            body=f"{delivery.event_type} was tried {job.attempts} times. {error}",
            booking_id=job.booking_id,
            now=now,
        )

    def _begin(self, delivery: WebhookDelivery, *, now: datetime) -> None:
        """Freeze the body at the first attempt of all, and note the first attempt of this job.

        A body that was forgotten since (a person was erased) is rendered anew.
        """
        if delivery.first_attempt_at is not None and delivery.body:
            return
        body = delivery.body or self.body(delivery)
        begun_at = delivery.first_attempt_at or now
        unfrozen = WebhookDelivery.objects.filter(Q(first_attempt_at=None) | Q(body=""), pk=delivery.pk)
        unfrozen.update(body=body, first_attempt_at=begun_at)
        delivery.refresh_from_db(fields=["body", "first_attempt_at"])


def _failed(
    delivery: WebhookDelivery, error: str, *, now: datetime, after: datetime | None = None
) -> NotNeeded | TryLater:
    """What to raise: it is tried again, unless that was the endpoint's last failure."""
    if note_failure(delivery.endpoint, now=now):
        return NotNeeded(SWITCHED_OFF)
    return TryLater(error, after=after)


def _note_answer(delivery: WebhookDelivery, answer: Answer | None) -> None:
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        response_status=None if answer is None else answer.status,
        response_excerpt="" if answer is None else answer.excerpt,
    )


def _said(answer: Answer) -> str:
    if 300 <= answer.status < 400:
        return f"The receiver answered {answer.status}; redirects are not followed."
    return f"The receiver answered {answer.status}."


def _not_before(answer: Answer, *, now: datetime) -> datetime | None:
    if answer.status not in BUSY or answer.retry_after is None:
        return None
    return now + min(timedelta(seconds=answer.retry_after), LONGEST_POSTPONEMENT)


def _was_said(delivery: WebhookDelivery) -> bool:
    """An earlier delivery was given up since the endpoint fails."""
    failing_since = delivery.endpoint.failing_since
    if failing_since is None:
        return False
    others = WebhookDelivery.objects.filter(endpoint_id=delivery.endpoint_id).exclude(pk=delivery.pk)
    return others.filter(job__state=Job.State.DEAD, job__finished_at__gte=failing_since).exists()
