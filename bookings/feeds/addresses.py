"""Feeds made, given another address and revoked (contract §11 "Feeds"; docs/adr/0098).

Names: make_feed, rotate_feed, revoke_feed, feeds_visible_to, open_feed, note_fetch, feed_address.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet

from bookings.errors import LinkUnknown
from bookings.models import CalendarFeed
from notifications.letters.plain import one_line
from staff.access.actor import Actor
from staff.models import Staff
from staff.salon.base_urls import public_url
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest

TOKEN_BYTES = 32
NOTED_EVERY = timedelta(hours=1)
MOST_FEEDS = 20
"""Of one person: more are lost addresses."""


def make_feed(*, person: Staff, scope: str, detail: str, now: datetime) -> tuple[CalendarFeed, str]:
    """A feed of what this person may see, and its token, which is stored nowhere.

    Raises BadRequest: a location that the person has not, or too many feeds.
    """
    if scope == CalendarFeed.Scope.LOCATION and person.location_id is None:
        raise BadRequest.field("scope", "This person has no location; choose another scope.")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        locked(Staff.objects.all(), person.pk)
        if CalendarFeed.objects.filter(staff_id=person.pk).count() >= MOST_FEEDS:
            raise BadRequest(f"There are {MOST_FEEDS} feeds already; revoke those that nobody reads.")
        feed = stored(
            CalendarFeed(staff=person, scope=scope, detail=detail, token_hash=_hash(token), created_at=now)
        )
    return feed, token


def rotate_feed(feeds: QuerySet[CalendarFeed], feed_id: int) -> tuple[CalendarFeed, str]:
    """Another address for it: the one before opens nothing from now on. Raises NotFound."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    unread: dict[str, Any] = {"last_fetched_at": None, "last_fetched_by": ""}
    with transaction.atomic():
        feed = store_changes(locked(feeds, feed_id), {"token_hash": _hash(token), **unread})
    return feed, token


def revoke_feed(feeds: QuerySet[CalendarFeed], feed_id: int) -> None:
    """Its address opens nothing from now on. Raises NotFound."""
    with transaction.atomic():
        locked(feeds, feed_id).delete()


def feeds_visible_to(actor: Actor) -> QuerySet[CalendarFeed]:
    """One's own; an administrator's are everybody's. The rest is 404."""
    feeds = CalendarFeed.objects.select_related("staff").order_by("id")
    return feeds if actor.is_admin else feeds.filter(staff_id=actor.id or 0)


def open_feed(token: str) -> CalendarFeed:
    """The feed with this token and its person. Raises LinkUnknown for unknown, revoked, who left."""
    feeds = CalendarFeed.objects.select_related("staff")
    feed = feeds.filter(token_hash=_hash(token), staff__is_active=True).first()
    if feed is None:
        raise LinkUnknown
    return feed


def note_fetch(feed: CalendarFeed, *, program: str, now: datetime) -> None:
    """When it was read last, and by what, at most once an hour: two programs at once write once."""
    if feed.last_fetched_at is not None and now - feed.last_fetched_at < NOTED_EVERY:
        return
    before = Q(last_fetched_at__isnull=True) | Q(last_fetched_at__lte=now - NOTED_EVERY)
    CalendarFeed.objects.filter(before, pk=feed.pk, token_hash=feed.token_hash).update(
        last_fetched_at=now, last_fetched_by=one_line(program, longest=CalendarFeed.LONGEST_PROGRAM)
    )


def feed_address(token: str) -> str:
    return public_url(settings.PUBLIC_URL, f"/calendar/{token}.ics")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
