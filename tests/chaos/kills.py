"""F1, F2, F12: workers and web processes killed and stopped while bookings come in."""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.desk import Answer, Pace, hands, printed, visit_of
from tests.chaos.house import Ground, House, Kind
from tests.chaos.ledger import Ledger, counted, spread
from tests.chaos.programs import kill_child, until
from tests.chaos.sizes import Sizes

CLIENTS = 4
CREATED = "booking.created"
RETRY_SECONDS = 90.0
WEB_WORKERS = 3
WEB_KILL_EVERY = (0.4, 1.2)
TERM_EVERY = 2.0
SWEEP_SECONDS = 75.0
LAPSING = 8
ENDED = 4


def f1(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """Worker group killed -9 while bookings come in."""
    return [_f1(ground, sizes, kind) for kind in sizes.databases[:1]]


def _f1(ground: Ground, sizes: Sizes, kind: Kind) -> Ledger:
    least, most = sizes.kill_every
    ledger = Ledger(
        "F1",
        f"worker group killed -9 ({'PostgreSQL + Valkey' if kind == 'postgres' else 'embedded'})",
        f"{sizes.bookings} bookings at {sizes.per_second:g} a second; a kill every {least:g}-{most:g} s; "
        f"lease {sizes.lease} s; seed {sizes.seed}",
    )
    with ground.house(kind, lease=sizes.lease) as house:
        house.office.answer_after = 0.03
        house.start(web=2, worker=True)
        answers, kills, last_kill = book_under_kills(house, sizes)
        waited = house.wait_for_jobs(sizes.lease + 60)
        ledger.say("asked", house.requests.asked)
        ledger.say("faults", f"{kills} kills of the worker group (and the clock every second time)")
        check_mails(house, ledger, answers, kills=kills, last_kill=last_kill, waited=waited)
    ledger.close()
    return ledger


def book_under_kills(house: House, sizes: Sizes, **order: Any) -> tuple[list[Answer], int, float]:
    """Bookings at their pace, every third a visit of two, while the worker dies and is started again; the
    answers, kills, and the last one's time. `order`: what all bookings have in common."""
    dice = random.Random(sizes.seed)
    pace = Pace(per_second=sizes.per_second, total=sizes.bookings)
    answers: list[Answer] = []
    kills, last_kill = 0, 0.0
    numbers = itertools.count(1)

    def book(number: int) -> None:
        while pace.take():
            if next(numbers) % 3 == 0:
                answers.append(house.desk.book_visit(house.slots.visit_order(**order)))
            else:
                answers.append(house.desk.book(house.slots.order(**order)))

    with hands(CLIENTS, book) as clients:
        while not all(each.done() for each in clients):
            time.sleep(dice.uniform(*sizes.kill_every))
            house.worker.kill()
            kills, last_kill = kills + 1, time.time()
            if kills % 2 == 0 and not house.embedded:
                house.beat.kill()
                house.beat.start()
            house.worker.start()
    return answers, kills, last_kill


def check_mails(
    house: House,
    ledger: Ledger,
    answers: list[Answer],
    *,
    kills: int,
    last_kill: float,
    waited: float | None,
    among: str = "true",
) -> None:
    """The one confirmation of every visit, of one booking or two: nothing lost or told twice under two ids.

    `among` says in SQL which bookings are meant.
    """
    booked = {visit_of(answer) for answer in answers if answer.outcome == "ok"}
    stored = {pk for (pk,) in house.rows.all(f"SELECT DISTINCT visit_id FROM bookings_booking WHERE {among}")}
    found = house.rows.all(
        "SELECT j.visit_id, m.message_id FROM notifications_job j "
        f"LEFT JOIN notifications_message m ON m.job_id = j.id WHERE j.type = '{CREATED}'"
    )
    ids_of: dict[int, list[str]] = {}
    for visit_id, message_id in found:
        if visit_id in stored:
            ids_of.setdefault(visit_id, []).append(message_id)
    mine = {message_id for ids in ids_of.values() for message_id in ids}
    accepted = [each for each in house.office.accepted if each.message_id in mine or among == "true"]
    copies = Counter(each.message_id for each in accepted)
    lost = [pk for pk in stored if not any(copies[each] for each in ids_of.get(pk, []))]
    repeats, most = sum(count - 1 for count in copies.values()), max(copies.values(), default=0)
    ledger.say("found", f"visits answered {len(booked)}, stored {len(stored)}; mails {len(accepted)}")
    several = [each for each in answers if each.outcome == "ok" and "visit" in each.body]
    whole = house.rows.one("SELECT count(*) FROM bookings_booking WHERE position = 2")
    ledger.say("found", f"of two bookings {len(several)}, second ones stored {whole}")
    ledger.promise("every 2xx is stored", kept=booked <= stored, found=f"{len(booked - stored)} missing")
    ledger.promise(
        "every visit has exactly one confirmation job and Message-ID",
        kept=all(len(ids_of.get(pk, [])) == 1 for pk in stored),
    )
    ledger.promise("lost 0", kept=not lost, found=f"{len(lost)} lost {lost[:5]}")
    ledger.promise("no mail but those of the table", kept=set(copies) <= mine)
    ledger.promise(
        "raw repeats at most one per kill, same Message-ID, same mail",
        kept=repeats <= kills and most <= 2 and repeats_are_equal(house),
        found=f"{repeats} repeats in {kills} kills; most copies of one mail {most}",
    )
    late = max((each.at - last_kill for each in accepted), default=0.0)
    ledger.promise(
        f"all delivered within lease + 60 s after the last fault ({house.lease + 60} s)",
        kept=waited is not None and late <= house.lease + 60,
        found=f"last mail {late:.0f} s after it; jobs {states(house)}",
    )


def repeats_are_equal(house: House) -> bool:
    """Every copy of a Message-ID is the same mail."""
    digests: dict[str, set[str]] = {}
    for each in house.office.accepted:
        digests.setdefault(each.message_id, set()).add(each.digest)
    return all(len(found) == 1 for found in digests.values())


def states(house: House) -> dict[str, int]:
    """How many jobs are in each state."""
    return dict(house.rows.all("SELECT state, count(*) FROM notifications_job GROUP BY state"))


def delays(house: House) -> list[float]:
    """Seconds from a job's making to the acceptance of its mail, for each mail's first copy."""
    first: dict[str, float] = {}
    for each in house.office.accepted:
        first.setdefault(each.message_id, each.at)
    made: list[tuple[Any, ...]] = house.rows.all(
        "SELECT m.message_id, extract(epoch FROM j.created_at) FROM notifications_job j "
        "JOIN notifications_message m ON m.job_id = j.id"
    )
    return [first[message_id] - float(at) for message_id, at in made if message_id in first]


def say_delays(house: House, ledger: Ledger) -> None:
    ledger.say("found", f"from booking to mail: {spread(delays(house))}")


def f2(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """gunicorn's workers killed -9 under clients that retry with their Idempotency-Key."""
    least, most = WEB_KILL_EVERY
    ledger = Ledger(
        "F2",
        f"web workers killed -9, clients retry (PostgreSQL, {WEB_WORKERS} web workers)",
        f"{sizes.web_bookings} bookings; a kill every {least}-{most} s; seed {sizes.seed}",
    )
    dice = random.Random(sizes.seed)
    with ground.house("postgres", lease=sizes.lease) as house:
        house.start(web=WEB_WORKERS)
        pace = Pace(per_second=1000, total=sizes.web_bookings)
        answers: list[tuple[str, Answer]] = []
        tries: Counter[int] = Counter()

        def book(number: int) -> None:
            while pace.take():
                key = str(uuid.uuid4())
                order = house.slots.order(notes=key)
                got = []
                for _ in until(RETRY_SECONDS, every=0.2):
                    got.append(house.desk.book(order, key=key, patience=10))
                    if got[-1].outcome == "ok":
                        break
                tries[len(got)] += 1
                answers.append((key, got[-1]))

        kills = 0
        with hands(CLIENTS * 2, book) as clients:
            while not all(each.done() for each in clients):
                time.sleep(dice.uniform(*WEB_KILL_EVERY))
                kills += kill_child(dice.choice(house.web.children() or [0])) if house.web.children() else 0
        ledger.say("asked", house.requests.asked)
        ledger.say("faults", f"{kills} kills of a web worker; tries per booking {counted(tries)}")
        stored = house.rows.all("SELECT notes, count(*), min(id) FROM bookings_booking GROUP BY notes")
        rows = {notes: (count, pk) for notes, count, pk in stored}
        twice = [key for key, (count, _pk) in rows.items() if count != 1]
        ledger.promise("no booking twice", kept=not twice, found=f"{len(rows)} stored, {len(twice)} twice")
        missing = [
            key for key, got in answers if got.outcome == "ok" and rows.get(key) != (1, got.body["id"])
        ]
        ledger.promise(
            "every 2xx exists once, under its id", kept=not missing, found=f"{len(missing)} missing"
        )
        unanswered = [got.status for _key, got in answers if got.outcome != "ok"]
        ledger.promise("every client had its 2xx in the end", kept=not unanswered, found=str(unanswered[:5]))
        jobs = house.rows.one(f"SELECT count(*) FROM notifications_job WHERE type = '{CREATED}'")
        ledger.promise("one confirmation for each", kept=jobs == len(rows), found=str(jobs))
        other = [status for status in house.requests.statuses if status not in (0, 200)]
        ledger.promise("nothing but 200 or no answer", kept=not other, found=str(other or ""))
    ledger.close()
    return [ledger]


def f12(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """Two clocks, two sweepers, and both workers asked to stop again and again."""
    ledger = Ledger(
        "F12",
        "two beats, two workers, SIGTERM loop (PostgreSQL + Valkey)",
        f"{sizes.terms} SIGTERMs amid 6 bookings a second; {LAPSING} requests lapse, {ENDED} visits end",
    )
    with ground.house("postgres", lease=sizes.lease) as house:
        house.office.answer_after = 0.05
        workers = [house.worker, house.another_worker("second")]
        house.another_beat("beat2").start()
        house.start(web=2, worker=True)
        workers[1].start()
        pace = Pace(per_second=6)
        answers: list[Answer] = []

        def book(number: int) -> None:
            while pace.take():
                answers.append(house.desk.book(house.slots.order()))

        statuses: Counter[int | None] = Counter()
        with hands(CLIENTS, book):
            for number in range(sizes.terms):
                time.sleep(TERM_EVERY)
                statuses[workers[number % 2].end()] += 1
                workers[number % 2].start()
            pace.stopped.set()
        asked, ended = _to_sweep(house)
        waited = house.wait_for_jobs(sizes.lease + 60)
        swept = _wait_for_sweeps(house, asked, ended)
        house.wait_for_jobs(sizes.lease + 60)
        ledger.say("asked", house.requests.asked)
        ledger.say("faults", f"{sizes.terms} SIGTERMs; the workers ended with {counted(statuses)}")
        ledger.promise("a worker ends in peace", kept=set(statuses) == {0})
        copies = house.office.copies()
        repeats = sum(count - 1 for count in copies.values())
        ledger.promise("0 repeats", kept=repeats == 0, found=f"{repeats} in {len(copies)} mails")
        mails = dict(
            house.rows.all(
                "SELECT type, count(*) FROM notifications_message WHERE state = 'sent' GROUP BY type"
            )
        )
        booked = sum(each.outcome == "ok" for each in answers)
        ledger.promise(
            "lost 0",
            kept=waited is not None and mails.get(CREATED) == booked,
            found=f"{mails}, booked {booked}",
        )
        ledger.promise(
            "two sweepers lapse a request once and ask about a visit once",
            kept=swept and mails.get("booking.lapsed") == LAPSING and _told_once(house, asked, ended),
            found=str(
                dict(
                    house.rows.all(
                        "SELECT type, count(*) FROM notifications_notification "
                        "WHERE type IN ('booking.lapsed', 'booking.followup') GROUP BY type"
                    )
                )
            ),
        )
    ledger.close()
    return [ledger]


def _to_sweep(house: House) -> tuple[list[int], list[int]]:
    """Requests whose time is over, and visits that ended an hour ago; their ids."""
    asked = [house.desk.book(house.slots.order(provisional=True)).body["id"] for _ in range(LAPSING)]
    house.wait_for_jobs(60)
    house.rows.write(
        "UPDATE bookings_booking SET provisional_expires_at = created_at WHERE provisional_token IS NOT NULL"
    )
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    ended = []
    for number in range(ENDED):
        end = hour_ago - timedelta(minutes=30 * number)
        order = house.slots.order(start_at=printed(end - timedelta(minutes=30)), end_at=printed(end))
        order["staff_id"] = house.salon.staff[0]
        ended.append(house.desk.book(order).body["id"])
    return asked, ended


def _wait_for_sweeps(house: House, asked: list[int], ended: list[int]) -> bool:
    """Until every request has lapsed and every visit was asked about, and another sweep has passed."""
    for passed in until(SWEEP_SECONDS, every=1.0):
        found = house.rows.one(
            "SELECT count(DISTINCT booking_id) FROM notifications_notification "
            "WHERE type IN ('booking.lapsed', 'booking.followup')"
        )
        if found == len(asked) + len(ended) and passed > SWEEP_SECONDS / 2:
            return True
    return False


def _told_once(house: House, asked: list[int], ended: list[int]) -> bool:
    """Nobody has two lines about one of them."""
    most = house.rows.one(
        "SELECT max(lines) FROM (SELECT count(*) AS lines FROM notifications_notification "
        "WHERE type IN ('booking.lapsed', 'booking.followup') GROUP BY type, booking_id, staff_id) AS counted"
    )
    return bool(most == 1)
