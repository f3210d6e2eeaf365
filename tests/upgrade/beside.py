"""The previous release and this one on one PostgreSQL while people book, change and cancel (docs/adr/0107).

In the order of docs/operations.md, "Upgrades": the old worker stops, the schema is expanded while the old web
serves, the new worker and a new web come, both webs serve, the old web goes, `catch_up`.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.cast import servers
from tests.chaos.desk import Desk, Salon, Slots
from tests.chaos.house import WORKER_FLAGS, environment
from tests.chaos.ledger import Ledger, Requests, counted
from tests.chaos.post_office import PostOffice, post_office
from tests.chaos.programs import Program, until
from tests.chaos.rows import TWO_PARTIES, WITHOUT_THEIR_TIME, Rows
from tests.upgrade.load import Load, contest, people
from tests.upgrade.previous import NAME, Release, previous, today

NOW = "this"
EXPANDING = "expanding"
START_SECONDS = 60.0
OLD_SECONDS, BOTH_SECONDS, NEW_SECONDS = 8.0, 20.0, 6.0
CONTESTS = 15
MAILS_SECONDS = 300.0
UPDATE_DELAY = "5"
PAST_BOOKINGS, PAST_CLIENTS = 20_000, 3_000
WRITES_WAIT_SECONDS = 5.0
"""No write waits longer than this for the schema to be expanded."""
MOST_REFUSED = 0.03
"""Of all calls: PostgreSQL gives up one of those that a migration meets crosswise."""

PAST = f"""
INSERT INTO clients_client (first_name, last_name, email, phone, mobile, notes, locale, marketing_consent,
    no_show_count, key, is_demo, created_at, updated_at)
SELECT 'Past', 'Client ' || n, 'past' || n || '@example.com', '', '', '', '', false, 0, gen_random_uuid(),
    false, now(), now() FROM generate_series(1, {PAST_CLIENTS}) n;
INSERT INTO bookings_booking (client_id, staff_id, service_id, start_at, end_at, status, status_detail, notes,
    internal_notes, key, sequence, party, persons, price, buffer_before_minutes, buffer_after_minutes, source,
    base_url, announced_as, version, foreign_data, amelia_deleted, created_at, updated_at)
SELECT (SELECT min(id) FROM clients_client) + n % {PAST_CLIENTS},
    (SELECT min(id) FROM staff_staff WHERE bookable), (SELECT min(id) FROM staff_service),
    now() - n * interval '30 minutes', now() - n * interval '30 minutes' + interval '20 minutes', 'completed',
    '', '', '', gen_random_uuid(), 0, gen_random_uuid(), 1, 40, 0, 0, 'api', '', '', 1, '{{}}', false,
    now() - n * interval '30 minutes', now() - n * interval '30 minutes'
