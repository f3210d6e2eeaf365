"""How soon the mail of a booking leaves: from the answer to the booking to the mail in the sink.

    python -m tests.bench.mails [--bookings 200] [--seconds 0.25]

With Redis and PostgreSQL as in production, and with the embedded broker and SQLite as out of the box; a
booking every so many seconds. Ends with 1 where the slowest hundredth waits longer than 1 s, or 2 s embedded.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

from tests.chaos.house import Ground, House, Kind

MOST_SECONDS: dict[Kind, float] = {"postgres": 1.0, "sqlite": 2.0}
PATIENCE = 60.0


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.mails")
    parser.add_argument("--bookings", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=0.25, help="between two bookings")
    asked = parser.parse_args(arguments)
    missed = False
    with Ground() as ground:
        for kind, most in MOST_SECONDS.items():
            with ground.house(kind, clients=asked.bookings) as house:
                house.start(web=2, worker=True)
                waits = sorted(_waits(house, asked.bookings, every=asked.seconds))
            p99 = waits[-1 - len(waits) // 100]
            missed |= p99 > most
            print(
                f"{kind}: {len(waits)} mails after {statistics.median(waits):.2f} s (median), "
                f"{p99:.2f} s (p99), {waits[-1]:.2f} s (slowest); p99 at most {most:g} s"
                f"{'  missed' if p99 > most else ''}",
                flush=True,
            )
    return int(missed)


def _waits(house: House, bookings: int, *, every: float) -> list[float]:
    """Seconds from each booking's answer to its mail. The first few warm up whoever has to do with it."""
    answered: dict[str, float] = {}
    warming = 10
    for _ in range(bookings + warming):
        booking = house.desk.book(house.slots.order())
        answered[str(booking.body["id"])] = time.time()
        time.sleep(every)
    if house.wait_for_jobs(PATIENCE) is None:
        raise TimeoutError("there are jobs left")
    rows = house.rows.all(
        "SELECT m.message_id, m.booking_id FROM notifications_message m WHERE m.type = 'booking.created'"
    )
    booking_of = {message_id: str(booking_id) for message_id, booking_id in rows}
    arrived = {booking_of[each.message_id]: each.at for each in reversed(house.office.accepted)}
    return [arrived[booking] - at for booking, at in list(answered.items())[warming:]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
