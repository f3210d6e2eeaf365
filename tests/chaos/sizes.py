"""How much each run does: small enough for two cores by default, larger by flags or `--full`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.chaos.house import Kind


@dataclass(frozen=True)
class Sizes:
    """Counts, seconds and the seed of a chaos session."""

    seed: int = 20261120
    databases: tuple[Kind, ...] = ("postgres", "sqlite")
    lease: int = 20
    bookings: int = 500
    per_second: float = 12.0
    kill_every: tuple[float, float] = (3.0, 5.0)
    racers: int = 64
    race_rounds: int = 15
    writers: int = 16
    mix_seconds: float = 10.0
    web_bookings: int = 150
    broker_faults: int = 3
    broker_fault_every: float = 10.0
    broker_stopped: float = 15.0
    database_restarts: int = 3
    mails: int = 60
    fees: int = 12
    bursts: int = 24
    terms: int = 8
    embedded_kills: int = 20
    reminders: int = 96


FULL = replace(
    Sizes(),
    lease=120,
    bookings=5000,
    per_second=20.0,
    web_bookings=1000,
    broker_faults=10,
    broker_fault_every=20.0,
    broker_stopped=60.0,
    database_restarts=5,
    mails=400,
    fees=60,
    bursts=120,
    terms=30,
    embedded_kills=100,
    reminders=960,
)
