"""F15: a day's reminders while no worker runs for hours, and on both nights on which the clocks change."""

from __future__ import annotations

import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.chaos.desk import Slots, printed, visit_of
from tests.chaos.house import Ground, House
from tests.chaos.kills import repeats_are_equal
from tests.chaos.ledger import Ledger, counted
from tests.chaos.programs import until
from tests.chaos.sizes import Sizes

DAY = 1440
NEAR = 6
CANCELLED, MOVED = 5, 5
KILLS = 3
RULES = "/api/reminder-rules"
NIGHTS = (
    ("2027-03-29 10:00:00", "2027-03-28 01:00"),
    ("2027-11-01 10:00:00", "2027-10-31 00:30"),
)
"""A start the day after the clocks change, and the instant (UTC) that 02:30 of the night is, or jumps to."""

PENDING = "state = 'pending' AND type = 'visit.reminder'"


def f15(ground: Ground, sizes: Sizes) -> list[Ledger]:
    ledger = Ledger(
        "F15",
        "a day's reminders across a worker outage (PostgreSQL + Valkey)",
        f"{sizes.reminders} visits of a day, {CANCELLED} cancelled and {MOVED} moved meanwhile, {NEAR} too "
        f"late; then {KILLS} kills -9 while they leave; lease {sizes.lease} s",
    )
    with ground.house("postgres", lease=sizes.lease) as house:
        house.start(web=2, worker=True)
        a_day_without_a_worker(house, ledger, visits=sizes.reminders)
        both_nights(house, ledger)
    ledger.close()
    return [ledger]


