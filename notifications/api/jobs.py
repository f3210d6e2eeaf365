"""/api/jobs (contract §1.5): administrators read, and retry what is dead or uncertain."""

from __future__ import annotations

from functools import partial

from django.conf import settings
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from notifications import outbox
from notifications.models import Job
from notifications.printing import JobJson, job_json
from staff.access.auth import IsAdmin, salon_of
from staff.storage.storing import found
from staff.wire.answers import ListAnswer
from staff.wire.filters import ChoiceFilter, IdFilter, ListFilter
from staff.wire.paging import answer_queryset
from staff.wire.schema import ID_IN_PATH, documented
from staff.wire.views import GatedView


class JobFilter(ListFilter):
    booking_id = IdFilter(help_text="Only those about this booking.")
    type = ChoiceFilter(choices=settings.HANDLERS, help_text="Only this type.")
    state = ChoiceFilter(choices=Job.State.values, help_text="Only this state.")


class JobListView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "List jobs",
        answer=ListAnswer(JobJson),
        parameters=JobFilter.parameters(),
        description="Newest first.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        asked = JobFilter.of(request, Job.objects.order_by("-id"))
        return answer_queryset(asked.page, asked.qs, row=partial(job_json, zone=salon_of(request).zone))


class JobView(GatedView):
    permission_classes = [IsAdmin]

    @documented("One job", answer=JobJson, refused=[404], parameters=[ID_IN_PATH])
    def get(self, request: Request, id: int) -> Response:
        return _answer(request, id)


class RetryView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "Try a job again",
        answer=JobJson,
        refused=[404, 409],
        parameters=[ID_IN_PATH],
        description="From `dead` or `uncertain`: due at once, with its attempts anew. Else 409.",
    )
    def post(self, request: Request, id: int) -> Response:
        outbox.retry(id, now=timezone.now())
        return _answer(request, id)


def _answer(request: Request, job_id: int) -> Response:
    return Response(job_json(found(Job.objects.all(), job_id), zone=salon_of(request).zone))
