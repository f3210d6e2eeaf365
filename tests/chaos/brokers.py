"""F3, F4: the broker forgets, restarts, stalls and goes away."""

from __future__ import annotations

import socket
import time

from tests.cast import servers
from tests.chaos.desk import Answer, Desk, Pace, hands
from tests.chaos.house import Ground, House
from tests.chaos.kills import CLIENTS, check_mails, delays, say_delays
from tests.chaos.ledger import Ledger, spread
from tests.chaos.sizes import Sizes

LONGEST_DELAY = 10.0
LONGEST_POST = 1.0
KEY_PER_SECOND = 2.0
STAFF_PER_SECOND = 5.0


def f3(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """FLUSHALL and a restart of the broker, again and again."""
    ledger = Ledger(
        "F3",
        "broker flushed and restarted (PostgreSQL + Valkey)",
        f"{sizes.broker_faults} times, every {sizes.broker_fault_every:g} s; {STAFF_PER_SECOND:g} bookings/s",
    )
    with ground.house("postgres", lease=sizes.lease) as house:
        house.start(web=2, worker=True)
        pace = Pace(per_second=STAFF_PER_SECOND)
        answers: list[Answer] = []

        def book(number: int) -> None:
            while pace.take():
                answers.append(house.desk.book(house.slots.order()))

        with hands(CLIENTS, book):
            for _ in range(sizes.broker_faults):
                time.sleep(sizes.broker_fault_every)
                flush(ground.valkey)
                ground.valkey.restart()
            time.sleep(sizes.broker_fault_every)
            pace.stopped.set()
        waited = house.wait_for_jobs(60)
        ledger.say("asked", house.requests.asked)
        check_mails(house, ledger, answers, kills=0, last_kill=time.time(), waited=waited)
        say_delays(house, ledger)
        longest = max(delays(house), default=0)
        ledger.promise(
            f"delay at most {LONGEST_DELAY:g} s", kept=longest <= LONGEST_DELAY, found=f"{longest:.1f} s"
        )
        _check_answers(ledger, house, answers)
    ledger.close()
    return [ledger]


def f4(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """The broker (and shared cache) frozen, then gone."""
    seconds = sizes.broker_stopped
    ledger = Ledger(
        "F4",
        "broker frozen, then gone (PostgreSQL + Valkey)",
        f"{seconds:g} s frozen, {seconds:g} s gone; {STAFF_PER_SECOND:g} bookings a second by staff, "
        f"{KEY_PER_SECOND:g} by an API key",
    )
    with ground.house("postgres", lease=sizes.lease) as house:
        house.start(web=2, worker=True)
        key = Desk(port=house.port, token=house.manage("make_key", "chaos").strip(), requests=house.requests)
        paces = [Pace(per_second=STAFF_PER_SECOND), Pace(per_second=KEY_PER_SECOND)]
        answers: list[Answer] = []

        def book(number: int) -> None:
            by_key = number % 2
            while paces[by_key].take():
                answers.append((key if by_key else house.desk).book(house.slots.order()))

        marks = [time.time()]
        with hands(CLIENTS * 2, book):
            time.sleep(8)
            marks.append(time.time())
            ground.valkey.freeze()
            time.sleep(seconds)
            ground.valkey.thaw()
            marks.append(time.time())
            time.sleep(8)
            marks.append(time.time())
            ground.valkey.stop("immediate")
            time.sleep(seconds)
            ground.valkey.start()
            marks.append(time.time())
            for pace in paces:
                pace.stopped.set()
        waited = house.wait_for_jobs(60)
        ledger.say("asked", house.requests.asked)
        for name, begin, end in zip(("healthy", "frozen", "back", "gone"), marks, marks[1:], strict=False):
            took = [each.seconds for each in answers if begin <= each.began < end]
            ledger.say(name, f"{len(took)} POSTs, {spread(took)}")
            if name in ("frozen", "gone"):
                p99 = sorted(took)[int(len(took) * 0.99) - 1] if took else 0.0
                ledger.promise(
                    f"{name}: POST p99 under {LONGEST_POST:g} s",
                    kept=p99 < LONGEST_POST,
                    found=f"{p99:.2f} s",
                )
        _check_answers(ledger, house, answers)
        check_mails(house, ledger, answers, kills=0, last_kill=marks[-1], waited=waited)
    ledger.close()
    return [ledger]


def _check_answers(ledger: Ledger, house: House, answers: list[Answer]) -> None:
    bad = [each.status for each in answers if each.status != 200]
    ledger.promise("no 5xx, nothing but 200", kept=not bad, found=str(bad[:10] or ""))
    crashes = house.crashes()
    ledger.promise("no error in the web's log", kept=not crashes, found=f"{len(crashes)} {crashes[:2]}")


def flush(valkey: servers.Server) -> None:
    """FLUSHALL: every queued wake-up and every counter is gone."""
    with socket.create_connection(("127.0.0.1", valkey.port), timeout=5) as wire:
        wire.sendall(b"FLUSHALL\r\n")
        wire.recv(64)
