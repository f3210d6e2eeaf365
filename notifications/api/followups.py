"""/api/followup-sequences (contract §1.5): everybody reads, administrators write."""

from __future__ import annotations

from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response

from notifications.followup_sequences import add_sequence, change_sequence, remove_sequence, sequences
from notifications.printing import FollowupSequenceJson, sequence_json
from notifications.serializers import FollowupSequenceSerializer
from staff.access.auth import AdminWrites
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import FlagFilter, IdFilter, ListFilter, OrderFilter, SearchFilter, every_word_in
from staff.wire.paging import answer_queryset
from staff.wire.reading import checked_body
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class FollowupSequenceFilter(ListFilter):
    search = SearchFilter(every_word_in("name"))
    service_id = IdFilter(help_text="Only those of this service.")
    is_active = FlagFilter(help_text="Only those (not) in use.")
    order = OrderFilter({"name": ("name",), "id": ()})


class FollowupSequenceListView(GatedView):
    permission_classes = [AdminWrites]

    @documented(
        "List follow-up sequences",
        answer=ListAnswer(FollowupSequenceJson),
        parameters=FollowupSequenceFilter.parameters(),
        description="Searched: name.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = FollowupSequenceFilter.of(request, sequences())
        return answer_queryset(asked.page, asked.qs, row=sequence_json)

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
