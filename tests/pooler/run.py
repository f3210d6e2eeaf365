"""`make pooler`: people book, list and race for a slot through PgBouncer, of Debian 13 and of Debian 12.

    python -m tests.pooler.run [--only transaction,session-1.18,...]

Debootstrap makes both Debians once, in `.venv/pooler/`; PostgreSQL and the web process are this machine's.
What the system check is to refuse must be refused by `manage.py check` and by /readyz alike, all else be
ready and make no mistake. Needs root. Ends with 1 when a promise is broken, or when it could not be run.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.cast import servers
from tests.chaos.desk import Answer, Desk, Salon, Slots, hands
from tests.chaos.house import environment
from tests.chaos.ledger import Ledger, Requests
from tests.chaos.programs import Program, until
from tests.chaos.rows import TWO_PARTIES, Rows
from tests.install.debootstrap import ROOT, Missing
from tests.pooler.bouncer import bouncer

START_SECONDS = 120.0
PEOPLE, ROUNDS = 8, 6
RACERS, SLOTS = 12, 6
SESSIONS = 3
"""Of the server: all that the smallest pool has."""
LONG_LIST = 3000
UNKNOWN = "unknown to it"
COLUMNS = """
SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_schema = current_schema()
AND table_name = 'bookings_booking' AND is_generated = 'NEVER' AND column_name NOT IN ('id', 'key')
"""


@dataclass(frozen=True)
class Way:
    """A pooler; `mode`: what /readyz calls it; `refused`: whether the system check has to refuse it."""

    suite: str
    mode: str
    refused: bool = False
    settings: dict[str, str] = field(default_factory=dict)


WAYS = {
    # Fewer server connections than threads that want one: nobody keeps theirs.
    "transaction": Way("trixie", "transaction", settings={"default_pool_size": "3"}),
    "session": Way("trixie", "session", settings={"pool_mode": "session"}),
    "transaction-unprepared": Way(
        "trixie", "transaction", refused=True, settings={"max_prepared_statements": "0"}
    ),
    "statement": Way("trixie", "statement", refused=True, settings={"pool_mode": "statement"}),
    "transaction-1.18": Way(
        "bookworm", "transaction", refused=True, settings={"max_prepared_statements": UNKNOWN}
    ),
    "session-1.18": Way(
        "bookworm", "session", settings={"pool_mode": "session", "max_prepared_statements": UNKNOWN}
    ),
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", help=f"some of {', '.join(WAYS)}")
    asked = parser.parse_args(arguments)
    chosen = asked.only.split(",") if asked.only else list(WAYS)
    if unknown := [each for each in chosen if each not in WAYS]:
        parser.error(f"no such pooler: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with tempfile.TemporaryDirectory(prefix="bookings-pooler-") as name, servers.postgres() as server:
            folder = Path(name)
            # Through no pooler: what is refused could not even be migrated.
            _manage(folder, server.url, "migrate", "-v", "0")
            _manage(folder, server.url, "createcachetable")
            ledgers = [_one(each, WAYS[each], server, folder) for each in chosen]
    except (Missing, servers.Missing) as missing:
        border = "!" * 100
        print(f"{border}\n!!! No pooler was run: {missing}\n{border}", file=sys.stderr)
        return 1
    print("\n" + "\n".join(f"{each.name:<24} {each.verdict}" for each in ledgers), flush=True)
    return int(any(each.broken for each in ledgers))


def _one(name: str, way: Way, server: servers.Server, folder: Path) -> Ledger:
    # A database of its own, under the name that deploy/pgbouncer.ini gives it.
    with psycopg.connect(f"{server.url.rpartition('/')[0]}/postgres", autocommit=True) as wire:
        if wire.execute("SELECT 1 FROM pg_database WHERE datname = 'empty'").fetchone():
            wire.execute("DROP DATABASE bookings WITH (FORCE)")
        else:
            wire.execute("ALTER DATABASE bookings RENAME TO empty")
        # What is worked through makes its tables too; what is refused could not.
        wire.execute(f"CREATE DATABASE bookings TEMPLATE {'empty' if way.refused else 'template1'}")
    with bouncer(way.suite, server, folder=folder, settings=way.settings) as (port, version):
        aim = "to be refused" if way.refused else "to be worked through"
        ledger = Ledger(name, f"PgBouncer {version}, {way.mode} mode", aim)
        url = f"postgres://bookings@127.0.0.1:{port}/bookings"
        if not way.refused:
            _first_run(ledger, url, folder)
        _check_refusal(ledger, way, url, folder)
        with _web(url, folder, name) as web:
            _check_readiness(ledger, way, web)
            if not way.refused:
                _work(ledger, web, server, url, folder)
    ledger.close()
    return ledger


def _first_run(ledger: Ledger, url: str, folder: Path) -> None:
    """All migrations, each of which waits briefly for its locks; nobody who is served later may have to."""
    done = _manage(folder, url, "first_run", must_work=False)
    ledger.promise("first_run works through it", kept=done.returncode == 0, found=done.stderr[-300:])
    with ExitStack() as stack:
        # In transactions that are open together: each has a server connection of its own.
        wires = [stack.enter_context(psycopg.connect(url, prepare_threshold=None)) for _ in range(SESSIONS)]
        found = Counter(wire.execute("SHOW lock_timeout").fetchone()[0] for wire in wires)
    ledger.promise("no session keeps how long it waited", kept=set(found) == {"0"}, found=str(dict(found)))


def _check_refusal(ledger: Ledger, way: Way, url: str, folder: Path) -> None:
    done = _manage(folder, url, "check", "--database", "default", must_work=False)
    refused = "config.E009" in done.stderr
    said = next((line for line in done.stderr.splitlines() if "config.E009" in line), "nothing")
    ledger.promise(
        f"the system check {'refuses' if way.refused else 'takes'} it",
        kept=refused == way.refused,
        found=said,
    )


def _check_readiness(ledger: Ledger, way: Way, web: int) -> None:
    # Each process says null until it has looked.
    for _ in until(START_SECONDS):
        status, body = _readyz(web)
        if body["checks"]["pooler"]["ok"] is not None:
            break
    pooler = {"ok": not way.refused, "mode": way.mode}
    ledger.promise(
        f"/readyz is {503 if way.refused else 200} and names the mode",
        kept=(status, body["checks"]["pooler"]) == (503 if way.refused else 200, pooler),
        found=f"{status} {json.dumps(body['checks']['pooler'])}",
    )


def _work(ledger: Ledger, web: int, server: servers.Server, url: str, folder: Path) -> None:
    wanted = json.dumps({"staff": 6, "clients": 60, "names": ["client"], "salon": {}})
    filled = subprocess.run(
        [sys.executable, "-m", "tests.chaos.fill", wanted],
        cwd=ROOT,
        env=_variables(url, folder),
        check=True,
        stdout=subprocess.PIPE,
    )
    salon = Salon(**json.loads(filled.stdout))
    requests = Requests(folder / f"{ledger.name}.jsonl")
    desk, slots = Desk(port=web, token=salon.token, requests=requests), Slots(salon)
    _five_calls(ledger, desk, slots)
    _list_while_others_book(ledger, desk, slots, server)
    _race(ledger, desk, slots, salon)
    double = Rows(server.url).one(TWO_PARTIES)
    ledger.promise("double booked 0", kept=double == 0, found=str(double))
    faults = {status: count for status, count in requests.statuses.items() if status == 0 or status >= 500}
    ledger.promise(
        "every call was answered, none with 5xx", kept=not faults, found=str(dict(requests.statuses))
    )


def _five_calls(ledger: Ledger, desk: Desk, slots: Slots) -> None:
    """Book, read, list, move and cancel, from more hands than there are server connections."""
    wrong: list[Answer] = []

    def work(number: int) -> None:
        for _ in range(ROUNDS):
            made = desk.book(slots.order())
            path = f"/api/bookings/{made.body['id']}" if made.outcome == "ok" else "/api/bookings/0"
            wish = slots.order()
            changes = {name: wish[name] for name in ("start_at", "end_at", "staff_id")}
            answers = [made, desk.ask("GET", path), desk.ask("GET", "/api/bookings?page=1&limit=20")]
            answers += [desk.ask("PUT", path, changes), desk.ask("DELETE", path)]
            wrong.extend(each for each in answers if each.outcome != "ok")

    with hands(PEOPLE, work):
        pass
    ledger.promise(
        f"{5 * PEOPLE * ROUNDS} calls of five kinds, {PEOPLE} at once, have their 2xx",
        kept=not wrong,
        found=str([(each.status, each.body) for each in wrong[:3]] or ""),
    )


def _list_while_others_book(ledger: Ledger, desk: Desk, slots: Slots, server: servers.Server) -> None:
    """Its rows come from one cursor, while others take the server connections it might have lost."""
    one = desk.book(slots.order()).body["id"]
    columns = Rows(server.url).one(COLUMNS)
    Rows(server.url).write(
        f"INSERT INTO bookings_booking (key, {columns}) SELECT gen_random_uuid(), {columns} "
        f"FROM bookings_booking, generate_series(1, {LONG_LIST}) WHERE id = {one}"
    )
    answers: list[Answer] = []

    def work(number: int) -> None:
        if number < 2:
            answers.append(desk.ask("GET", "/api/bookings"))
        else:
            for _ in range(ROUNDS):
                desk.book(slots.order())

    with hands(PEOPLE, work):
        pass
    lengths = [len(each.body) if each.outcome == "ok" else 0 for each in answers]
    ledger.promise(
        f"a streamed list of more than {LONG_LIST} bookings is whole",
        kept=all(length > LONG_LIST for length in lengths),
        found=str(lengths),
    )


def _race(ledger: Ledger, desk: Desk, slots: Slots, salon: Salon) -> None:
    won: list[int] = []
    for number in range(SLOTS):
        answers: list[Answer] = []

        def book(client: int, number: int = number, answers: list[Answer] = answers) -> None:
            order = slots.at(5000 + number, staff=salon.staff[0], client=salon.clients[client])
            answers.append(desk.book(order))

        with hands(RACERS, book):
            pass
        statuses = Counter(each.status for each in answers)
        won.append(sum(count for status, count in statuses.items() if 200 <= status < 300))
    ledger.promise(
        f"{RACERS} on one slot, {SLOTS} times: one has it", kept=won == [1] * SLOTS, found=str(won)
    )


@contextmanager
def _web(url: str, folder: Path, name: str) -> Iterator[int]:
    port = servers.free_port()
    variables = {**_variables(url, folder), "PORT": str(port), "WEB_CONCURRENCY": "2"}
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    program = Program("web", command, environment=variables, log=folder / f"{name}-web.log")
    program.start()
    try:
        for _ in until(START_SECONDS):
            if _readyz(port)[0]:
                break
        else:
            raise TimeoutError(f"the web process did not answer:\n{program.log.read_text()[-2000:]}")
        yield port
    finally:
        program.end()


def _readyz(port: int) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)
    except OSError:
        return 0, None


def _manage(
    folder: Path, url: str, *command: str, must_work: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env=_variables(url, folder),
        check=must_work,
        capture_output=True,
        text=True,
    )


def _variables(url: str, folder: Path) -> dict[str, str]:
    return environment(DATABASE_URL=url, BROKER_URL="", EMAIL_URL="", DATA_DIR=str(folder / "data"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
