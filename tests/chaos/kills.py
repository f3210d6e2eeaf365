"""F1, F2, F12: workers and web processes killed and stopped while bookings come in."""

from __future__ import annotations

import random
import time
from collections import Counter
from typing import Any

from tests.chaos.desk import Answer, Pace, hands
from tests.chaos.house import Ground, House, Kind
from tests.chaos.ledger import Ledger, spread
from tests.chaos.sizes import Sizes

CLIENTS = 4
THREADS = 4
CREATED = "booking.created"


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


def book_under_kills(house: House, sizes: Sizes) -> tuple[list[Answer], int, float]:
    """Bookings at their pace while the worker dies and is started again; the answers, kills, and the last
    one's time."""
    dice = random.Random(sizes.seed)
    pace = Pace(per_second=sizes.per_second, total=sizes.bookings)
    answers: list[Answer] = []
    kills, last_kill = 0, 0.0

    def book(number: int) -> None:
        while pace.take():
            answers.append(house.desk.book(house.slots.order()))

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
    mail: str = CREATED,
) -> None:
    """Every booking's one confirmation: nothing lost, nothing told twice under two ids."""
    booked = {answer.body["id"] for answer in answers if answer.outcome == "ok"}
    stored = {pk for (pk,) in house.rows.all("SELECT id FROM bookings_booking")}
    jobs = house.rows.all(
        "SELECT j.booking_id, m.message_id, j.state FROM notifications_job j "
        f"LEFT JOIN notifications_message m ON m.job_id = j.id WHERE j.type = '{mail}'"
    )
    ids_of: dict[int, list[str]] = {}
    for booking_id, message_id, _state in jobs:
        ids_of.setdefault(booking_id, []).append(message_id)
    copies = house.office.copies()
    arrived = Counter({pk: sum(copies[each] > 0 for each in ids) for pk, ids in ids_of.items()})
    lost = [pk for pk in stored if arrived[pk] == 0]
    repeats = sum(count - 1 for count in copies.values())
    ledger.say(
        "found", f"bookings answered {len(booked)}, stored {len(stored)}; mails {sum(copies.values())}"
    )
    ledger.promise("every 2xx is stored", kept=booked <= stored, found=f"{len(booked - stored)} missing")
    ledger.promise(
        "every booking has exactly one confirmation job and Message-ID",
        kept=all(len(ids_of.get(pk, [])) == 1 for pk in stored) and set(ids_of) <= stored,
    )
    ledger.promise("lost 0", kept=not lost, found=f"{len(lost)} lost {lost[:5]}")
    unknown = set(copies) - {message_id for _pk, message_id, _state in jobs}
    ledger.promise("no mail but those of the table", kept=not unknown, found=str(len(unknown)))
    most = max(copies.values(), default=0)
    ledger.promise(
        "raw repeats at most one per kill and mail in hand, same Message-ID, same mail",
        kept=repeats <= kills * THREADS and most <= 2 and repeats_are_equal(house),
        found=f"{repeats} repeats in {kills} kills; most copies of one mail {most}",
    )
    late = [each.at - last_kill for each in house.office.accepted if each.at > last_kill]
    ledger.promise(
        f"all delivered within lease + 60 s after the last kill ({house.lease + 60} s)",
        kept=waited is not None and max(late, default=0) <= house.lease + 60,
        found=f"last mail {max(late, default=0):.0f} s after it; states {states(house)}",
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
