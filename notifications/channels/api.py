"""/api/channels, /api/opt-outs and /api/inbound-texts (contract §10)."""

from __future__ import annotations

from functools import partial

from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.channels.opt_outs import lift
from notifications.channels.printing import (
    ChannelJson,
    InboundTextJson,
    OptOutJson,
    TestJson,
    channel_json,
    inbound_json,
    opt_out_json,
    test_json,
)
from notifications.channels.records import add_channel, change_channel, remove_channel, send_test
from notifications.channels.serializers import ChannelSerializer, LiftSerializer, TestSerializer
from notifications.models import Channel, InboundText, OptOut
from staff.access.auth import IsAdmin, IsPerson, person_of, salon_of
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import ChoiceFilter, FlagFilter, IdFilter, ListFilter, SearchFilter, every_word_in
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class ChannelFilter(ListFilter):
    search = SearchFilter(every_word_in("name"))
    is_active = FlagFilter(help_text="Only those that are used (1), or not (0).")


class OptOutFilter(ListFilter):
    search = SearchFilter(every_word_in("number"))
    lifted = FlagFilter(
        "lifted_at",
        lookup_expr="isnull",
        exclude=True,
        help_text="Only those that were lifted (1), or still stand (0).",
    )


class InboundTextFilter(ListFilter):
    search = SearchFilter(every_word_in("number", "text"))
    client_id = IdFilter(help_text="Only this client's.")
    meaning = ChoiceFilter(choices=InboundText.Meaning.values, help_text="Only with this meaning.")


class ChannelListView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "List channels",
        answer=ListAnswer(ChannelJson),
        parameters=ChannelFilter.parameters(),
        description="Oldest first: the first active one is used. Searched: name.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = ChannelFilter.of(request, Channel.objects.order_by("id"))
        zone = salon_of(request).zone
        today = timezone.now().astimezone(zone).date()
        return answer_queryset(asked.page, asked.qs, row=partial(channel_json, zone=zone, today=today))

    @documented("Add a channel", request=ChannelSerializer, answer=ChannelJson, status=201)
    def post(self, request: Request) -> Response:
        return _answer(request, add_channel(fields=checked_body(ChannelSerializer, request)), status=201)


class ChannelView(GatedView):
    permission_classes = [IsAdmin]

    @documented("One channel", answer=ChannelJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return _answer(request, found(Channel.objects.all(), id))

    @documented(
        "Change a channel",
        request=ChannelSerializer(partial=True),
        answer=ChannelJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value; credentials come whole or not at all.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(ChannelSerializer, request, partial=True)
        return _answer(request, change_channel(id, fields=fields))

    patch = put

    @documented(
        "Remove a channel",
        status=204,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="What was sent by it stays in the message log.",
    )
    def delete(self, request: Request, id: int) -> Response:
        remove_channel(id)
        return Response(status=204)


class ChannelTestView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "Send a test text",
        request=TestSerializer,
        answer=TestJson,
        status=201,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="By this channel, active or not; what became of it is on /api/jobs.",
    )
    def post(self, request: Request, id: int) -> Response:
        to = checked_body(TestSerializer, request)["to"]
        message = send_test(id, to=to, region=salon_of(request).country, now=timezone.now())
        return Response(test_json(message), status=201)


class OptOutListView(GatedView):
    permission_classes = [IsPerson]

    @documented(
        "List numbers that get no texts",
        answer=ListAnswer(OptOutJson),
        parameters=OptOutFilter.parameters(),
        description="Newest first. Searched: number.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = OptOutFilter.of(request, OptOut.objects.order_by("-id"))
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(opt_out_json, zone=zone))


class LiftView(GatedView):
    permission_classes = [IsPerson]

    @documented(
        "Let a number have texts again",
        request=LiftSerializer,
        answer=OptOutJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="Because its owner asked for it; the reason says how. 409 when it was lifted already.",
    )
    def post(self, request: Request, id: int) -> Response:
        reason = checked_body(LiftSerializer, request)["reason"]
        row = lift(id, reason=reason, by=person_of(request).pk, now=timezone.now())
        return Response(opt_out_json(row, zone=salon_of(request).zone))


class InboundTextListView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "List texts that came in",
        answer=ListAnswer(InboundTextJson),
        parameters=InboundTextFilter.parameters(),
        description="Newest first. Searched: number, text.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = InboundTextFilter.of(request, InboundText.objects.order_by("-id"))
        zone = salon_of(request).zone
        return answer_queryset(asked.page, asked.qs, row=partial(inbound_json, zone=zone))


def _answer(request: Request, channel: Channel, *, status: int = 200) -> Response:
    zone = salon_of(request).zone
    today = timezone.now().astimezone(zone).date()
    return Response(channel_json(channel, zone=zone, today=today), status=status)
