"""What one call costs inside the product: its statements, their plans, and where the time goes.

python -m tests.bench.inside TOKEN statements|pages|profile   # in the environment of the run; prints JSON
"""
# ruff: noqa: E402 - Django is set up before its models are imported

from __future__ import annotations

import cProfile
import json
import os
import pstats
import re
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"

import django

django.setup()

from django.conf import settings
from django.db import connection, transaction
from django.test import Client as Caller

from bookings.models import Booking
from bookings.self_service.visit_link import page_url
from staff.models import Service, Staff, WorkingHours

PROFILED_CALLS = 150
PROFILED_PAGES = 15
SHOWN = 8
_OURS = ("bookings", "staff", "clients", "notifications", "config")
_START = re.compile(r'name="start" value="([^"]+)"')
_PACKAGE = re.compile(r"/site-packages/([^/]+)/")


class Calls:
    """The measured calls on a salon that is filled; each gives the status."""

    def __init__(self, token: str) -> None:
        self.caller = Caller(
            HTTP_AUTHORIZATION=f"Bearer {token}", SERVER_NAME="127.0.0.1", raise_request_exception=False
        )
        self.person = Staff.objects.filter(role="staff").order_by("id")[2]
        self.client = Booking.objects.order_by("id")[7].client_id
        self.service = Service.objects.order_by("id")[0].pk
        latest = Booking.objects.filter(staff=self.person).latest("start_at").start_at
        far = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1500)
        self.next = max(far, latest)
        self.made: list[int] = []

    def list(self) -> Any:
        return self.caller.get("/api/bookings?page=1")

    def far_page(self) -> Any:
        total = Booking.objects.exclude(status="cancelled").count()
        return self.caller.get(f"/api/bookings?page={max(1, total // 100)}")

    def one(self) -> Any:
        return self.caller.get(
            f"/api/bookings/{Booking.objects.order_by('id').values_list('id', flat=True)[5]}"
        )

    def week(self) -> Any:
        today = datetime.now(UTC).date()
        first, last = today - timedelta(days=3), today + timedelta(days=3)
        return self.caller.get(
            f"/api/bookings?page=1&limit=200&staff_id={self.person.pk}&date_from={first}&date_to={last}"
        )

    def of_client(self) -> Any:
        return self.caller.get(f"/api/bookings?page=1&limit=1&client_id={self.client}")

    def changes(self) -> Any:
        return self.caller.get("/api/bookings/changes?limit=50")

    def create(self) -> Any:
        self.next += timedelta(hours=1)
        order = {
            "client_id": self.client,
            "staff_id": self.person.pk,
            "service_id": self.service,
            "start_at": f"{self.next:%Y-%m-%d %H:%M:%S}",
            "end_at": f"{self.next + timedelta(minutes=30):%Y-%m-%d %H:%M:%S}",
        }
        answer = self.caller.post("/api/bookings", json.dumps(order), content_type="application/json")
        self.made.append(answer.json()["id"])
        return answer

    def move(self) -> Any:
        self.next += timedelta(hours=1)
        times = {
            "start_at": f"{self.next:%Y-%m-%d %H:%M:%S}",
            "end_at": f"{self.next + timedelta(minutes=30):%Y-%m-%d %H:%M:%S}",
        }
        return self.caller.put(
            f"/api/bookings/{self.made[-1]}", json.dumps(times), content_type="application/json"
        )

    def delete(self) -> Any:
        return self.caller.delete(f"/api/bookings/{self.made[-1]}")


def statements(calls: Calls) -> dict[str, Any]:
    """For every call: its status, its statements, and the plans that read all of bookings."""
    found: dict[str, Any] = {}
    for name in ("list", "far_page", "one", "week", "of_client", "changes", "create", "move", "delete"):
        call: Callable[[], Any] = getattr(calls, name)
        if name in ("list", "one", "week"):
            call()
        seen: list[tuple[str, Any]] = []
        with _seeing(seen):
            answer = call()
        # What a helper of this module asked (a total, an id) is not the call's.
        asked = [each for each in seen if not each[0].startswith(("BEGIN", "COMMIT"))]
        token = next(number for number, each in enumerate(asked) if "knox_authtoken" in each[0])
        own = asked[token:]
        found[name] = {
            "status": answer.status_code,
            "statements": len(own),
            "unserved": [
                plan for sql, params in own if _reads_all(plan := _plan(sql, params, whatever_it_costs=True))
            ],
            "sequential": [plan for sql, params in own if _reads_all(plan := _plan(sql, params))],
        }
    return found


