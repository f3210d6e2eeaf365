"""/api/jobs (contract §1.5): administrators read, and retry what is dead or uncertain."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
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
from staff.wire.paging import PAGE_PARAMETERS, answer_queryset
from staff.wire.query import query_choice, query_id
from staff.wire.schema import ID_IN_PATH, choice, documented, id_filter
from staff.wire.views import GatedView


class JobListView(GatedView):
    permission_classes = [IsAdmin]

    @documented(
        "List jobs",
        answer=ListAnswer(JobJson),
        parameters=[
            *PAGE_PARAMETERS,
            id_filter("booking_id", "Only those about this booking."),
            choice("type", settings.HANDLERS, "Only this type."),
            choice("state", Job.State.values, "Only this state."),
        ],
        description="Newest first.",
    )
    def get(self, request: Request) -> HttpResponseBase:
        jobs = _asked_for(request).order_by("-id")
        return answer_queryset(request, jobs, row=partial(job_json, zone=salon_of(request).zone))


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


def _asked_for(request: Request) -> QuerySet[Job]:
    asked: dict[str, Any] = {
        "booking_id": query_id(request, "booking_id"),
        "type": query_choice(request, "type", settings.HANDLERS),
        "state": query_choice(request, "state", Job.State.values),
    }
    return Job.objects.filter(**{name: value for name, value in asked.items() if value is not None})


def _answer(request: Request, job_id: int) -> Response:
    return Response(job_json(found(Job.objects.all(), job_id), zone=salon_of(request).zone))
