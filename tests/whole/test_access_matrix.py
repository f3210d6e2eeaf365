"""Who may call what: every route of the URL map x method x caller, with the personal agenda off and on.

The table is tests/cast/access_table.py, its calls are tests/cast/access_calls.py. A route that is not in
the table fails `test_every_route_has_a_row`, a method `test_only_the_methods_of_the_row_are_there`. Every
allowed call carries a body that works, so that `ok` means done; every refused one sends the same body and
must not write.

All of it is some 26,000 calls (`make e2e`, or LEAVE_NOTHING_OUT=1). `make test` leaves repetitions out: HEAD,
OPTIONS and methods that are not there are tried by one caller of a kind and with the agenda off; most of who
is no person and no native key is tried with the agenda off. Its second pass asks the other database what
depends on rows: the methods that are there, by those whom rows are shown to or kept from, with the personal
agenda, for which the statements only say more.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cast import access_calls, access_table
from tests.cast.access import (
    ALERT,
    BEAS_SECRET,
    CALLER_NAMES,
    CLIENTS_SECRET,
    DIALECTS,
    Caller,
    House,
    set_agenda,
)
from tests.cast.access_calls import Knocker, standing
from tests.cast.access_table import METHODS, READS, ROUTES, expected, is_of_admin, rules, url_map
from tests.cast.passes import is_second_pass
from tests.cast.sampling import FULL

pytestmark = pytest.mark.django_db

AGENDAS = [False, True] if FULL or not is_second_pass() else [True]


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[House, dict[str, Caller]]]:
    with standing(django_db_blocker) as made:
        yield made


def test_every_route_has_a_row() -> None:
    known, there = set(ROUTES), {route for route in url_map() if not is_of_admin(route)}
    assert not there - known, (
        f"new routes without a row in ROUTES of {access_table.__file__}: {sorted(there - known)}. Say there "
        f"who may call them, and give them a place and a body in {access_calls.__file__}, so that the matrix "
        "holds for them too."
    )
    assert not known - there, f"rows in ROUTES for routes that are gone: {sorted(known - there)}"
    assert {name for row in ROUTES.values() for name in row.values()} <= set(rules())


@pytest.mark.parametrize("personal", AGENDAS, ids=["all agendas", "personal agenda"][-len(AGENDAS) :])
@pytest.mark.parametrize("route", ROUTES)
def test_who_may(route: str, personal: bool, house: tuple[House, dict[str, Caller]]) -> None:
    rooms, callers = house
    knock, wrong = Knocker(rooms), []
    set_agenda(personal=personal)
    for method, name in knocks(route, personal=personal):
        caller = callers[name]
        response, written = knock(route, method, caller)
        wanted = expected(route, method, caller, personal=personal)
        if response.status_code not in wanted:
            wrong.append(f"{method} by {name}: {response.status_code} {response.body[:200]!r}")
        if written and (method in READS or not 200 <= response.status_code < 400):
            wrong.append(f"{method} by {name}: {response.status_code}, and yet wrote {written}")
        if leaked := leaks(response, caller, personal=personal):
            wrong.append(f"{method} by {name}: shows {leaked}")
    assert not wrong, f"{route}, personal agenda {'on' if personal else 'off'}:\n" + "\n".join(wrong[:20])


def knocks(route: str, *, personal: bool) -> Iterator[tuple[str, str]]:
    """Method and caller: all of them, or without what only repeats another."""
    for method in METHODS:
        for name in CALLER_NAMES:
            main = method in ROUTES[route]
            once = name in ONE_OF_A_KIND and not personal and not is_second_pass()
            everybody = not personal and not is_second_pass()
            if FULL or (main and (everybody or name in WITH_AN_AGENDA)) or (not main and once):
                yield method, name


ONE_OF_A_KIND = (
    "anonymous",
    "other",
    "admin",
    *(f"{each} both" for each in ("native", *DIALECTS)),
    "deactivated",
)
WITH_AN_AGENDA = (
    "anonymous",
    "staff",
    "other",
    "desk",
    "admin",
    "native read",
    *(f"{each} both" for each in ("native", *DIALECTS)),
)


def leaks(response: Any, caller: Caller, *, personal: bool) -> str:
    """What the answer shows that this caller must not see anywhere."""
    if caller.kind == "anonymous" and CLIENTS_SECRET.lower().encode() in response.body.lower():
        return "what the salon knows of a client"
    if caller.kind in ("anonymous", *DIALECTS) and ALERT.encode() in response.body:
        return "an alert that is for staff"
    if caller.kind == "other" and personal and BEAS_SECRET.encode() in response.body:
        return "what hangs on another's agenda"
    return ""


@pytest.mark.parametrize("route", [each for each in ROUTES if not each.startswith("/^")])
@pytest.mark.first_pass_alone(why="it is about the URL map")
def test_only_the_methods_of_the_row_are_there(route: str, house: tuple[House, dict[str, Caller]]) -> None:
    rooms, callers = house
    knock, row = Knocker(rooms), ROUTES[route]
    best = next(
        callers[name]
        for name in ("admin", "staff", *(f"{each} both" for each in DIALECTS), "anonymous")
        if name == "anonymous" or expected(route, next(iter(row)), callers[name], personal=False)[0] < 300
    )
    for method in METHODS:
        if method in row or method == "OPTIONS" or (method == "HEAD" and "GET" in row):
            continue
        response, written = knock(route, method, best)
        assert response.status_code == 405, (method, best.name, response.status_code)
        assert set(response["Allow"].split(", ")) - {"HEAD", "OPTIONS"} == set(row), (
            method,
            response["Allow"],
        )
        assert not written
