"""F5, F13: the database restarts under us; the embedded one is killed with us, and its disk fills up."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.chaos.desk import Answer, Pace, hands
from tests.chaos.house import Ground, House
from tests.chaos.kills import CLIENTS, check_mails
from tests.chaos.ledger import Ledger, counted
from tests.chaos.programs import Program, until
from tests.chaos.rows import SQLITE, Rows
from tests.chaos.sizes import Sizes

BACK_WITHIN = 5.0
BETWEEN_RESTARTS = 6.0
OUT_SECONDS = 1.5
PER_SECOND = 8.0
ROOM_KB = 1500
"""What is free on the small disk when the web starts."""
RELIEF_KB = 6000
"""What is freed there when it was full."""


def f5(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """PostgreSQL `restart -m immediate`."""
    ledger = Ledger(
        "F5",
        "PostgreSQL restarted in the middle of everything",
        f"{sizes.database_restarts} immediate restarts; {PER_SECOND:g} bookings a second",
    )
    with ground.house("postgres", lease=sizes.lease) as house:
        house.start(web=3, worker=True)
        pace = Pace(per_second=PER_SECOND)
        answers: list[Answer] = []

        def book(number: int) -> None:
            while pace.take():
                answers.append(house.desk.book(house.slots.order()))

        outages: list[tuple[float, float]] = []
        with hands(CLIENTS, book):
            for _ in range(sizes.database_restarts):
                time.sleep(BETWEEN_RESTARTS)
                began = time.time()
                ground.postgres.stop("immediate")
                time.sleep(OUT_SECONDS)
                ground.postgres.start()
                outages.append((began, time.time()))
            time.sleep(BETWEEN_RESTARTS)
            pace.stopped.set()
        last = outages[-1][1]
        waited = house.wait_for_jobs(sizes.lease + 60)
        ledger.say("asked", house.requests.asked)
        ledger.say("faults", f"outages of {', '.join(f'{end - begin:.1f} s' for begin, end in outages)}")
        other = Counter(each.status for each in answers if each.status not in (200, 503))
        ledger.promise("nothing but 200 and 503", kept=not other, found=counted(other))
        astray = [
            each.began
            for each in answers
            if each.status == 503 and not any(_meets(each, outage) for outage in outages)
        ]
        ledger.promise("503 only in an outage", kept=not astray, found=f"{len(astray)} outside")
        backs = [_back_after(answers, end) for _begin, end in outages]
        ledger.promise(
            f"back within {BACK_WITHIN:g} s without a restart of ours",
            kept=all(back is not None and back <= BACK_WITHIN for back in backs),
            found=", ".join("never" if back is None else f"{back:.1f} s" for back in backs),
        )
        check_mails(house, ledger, answers, kills=len(outages), last_kill=last, waited=waited)
    ledger.close()
    return [ledger]


def _meets(answer: Answer, outage: tuple[float, float]) -> bool:
    return answer.began <= outage[1] + BACK_WITHIN and answer.began + answer.seconds >= outage[0]


def _back_after(answers: list[Answer], end: float) -> float | None:
    """Seconds from the server's return to the last 503 before things are well again (0: none came)."""
    if not any(each.began > end and each.status == 200 for each in answers):
        return None
    late = [each.began + each.seconds - end for each in answers if each.status == 503 and each.began > end]
    return max((seconds for seconds in late if seconds < BETWEEN_RESTARTS), default=0.0)


def f13(ground: Ground, sizes: Sizes) -> list[Ledger]:
    return [_killed(ground, sizes), _full_disk(ground)]


def _killed(ground: Ground, sizes: Sizes) -> Ledger:
    ledger = Ledger(
        "F13",
        "SQLite: web and worker killed -9 together",
        f"{sizes.embedded_kills} kills after 0.5-2 s of bookings each; seed {sizes.seed}",
    )
    dice = random.Random(sizes.seed)
    with ground.house("sqlite", lease=sizes.lease) as house:
        answers: list[Answer] = []
        verdicts: Counter[str] = Counter()
        pace = Pace(per_second=40)

        def book(number: int) -> None:
            while pace.take():
                answers.append(house.desk.book(house.slots.order(), patience=20))

        house.start(web=2, worker=True)
        with hands(CLIENTS, book):
            for _ in range(sizes.embedded_kills):
                time.sleep(dice.uniform(0.5, 2.0))
                for program in dice.sample([house.web, house.worker], 2):
                    program.kill()
                verdicts[house.rows.one("PRAGMA integrity_check")] += 1
                house.start(web=2, worker=True)
            pace.stopped.set()
        last = time.time()
        waited = house.wait_for_jobs(sizes.lease + 60)
        verdicts[house.rows.one("PRAGMA integrity_check")] += 1
        ledger.say("asked", house.requests.asked)
        ledger.promise("integrity ok after every kill", kept=set(verdicts) == {"ok"}, found=counted(verdicts))
        other = Counter(each.status for each in answers if each.status not in (0, 200))
        ledger.promise("nothing but 200 or no answer", kept=not other, found=counted(other))
        check_mails(house, ledger, answers, kills=sizes.embedded_kills, last_kill=last, waited=waited)
    ledger.close()
    return ledger


