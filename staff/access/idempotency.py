"""Idempotency-Key: a POST that is sent again has its effect once (contract §0 "idempotency").

The answer is kept in the effect's own transaction: both are there, or neither is.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from staff.access.auth import actor_of
from staff.models import IdempotentAnswer
from staff.wire.refusals import BadRequest, Conflict, Unprocessable
from staff.wire.renderer import JSON, json_bytes

KEPT = timedelta(hours=24)
TWIN_WAIT_SECONDS = 5
LOCK_NOT_AVAILABLE = "55P03"

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    OpenApiParameter.HEADER,
    description="Send the same key in a retry: the effect happens once and the answer is repeated for 24 h.",
)

_PRINTABLE = re.compile(r"[ -~]{1,255}")

PostMethod = Callable[..., Response | HttpResponse]


class StillRunning(Conflict):
    code = "idempotency_key_in_use"
    message = "The same request is still being carried out; send it again in a moment."


class KeyReused(Unprocessable):
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another body; use a fresh key for another request."


def idempotent(post: PostMethod) -> PostMethod:
    """Decorates a view's `post`. Without the header nothing changes.

    Only 2xx answers are kept, for 24 h, by caller, path and key. The same body gets the same answer again;
    raises KeyReused (422) for another body, StillRunning (409, Retry-After) when a twin takes longer than
    5 s, BadRequest for a key that is not 1 to 255 printable ASCII characters.
    """

    @wraps(post)
    def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response | HttpResponse:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return post(view, request, *args, **kwargs)
        if _PRINTABLE.fullmatch(key) is None:
            raise BadRequest(
                "Idempotency-Key: send 1 to 255 printable ASCII characters.", code="invalid_idempotency_key"
            )
        actor = actor_of(request)
        scope = _digest(f"{actor.type}:{actor.id}\n{request.path_info}\n{key}")
        body_hash = _digest(json.dumps(request.data, sort_keys=True))
        with transaction.atomic():
            now = timezone.now()
            if not _begin(scope, body_hash, now=now):
                return _replayed(scope, body_hash)
            answer = post(view, request, *args, **kwargs)
            if isinstance(answer, Response) and 200 <= answer.status_code < 300:
                IdempotentAnswer.objects.filter(scope=scope).update(
                    status=answer.status_code, body=json_bytes(answer.data).decode()
                )
            else:
                transaction.set_rollback(True)
            return answer

    return once


def bare(post: PostMethod) -> PostMethod:
    """The method beneath `idempotent`, or the method itself: a dry run has nothing that could come twice."""
    return inspect.unwrap(post)


def forget_old_answers(*, now: datetime) -> int:
    """Periodic: delete the answers older than 24 h; gives how many."""
    return IdempotentAnswer.objects.filter(created_at__lt=now - KEPT).delete()[0]


def _begin(scope: str, body_hash: str, *, now: datetime) -> bool:
    """Claim the scope in this transaction; False when it already has its answer. Raises StillRunning.

    An uncommitted twin makes the insert wait, so whoever comes second sees the answer or takes over.
    """
    with _waiting_for_a_twin():
        IdempotentAnswer.objects.filter(scope=scope, created_at__lt=now - KEPT).delete()
        IdempotentAnswer.objects.bulk_create(
            [IdempotentAnswer(scope=scope, body_hash=body_hash, created_at=now)], ignore_conflicts=True
        )
    return IdempotentAnswer.objects.filter(scope=scope, status__isnull=True).exists()


@contextmanager
def _waiting_for_a_twin() -> Iterator[None]:
    """On PostgreSQL the block waits at most 5 s for a lock; SQLite has its busy timeout."""
    _set_lock_timeout(f"{TWIN_WAIT_SECONDS}s")
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise StillRunning(retry_after=TWIN_WAIT_SECONDS) from error
        raise
    _set_lock_timeout("0")


def _set_lock_timeout(timeout: str) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [timeout])


def _replayed(scope: str, body_hash: str) -> HttpResponse:
    kept = IdempotentAnswer.objects.get(scope=scope)
    if kept.body_hash != body_hash:
        raise KeyReused
    return HttpResponse(
        kept.body,
        status=kept.status,
        content_type=JSON,
        headers={"Idempotency-Replayed": "true"},
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
