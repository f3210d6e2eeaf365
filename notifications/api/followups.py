"""/api/followup-sequences (contract §1.5): everybody reads, administrators write."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.models import FollowupSequence
from notifications.printing import FollowupSequenceJson, sequence_json
from notifications.sequences import add_sequence, change_sequence, remove_sequence, sequences
from notifications.serializers import FollowupSequenceSerializer
from staff.access.auth import AdminWrites
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.paging import PAGE_PARAMETERS, answer_queryset
from staff.wire.query import query_bool, query_id
from staff.wire.reading import SEARCH, checked_body, order_of, ordered, searched
from staff.wire.schema import ID_IN_PATH, documented, flag, id_filter
from staff.wire.views import GatedView

ORDERS = {"name": ("name",), "id": ()}


class FollowupSequenceListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List follow-up sequences",
        answer=ListAnswer(FollowupSequenceJson),
        parameters=[
            *PAGE_PARAMETERS,
            SEARCH,
            id_filter("service_id", "Only those of this service."),
            flag("is_active", "Only those (not) in use."),
            order_of(ORDERS),
        ],
        description="Searched: name.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        return answer_queryset(request, ordered(request, _asked_for(request), ORDERS), row=sequence_json)

    @documented(
        "Add a follow-up sequence",
        request=FollowupSequenceSerializer,
        answer=FollowupSequenceJson,
        status=201,
        description="Each step is one mail, `delay_days` after the visit at the salon's `followup_hour`, to "
        "clients with `marketing_consent`.",
    )
    def post(self, request: Request) -> Response:
        sequence = add_sequence(fields=checked_body(FollowupSequenceSerializer, request))
        return Response(sequence_json(sequence), status=201)


class FollowupSequenceView(GatedView):
    permission_classes = [AdminWrites]

    @documented("One follow-up sequence", answer=FollowupSequenceJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return Response(sequence_json(found(sequences(), id)))

    @documented(
        "Change a follow-up sequence",
        request=FollowupSequenceSerializer(partial=True),
        answer=FollowupSequenceJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Absent keys keep their value. `steps`, when sent, are all of its steps: one with an "
        "`id` (or else the same `delay_days`) is changed, others are added, those left out are removed.",
    )
    def put(self, request: Request, id: int) -> Response:
        fields = checked_body(FollowupSequenceSerializer, request, partial=True)
        return Response(sequence_json(change_sequence(id, fields=fields)))

    patch = put

    @documented(
        "Remove a follow-up sequence",
        status=204,
        refused=[404],
        parameters=[ID_IN_PATH],
        description="Its mails that are still due are not sent.",
    )
    def delete(self, request: Request, id: int) -> Response:
        remove_sequence(id)
        return Response(status=204)


def _asked_for(request: Request) -> QuerySet[FollowupSequence]:
    asked: dict[str, Any] = {
        "service_id": query_id(request, "service_id"),
        "is_active": query_bool(request, "is_active"),
    }
    given = {name: value for name, value in asked.items() if value is not None}
    return searched(request, sequences().filter(**given), fields=("name",))