def a_day_without_a_worker(house: House, ledger: Ledger, *, visits: int) -> None:
    day_before = _add_rule(house, {"minutes_before": DAY}, asks_confirmation=True)
    hour_before = _add_rule(house, {"minutes_before": 60})
    slots = Slots(house.salon, first_day=3)
    booked = [house.desk.book(slots.order()) for _ in range(visits)]
    soon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=5)
    near = [house.desk.book(_at(house, soon, number)) for number in range(NEAR)]
    house.wait_for_jobs(house.lease + 60)
    house.worker.kill()
    house.beat.kill()
    middle = slots.start + timedelta(minutes=30 * (visits // len(house.salon.staff) // 2))
    _hours_pass(house, day_before, minutes=int((middle - datetime.now(UTC)).total_seconds() // 60))
    _hours_pass(house, hour_before, minutes=DAY)
    due = _due(house)
    for each in booked[:CANCELLED]:
        house.desk.change(each.body["id"], {"status": "cancelled"})
    for each in booked[CANCELLED : CANCELLED + MOVED]:
        start = datetime.fromisoformat(each.body["start_at"]) + timedelta(days=20)
        times = {"start_at": printed(start), "end_at": printed(start + timedelta(minutes=30))}
        house.desk.change(each.body["id"], times)
    spoiled = {visit_of(each) for each in booked[: CANCELLED + MOVED]}
    house.office.answer_after = 0.1
    house.worker.start()
    house.beat.start()
    for _ in range(KILLS):
        time.sleep(4)
        house.worker.kill()
        house.worker.start()
    waited = _wait(house, seconds=house.lease * 2 + 90)
    too_late = {visit_of(each) for each in near}
    check_reminders(house, ledger, due=due - spoiled - too_late, not_to_be=spoiled | too_late, waited=waited)
    reasons = _reasons(house)
    ledger.promise(
        "what could do no good any more says so",
        kept=reasons["too_late"] == NEAR,
        found=counted(reasons),
    )


def check_reminders(
    house: House, ledger: Ledger, *, due: set[int], not_to_be: set[int], waited: float | None
) -> None:
    rows = house.rows.all(
        "SELECT m.visit_id, m.message_id, m.state, m.reason, j.state FROM notifications_message m "
        "JOIN notifications_job j ON j.id = m.job_id WHERE m.type = 'visit.reminder'"
    )
    copies = Counter(each.message_id for each in house.office.accepted)
    reached = Counter(row[0] for row in rows if copies[row[1]])
    repeats = sum(copies[row[1]] - 1 for row in rows if copies[row[1]])
    ledger.say(
        "found", f"{len(rows)} reminders: {counted(Counter(f'{row[2]} {row[3]}'.strip() for row in rows))}"
    )
    missing = [pk for pk in due if reached[pk] != 1]
    ledger.promise(
        "each that was due has left, once",
        kept=not missing and waited is not None,
        found=f"{len(due)} due, {len(missing)} not",
    )
    wrong = [pk for pk in reached if pk in not_to_be]
    ledger.promise(
        "none of what was cancelled, moved or is too late", kept=not wrong, found=str(wrong[:5] or "")
    )
    ledger.promise(
        "raw repeats at most one per kill, same Message-ID, same mail",
        kept=repeats <= KILLS and repeats_are_equal(house),
        found=f"{repeats} repeats",
    )
    dumb = [row for row in rows if row[2] == "not_sent" and not row[3]]
    ledger.promise("every other one says why, or waits", kept=not dumb, found=str(dumb[:3] or ""))


def both_nights(house: House, ledger: Ledger) -> None:
    """What 02:30 of these nights is on the salon's wall clock."""
    house.desk.ask("PUT", "/api/settings", {"timezone": "Europe/Amsterdam"})
    rule = _add_rule(house, {"days_before": 1, "at": "02:30"})
    found = []
    for number, (start, _) in enumerate(NIGHTS):
        order = _at(house, datetime.fromisoformat(start), number)
        visit_id = visit_of(house.desk.book(order))
        found += house.rows.all(
            "SELECT to_char(run_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') FROM notifications_job "
            f"WHERE {PENDING} AND visit_id = {visit_id} AND payload->>'rule_id' = '{rule}'"
        )
    expected = [(due,) for _, due in NIGHTS]
    ledger.promise("once on the night of each clock change", kept=found == expected, found=str(found))


def _add_rule(house: House, when: dict[str, Any], **more: Any) -> int:
    answer = house.desk.ask("POST", RULES, {"name": "Reminder", "when": when, **more})
    rule_id: int = answer.body["id"]
    return rule_id


def _at(house: House, start: datetime, number: int) -> dict[str, Any]:
    return {
        "client_id": house.salon.clients[number],
        "staff_id": house.salon.staff[number % len(house.salon.staff)],
        "service_id": house.salon.service,
        "start_at": printed(start + timedelta(minutes=30 * (number // len(house.salon.staff)))),
    }


def _hours_pass(house: House, rule: int, *, minutes: int) -> None:
    """The rule asks for them earlier, as if so much time had gone by since."""
    house.rows.write(f"UPDATE bookings_reminderrule SET minutes_before = {minutes} WHERE id = {rule}")
    due = f"v.start_at - interval '{minutes} minutes'"
    house.rows.write(
        f"UPDATE notifications_job j SET run_at = {due}, first_run_at = {due} FROM bookings_visit v "
        f"WHERE v.id = j.visit_id AND j.state = 'pending' AND j.type = 'visit.reminder' "
        f"AND j.payload->>'rule_id' = '{rule}'"
    )


def _due(house: House) -> set[int]:
    """The visits with a reminder whose time has come."""
    return {
        pk
        for (pk,) in house.rows.all(
            f"SELECT visit_id FROM notifications_job WHERE {PENDING} AND run_at <= now()"
        )
    }


def _reasons(house: House) -> Counter[str]:
    rows = house.rows.all(
        "SELECT reason FROM notifications_message WHERE type = 'visit.reminder' AND reason <> ''"
    )
    return Counter(reason for (reason,) in rows)


def _wait(house: House, *, seconds: float) -> float | None:
    """Seconds until none was due or on its way; None when some still were."""
    began = time.monotonic()
    left = (
        "SELECT count(*) FROM notifications_job WHERE type = 'visit.reminder' "
        "AND (state = 'claimed' OR (state = 'pending' AND run_at <= now()))"
    )
    for _ in until(seconds, every=0.5):
        if house.rows.one(left) == 0:
            return time.monotonic() - began
    return None
