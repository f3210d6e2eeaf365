"""/api/notifications (contract §1.5): one's own, never another's."""

from __future__ import annotations

from functools import partial

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.inapp import mark_all_read, mark_read
from notifications.models import Notification
from notifications.printing import NotificationJson, ReadAllJson, UnreadCountJson, notification_json
from staff.access.auth import IsPerson, person_of, salon_of
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import FlagFilter, ListFilter
from staff.wire.paging import answer_queryset
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class NotificationFilter(ListFilter):
    unread = FlagFilter(
        "is_read", exclude=True, help_text="Only those I have not read (1), or have read (0)."
    )


class NotificationListView(GatedView):
    permission_classes = [IsPerson]

    @documented(
        "List my notifications",
        answer=ListAnswer(NotificationJson),
        parameters=NotificationFilter.parameters(),
        description="Newest first.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = NotificationFilter.of(request, _mine(request).order_by("-id"))
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(notification_json, zone=zone))


class NotificationView(GatedView):
    permission_classes = [IsPerson]

    @documented("One of my notifications", answer=NotificationJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return _answer(request, found(_mine(request), id))


class UnreadCountView(GatedView):
    permission_classes = [IsPerson]

    @documented("How many I have not read", answer=UnreadCountJson)
    def get(self, request: Request) -> Response:
        count: UnreadCountJson = {"unread_count": _mine(request).filter(is_read=False).count()}
        return Response(count)


class ReadView(GatedView):
    permission_classes = [IsPerson]

    @documented("I have read this", answer=NotificationJson, refused=[404], parameters=[ID_IN_PATH])
    def post(self, request: Request, id: int) -> Response:
        return _answer(request, mark_read(id, staff_id=person_of(request).pk))


class ReadAllView(GatedView):
    permission_classes = [IsPerson]

    @documented("I have read all of mine", answer=ReadAllJson)
    def post(self, request: Request) -> Response:
        marked: ReadAllJson = {"marked": mark_all_read(staff_id=person_of(request).pk)}
        return Response(marked)


def _mine(request: Request) -> QuerySet[Notification]:
    return Notification.objects.filter(staff_id=person_of(request).pk)


def _answer(request: Request, line: Notification) -> Response:
    return Response(notification_json(line, zone=salon_of(request).zone))
