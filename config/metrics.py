"""/metrics: what a monitoring system scrapes (contract §12 "metrics").

Off (404) unless METRICS_TOKEN is set. Then every web process counts its requests, and a scrape adds what the
database says. Labels are routes, methods and states: never an address, a name, an id or a token.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPMethod
from typing import cast

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DatabaseError, connection
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from rest_framework.request import Request

from config.health import CheckJson, ChecksJson, OpenView, readiness
from notifications.models import Job, Message
from staff.wire.refusals import NotFound, NotLoggedIn

FRESH_SECONDS = 10.0
"""For how long what the database said is told again: any number of scrapes costs it the same."""

LAST_HOUR = timedelta(hours=1)
LIVE_STATES = (Job.State.PENDING, Job.State.CLAIMED, Job.State.DEAD)
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
METHODS = frozenset(HTTPMethod)
NO_ROUTE = "(none)"
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""Names, for prometheus_client, where the web processes of this host count together."""

_OWN = CollectorRegistry()
"""Of this process; where there are several, their files are added up instead."""

REQUESTS = Counter(
    "bookings_http_requests", "Requests answered.", ("method", "route", "status"), registry=_OWN
)
DURATIONS = Histogram(
    "bookings_http_request_seconds",
    "Seconds from a request to its answer, a stream's body left out.",
    ("method", "route"),
    buckets=SECONDS,
    registry=_OWN,
)


class CountRequests:
    """Middleware: counts every answer by its route. Not there where nobody may read the counters."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        if not settings.METRICS_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        answer = self.get_response(request)
        method = request.method if request.method in METHODS else "other"
        route = request.resolver_match.route if request.resolver_match else NO_ROUTE
        REQUESTS.labels(method, route, answer.status_code).inc()
        DURATIONS.labels(method, route).observe(time.perf_counter() - began)
        return answer


@dataclass(slots=True, eq=False)
class DatabaseGauges(Collector):
    """What the database says, at most every `FRESH_SECONDS`; without it, that it does not answer."""

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _until: float = 0.0
    _told: list[Metric] = field(default_factory=list)

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._told = list(_look())
                self._until = time.monotonic() + FRESH_SECONDS
            yield from self._told

    def describe(self) -> list[Metric]:
        """Nothing before it is asked: registering it must not ask the database."""
        return []


def _look() -> Iterator[Metric]:
    found = readiness()
    checks = found["checks"]
    yield _gauge("bookings_ready", "Whether bookings can be taken.", found["status"] == "ready")
    yield _each_check(checks)
    yield _gauge("bookings_database_up", "Whether the database answers.", checks["database"]["ok"])
    yield _gauge(
        "bookings_double_booking_guard",
        "Whether the database refuses a double booking.",
        checks["double_booking_guard"]["ok"],
    )
    yield _gauge("bookings_broker_up", "Whether the broker takes wake-ups.", checks["broker"]["ok"])
    yield _gauge("bookings_migrations_missing", "Migrations to apply.", checks["migrations"]["missing"])
    yield _gauge(
        "bookings_replica_lag_seconds",
        "How far the replica is behind the writer.",
        checks["replica"] and checks["replica"]["lag_seconds"],
    )
    jobs = checks["jobs"]
    yield _gauge(
        "bookings_jobs_oldest_due_seconds",
        "How long the longest waiting due job has been waiting.",
        jobs["oldest_due_seconds"],
    )
    yield _gauge("bookings_jobs_parked", "Jobs that wait for a word after a restore.", jobs["parked"])
    if checks["database"]["ok"] and not checks["migrations"]["missing"]:
        yield from _counted()


def _each_check(checks: ChecksJson) -> Metric:
    gauge = GaugeMetricFamily("bookings_check_ok", "Whether a check of /readyz is well.", labels=["check"])
    for name, check in cast("dict[str, CheckJson | None]", checks).items():
        if check is not None and check["ok"] is not None:
            gauge.add_metric([name], float(check["ok"]))
    return gauge


def _counted() -> Iterator[Metric]:
    """Two statements. A database that goes away meanwhile is seen by the next scrape."""
    jobs = GaugeMetricFamily("bookings_jobs", "Jobs that are not over, and dead ones.", labels=["state"])
    messages = GaugeMetricFamily(
        "bookings_messages_last_hour", "Messages of the last hour.", labels=["type", "channel", "state"]
    )
    try:
        found = (
            Job.objects.filter(state__in=LIVE_STATES).order_by().values_list("state").annotate(Count("id"))
        )
        by_state = {str(state): number for state, number in found}
        recent = Message.objects.filter(created_at__gte=timezone.now() - LAST_HOUR).order_by()
        for kind, channel, state, number in recent.values_list("type", "channel", "state").annotate(
            Count("id")
        ):
            messages.add_metric([kind, channel, state], number)
    except DatabaseError:
        connection.close()
        return
    for state in LIVE_STATES:
        jobs.add_metric([state.value], by_state.get(state.value, 0))
    yield jobs
    yield messages


def _gauge(name: str, text: str, value: float | None) -> Metric:
    """Without a sample where nobody knows."""
    gauge = GaugeMetricFamily(name, text)
    if value is not None:
        gauge.add_metric([], float(value))
    return gauge


_OF_THE_DATABASE = CollectorRegistry()
_OF_THE_DATABASE.register(DatabaseGauges())


class MetricsView(OpenView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Raises NotFound where it is off, NotLoggedIn for any other token than METRICS_TOKEN."""
        if not settings.METRICS_TOKEN:
            raise NotFound
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not constant_time_compare(token.strip(), settings.METRICS_TOKEN):
            raise NotLoggedIn("Send METRICS_TOKEN: Authorization: Bearer <token>.")
        body = generate_latest(_requests()) + generate_latest(_OF_THE_DATABASE)
        return HttpResponse(body, content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _requests() -> CollectorRegistry:
    """Of all web processes of this host, which gunicorn gives one folder (`config/gunicorn.py`)."""
    if FOLDER not in os.environ:
        return _OWN
    together = CollectorRegistry()
    MultiProcessCollector(together)  # type: ignore[no-untyped-call]
    return together