def _full_disk(ground: Ground) -> Ledger:
    ledger = Ledger(
        "F13", "SQLite: the disk fills up", f"{ROOM_KB} kB free, then none, then {RELIEF_KB} kB more"
    )
    if not _may_mount():
        ledger.skip("no small disk can be mounted here (unshare with a mount namespace is refused)")
        ledger.close()
        return ledger
    with ground.house("sqlite") as house:
        disk = _SmallDisk(house)
        disk.start()
        answers = _book_until(house, lambda got: got.status != 200, at_most=3000)
        full = answers[-1]
        ledger.say("found", f"{len(answers) - 1} bookings, then {full.status} {full.body}")
        ledger.promise("503 on a full disk", kept=full.status == 503, found=str(full.status))
        again = [house.desk.book(house.slots.order()).status for _ in range(10)]
        ledger.promise("and nothing else", kept=set(again) <= {503, 200}, found=counted(Counter(again)))
        reading = house.desk.ask("GET", "/api/bookings?page=1").status
        ledger.promise("reading goes on", kept=reading == 200, found=str(reading))
        disk.relieve()
        after = _book_until(house, lambda got: got.status == 200, at_most=50)
        ledger.promise(
            "books again when there is room, without a restart",
            kept=after[-1].status == 200,
            found=f"at call {len(after)}",
        )
        booked = {each.body["id"] for each in [*answers, *after] if each.status == 200}
        rows = disk.rows()
        stored = {pk for (pk,) in rows.all("SELECT id FROM bookings_booking")}
        ledger.promise("every 2xx is stored", kept=booked <= stored, found=f"{len(booked - stored)} missing")
        verdict = rows.one("PRAGMA integrity_check")
        ledger.promise("integrity ok", kept=verdict == "ok", found=verdict)
        jobs = rows.one("SELECT count(*) FROM notifications_job WHERE type = 'booking.created'")
        ledger.promise("a job for each booking", kept=jobs == len(stored), found=f"{jobs} of {len(stored)}")
    ledger.close()
    return ledger


class _SmallDisk:
    """The web process in a mount namespace of its own, its database on a disk that is nearly full."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._folder = house.folder / "disk"
        self._folder.mkdir()
        source = Path(house.variables["DATABASE_URL"].removeprefix(SQLITE))
        size = source.stat().st_size // 1024 + ROOM_KB + RELIEF_KB + 200
        script = (
            f"mount -t tmpfs -o size={size}k none {self._folder} && cp {source} {self._folder}/ && "
            f"head -c {RELIEF_KB}k /dev/zero > {self._folder}/ballast && "
            f"exec {sys.executable} -m gunicorn -c config/gunicorn.py config.wsgi"
        )
        self._web = Program(
            "web on a small disk",
            ["unshare", "-Urm", "sh", "-c", script],
            environment={
                **house.variables,
                "DATABASE_URL": f"{SQLITE}{self._folder / source.name}",
                "WEB_CONCURRENCY": "2",
            },
            log=house.folder / "web-small-disk.log",
        )
        house.programs.append(self._web)
        self._name = source.name

    def start(self) -> None:
        self._web.start()
        for _ in until(60):
            if self._house.desk.ask("GET", "/api/bookings?page=1&limit=1", patience=10).status == 200:
                return
        raise TimeoutError(self._web.log.read_text()[-2000:])

    def relieve(self) -> None:
        (self._inside() / "ballast").unlink()

    def rows(self) -> Rows:
        """The database as it is on the small disk, copied out once the web has ended."""
        copy = self._house.folder / "copied"
        copy.mkdir()
        for each in self._inside().glob(f"{self._name}*"):
            shutil.copy(each, copy)
        self._web.kill()
        return Rows(f"{SQLITE}{copy / self._name}")

    def _inside(self) -> Path:
        return Path(f"/proc/{self._web.pid}/root{self._folder}")


def _book_until(house: House, enough: Callable[[Answer], bool], *, at_most: int) -> list[Answer]:
    answers: list[Answer] = []
    for _ in range(at_most):
        answers.append(house.desk.book(house.slots.order(notes="x" * 2000)))
        if enough(answers[-1]):
            break
    return answers


def _may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    done = subprocess.run(
        ["unshare", "-Urm", "sh", "-c", "mount -t tmpfs -o size=64k none /mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
