"""Visits: several services at one go (contract §7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import lifecycle
from bookings.api.bookings import TellingQuery, etag, expected_version
from bookings.api.documentation import EXAMPLE_ITEMS_OF_VISIT, EXAMPLE_NEW_VISIT, IF_MATCH
from bookings.api.filters import StartFilter
from bookings.api.serializers import Printer, printed_skipped, printed_warnings
from bookings.api.visit_availability import SAME_START
from bookings.api.visit_serializers import (
    NewVisitSerializer,
    VisitChangesSerializer,
    VisitJson,
    VisitPrinter,
    WrittenVisitJson,
    WrittenVisitsJson,
)
from bookings.errors import VisitNotFound
from bookings.lifecycle.recurrence import starts_of
from bookings.links import checked_base_url
from bookings.models import Booking, Visit, VisitQuerySet
from bookings.online.contact_onto_client import take_over
from staff.access.auth import actor_of, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, idempotent
from staff.wire.answers import EitherAnswer, ListAnswer
from staff.wire.filters import ChoiceFilter, FlagFilter, IdFilter
from staff.wire.paging import ROWS_PER_CHUNK, answer_list, in_chunks
from staff.wire.query import QueryChoice
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.streaming import streamed
from staff.wire.views import GatedView


class VisitFilter(StartFilter):
    """Newest start first."""

    client_id = IdFilter(help_text="For this client.")
    status = ChoiceFilter(choices=Booking.Status.values, help_text="With this status.")
    requests_waiting = FlagFilter(
        method="waiting", help_text="1: only with a request that the salon has to answer; 0: the others."
    )

    @classmethod
    def narrowed(cls, rows: QuerySet[Any], compared: Mapping[str, Any]) -> QuerySet[Any]:
        return super().narrowed(rows.order_by("-start_at", "-id"), compared)

    @staticmethod
    def waiting(visits: VisitQuerySet, name: str, waiting: bool) -> VisitQuerySet:
        asked = Booking.objects.waiting_for_salon().order_by().values("visit_id")
        return visits.filter(pk__in=asked) if waiting else visits.exclude(pk__in=asked)


class CancelVisitQuery(TellingQuery):
    scope = QueryChoice(
        choices=lifecycle.VISIT_SCOPES, initial=lifecycle.ONE, help_text="Which visits of its series."
    )


class VisitListView(GatedView):
    @documented(
        "List visits",
        description="Newest start first, cancelled ones too. Without `page` a bare array of all, streamed; "
        "with `page` a page object.",
        answer=ListAnswer(VisitJson),
        parameters=VisitFilter.parameters(),
        tags=["visits"],
    )
    def get(self, request: Request) -> Response | StreamingHttpResponse:
        actor = actor_of(request)
        asked = VisitFilter.of(request, Visit.objects.visible_to(actor))
        visits, printer = asked.qs, _printer(request)
        return answer_list(
            asked.page,
            count=visits.order_by().count,
            fetch=lambda offset, limit: printer.all(list(visits[offset : offset + limit])),
            chunks=lambda: _chunks(visits, printer),
        )

    @documented(
        "Book a visit of several services",
        description="All of it or nothing. One confirmation mail, with one event for the calendar. With "
        "recurrence the answer also has all `visits`, and the starts that were `skipped`.",
        request=NewVisitSerializer,
        answer=EitherAnswer("NewVisits", (WrittenVisitJson, WrittenVisitsJson)),
        refused=[409, 422],
        parameters=[IDEMPOTENCY_KEY],
        examples=[EXAMPLE_NEW_VISIT],
        tags=["visits"],
    )
    @idempotent
    def post(self, request: Request) -> Response:
        actor, salon = actor_of(request), salon_of(request)
        wanted = checked_body(NewVisitSerializer, request, zone=salon.zone)
        if "base_url" in wanted:
            wanted["base_url"] = checked_base_url(wanted["base_url"])
        wanted["items"] = [_item(each) for each in wanted["items"]]
        recurrence, skip_conflicts = wanted.pop("recurrence", None), wanted.pop("skip_conflicts")
        order = lifecycle.VisitOrder(**wanted)
        if recurrence is None:
            outcome = lifecycle.book_visit(actor=actor, order=order, salon=salon)
            return _written(request, [outcome.visit], outcome.warnings)
        starts = starts_of(
            recurrence, start_at=order.start_at, zone=salon.zone, skip_swallowed=skip_conflicts
        )
        series = lifecycle.book_visit_series(
            actor=actor, order=order, starts=starts, skip_conflicts=skip_conflicts, salon=salon
        )
        return _written(request, series.visits, series.warnings, skipped=series.skipped)


class VisitView(GatedView):
    @documented(
        "One visit",
        description="The ETag is the version, for If-Match.",
        answer=VisitJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        tags=["visits"],
    )
    def get(self, request: Request, id: int) -> Response:
        printed = _printer(request).one(_visible(request, id))
        return Response(printed, headers=etag(printed["version"]))

    @documented(
        "Change a visit",
        description="A new start moves what stands by the same minutes; a status applies to what is not "
        "cancelled, and brings back what the last cancelling closed. `items` adds at the end, and removes. "
        "With a scope the other visits of its series change alike, and the answer has all `visits`.",
        request=VisitChangesSerializer,
        answer=EitherAnswer("ChangedVisits", (WrittenVisitJson, WrittenVisitsJson)),
        refused=[404, 409, 412],
        parameters=[ID_IN_PATH, IF_MATCH],
        examples=[EXAMPLE_ITEMS_OF_VISIT],
        tags=["visits"],
    )
    def put(self, request: Request, id: int) -> Response:
        salon, visit = salon_of(request), _visible(request, id)
        asked = VisitChangesSerializer(
            data=self.body, context={"zone": salon.zone, "stored": {"start_at": visit.start_at}}
        )
        asked.is_valid(raise_exception=True)
        changes = asked.validated_data
        base_url, items = changes.pop("base_url", None), changes.pop("items", {})
        scope, confirmed = changes.pop("scope"), changes.pop("client_confirmed", None)
        how = lifecycle.How(
            reason=changes.pop("reason", ""),
            told_in_person=changes.pop("told_in_person"),
            allow_overlap=changes.pop("allow_overlap"),
            ask_by_mail=True,
            base_url=None if base_url is None else checked_base_url(base_url),
        )
        outcome = lifecycle.change_visit(
            actor=actor_of(request),
            visit_id=id,
            changes=changes,
            items=lifecycle.ItemChanges(
                add=[_item(each) for each in items.get("add", ())], remove=items.get("remove", ())
            ),
            how=how,
            scope=scope,
            confirmed=confirmed,
            expected_version=expected_version(request),
            salon=salon,
        )
        return _written(request, outcome.visits, outcome.warnings)

    @documented(
        "Change a visit (the same as PUT)",
        request=VisitChangesSerializer,
        answer=EitherAnswer("ChangedVisits", (WrittenVisitJson, WrittenVisitsJson)),
        refused=[404, 409, 412],
        parameters=[ID_IN_PATH, IF_MATCH],
        tags=["visits"],
    )
    def patch(self, request: Request, id: int) -> Response:
        return self.put(request, id)

    @documented(
        "Cancel a visit",
        description="Every booking of it; a second time changes nothing.",
        answer=EitherAnswer("CancelledVisits", (WrittenVisitJson, WrittenVisitsJson)),
        refused=[404, 412],
        parameters=[ID_IN_PATH, IF_MATCH, *CancelVisitQuery.parameters()],
        tags=["visits"],
    )
    def delete(self, request: Request, id: int) -> Response:
        asked = CancelVisitQuery.of(request)
        outcome = lifecycle.cancel_visit(
            actor=actor_of(request),
            visit_id=id,
            how=lifecycle.How(reason=asked["reason"], told_in_person=not asked["notify"]),
            scope=asked["scope"],
            expected_version=expected_version(request),
            salon=salon_of(request),
        )
        return _written(request, outcome.visits, outcome.warnings)


class TakeOverView(GatedView):
    @documented(
        "Write on the client what was typed online",
        description="Name and number, as they stand in `contact_typed`; a second time changes nothing.",
        answer=VisitJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        tags=["visits"],
    )
    def post(self, request: Request, id: int) -> Response:
        visit = take_over(actor=actor_of(request), visit_id=id, salon=salon_of(request), now=timezone.now())
        return Response(_printer(request).one(visit))


def _visible(request: Request, visit_id: int) -> Visit:
    """Raises VisitNotFound."""
    visit: Visit | None = Visit.objects.visible_to(actor_of(request)).filter(pk=visit_id).first()
    if visit is None:
        raise VisitNotFound
    return visit


def _printer(request: Request) -> VisitPrinter:
    return VisitPrinter(Printer(salon_of(request)), to=actor_of(request))


def _chunks(visits: QuerySet[Visit], printer: VisitPrinter) -> Any:
    """All of them, some hundred at a time; another statement for the bookings of each chunk."""
    for chunk in in_chunks(streamed(visits, chunk_size=ROWS_PER_CHUNK)):
        yield printer.all(chunk)


def _item(sent: dict[str, Any]) -> lifecycle.ItemOrder:
    return lifecycle.ItemOrder(
        service_id=sent["service_id"],
        staff_id=sent.get("staff_id"),
        same_start=sent["after"] == SAME_START,
        start_at=sent.get("start_at"),
        staff_requested=sent["staff_requested"],
        price=lifecycle.AgreedPrice(sent["price"]) if "price" in sent else None,
    )


def _written(
    request: Request,
    visits: list[Visit],
    warnings: list[lifecycle.Warning],
    *,
    skipped: list[lifecycle.Skipped] | None = None,
) -> Response:
    """The named visit first; of each what the reader may see. `skipped`: of a series that was booked."""
    printed = _printer(request).all(visits)
    answer: dict[str, Any] = {"visit": printed[0], "bookings": printed[0]["bookings"]}
    if len(visits) > 1 or skipped is not None:
        answer["visits"] = printed
    if skipped is not None:
        answer["skipped"] = printed_skipped(skipped)
    answer["warnings"] = printed_warnings(warnings)
    return Response(answer, headers=etag(printed[0]["version"]))
