"""The link to the page of a visit: one for each, printed in every mail about it (contract §8 "link").

Names: print_links, page_url, printed_url, visit_behind, without_links.

The token is made of the visit and its nonce, so everybody who prints it prints the same one. Its row is
written when it is first printed: no booking pays for a link that nobody gets, and visits of before have one
too (docs/adr/0086).
"""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Prefetch
from django.utils.crypto import constant_time_compare, salted_hmac

from bookings.errors import LinkUnknown, LinkVoid
from bookings.links import visit_url
from bookings.models import Booking, Visit, VisitLink

SALT = "bookings.visit"
TOKEN_BYTES = 16
OPEN_AFTER_END = timedelta(days=30)

_PRINTED = re.compile(r"(/v/)[A-Za-z0-9_-]{22}(?![A-Za-z0-9_-])")


def print_links(visits: Collection[Visit]) -> dict[int, str]:
    """The token of each by its id, found from now on. One statement, two where one is printed first."""
    known: dict[int, set[str]] = {each.pk: set() for each in visits}
    for visit_id, token_hash in VisitLink.objects.filter(visit_id__in=known).values_list(
        "visit_id", "token_hash"
    ):
        known[visit_id].add(token_hash)
    tokens: dict[int, str] = {}
    for visit in visits:
        ours = _tokens(visit)
        tokens[visit.pk] = next((each for each in ours if _hash(each) in known[visit.pk]), ours[0])
    fresh = [pk for pk, token in tokens.items() if _hash(token) not in known[pk]]
    if fresh:
        VisitLink.objects.bulk_create(
            [VisitLink(visit_id=pk, token_hash=_hash(tokens[pk])) for pk in fresh], ignore_conflicts=True
        )
    return tokens


def page_url(visit: Visit) -> str:
    """The address of its page, under the address that its first booking was made with, else PUBLIC_URL."""
    base_url = next((each.base_url for each in visit.items), "")
    return visit_url(base_url, print_links([visit])[visit.pk])


def printed_url(booking: Booking | None) -> str | None:
    """As `page_url`, of the booking's visit, where it was printed before: a page that is only read writes
    nothing."""
    visit = None if booking is None else booking.visit
    if visit is None or not VisitLink.objects.filter(visit=visit).exists():
        return None
    return page_url(visit)


def visit_behind(token: str, *, now: datetime) -> Visit:
    """The visit of a link, with its client, and its bookings with their services and people.

    Three statements; changes nothing. Raises LinkUnknown (404), LinkVoid (410).
    """
    found = VisitLink.objects.filter(token_hash=_hash(token)).select_related("visit__client")
    link = found.prefetch_related(Prefetch("visit__bookings", _WITH_ALL)).first()
    if link is None:
        raise LinkUnknown
    visit = link.visit
    theirs = any(constant_time_compare(token, each) for each in _tokens(visit))
    if not theirs or visit.client is None or visit.end_at + OPEN_AFTER_END <= now:
        raise LinkVoid
    return visit


_WITH_ALL = Booking.objects.select_related("service", "staff", "location")


def without_links(text: str) -> str:
    """For readers who may not act for the client."""
    return _PRINTED.sub(r"\1[hidden]", text)


def _tokens(visit: Visit) -> list[str]:
    """With the key that is in use first, then with those that were."""
    return [
        _token(f"{visit.pk}:{visit.link_nonce}", key)
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def _token(value: str, key: str | bytes) -> str:
    digest = salted_hmac(SALT, value, secret=key, algorithm="sha256").digest()
    return urlsafe_b64encode(digest[:TOKEN_BYTES]).decode().rstrip("=")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
