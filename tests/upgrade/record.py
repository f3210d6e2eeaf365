"""`python -m tests.upgrade.record`: run the previous release, and keep what it sends for the five calls.

PostgreSQL's own log is read, so it is all that the release sends, however it does. Writes the file that
`tests/upgrade/test_previous_release.py` reads.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from tests.cast import servers
from tests.chaos.desk import Salon, Slots
from tests.chaos.post_office import post_office
from tests.upgrade.beside import Site, wait_until_ready
from tests.upgrade.previous import NAME, previous
from tests.upgrade.statements import Statement, begin_ids, send, write

LOGGED = {"logging_collector": "on", "log_destination": "jsonlog", "log_statement": "all"}
MARK = "upgrade mark "
VALUE = re.compile(r"\$\d+ = (?:'((?:[^']|'')*)'|(NULL))")
SENT = re.compile(r"(?:statement|execute [^:]+): (.*)", re.DOTALL)
OF_THE_CONNECTION = re.compile(
    r"\s*(BEGIN|COMMIT|ROLLBACK\s*$|SET |SHOW |SELECT 1$|DEALLOCATE|DISCARD)", re.IGNORECASE
)


def main() -> int:
    old = previous()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bookings-record-")))
        server = stack.enter_context(servers.postgres(LOGGED))
        broker = stack.enter_context(servers.valkey()).url
        office = stack.enter_context(post_office(folder))
        site = Site(folder, database=server.url, broker=broker, office=office)
        stack.callback(site.close)
        site.manage(old, "migrate", "-v", "0")
        empty = f"{server.url.rpartition('/')[0]}/empty"
        with psycopg.connect(f"{server.url.rpartition('/')[0]}/postgres", autocommit=True) as wire:
            wire.execute("CREATE DATABASE empty TEMPLATE bookings")
        with psycopg.connect(server.url, autocommit=True) as wire:
            begin_ids(wire.pgconn)
            _calls(site, wire)
        log = [line for each in (server.log.parent / "data" / "log").glob("*.json") for line in each.open()]
        statements = _read([json.loads(line) for line in log])
        with psycopg.connect(empty, autocommit=True) as wire, wire.transaction():
            begin_ids(wire.pgconn)
            write([each._replace(tag=send(wire.pgconn, each)) for each in statements])
    calls = list(dict.fromkeys(each.call for each in statements))
    print(f"{len(statements)} statements of {NAME}: {', '.join(calls)}")
    return 0


def _calls(site: Site, wire: psycopg.Connection[Any]) -> None:
    old = previous()

    def mark(call: str) -> None:
        wire.execute(f"SELECT '{MARK}{call}'".encode())

    mark("fill")
    wanted = {"staff": 2, "clients": 2, "names": ["client"], "salon": {}}
    salon = Salon(**json.loads(site.python(old, "-m", "tests.chaos.fill", json.dumps(wanted))))
    mark("")
    port = servers.free_port()
    site.variables["WEB_CONCURRENCY"] = "1"
    desk = site.desk(port, salon.token)
    wait_until_ready(site, site.web(old, "record", port), desk)
    slots = Slots(salon)
    order, later = slots.order(), slots.order()
    changes = {name: later[name] for name in ("start_at", "end_at", "staff_id")}
    asked: list[tuple[str, str, str, Any]] = [
        ("create", "POST", "/api/bookings", order),
        ("get", "GET", "/api/bookings/{}", None),
        ("list", "GET", "/api/bookings?page=1&limit=20", None),
        ("list of all", "GET", "/api/bookings", None),
        ("put", "PUT", "/api/bookings/{}", changes),
        ("delete", "DELETE", "/api/bookings/{}", None),
    ]
    booking = 0
    for call, method, path, body in asked:
        mark(call)
        answer = desk.ask(method, path.format(booking), body)
        mark("")
        if answer.outcome != "ok":
            raise RuntimeError(f"{call}: {answer.status} {answer.body}")
        if call == "create":
            booking = answer.body["id"]


def _read(lines: list[dict[str, Any]]) -> list[Statement]:
    found: list[Statement] = []
    call = ""
    for line in lines:
        sent = SENT.fullmatch(line.get("message", ""))
        if sent is None or line.get("dbname") != "bookings":
            continue
        sql = sent.group(1)
        if MARK in sql:
            call = sql.partition(MARK)[2].rstrip("'")
        elif call and not OF_THE_CONNECTION.match(sql):
            values = VALUE.findall(line.get("detail", ""))
            found.append(
                Statement(call, sql, [None if null else text.replace("''", "'") for text, null in values])
            )
    return found


if __name__ == "__main__":
    sys.exit(main())
