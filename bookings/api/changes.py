"""GET /api/bookings/changes, for apps that poll: no change is ever missed (contract §1.2)."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypedDict

from django.db import connection
from django.db.models import Q
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api.serializers import COLUMNS, BookingJson, Printer, Row
from bookings.models import Booking
from staff.access.auth import actor_of, salon_of
from staff.wire.query import Query, QueryNumber, QueryText
from staff.wire.refusals import BadRequest
from staff.wire.schema import documented

SETTLED_AFTER = timedelta(seconds=5)
"""A row younger than this waits for the next poll: a slower writer may still commit an older one."""

DEFAULT_LIMIT = 200
LARGEST_LIMIT = 1000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CURSOR = re.compile(rb"([0-9]{1,17}):([0-9]{1,19})")
_OLDEST_WRITER = """
SELECT min(xact_start) FROM pg_stat_activity WHERE backend_xid IS NOT NULL AND datname = current_database()
"""


class ChangesQuery(Query):
    cursor = QueryText(help_text="From the last answer.")
    limit = QueryNumber(smallest=1, largest=LARGEST_LIMIT, initial=DEFAULT_LIMIT)


class ChangesJson(TypedDict):
    items: list[BookingJson]
    cursor: Annotated[str, "Opaque; send it with the next poll."]
    more: Annotated[bool, "True: poll again at once."]


class BookingChangesView(APIView):
    @documented(
        "Bookings changed since the last poll",
        description="All statuses, oldest change first. Without `cursor`, or with an empty one, from the "
        "beginning. A change shows up about five seconds after it was made, so that none is ever missed.",
        answer=ChangesJson,
        parameters=ChangesQuery.parameters(),
        tags=["bookings"],
    )
    def get(self, request: Request) -> Response:
        asked = ChangesQuery.of(request)
        limit, cursor = asked["limit"], asked["cursor"]
        changed_at, seen_id = _read(cursor) if cursor else (EPOCH, 0)
        newer = Booking.objects.visible_to(actor_of(request)).filter(
            Q(updated_at__gt=changed_at) | Q(updated_at=changed_at, id__gt=seen_id),
            updated_at__gte=changed_at,
            updated_at__lte=_settled_until(timezone.now()),
        )
        rows = list(newer.order_by("updated_at", "id").values_list(*COLUMNS)[: limit + 1])
        page = rows[:limit]
        if page:
            last = Row._make(page[-1])
            changed_at, seen_id = last.updated_at, last.id
        changes: ChangesJson = {
            "items": list(Printer(salon_of(request)).rows(page)),
            "cursor": _write(changed_at, seen_id),
            "more": len(rows) > limit,
        }
        return Response(changes)


def cursor_at(now: datetime) -> str:
    """From where a poll goes on for somebody who reads the bookings after this: nothing is missed, what is
    younger than five seconds may come twice."""
    return _write(_settled_until(now), 0)


def _settled_until(now: datetime) -> datetime:
    """Up to here nobody writes any more: five seconds ago, or when the oldest open writer began.

    SQLite has one writer at a time, and a booking is stamped inside its transaction.
    """
    settled = now - SETTLED_AFTER
    if connection.vendor != "postgresql":
        return settled
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST_WRITER)
        (oldest,) = cursor.fetchone()
    return settled if oldest is None else min(settled, oldest)


def _write(changed_at: datetime, seen_id: int) -> str:
    microseconds = (changed_at - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(f"{microseconds}:{seen_id}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[datetime, int]:
    """Raises BadRequest for what is no cursor of ours."""
    try:
        plain = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    match = _CURSOR.fullmatch(plain)
    if match is None:
        raise BadRequest.field("cursor", "send the cursor of the last answer as it was, or leave it out.")
    return EPOCH + timedelta(microseconds=int(match[1])), int(match[2])