FROM generate_series(1, {PAST_BOOKINGS}) n;
"""


class Site:
    """One PostgreSQL, one Valkey, one post office, and the programs of two releases at them."""

    def __init__(self, folder: Path, *, database: str, broker: str, office: PostOffice) -> None:
        self.folder, self.office, self.rows = folder, office, Rows(database)
        self.variables = environment(
            DATABASE_URL=database,
            BROKER_URL=broker,
            DATA_DIR=str(folder / "data"),
            EMAIL_URL=office.url,
            JOB_LEASE_SECONDS="20",
            UPDATE_MAIL_DELAY_SECONDS=UPDATE_DELAY,
            WEB_CONCURRENCY="2",
        )
        self.requests = Requests(folder / "requests.jsonl")
        self.programs: list[Program] = []

    def manage(self, release: Release, *command: str) -> str:
        return self.python(release, "manage.py", *command)

    def python(self, release: Release, *command: str) -> str:
        done = subprocess.run(
            [str(release.python), *command],
            cwd=release.folder,
            env=self.variables,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout

    def web(self, release: Release, name: str, port: int) -> Program:
        command = ["gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
        return self._start(release, f"web-{name}", *command, PORT=str(port))

    def workers(self, release: Release, name: str) -> list[Program]:
        celery = ["celery", "-q", "-A", "config"]
        worker = [*celery, "worker", "-c", "4", *WORKER_FLAGS, "-n", f"{name}@here"]
        beat = [*celery, "beat", "-l", "INFO", "-s", f"{self.folder}/beat-{name}"]
        return [self._start(release, f"worker-{name}", *worker), self._start(release, f"beat-{name}", *beat)]

    def desk(self, port: int, token: str) -> Desk:
        return Desk(port=port, token=token, requests=self.requests)

    def due(self) -> int:
        return int(
            self.rows.one(
                "SELECT count(*) FROM notifications_job WHERE state IN ('pending', 'claimed') "
                "AND run_at < now() + interval '1 minute'"
            )
        )

    def close(self) -> None:
        for program in self.programs:
            program.kill()
        self.requests.close()

    def _start(self, release: Release, name: str, *command: str, **variables: str) -> Program:
        program = Program(
            name,
            [str(release.python), "-m", *command],
            environment={**self.variables, **variables},
            log=self.folder / f"{name}.log",
            folder=release.folder,
        )
        self.programs.append(program)
        program.start()
        return program


@contextmanager
def _site(folder: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        database = stack.enter_context(servers.postgres()).url
        broker = stack.enter_context(servers.valkey()).url
        office = stack.enter_context(post_office(folder))
        site = Site(folder, database=database, broker=broker, office=office)
        stack.callback(site.close)
        yield site


def run(folder: Path) -> Ledger:
    old, new = previous(), today()
    before = f"{PAST_BOOKINGS} bookings and {PAST_CLIENTS} clients of before"
    ledger = Ledger("beside", f"{NAME} and this release on one PostgreSQL", before)
    with _site(folder) as site:
        site.manage(old, "migrate", "-v", "0")
        site.manage(old, "createcachetable")
        wanted = {"staff": 6, "clients": 60, "names": ["client"], "salon": {}}
        salon = Salon(**json.loads(site.python(old, "-m", "tests.chaos.fill", json.dumps(wanted))))
        site.rows.write(PAST)
        load = _upgrade(site, old, new, ledger, salon)
        _check(site, ledger, load)
    ledger.close()
    return ledger


def _upgrade(site: Site, old: Release, new: Release, ledger: Ledger, salon: Salon) -> Load:
    slots = Slots(salon)
    old_port, new_port = servers.free_port(), servers.free_port()
    old_web = site.web(old, NAME, old_port)
    old_workers = site.workers(old, NAME)
    load = Load(webs={NAME: site.desk(old_port, salon.token)}, phase="old alone")
    wait_until_ready(site, old_web, load.webs[NAME])
    with people(load, slots):
        time.sleep(OLD_SECONDS)
        for each in old_workers:
            each.end()
        load.phase, began = EXPANDING, time.time()
        site.manage(new, "first_run")
        expanded = time.time()
        load.phase = "old on the new schema"
        workers = site.workers(new, NOW)
        new_web = site.web(new, NOW, new_port)
        newcomer = site.desk(new_port, salon.token)
        wait_until_ready(site, new_web, newcomer)
        load.phase = "both"
        load.webs = {NAME: load.webs[NAME], NOW: newcomer}
        contest(load, slots, CONTESTS)
        strangers = _what_only_one_knows(load, slots, salon)
        time.sleep(BOTH_SECONDS)
        load.phase = "old leaves"
        load.webs = {NOW: newcomer}
        status = old_web.end()
        load.phase = "new alone"
        time.sleep(NEW_SECONDS)
        ended = time.time()
    ledger.say("caught up", site.manage(new, "catch_up").strip())
    ledger.say("expanded", f"in {expanded - began:.1f} s while {NAME} served; its web ended with {status}")
    wait = load.longest_wait(since=began, until=ended)
    ledger.promise(
        f"a write is never away for more than {WRITES_WAIT_SECONDS:g} s",
        kept=wait <= WRITES_WAIT_SECONDS,
        found=f"{wait:.1f} s from the first migration to the last call",
    )
    found = [newcomer.ask("GET", f"/api/clients?search={name}").body for name in ("Oldcomer", "Newcomer")]
    ledger.promise(
        "clients entered at either release are found",
        kept=all(len(each) == 1 for each in found),
        found=str([len(each) for each in found]),
    )
    visit = newcomer.ask("GET", f"/api/visits/{strangers}").body
    ends = max(each["end_at"] for each in visit["bookings"])
    ledger.promise(
        f"a visit of two bookings of which {NAME} moved one ends with it",
        kept=visit["end_at"] == ends,
        found=f"{visit['end_at']} and {ends}",
    )
    waited = any(site.due() == 0 for _ in until(MAILS_SECONDS, every=0.5))
    ledger.promise("every job that was due is done", kept=waited, found=f"{site.due()} left")
    for each in (*workers, new_web):
        each.end()
    return load


def _what_only_one_knows(load: Load, slots: Slots, salon: Salon) -> int:
    """Calls beside the five, at either release; gives a visit of which the old moves an item."""
    for release, name in ((NAME, "Oldcomer"), (NOW, "Newcomer")):
        person = {"first_name": name, "email": f"{name}@example.com"}
        load.ask("client", "POST", "/api/clients", person, of=release)
        hold = {key: value for key, value in slots.order().items() if key != "client_id"}
        load.ask("hold", "POST", "/api/holds", hold, of=release)
        wish = {"service_id": salon.service, "date": f"{slots.start:%Y-%m-%d}"}
        client = salon.clients[0 if release == NAME else 1]
        load.ask("waitlist", "POST", "/api/waitlist", {"client_id": client, **wish}, of=release)
    _, made = load.ask("visit", "POST", "/api/visits", slots.visit_order(), of=NOW)
    second = made.body["bookings"][1]["id"]
    later = slots.order()
    changes = {name: later[name] for name in ("start_at", "end_at", "staff_id")}
    load.ask("put", "PUT", f"/api/bookings/{second}", changes, of=NAME)
    visit_id: int = made.body["visit"]["id"]
    return visit_id


def wait_until_ready(site: Site, web: Program, desk: Desk) -> None:
    quiet = Desk(port=desk.port, token="", requests=Requests(site.folder / "warming.jsonl"))
    for _ in until(START_SECONDS):
        if quiet.ask("GET", "/readyz", patience=10).status == 200:
            return
    raise TimeoutError(f"{web.name} did not become ready:\n{web.log.read_text()[-2000:]}")


def _check(site: Site, ledger: Ledger, load: Load) -> None:
    rows = site.rows
    ledger.say("asked", f"{sum(load.answers.values())} calls; {len(load.booked)} bookings acknowledged")
    for phase in dict.fromkeys(phase for phase, *_ in load.answers):
        for release in dict.fromkeys(who for when, who, *_ in load.answers if when == phase):
            calls: Counter[Any] = Counter()
            for (when, who, call, status), count in load.answers.items():
                if (when, who) == (phase, release):
                    calls[f"{call} {status}"] += count
            ledger.say("answers", f"{phase}, {release}: {counted(calls)}")
    late = [what for phase, what in load.failed if phase != EXPANDING]
    ledger.promise("nothing but 2xx, in every other phase, at both", kept=not late, found="; ".join(late[:5]))
    refused = [what for phase, what in load.failed if phase == EXPANDING]
    ledger.promise(
        f"while expanding at most {MOST_REFUSED:.0%} are refused, with 503",
        kept=len(refused) <= MOST_REFUSED * sum(load.answers.values())
        and all(": 503 " in each for each in refused),
        found=f"{len(refused)}",
    )
    ledger.promise(
        "of two who want the same time one gets it",
        kept=set(load.contested) == {(200, 409)},
        found=counted(load.contested),
    )
    stored = {
        pk: (start, status)
        for pk, start, status in rows.all(
            "SELECT id, to_char(start_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'), status "
            "FROM bookings_booking"
        )
    }
    sure = {pk: stands for pk, stands in load.booked.items() if pk not in load.doubtful}
    lost = [pk for pk in sure if pk not in stored]
    told = {pk: (stands.start, stands.status) for pk, stands in sure.items()}
    other = [pk for pk, stands in told.items() if pk in stored and stored[pk] != stands]
    ledger.promise(
        "lost 0",
        kept=not lost and not other,
        found=f"{len(lost)} bookings, {len(other)} changes of {len(sure)}; {len(load.doubtful)} nobody knows",
    )
    double = rows.one(TWO_PARTIES)
    ledger.promise("double booked 0", kept=double == 0, found=str(double))
    astray = rows.one(WITHOUT_THEIR_TIME)
    ledger.promise("every booking occupies its own time", kept=astray == 0, found=f"{astray} do not")
    without = rows.one("SELECT count(*) FROM bookings_booking WHERE visit_id IS NULL")
    ledger.promise("every booking has its visit", kept=without == 0, found=f"{without} do not")
    _check_mails(site, ledger)


def _check_mails(site: Site, ledger: Ledger) -> None:
    copies = Counter(each.message_id for each in site.office.accepted)
    repeated = [each for each, count in copies.items() if count > 1]
    ledger.promise("no mail twice", kept=not repeated, found=f"{len(copies)} mails, {len(repeated)} repeated")
    confirmations = (
        "SELECT b.id, count(j.id), max(j.state), max(m.message_id) FROM bookings_booking b "
        "LEFT JOIN notifications_job j ON j.booking_id = b.id AND j.type = 'booking.created' "
        "LEFT JOIN notifications_message m ON m.job_id = j.id "
        "WHERE b.status <> 'completed' AND b.position = 1 GROUP BY b.id"
    )
    found = site.rows.all(confirmations)
    wrong = [each for each in found if each[1] != 1]
    ledger.promise(
        "one confirmation of each booking", kept=not wrong, found=f"all but {len(wrong)} of {len(found)}"
    )
    unsent = [each for each in found if each[2] == "done" and not copies[each[3]]]
    ledger.promise("and it has left", kept=not unsent, found=str(Counter(each[2] for each in found)))
    dead = site.rows.one("SELECT count(*) FROM notifications_job WHERE state = 'dead'")
    ledger.promise("no job was given up", kept=dead == 0, found=str(dead))
