"""`make cluster`: a salon on eight hosts, of which one after the other dies, stands still and is cut off.

    python -m tests.cluster.run                       # all, about 20 minutes on two cores
    python -m tests.cluster.run --only writer-cut,web-kill
    python -m tests.cluster.run --list

Hosts are network namespaces of this machine; PostgreSQL under Patroni and etcd, Redis under Sentinel and
HAProxy come from Debian 13, in `.venv/cluster/`. Needs root. Prints a ledger of each fault and ends with
1 when a promise is broken, or when it could not be run.
"""

from __future__ import annotations

import argparse
import itertools
import json
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.desk import Desk, Salon, Slots
from tests.chaos.ledger import Ledger, Requests
from tests.chaos.post_office import PostOffice, post_office
from tests.chaos.programs import until
from tests.chaos.rows import TWO_PARTIES, Rows
from tests.cluster.hosts import PACKAGES, START_SECONDS, Cluster
from tests.cluster.load import Load, people
from tests.cluster.network import HERE, Host, Network
from tests.install.debootstrap import Missing, system

WRITES_BACK_SECONDS = 40.0
LAGGING_BACK_SECONDS = 10.0
CALM_SECONDS = 8.0
WHOLE_SECONDS = 90.0
MAILS_SECONDS = 120.0
DUE = """
SELECT count(*) FROM notifications_job WHERE state IN ('pending', 'claimed') AND first_run_at <= now()
"""
ONE_CONFIRMATION = "type = 'booking.created'"


@dataclass(frozen=True)
class Fault:
    """What is done to one host, for how long, and how long writes may be away (seconds)."""

    of: Callable[[Cluster], Host]
    begin: Callable[[Host], None]
    end: Callable[[Host], None]
    lasts: float
    allowed: float


def _writer(cluster: Cluster) -> Host:
    name = cluster.writer()
    return next(each for each in cluster.data if each.name == name)


def _standby(cluster: Cluster) -> Host:
    name = cluster.writer()
    return next(each for each in cluster.data if each.name != name)


