"""/api/calendar-feeds: the calendars one subscribes to (contract §11 "Feeds"). A person's; never a key's."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, TypedDict
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.feeds.addresses import feed_address, feeds_visible_to, make_feed, revoke_feed, rotate_feed
from bookings.models import CalendarFeed
from staff.access.auth import IsPerson, actor_of, person_of, salon_of
from staff.wire.answers import Id, ListAnswer, When, one_of
from staff.wire.fields import ChoiceTextField
from staff.wire.filters import FlagFilter, ListFilter
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.times import print_when
from staff.wire.views import GatedView


class CalendarFeedJson(TypedDict):
    """A calendar that a program reads; its address is shown once, when it is made or rotated."""

    id: Id
    staff_id: Id
    scope: Annotated[str, one_of(CalendarFeed.Scope.values)]
    detail: Annotated[str, one_of(CalendarFeed.Detail.values)]
    created_at: When
    last_fetched_at: Annotated[When | None, "Noted once an hour."]
    last_fetched_by: Annotated[str, "What the program calls itself."]


class CalendarFeedMadeJson(CalendarFeedJson):
    address: Annotated[str, "Whoever has it reads the calendar: it is shown this once."]


class CalendarFeedSerializer(serializers.Serializer[Any]):
    scope = ChoiceTextField(choices=CalendarFeed.Scope.values, default=CalendarFeed.Scope.OWN)
    detail = ChoiceTextField(choices=CalendarFeed.Detail.values, default=CalendarFeed.Detail.INITIALS)


class OwnFilter(FlagFilter):
    """0: what is the caller's own."""

    def compared(self, value: bool, request: Request) -> int | None:
        return None if value else person_of(request).pk

    def filter(self, rows: QuerySet[CalendarFeed], value: int | None) -> QuerySet[CalendarFeed]:
        return rows if value is None else rows.filter(staff_id=value)


class CalendarFeedFilter(ListFilter):
    all = OwnFilter(initial=False, help_text="Everybody's (1): for an administrator; else one's own.")


def feed_json(feed: CalendarFeed, *, zone: ZoneInfo) -> CalendarFeedJson:
    return {
        "id": feed.pk,
        "staff_id": feed.staff_id,
        "scope": feed.scope,
        "detail": feed.detail,
        "created_at": print_when(feed.created_at, zone=zone),
        "last_fetched_at": None
        if feed.last_fetched_at is None
        else print_when(feed.last_fetched_at, zone=zone),
        "last_fetched_by": feed.last_fetched_by,
    }


class CalendarFeedListView(GatedView):
    permission_classes = [IsPerson]

    @documented(
        "List calendar feeds",
        answer=ListAnswer(CalendarFeedJson),
        parameters=CalendarFeedFilter.parameters(),
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = CalendarFeedFilter.of(request, feeds_visible_to(actor_of(request)))
        return answer_queryset(asked.page, asked.qs, row=partial(feed_json, zone=salon_of(request).zone))

    @documented(
        "Make a calendar feed",
        request=CalendarFeedSerializer,
        answer=CalendarFeedMadeJson,
        status=201,
        description="Of what the caller may see, now and then: `address` goes into a calendar program.",
    )
    def post(self, request: Request) -> Response:
        fields = checked_body(CalendarFeedSerializer, request)
        feed, token = make_feed(person=person_of(request), **fields, now=timezone.now())
        return _with_address(request, feed, token, status=HTTPStatus.CREATED)


class CalendarFeedView(GatedView):
    permission_classes = [IsPerson]

    @documented(
        "Revoke a calendar feed",
        status=204,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Its address is 404 from now on. An administrator may revoke everybody's.",
    )
    def delete(self, request: Request, id: int) -> Response:
        revoke_feed(feeds_visible_to(actor_of(request)), id)
        return Response(status=HTTPStatus.NO_CONTENT)


class CalendarFeedRotateView(GatedView):
    permission_classes = [IsPerson]

    @documented(
        "Give a calendar feed another address",
        answer=CalendarFeedMadeJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="The address before is 404 from now on.",
    )
    def post(self, request: Request, id: int) -> Response:
        feed, token = rotate_feed(feeds_visible_to(actor_of(request)), id)
        return _with_address(request, feed, token, status=HTTPStatus.OK)


def _with_address(request: Request, feed: CalendarFeed, token: str, *, status: int) -> Response:
    made: CalendarFeedMadeJson = {
        **feed_json(feed, zone=salon_of(request).zone),
        "address": feed_address(token),
    }
    return Response(made, status=status)