@contextmanager
def _seeing(seen: list[tuple[str, Any]]) -> Any:
    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(wrapper):
        yield


def _reads_all(plan: str) -> bool:
    """Also by an index, of which all but a few are left out again one by one."""
    return "Seq Scan on bookings_booking" in plan or "hashed SubPlan" in plan


def _plan(sql: str, params: Any, *, whatever_it_costs: bool = False) -> str:
    """The plan of a statement that touches bookings, "" of any other.

    A small table is cheaper to read whole than by an index: `whatever_it_costs` shows whether there is one.
    """
    if not sql.startswith("SELECT") or '"bookings_booking"' not in sql:
        return ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL enable_seqscan = {'off' if whatever_it_costs else 'on'}")
        cursor.execute(f"EXPLAIN {sql}", params)
        return "\n".join(line for (line,) in cursor.fetchall())


def pages(calls: Calls) -> dict[str, str]:
    """The public pages by what they are, of a salon that is open from 8 to 20: two services that everybody
    does, and a visit ahead. What is lacking for them is made."""
    WorkingHours.objects.update(opens="08:00", closes="20:00")
    cut = Service.objects.get(pk=calls.service)
    colour, made = Service.objects.get_or_create(
        name="Colour", defaults={"duration_minutes": 60, "price": cut.price}
    )
    if made:
        colour.staff.set(cut.staff.all())
    calls.create()
    own_page = urlsplit(page_url(Booking.objects.get(pk=calls.made[-1]).visit)).path
    times = f"/book?service={cut.key}"
    starts = _START.findall(calls.caller.get(times).content.decode())
    return {
        "the front page": "/",
        "choose": "/book",
        "times of one service": times,
        "times of two services": f"{times},{colour.key}",
        "you": f"{times}&start={starts[len(starts) // 2]}",
        "a visit": own_page,
        "where it may move": f"{own_page}/move",
    }


def profile(calls: Calls) -> dict[str, Any]:
    """For every call: its own time by package, and the functions with most of it."""
    found = {}
    for name in ("list", "one", "week", "create"):
        found[name] = _profiled(getattr(calls, name), calls=PROFILED_CALLS)
    for name, path in pages(calls).items():
        found[name] = _profiled(partial(calls.caller.get, path), calls=PROFILED_PAGES)
    return found


def _profiled(call: Callable[[], Any], *, calls: int) -> dict[str, Any]:
    for _ in range(calls // 15):
        call()
    profiler = cProfile.Profile()
    profiler.enable()
    for _ in range(calls):
        call()
    profiler.disable()
    return _summed(pstats.Stats(profiler), calls=calls)


def _summed(stats: pstats.Stats, *, calls: int) -> dict[str, Any]:
    packages: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    entries: dict[Any, Any] = stats.stats  # type: ignore[attr-defined]
    for (path, _line, function), (_calls, _all, own, _cumulative, _callers) in entries.items():
        package = _package_of(path, function)
        packages[package] += own
        functions[f"{package}: {os.path.basename(path)}:{function}"] += own
    total = sum(packages.values())
    per_call = 1000 / calls
    return {
        "milliseconds": round(total * per_call, 2),
        "packages": {name: round(own / total, 3) for name, own in packages.most_common(SHOWN)},
        "functions": {name: round(own / total, 3) for name, own in functions.most_common(SHOWN * 2)},
    }


def _package_of(path: str, function: str) -> str:
    if match := _PACKAGE.search(path):
        return match[1].removesuffix(".py")
    if path == "~":
        return "built in" if "psycopg" not in function else "psycopg"
    relative = os.path.relpath(path, settings.BASE_DIR)
    return relative.split("/")[0] if relative.split("/")[0] in _OURS else "standard library"


if __name__ == "__main__":
    wanted = {"statements": statements, "pages": pages, "profile": profile}[sys.argv[2]]
    sys.stdout.write(json.dumps(wanted(Calls(sys.argv[1]))))
