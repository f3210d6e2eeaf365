"""What an answer looks like: a TypedDict that a printer returns, mypy checks and the OpenAPI document shows.

    class NotificationJson(TypedDict):
        \"\"\"A line in one's own list.\"\"\"

        id: Id
        booking_id: Id | None
        created_at: Annotated[When, "When it was written."]

    def notification_json(line: Notification, *, zone: ZoneInfo) -> NotificationJson: ...

`staff.wire.schema` makes a component of it, named after the class without `Json`, its keys in the order in
which they are written. In `Annotated` a string is a description, a `Form` what else JSON schema says. At run
time a TypedDict is a plain dict. Serializers are for what is read.

Names: Id, Count (from 0), Number (from 1), When, Date, Clock, Amount, Key; Form, between, one_of;
EitherAnswer, ListAnswer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class Form:
    """What JSON schema says of a value beyond its type; bounds are inclusive.

    `choices` are values, or pairs of value and label, as the field that reads the same has them.
    """

    format: str | None = None
    pattern: str | None = None
    example: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()


def between(smallest: float, largest: float) -> Form:
    return Form(minimum=smallest, maximum=largest)


def one_of(choices: Iterable[Any]) -> Form:
    return Form(choices=tuple(choices))


Id = Annotated[int, Form(format="int64", minimum=1, maximum=2**63 - 1)]
Count = Annotated[int, Form(minimum=0)]
Number = Annotated[int, Form(minimum=1)]
When = Annotated[
    str,
    Form(
        pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$",
        example="2026-03-24 10:00:00",
    ),
    "YYYY-MM-DD HH:MM:SS, salon wall clock.",
]
Date = Annotated[str, Form(format="date", example="2026-03-24")]
Clock = Annotated[str, Form(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", example="09:30")]
Amount = Annotated[
    str, Form(pattern=r"^[0-9]+(\.[0-9]+)?$", example="24.50"), "Decimal, in the salon's currency."
]
Key = Annotated[str, Form(format="uuid")]


@dataclass(frozen=True)
class EitherAnswer:
    """One of several TypedDicts, by what was asked; `name` is its component."""

    name: str
    of: tuple[Any, ...]


@dataclass(frozen=True)
class ListAnswer:
    """A bare array of `item`, a TypedDict, or with `page` the page object (contract §1.2)."""

    item: Any
