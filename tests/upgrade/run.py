"""`make upgrade-test`: upgrades under load, against the previous release and by `make upgrade`.

    python -m tests.upgrade.run                      # all, about five minutes on two cores
    python -m tests.upgrade.run --only beside
    python -m tests.upgrade.run --logs FOLDER        # a new folder to leave every program's log in

Each run prints its ledger. Ends with 1 when a promise is broken, or when a run could not be made.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.cast import servers
from tests.chaos.ledger import Ledger
from tests.upgrade import beside, one_machine
from tests.upgrade.previous import Missing

RUNS: dict[str, Callable[[Path], Ledger]] = {
    "beside": beside.run,
    "sqlite": one_machine.run_sqlite,
    "postgres": one_machine.run_postgres,
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], allow_abbrev=False)
    parser.add_argument("--only", default=",".join(RUNS), help="some of them")
    parser.add_argument("--logs", type=Path)
    asked = parser.parse_args(arguments)
    chosen = asked.only.split(",")
    if unknown := [each for each in chosen if each not in RUNS]:
        parser.error(f"no such run: {', '.join(unknown)}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    broken = 0
    with tempfile.TemporaryDirectory(prefix="bookings-upgrade-") as temporary:
        for name in chosen:
            folder = (asked.logs or Path(temporary)) / name
            folder.mkdir(parents=True)
            try:
                broken += bool(RUNS[name](folder).broken)
            except (Missing, servers.Missing) as missing:
                border = "!" * 100
                print(f"{border}\n!!! {name} was not run: {missing}\n{border}", file=sys.stderr)
                broken += 1
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
