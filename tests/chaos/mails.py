"""F6, F9, F10: mail servers that fail, workers that freeze, appointments that move again and again."""

from __future__ import annotations

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from typing import Any

from icalendar import Calendar

from tests.chaos.desk import Answer, hands
from tests.chaos.house import Ground, House
from tests.chaos.kills import CLIENTS, repeats_are_equal, states
from tests.chaos.ledger import Ledger, counted
from tests.chaos.post_office import Accepted
from tests.chaos.programs import until
from tests.chaos.sizes import Sizes

MANNERS = ("ok", "later", "never", "hang", "reset", "cut")
"""How the mail server treats a client, by the beginning of the address."""
DOWN_SECONDS = 6.0
FROZEN = 4
FROZEN_LEASE = 8
UPDATE_DELAY = 10
ENDINGS = ("elsewhere", "back", "cancelled")
ZONE = "Europe/Amsterdam"
SPECIAL_DAYS = (
    ("2027-03-28 01:30:00", "2027-03-28 03:30:00", "2027-03-28T00:30:00+00:00", "2027-03-28T01:30:00+00:00"),
    ("2027-10-31 01:30:00", "2027-10-31 03:30:00", "2027-10-30T23:30:00+00:00", "2027-10-31T02:30:00+00:00"),
    ("2027-10-31 02:30:00", "2027-10-31 03:00:00", "2027-10-31T00:30:00+00:00", "2027-10-31T02:00:00+00:00"),
)
"""Wall-clock start and end on the days the clock changes, and the instants they mean."""


def manner(recipient: str, earlier: int) -> str:
    """451 twice, 550 for ever, and each kind of silence once."""
    name = kind_of(recipient)
    if name == "never":
        return "550"
    if name == "later":
        return "451" if earlier < 2 else "ok"
    return name if earlier == 0 and name in MANNERS else "ok"


def kind_of(address: str) -> str:
    """The letters an address begins with: `later12@example.com` is `later`."""
    return address.partition("@")[0].rstrip("0123456789")


