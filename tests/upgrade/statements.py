"""What the previous release sends for the five calls, as recorded, and how it is sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from tests.upgrade.previous import NAME

FILE = Path(__file__).with_name(f"{NAME}.json")
FIRST_ID = 900_001
"""Where every sequence begins, so that ids in later statements are those that earlier ones made."""

SEQUENCES = """
SELECT format('ALTER SEQUENCE %I.%I RESTART WITH {first}', schemaname, sequencename) FROM pg_sequences
WHERE schemaname = 'public'
"""
DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class Statement(NamedTuple):
    """`tag` is what PostgreSQL said of it, such as `INSERT 0 1`, on the schema of its own release."""

    call: str
    sql: str
    values: list[str | None]
    tag: str = ""


class Refused(Exception):
    """PostgreSQL did not carry out a statement."""


def read() -> list[Statement]:
    return [Statement(**each) for each in json.loads(FILE.read_text())]


def write(statements: list[Statement]) -> None:
    lines = ",\n".join(json.dumps(each._asdict()) for each in statements)
    FILE.write_text(f"[\n{lines}\n]\n")


def begin_ids(wire: PGconn) -> None:
    for row in _rows(wire, SEQUENCES.format(first=FIRST_ID)):
        send(wire, Statement("", row, []))


def send(wire: PGconn, statement: Statement) -> str:
    """Its tag. Raises Refused."""
    if statement.values:
        values = [None if each is None else each.encode() for each in statement.values]
        result = wire.exec_params(statement.sql.encode(), values)
    else:
        result = wire.exec_(statement.sql.encode())
    if result.status not in DONE:
        raise Refused(f"{statement.call}: {result.error_message.decode()}\n{statement.sql}")
    return (result.command_status or b"").decode()


def _rows(wire: PGconn, sql: str) -> list[str]:
    result: Any = wire.exec_(sql.encode())
    return [result.get_value(number, 0).decode() for number in range(result.ntuples)]
