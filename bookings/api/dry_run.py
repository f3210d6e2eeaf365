"""/api/dry-run: what a write would do, at an address of its own (contract §11; docs/adr/0096)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar, cast

from django.db import transaction
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from drf_spectacular.openapi import AutoSchema
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.availability import HoldsView, HoldView
from bookings.api.bookings import BookingListView, BookingView
from bookings.api.client_merge import ClientMergeView
from bookings.api.visits import VisitListView, VisitView
from bookings.dry_run import DryRunJson, Marks, Traces, foreseen
from bookings.dry_run.answer import Kind
from clients.api import ClientView
from staff.access.auth import actor_of, salon_of
from staff.access.idempotency import IDEMPOTENCY_KEY, bare
from staff.access.throttles import DryRunThrottle
from staff.api.exceptions import OpeningExceptionListView, OpeningExceptionView
from staff.api.opening import (
    HolidayListView,
    HolidayView,
    TimeOffListView,
    TimeOffView,
    WorkingHoursListView,
    WorkingHoursView,
)
from staff.api.people import StaffView
from staff.api.salon import SettingsView
from staff.models import SalonSettings
from staff.storage.trial_transaction import Busy, has_waited, trial_transaction, waiting_briefly
from staff.wire.errors import native_error
from staff.wire.refusals import ProblemJson, Refused
from staff.wire.schema import problems
from staff.wire.views import GatedView

POST, CHANGE = ("post",), ("put", "patch", "delete")
OPERATION = "dry_run_"
WHAT_IT_IS = (
    "What this write would do, with its rights and its status (200 where it answers 204). Nothing of it "
    "stays, nothing leaves. `Idempotency-Key` is not read."
)


class SettingsRehearsed(SettingsView):
    """Telephone numbers are read again in batches, after the write: that does not belong to it."""

    @staticmethod
    def read_numbers_again(salon: SalonSettings, *, before: str | None) -> int | None:
        return None


class DryRunView(GatedView):
    """The `write`, a view, inside a transaction that is rolled back."""

    write: ClassVar[type[GatedView]]
    kind: ClassVar[Kind]
    throttle_classes = [DryRunThrottle]

    @staticmethod
    def error_format(problem: Refused) -> tuple[int, ProblemJson]:
        status, body = native_error(problem)
        return status, {**body, "dry_run": True}

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with waiting_briefly():
            return super().dispatch(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        return super().handle_exception(Busy(retry_after=1) if has_waited(exc) else exc)

    def rehearse(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        view = self.write()
        view.setup(request._request, *args, **kwargs)
        view.request, view.body = request, self.body
        method = bare(getattr(self.write, str(request.method).lower()))
        now = timezone.now()
        with trial_transaction():
            marks = Marks.now(now)
            with transaction.atomic():
                answer = cast(Response, method(view, request, *args, **kwargs))
                traces = Traces.of(
                    marks,
                    client_ids=self._clients(kwargs),
                    overlapping=self._may_overlap(request),
                    now=now,
                )
                transaction.set_rollback(True)
            traces = traces.compared()
            body = foreseen(
                self.kind, answer, marks, traces, actor=actor_of(request), zone=salon_of(request).zone
            )
        done = HTTPStatus.OK if answer.status_code == HTTPStatus.NO_CONTENT else answer.status_code
        return Response(body, status=done)

    def _clients(self, kwargs: Mapping[str, Any]) -> list[int]:
        """Whom the write is about, where it may change nothing of a booking."""
        named = [kwargs["id"]] if issubclass(self.write, (ClientView, ClientMergeView)) else []
        into = self.body.get("into")
        return [*named, *([into] if isinstance(into, int) else [])]

    def _may_overlap(self, request: Request) -> bool:
        always = salon_of(request).double_booking == SalonSettings.DoubleBooking.ALLOW
        return self.kind != "row" and (always or self.body.get("allow_overlap") is True)


def dry_run_of(write: type[GatedView], methods: Sequence[str], kind: Kind = "row") -> type[DryRunView]:
    """The view that says what these methods of `write` would do, described as they are."""
    handlers = {method: _handler(getattr(write, method)) for method in methods}
    named = {
        "write": write,
        "kind": kind,
        "permission_classes": write.permission_classes,
        "body_required": write.body_required,
    }
    return cast(type[DryRunView], type(f"DryRunOf{write.__name__}", (DryRunView,), {**named, **handlers}))


def _handler(method: Any) -> Any:
    def rehearsed(view: DryRunView, request: Request, *args: Any, **kwargs: Any) -> Response:
        return view.rehearse(request, *args, **kwargs)

    rehearsed.kwargs = {"schema": _described(method.kwargs["schema"])}  # type: ignore[attr-defined]
    return rehearsed


def _described(schema: type[AutoSchema]) -> type[AutoSchema]:
    """What `documented` says of the write, with the answer of a dry run."""

    class Rehearsed(schema):  # type: ignore[valid-type, misc]
        def get_operation_id(self) -> str:
            return OPERATION + str(super().get_operation_id()).removeprefix(OPERATION)

        def get_summary(self) -> str:
            return f"Dry run: {super().get_summary()}"

        def get_description(self) -> str:
            return WHAT_IT_IS

        def get_tags(self) -> list[str]:
            return ["dry-run"]

        def get_examples(self) -> list[Any]:
            return [each for each in super().get_examples() if each.request_only]

        def get_override_parameters(self) -> list[Any]:
            return [each for each in super().get_override_parameters() if each is not IDEMPOTENCY_KEY]

        def get_response_serializers(self) -> dict[int, Any]:
            given: dict[int, Any] = super().get_response_serializers()
            done = min(given)
            refused = {status: each for status, each in given.items() if status != done}
            return {
                HTTPStatus.OK if done == HTTPStatus.NO_CONTENT else done: DryRunJson,
                **problems(HTTPStatus.CONFLICT),
                **refused,
            }

    return Rehearsed


_WRITES: tuple[tuple[str, type[GatedView], Sequence[str], Kind], ...] = (
    ("bookings", BookingListView, POST, "booking"),
    ("bookings/<id:id>", BookingView, CHANGE, "booking"),
    ("visits", VisitListView, POST, "visit"),
    ("visits/<id:id>", VisitView, CHANGE, "visit"),
    ("holds", HoldsView, POST, "row"),
    ("holds/<str:token>", HoldView, ("delete",), "row"),
    ("settings", SettingsRehearsed, ("put", "patch"), "row"),
    ("holidays", HolidayListView, POST, "row"),
    ("holidays/<id:id>", HolidayView, CHANGE, "row"),
    ("time-off", TimeOffListView, POST, "row"),
    ("time-off/<id:id>", TimeOffView, CHANGE, "row"),
    ("working-hours", WorkingHoursListView, ("post", "put"), "row"),
    ("working-hours/<id:id>", WorkingHoursView, CHANGE, "row"),
    ("opening-exceptions", OpeningExceptionListView, POST, "row"),
    ("opening-exceptions/<id:id>", OpeningExceptionView, CHANGE, "row"),
    ("staff/<id:id>", StaffView, CHANGE, "row"),
    ("clients/<id:id>", ClientView, CHANGE, "row"),
    ("clients/<id:id>/merge", ClientMergeView, POST, "row"),
)
"""Address below /api/, view, methods, and the key under which its answer is told."""

urlpatterns: list[URLPattern] = [
    path(f"api/dry-run/{address}", dry_run_of(write, methods, kind).as_view())
    for address, write, methods, kind in _WRITES
]