def f6(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """A mail server that refuses, stalls, hangs up and goes away."""
    ledger = Ledger(
        "F6",
        "mail server: 451, 550, hang after DATA, reset, cut, down",
        f"{sizes.mails} mails, {len(MANNERS)} manners; down for {DOWN_SECONDS:g} s; lease {sizes.lease} s",
    )
    with ground.house("postgres", lease=sizes.lease, names=MANNERS, clients=len(MANNERS) * 4) as house:
        house.start(web=2, worker=True)
        send_through_faults(house, ledger, mails=sizes.mails)
    ledger.close()
    return [ledger]


def send_through_faults(house: House, ledger: Ledger, *, mails: int) -> None:
    """F6 in a house whose clients' addresses begin with MANNERS in turn."""
    house.office.manner = manner
    clients = house.salon.clients
    orders = [house.slots.order(client_id=clients[number % len(clients)]) for number in range(mails)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        booked = list(pool.map(house.desk.book, orders[: mails // 2]))
        house.office.shut()
        booked += pool.map(house.desk.book, orders[mails // 2 :])
        time.sleep(DOWN_SECONDS)
        house.office.open()
    waited = house.wait_for_jobs(house.lease * 3 + 60, hurry=True)
    check_faulty_mails(house, ledger, {each.body["id"] for each in booked if each.outcome == "ok"}, waited)


def check_faulty_mails(house: House, ledger: Ledger, booked: set[int], waited: float | None) -> None:
    rows = house.rows.all(
        'SELECT j.booking_id, j.state, m.state, m.message_id, m."to" FROM notifications_job j '
        "JOIN notifications_message m ON m.job_id = j.id WHERE j.type = 'booking.created' ORDER BY j.id"
    )
    mine = [row for row in rows if row[0] in booked]
    ids = {row[3] for row in mine}
    copies = Counter(each.message_id for each in house.office.accepted if each.message_id in ids)
    ledger.say("asked", f"{len(booked)} bookings; the server refused {counted(house.office.refused)}")
    ledger.say(
        "found", f"jobs {states(house)}; all over after {waited if waited is None else round(waited)} s"
    )
    never = [row for row in mine if row[4].startswith("never")]
    others = [row for row in mine if not row[4].startswith("never")]
    lost = [row for row in others if copies[row[3]] == 0]
    ledger.promise("lost 0", kept=not lost and waited is not None, found=f"{len(lost)} {lost[:3]}")
    ledger.promise(
        "one Message-ID for each booking",
        kept=len(mine) == len(booked),
        found=f"{len(mine)} for {len(booked)}",
    )
    wrong = [row for row in others if row[1:3] != ("done", "sent")]
    ledger.promise("every accepted mail is known as sent", kept=not wrong, found=str(wrong[:3] or ""))
    alive = [row for row in never if row[1:3] != ("dead", "not_sent") or copies[row[3]]]
    told = house.rows.one("SELECT count(*) FROM notifications_notification WHERE type = 'job.dead'")
    ledger.promise(
        "550: dead, and every admin told once",
        kept=not alive and told == len(never),
        found=f"{len(never)} dead, {told} notices",
    )
    twice = Counter(kind_of(row[4]) for row in mine if copies[row[3]] > 1)
    ledger.promise(
        "a second copy only where the answer was lost, with the same Message-ID",
        kept=set(twice) <= {"hang", "reset"}
        and max(copies.values(), default=0) <= 2
        and repeats_are_equal(house),
        found=f"copies {counted(Counter(copies.values()))}; twice {counted(twice)}",
    )


def f9(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """A worker that is frozen for longer than its lease; and the days the clock changes."""
    return [_frozen(ground), _special_days(ground)]


def _frozen(ground: Ground) -> Ledger:
    ledger = Ledger(
        "F9",
        "worker frozen longer than its lease (PostgreSQL + Valkey)",
        f"{FROZEN} mails in hand before the point of no return, {FROZEN} after it; lease {FROZEN_LEASE} s",
    )
    with ground.house("postgres", lease=FROZEN_LEASE) as house:
        other = house.another_worker("other")
        house.start(web=1, worker=True)
        office = house.office
        before = _freeze_at(house, other, greet_after=3.0)
        ledger.promise(
            "frozen before sending: no second sender",
            kept=set(before.values()) == {1},
            found=f"{len(before)} mails, copies {counted(Counter(before.values()))}",
        )
        lost = len(house.worker.said("lease_lost"))
        ledger.promise("the frozen worker noticed when it woke", kept=lost > 0, found=f"{lost} times")
        office.accepted.clear()
        other.end()
        after = _freeze_at(house, other, hang=3.0)
        ledger.promise(
            "frozen in mid-sending: once more with the same Message-ID, never a third time",
            kept=set(after.values()) <= {1, 2} and repeats_are_equal(house),
            found=f"{len(after)} mails, copies {counted(Counter(after.values()))}",
        )
        ledger.say("found", f"jobs {states(house)}")
    ledger.close()
    return ledger


def _freeze_at(house: House, other: Any, *, greet_after: float = 0.0, hang: float = 0.0) -> Counter[str]:
    """Freeze the worker with mails in hand, let another one take over, thaw; how many copies came."""
    office = house.office
    office.connected.clear()
    office.greet_after, office.hang_seconds = greet_after, hang
    if hang:
        office.manner = lambda recipient, earlier: "hang" if earlier == 0 else "ok"
    ids = [house.desk.book(house.slots.order()).body["id"] for _ in range(FROZEN)]
    office.connected.wait(30)
    for _ in until(10):
        if not hang or office.accepted:
            break
    time.sleep(greet_after / 3)
    house.worker.freeze()
    office.greet_after = 0.0
    office.hang_seconds = 0.0
    other.start()
    wanted = ", ".join(map(str, ids))
    for _ in until(FROZEN_LEASE * 3 + 30, every=0.5):
        done = house.rows.one(
            f"SELECT count(*) FROM notifications_job WHERE state = 'done' AND booking_id IN ({wanted})"
        )
        if done == FROZEN:
            break
    house.worker.thaw()
    time.sleep(6)
    office.manner = lambda recipient, earlier: "ok"
    return office.copies()


def _special_days(ground: Ground) -> Ledger:
    ledger = Ledger(
        "F9", f"days on which the clock changes ({ZONE})", f"{len(SPECIAL_DAYS)} visits, one that is no time"
    )
    with ground.house(
        "postgres", salon={"timezone": ZONE}, variables={"TZ": ZONE, "TIME_ZONE": ZONE}
    ) as house:
        house.start(web=1, worker=True)
        answers = []
        for number, (start, end, _start, _end) in enumerate(SPECIAL_DAYS):
            order = house.slots.order(start_at=start, end_at=end)
            answers.append(house.desk.book({**order, "staff_id": house.salon.staff[number]}))
        skipped = house.desk.book(
            house.slots.order(start_at="2027-03-28 02:30:00", end_at="2027-03-28 03:30:00")
        )
        ledger.promise("a wall-clock time that is skipped is refused", kept=skipped.status == 400)
        house.wait_for_jobs(60)
        invited = {
            (found.isoformat(), until_.isoformat())
            for found, until_ in (_times_of(each) for each in house.office.accepted)
        }
        expected = {(start, end) for _w, _v, start, end in SPECIAL_DAYS}
        ledger.promise(
            "one invitation each, with the right instants",
            kept=invited == expected and set(house.office.copies().values()) == {1},
            found=str(sorted(invited ^ expected) or ""),
        )
        shown = [(each.body.get("start_at"), each.body.get("end_at")) for each in answers]
        ledger.promise(
            "the API shows the wall clock that was sent", kept=shown == [each[:2] for each in SPECIAL_DAYS]
        )
    ledger.close()
    return ledger


@dataclass
class Burst:
    """One booking, or visit of two, that is moved again and again, and how that ends.

    `booking_id`: of a visit the first one, which its mails name; `path`: what is moved.
    """

    booking_id: int
    path: str
    ending: str
    start_at: str
    moves: int
    answers: list[Answer]


def f10(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """Bursts of moves that end elsewhere, back, or cancelled."""
    ledger = Ledger(
        "F10",
        "bursts of moves",
        f"{sizes.bursts} bookings and visits in turn, 2-50 moves; mail {UPDATE_DELAY} s after the latest; "
        f"seed {sizes.seed}",
    )
    delay = {"UPDATE_MAIL_DELAY_SECONDS": str(UPDATE_DELAY)}
    with ground.house("postgres", lease=sizes.lease, clients=sizes.bursts, variables=delay) as house:
        house.start(web=2, worker=True)
        bursts = book_for_bursts(house, count=sizes.bursts, most_moves=50, seed=sizes.seed)
        house.wait_for_jobs(60)
        move_about(house, bursts, seed=sizes.seed)
        house.wait_for_jobs(UPDATE_DELAY + 60, later_too=True)
        ledger.say("asked", house.requests.asked)
        check_bursts(house, ledger, bursts)
    ledger.close()
    return [ledger]


def book_for_bursts(
    house: House, *, count: int, most_moves: int, seed: int, client: int | None = None
) -> list[Burst]:
    """A lane of five half hours for each, so that nobody is in anybody's way; every second one is a visit of
    two. `client`: for all."""
    dice, found = random.Random(seed), []
    for number in range(count):
        who = {
            "staff": house.salon.staff[number % len(house.salon.staff)],
            "client": client or house.salon.clients[number % len(house.salon.clients)],
        }
        place, ending, moves = 2000 + 5 * number, ENDINGS[number % len(ENDINGS)], dice.randint(2, most_moves)
        if number % 2:
            visit = house.desk.book_visit(house.slots.visit_at(place, **who)).body["visit"]
            path, booking_id, start_at = (
                f"/api/visits/{visit['id']}",
                visit["booking_ids"][0],
                visit["start_at"],
            )
        else:
            booking = house.desk.book(house.slots.at(place, **who)).body
            path, booking_id, start_at = f"/api/bookings/{booking['id']}", booking["id"], booking["start_at"]
        found.append(Burst(booking_id, path, ending, start_at, moves, []))
    return found


def move_about(house: House, bursts: list[Burst], *, seed: int) -> None:
    todo = list(bursts)

    def move(number: int) -> None:
        dice = random.Random(f"{seed}:{number}")
        while todo:
            burst = todo.pop()
            lane = _lane(house, burst)
            place = 0
            for left in range(burst.moves - 1, -1, -1):
                place = dice.choice([each for each in range(4) if each != place])
                if left == 0 and burst.ending != "cancelled":
                    place = 0 if burst.ending == "back" else dice.randint(1, 3)
                burst.answers.append(house.desk.ask("PUT", burst.path, lane[place]))
            if burst.ending == "cancelled":
                burst.answers.append(house.desk.ask("DELETE", burst.path))

    with hands(CLIENTS, move):
        pass


def _lane(house: House, burst: Burst) -> list[dict[str, str]]:
    first = datetime.fromisoformat(f"{burst.start_at}+00:00")
    number = int((first - house.slots.start).total_seconds() // 1800)
    orders = [house.slots.at(number + step, staff=0, client=0) for step in range(4)]
    names = ("start_at", "end_at") if "/bookings/" in burst.path else ("start_at",)
    return [{name: order[name] for name in names} for order in orders]


def check_bursts(house: House, ledger: Ledger, bursts: list[Burst]) -> None:
    type_of = {
        message_id: (booking_id, type_)
        for message_id, booking_id, type_ in house.rows.all(
            "SELECT message_id, booking_id, type FROM notifications_message"
        )
    }
    got: dict[tuple[int, str], list[Accepted]] = {}
    for each in house.office.accepted:
        got.setdefault(type_of[each.message_id], []).append(each)
    refused = Counter(each.status for burst in bursts for each in burst.answers if each.status != 200)
    ledger.promise("every move was taken", kept=not refused, found=counted(refused))
    moves = sum(burst.moves for burst in bursts)
    for ending, expected in (("elsewhere", 1), ("back", 0), ("cancelled", 0)):
        chosen = [burst for burst in bursts if burst.ending == ending]
        counts = Counter(len(_ids(got, burst, "booking.updated")) for burst in chosen)
        ledger.promise(
            f"{len(chosen)} bursts ending {ending}: {expected} update mail each",
            kept=set(counts) <= {expected},
            found=counted(counts),
        )
    cancelled = Counter(
        len(_ids(got, each, "booking.cancelled")) for each in bursts if each.ending == "cancelled"
    )
    ledger.promise("cancelled: one cancellation each", kept=set(cancelled) <= {1}, found=counted(cancelled))
    stale = [
        burst.booking_id
        for burst in bursts
        if burst.ending == "elsewhere"
        for each in got.get((burst.booking_id, "booking.updated"), [])
        if f"{_times_of(each)[0]:%Y-%m-%d %H:%M:%S}" != _stands_at(burst)
    ]
    ledger.promise("the mail has the final time", kept=not stale, found=f"{moves} moves, {len(stale)} stale")


def _stands_at(burst: Burst) -> str:
    body = burst.answers[-1].body
    return str(body.get("visit", body)["start_at"])


def _ids(got: dict[tuple[int, str], list[Accepted]], burst: Burst, type_: str) -> set[str]:
    return {each.message_id for each in got.get((burst.booking_id, type_), [])}


def _times_of(mail: Accepted) -> tuple[datetime, datetime]:
    """Start and end of the mail's calendar entry, in UTC."""
    for part in message_from_bytes(mail.content).walk():
        if part.get_content_type() == "text/calendar":
            event = Calendar.from_ical(part.get_payload(decode=True)).walk("VEVENT")[0]
            return event.decoded("DTSTART").astimezone(UTC), event.decoded("DTEND").astimezone(UTC)
    raise LookupError("a mail without a calendar entry")
