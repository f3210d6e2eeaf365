"""The calendar file that a program fetches: no cookie, no login, whoever has the address (contract §11)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from tempfile import SpooledTemporaryFile
from typing import IO

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from bookings.feeds.addresses import note_fetch, open_feed
from bookings.feeds.content import calendar_lines
from bookings.models import CalendarFeed
from bookings.pages.render import HEADERS
from bookings.pages.shell import PublicPage
from staff.access.throttles import CalendarThrottle
from staff.models import SalonSettings
from staff.storage.may_lag import may_lag
from staff.wire.conditional import has_already

CONTENT_TYPE = "text/calendar; charset=utf-8"
IN_MEMORY = 1024 * 1024
BYTES_AT_ONCE = 64 * 1024


class CalendarFeedFile(PublicPage):
    """Read once from the database into a file that a long calendar puts on the disk: its tag is the sha256 of
    the bytes, and stands before them."""

    http_method_names = ["get", "head"]
    throttle = CalendarThrottle

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        now = timezone.now()
        feed = open_feed(token)
        body, tag = _written(feed, salon=self.salon, now=now)
        note_fetch(feed, program=request.headers.get("User-Agent", ""), now=now)
        headers = {**HEADERS, "Cache-Control": "private, no-cache", "ETag": tag}
        if has_already(request.headers, tag):
            body.close()
            return HttpResponse(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        headers["Content-Length"] = str(body.tell())
        return StreamingHttpResponse(_read(body), content_type=CONTENT_TYPE, headers=headers)


@may_lag
def _written(feed: CalendarFeed, *, salon: SalonSettings, now: datetime) -> tuple[IO[bytes], str]:
    """A file at its end, which whoever reads it closes, and its tag.

    May lag, other than whose feed it is and what they may see: that is their login.
    """
    body, digest = SpooledTemporaryFile(max_size=IN_MEMORY), hashlib.sha256()  # noqa: SIM115
    for line in calendar_lines(feed, salon=salon, now=now):
        digest.update(line)
        body.write(line)
    return body, f'"{digest.hexdigest()}"'


def _read(body: IO[bytes]) -> Iterator[bytes]:
    with body:
        body.seek(0)
        while chunk := body.read(BYTES_AT_ONCE):
            yield chunk
