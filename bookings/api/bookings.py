"""The five calls of the Bookings REST API (contract §1.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import lifecycle
from bookings.api.documentation import EXAMPLE_BOOKING, EXAMPLE_NEW_BOOKING, IF_MATCH
from bookings.api.filters import BookingFilter
from bookings.api.serializers import (
    COLUMNS,
    SCOPE_HELP,
    WHY_TOLD,
    BookingChangesSerializer,
    BookingJson,
    NewBookingSerializer,
    Printer,
    WholeJson,
    WrittenBookingJson,
    printed_skipped,
    printed_warnings,
)
from bookings.api.visible_booking import VisibleBooking
from bookings.errors import BookingNotFound
from bookings.lifecycle.recurrence import starts_of, wall_of
from bookings.links import checked_base_url
from bookings.models import BookingEvent
from bookings.slots.refused_to_everybody import find_offered
from staff.access.auth import actor_of, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, idempotent
from staff.wire.answers import EitherAnswer, ListAnswer
from staff.wire.paging import ROWS_PER_CHUNK, answer_list, in_chunks
from staff.wire.query import Query, QueryChoice, QueryFlag, QueryText
from staff.wire.reading import checked_body
from staff.wire.refusals import BadRequest
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.streaming import streamed
from staff.wire.views import GatedView

_TIMES = VisibleBooking("start_at", "end_at")
_VERSION = re.compile(r'\s*(?:W/)?"?([0-9]{1,9})"?\s*')


class TellingQuery(Query):
    """DELETE with `?notify=false`: the client has been told in person."""

    reason = QueryText(longest=BookingEvent.LONGEST_REASON, initial="", help_text="For the audit.")
    notify = QueryFlag(initial=True, help_text="false: told in person, so no mail; needs a reason.")

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("notify") is False and not self.cleaned_data.get("reason", "").strip():
            self.errors["reason"] = self.error_class([WHY_TOLD])


class CancelQuery(TellingQuery):
    scope = QueryChoice(choices=lifecycle.SCOPES, initial=lifecycle.ONE, help_text=SCOPE_HELP)


class BookingListView(GatedView):
    @documented(
        "List bookings",
        description="Newest start first; cancelled bookings only with `status=cancelled`. Without `page` "
        "a bare array of all, streamed; with `page` a page object.",
        answer=ListAnswer(BookingJson),
        parameters=BookingFilter.parameters(),
        tags=["bookings"],
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        asked, printer = BookingFilter.of_caller(request), Printer(salon_of(request))

        def fetch(offset: int, limit: int) -> list[BookingJson]:
            return asked.printed(printer, offset=offset, limit=limit)

        def chunks() -> Iterator[list[BookingJson]]:
            rows = asked.qs.values_list(*COLUMNS)
            return in_chunks(printer.rows(streamed(rows, chunk_size=ROWS_PER_CHUNK)))

        return answer_list(asked.page, count=asked.count, fetch=fetch, chunks=chunks)

    @documented(
        "Book an appointment",
        description="Refused by the database when the staff member is already taken (409 slot_taken). The "
        "confirmation mail is a row written with the booking.",
        request=NewBookingSerializer,
        answer=WrittenBookingJson,
        refused=[409, 422],
        tags=["bookings"],
        parameters=[IDEMPOTENCY_KEY],
        examples=[EXAMPLE_NEW_BOOKING, EXAMPLE_BOOKING],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        actor, salon = actor_of(request), salon_of(request)
        wanted = checked_body(NewBookingSerializer, request, zone=salon.zone)
        if "base_url" in wanted:
            wanted["base_url"] = checked_base_url(wanted["base_url"])
        length = length_of(wanted, zone=salon.zone)
        if "price" in wanted:
            wanted["price"] = lifecycle.AgreedPrice(wanted["price"])
        recurrence, skip_conflicts = wanted.pop("recurrence", None), wanted.pop("skip_conflicts")
        if recurrence is None:
            order = lifecycle.Order(**{**wanted, "end_at": wanted["start_at"] + length})
            return written(lifecycle.book(actor=actor, order=order, salon=salon), Printer(salon))
        starts = starts_of(
            recurrence, start_at=wanted["start_at"], zone=salon.zone, skip_swallowed=skip_conflicts
        )
        begins = starts.taking_place[0]
        series = lifecycle.book_series(
            actor=actor,
            order=lifecycle.Order(**{**wanted, "start_at": begins, "end_at": begins + length}),
            starts=starts.taking_place,
            swallowed=starts.swallowed,
            skip_conflicts=skip_conflicts,
            salon=salon,
        )
        return written_series(series, Printer(salon))


class BookingView(GatedView):
    @documented(
        "One booking",
        description="Cancelled ones too. The ETag is the version, for If-Match.",
        answer=BookingJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        tags=["bookings"],
    )
    def get(self, request: Request, id: int) -> Response:
        printed = Printer(salon_of(request)).visible(id, to=actor_of(request))
        if printed is None:
            raise BookingNotFound
        return Response(printed, headers=etag(printed["version"]))

    @documented(
        "Change a booking",
        description="Absent fields keep their value. Another status may be set from any status, and what the "
        "old one had set in motion is undone where it still can be. With a scope the answer is that of the "
        "whole.",
        request=BookingChangesSerializer,
        answer=EitherAnswer("ChangedBookings", (WrittenBookingJson, WholeJson)),
        refused=[404, 409, 412],
        parameters=[ID_IN_PATH, IF_MATCH],
        tags=["bookings"],
    )
    def put(self, request: Request, id: int) -> Response:
        actor, salon = actor_of(request), salon_of(request)
        times = _TIMES.row(id, to=actor)
        if times is None:
            raise BookingNotFound
        stored = dict(zip(("start_at", "end_at"), times, strict=True))
        changes = checked_body(BookingChangesSerializer, request, zone=salon.zone, stored=stored)
        base_url = changes.pop("base_url", None)
        scope, skip_conflicts = changes.pop("scope"), changes.pop("skip_conflicts")
        how = lifecycle.How(
            reason=changes.pop("reason", ""),
            told_in_person=changes.pop("told_in_person"),
            allow_overlap=changes.pop("allow_overlap", False),
            ask_by_mail=True,
            base_url=None if base_url is None else checked_base_url(base_url),
        )
        if scope != lifecycle.ONE:
            whole = lifecycle.change_whole(
                actor=actor,
                booking_id=id,
                scope=scope,
                changes=changes,
                how=how,
                skip_conflicts=skip_conflicts,
                expected_version=expected_version(request),
                salon=salon,
            )
            return written_whole(whole, Printer(salon))
        outcome = lifecycle.change(
            actor=actor,
            booking_id=id,
            changes=changes,
            how=how,
            expected_version=expected_version(request),
            salon=salon,
        )
        return written(outcome, Printer(salon))

    @documented(
        "Change a booking (the same as PUT)",
        request=BookingChangesSerializer,
        answer=EitherAnswer("ChangedBookings", (WrittenBookingJson, WholeJson)),
        refused=[404, 409, 412],
        parameters=[ID_IN_PATH, IF_MATCH],
        tags=["bookings"],
    )
    def patch(self, request: Request, id: int) -> Response:
        return self.put(request, id)

    @documented(
        "Cancel a booking",
        description="Sets the status to cancelled, answers with the booking; a second time changes nothing. "
        "With a scope all of them are, told in one mail for each client, and the answer is that of the "
        "whole, as with PUT.",
        answer=EitherAnswer("CancelledBookings", (BookingJson, WholeJson)),
        refused=[404, 412],
        parameters=[ID_IN_PATH, IF_MATCH, *CancelQuery.parameters()],
        tags=["bookings"],
    )
    def delete(self, request: Request, id: int) -> Response:
        salon, asked = salon_of(request), CancelQuery.of(request)
        how = lifecycle.How(reason=asked["reason"], told_in_person=not asked["notify"])
        if asked["scope"] != lifecycle.ONE:
            whole = lifecycle.cancel_whole(
                actor=actor_of(request),
                booking_id=id,
                scope=asked["scope"],
                how=how,
                expected_version=expected_version(request),
                salon=salon,
            )
            return written_whole(whole, Printer(salon))
        outcome = lifecycle.cancel(
            actor=actor_of(request),
            booking_id=id,
            how=how,
            expected_version=expected_version(request),
            salon=salon,
        )
        printed = Printer(salon).held(outcome.booking)
        return Response(printed, headers=etag(printed["version"]))


def length_of(wanted: Mapping[str, Any], *, zone: ZoneInfo) -> timedelta:
    """How long the booking lasts; on the wall clock where one of its times is skipped by the clocks."""
    start_at = wanted["start_at"]
    if "end_at" not in wanted:
        return find_offered(wanted["service_id"], wanted["staff_id"]).duration.length
    if isinstance(start_at, datetime) and isinstance(wanted["end_at"], datetime):
        return wanted["end_at"] - start_at
    return wall_of(wanted["end_at"], zone=zone) - wall_of(start_at, zone=zone)


def written(outcome: lifecycle.Outcome, printer: Printer) -> Response:
    printed = printer.held(outcome.booking)
    answer: WrittenBookingJson = {
        **printed,  # type: ignore[typeddict-item]  # a row of ours holds no `occurrences`
        "warnings": printed_warnings(outcome.warnings),
    }
    return Response(answer, headers=etag(printed["version"]))


def written_series(series: lifecycle.Series, printer: Printer) -> Response:
    """The first occurrence, then all of them, those that were skipped, and every warning once."""
    occurrences = printer.by_start([outcome.booking.pk for outcome in series.outcomes])
    warnings = list(dict.fromkeys(warning for outcome in series.outcomes for warning in outcome.warnings))
    answer: WrittenBookingJson = {
        **occurrences[0],
        "occurrences": occurrences,
        "skipped": printed_skipped(series.skipped),
        "warnings": printed_warnings(warnings),
    }
    return Response(answer, headers=etag(occurrences[0]["version"]))


def written_whole(whole: lifecycle.Whole, printer: Printer) -> Response:
    answer: WholeJson = {
        "bookings": printer.by_start([each.pk for each in whole.bookings]),
        "skipped": printed_skipped(whole.skipped),
        "warnings": printed_warnings(whole.warnings),
    }
    return Response(answer)


def etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def expected_version(request: Request) -> int | None:
    """The version in If-Match; None when absent or `*`. Raises BadRequest for what is no version of ours."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    match = _VERSION.fullmatch(header)
    if match is None:
        raise BadRequest('If-Match: send the version of the booking, such as "3".', code="invalid_if_match")
    return int(match[1])