HOW: dict[str, tuple[Callable[[Host], None], Callable[[Host], None]]] = {
    "kill": (Host.kill, Host.start),
    "freeze": (Host.freeze, Host.thaw),
    "cut": (Host.cut, Host.heal),
}
WHO: dict[str, tuple[Callable[[Cluster], Host], float, float]] = {
    "writer": (_writer, 50.0, WRITES_BACK_SECONDS),
    "standby": (_standby, 20.0, WRITES_BACK_SECONDS),
    "web": (lambda cluster: cluster.web[0], 20.0, LAGGING_BACK_SECONDS),
    "worker": (lambda cluster: cluster.workers[0], 20.0, LAGGING_BACK_SECONDS),
}
FAULTS = {
    f"{who}-{how}": Fault(of, begin, end, lasts, allowed)
    for who, (of, lasts, allowed) in WHO.items()
    for how, (begin, end) in HOW.items()
}


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", help=f"some of {', '.join(FAULTS)}")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--logs", type=Path, help="a new folder to leave every program's log in")
    asked = parser.parse_args(arguments)
    chosen = asked.only.split(",") if asked.only else list(FAULTS)
    if unknown := [each for each in chosen if each not in FAULTS]:
        parser.error(f"no such fault: {', '.join(unknown)}")
    if asked.list:
        print("\n".join(chosen))
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        debian = system("cluster", suite="trixie", packages=PACKAGES)
    except Missing as missing:
        border = "!" * 100
        print(f"{border}\n!!! No cluster was run: {missing}\n{border}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="bookings-cluster-") as name:
        folder = asked.logs or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        ledgers = _run(chosen, debian, folder)
    print("\n" + "\n".join(f"{each.name:<16} {each.verdict}" for each in ledgers), flush=True)
    return int(any(each.broken for each in ledgers))


def _run(chosen: list[str], debian: Path, folder: Path) -> list[Ledger]:
    ledgers = []
    with Network(folder) as network, post_office(folder, host=HERE) as office:
        cluster = Cluster(network, system=debian, folder=folder, mail=office.url)
        cluster.start()
        salon = Salon(
            **cluster.fill(staff=6, clients=60, names=["client"], salon={"online_booking": "instant"})
        )
        slots = Slots(salon)
        desk = Desk(
            host=cluster.proxy.address,
            port=80,
            token=salon.token,
            requests=Requests(folder / "requests.jsonl"),
        )
        for name in chosen:
            ledgers.append(_one(name, FAULTS[name], cluster, desk, slots, office))
    return ledgers


def _one(name: str, fault: Fault, cluster: Cluster, desk: Desk, slots: Slots, office: PostOffice) -> Ledger:
    if not any(cluster.is_whole() for _ in until(START_SECONDS, every=0.5)):
        raise TimeoutError("the cluster did not become whole; look at its logs (--logs)")
    host = fault.of(cluster)
    ledger = Ledger(name, f"{host.name} ({name.partition('-')[2]})", f"for {fault.lasts:.0f} s")
    repeats_before = _repeats(office)
    with people(desk, slots) as load, _watching(cluster) as writers:
        time.sleep(CALM_SECONDS)
        began = time.time()
        fault.begin(host)
        time.sleep(fault.lasts)
        fault.end(host)
        ended = time.time()
        whole = next((passed for passed in until(WHOLE_SECONDS, 0.5) if cluster.is_whole()), None)
        missing = "" if whole is not None else cluster.missing()
        time.sleep(CALM_SECONDS)
        over = time.time()
    ledger.say(
        "asked",
        f"{len(load.writes)} writes acknowledged in {load.tries} tries, {len(load.reads)} reads, "
        f"{len(load.lagging)} of what may lag",
    )
    ledger.say("writers", ", ".join(f"{at - began:+.0f} s {who or 'none'}" for at, who in writers))
    ledger.say(
        "whole",
        f"not again: {missing}" if whole is None else f"again {ended - began + whole:.0f} s after the fault",
    )
    _check_times(ledger, load, fault, began=began, over=over)
    _check_rows(ledger, load, cluster)
    _check_one_writer(ledger, cluster, since=began - CALM_SECONDS)
    hands = {"web": 0, "worker": 1}.get(name.partition("-")[0], len(cluster.workers))
    _check_mails(ledger, cluster, office, repeats_before=repeats_before, hands=hands)
    ledger.promise("the cluster is whole again", kept=whole is not None)
    ledger.close()
    return ledger


def _check_times(ledger: Ledger, load: Load, fault: Fault, *, began: float, over: float) -> None:
    without_writes = load.gap(load.writes, since=began, until=over)
    without_reads = load.gap(load.reads, since=began, until=over)
    ledger.promise(
        f"writes are back within {fault.allowed:.0f} s",
        kept=without_writes <= fault.allowed,
        found=f"{without_writes:.1f} s without a write, {without_reads:.1f} s without a read",
    )
    without_lagging = load.gap(load.lagging, since=began, until=over)
    ledger.promise(
        f"what may lag is back within {LAGGING_BACK_SECONDS:.0f} s",
        kept=without_lagging <= LAGGING_BACK_SECONDS,
        found=f"{without_lagging:.1f} s without it",
    )
    refused = Counter((each.status, str(each.body)[:80]) for each in load.gave_up)
    ledger.promise("every call had its 2xx in the end", kept=not refused, found=str(dict(refused) or ""))


def _check_rows(ledger: Ledger, load: Load, cluster: Cluster) -> None:
    rows = Rows(f"{cluster.database_url}?target_session_attrs=read-write")
    stored = dict(rows.all("SELECT id, to_char(start_at, 'YYYY-MM-DD HH24:MI:SS') FROM bookings_booking"))
    lost = [each for each in load.booked if each not in stored]
    unmoved = [each for each, start in load.moved.items() if stored.get(each) != start]
    ledger.promise(
        "lost 0", kept=not lost and not unmoved, found=f"{len(lost)} bookings, {len(unmoved)} moves"
    )
    double = rows.one(TWO_PARTIES)
    ledger.promise("double booked 0", kept=double == 0, found=str(double))


def _check_one_writer(ledger: Ledger, cluster: Cluster, *, since: float) -> None:
    """By what each PostgreSQL acknowledged to the witness beside it, cut off or not."""
    spans = {}
    for host in cluster.data:
        lines = [json.loads(each) for each in (host.folder / "witness.jsonl").read_text().splitlines()]
        told = [each["answered"] for each in lines if each["ok"] and each["sent"] >= since]
        if told:
            spans[host.name] = (min(told), max(told))
    ordered = sorted(spans.items(), key=lambda each: each[1])
    pairs = list(itertools.pairwise(ordered))
    overlapping = [f"{a} and {b}" for (a, (_, end)), (b, (begin, _)) in pairs if end > begin]
    waits = [f"{begin - end:.1f} s from {a} to {b}" for (a, (_, end)), (b, (begin, _)) in pairs]
    ledger.promise(
        "one writer at a time", kept=not overlapping, found="; ".join(overlapping or waits) or ordered[0][0]
    )


def _check_mails(
    ledger: Ledger, cluster: Cluster, office: PostOffice, *, repeats_before: int, hands: int
) -> None:
    """`hands`: how many workers may have had a mail in hand and not written down that it went (ADR 54)."""
    rows = Rows(f"{cluster.database_url}?target_session_attrs=read-write")
    seconds = next((passed for passed in until(MAILS_SECONDS, 0.5) if rows.one(DUE) == 0), None)
    ids = {
        each for (each,) in rows.all(f"SELECT message_id FROM notifications_message WHERE {ONE_CONFIRMATION}")
    }
    visits = rows.one("SELECT count(DISTINCT visit_id) FROM bookings_booking")
    copies = office.copies()
    untold = [each for each in ids if not copies[each]]
    ledger.promise(
        "every visit has one confirmation, sent under one Message-ID",
        kept=len(ids) == visits and not untold and seconds is not None,
        found=f"{visits} visits, {len(ids)} confirmations, {len(untold)} not sent",
    )
    repeats = _repeats(office) - repeats_before
    ledger.promise(
        f"at most {hands} repeats, none of them a third copy",
        kept=repeats <= hands and max(copies.values(), default=0) <= 2,
        found=str(repeats),
    )


def _repeats(office: PostOffice) -> int:
    return sum(count - 1 for count in office.copies().values())


@contextmanager
def _watching(cluster: Cluster) -> Iterator[list[tuple[float, str]]]:
    """Who took writes from when on, as it is seen from here; a change a line."""
    seen: list[tuple[float, str]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            name = cluster.writer()
            if not seen or seen[-1][1] != name:
                seen.append((time.time(), name))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
