"""The schema of today is one that the previous release can work on (docs/adr/0107).

Compared are the tables as the previous release knows them and as all migrations since leave them in the
database. What it does not know any more may go; what it knows stays, and what it does not fill in is filled
in by the database.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState

from tests.upgrade.previous import LAST_MIGRATIONS

NARROWED = {
    "staff.workinghours: constraint working_hours_not_empty": "follows from the one it replaces",
    "staff.workinghours: constraint working_hours_dates_in_order": "of columns that it leaves empty",
    "clients.client: constraint client_one_walk_in": "of a column that it leaves empty",
    "bookings.waitlistentry: constraint waitlist_one_open_entry": (
        "the previous release answers 500 to who enters somebody twice for the same; no booking is touched"
    ),
}
"""What refuses more than before in a table that the previous release writes, each with why that may be."""

PYTHON = {
    "staff.migrations.0004_plain_texts.country": "fills in a column that is new",
    "staff.migrations.0004_plain_texts.texts": "spells texts and numbers in one way",
    "clients.migrations.0002_plain_texts.texts": "spells texts and numbers in one way",
    "notifications.migrations.0004_plain_texts.texts": "spells texts in one way",
    "bookings.migrations.0005_plain_texts.texts": "spells texts in one way",
    "staff.storage.migrate_texts.trigrams": "adds an extension of PostgreSQL",
    "clients.migrations.0004_searched.fill": "fills in a column that is new",
    "bookings.migrations.0007_searched_waitlist.fill": "fills in a column that is new",
    "bookings.migrations.0006_one_open_waitlist_entry.keep_one": "cancels who waits twice for the same",
    "bookings.migrations.0008_series_with_its_first.name_first": "gives the first of a series its own id",
    "bookings.migrations.0011_a_visit_for_every_booking.give_visits": "fills in what is new",
    "bookings.migrations.0018_shipped_rules.ship": "fills a table that is new",
}
"""The functions of migrations that run on the database, each with what it does: none is read by a test, and
none takes anything away that the previous release knows."""


def test_the_previous_release_can_work_on_the_schema_of_today() -> None:
    before, after = _tables()
    assert sorted(set(_breaks(before, after)) - set(NARROWED) - {_unread(each) for each in PYTHON}) == []


def test_nothing_is_excused_that_is_not_there() -> None:
    assert set(NARROWED) | {_unread(each) for each in PYTHON} <= set(_breaks(*_tables()))


def _again(constraint: models.CheckConstraint) -> Operation:
    """Another one of the same name in its place."""
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RemoveConstraint("booking", constraint.name),
            migrations.AddConstraint("booking", constraint),
        ]
    )


def _drop_notes(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute("ALTER TABLE bookings_booking DROP COLUMN notes")


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (migrations.RemoveField("booking", "notes"), "bookings.booking: notes is gone"),
        (migrations.RenameField("booking", "notes", "remarks"), "bookings.booking: notes is gone"),
        (migrations.DeleteModel("WaitlistOffer"), "bookings.waitlistoffer is gone"),
        (migrations.RenameModel("Hold", "Kept"), "bookings.hold is gone"),
        (migrations.AlterModelTable("hold", "kept"), "bookings.hold: its table is kept now"),
        (
            migrations.AddField("booking", "colour", models.TextField(default="")),
            "bookings.booking: colour is not null and has no db_default",
        ),
        (
            migrations.AlterField("booking", "announced_end_at", models.DateTimeField()),
            "bookings.booking: announced_end_at may not be null any more",
        ),
        (
            migrations.AlterField("booking", "notes", models.BooleanField(default=False)),
            "bookings.booking: notes is another type",
        ),
        (
            migrations.AlterField("booking", "source", models.CharField(default="api", max_length=5)),
            "bookings.booking: source is another type",
        ),
        (
            migrations.AlterField(
                "booking", "source", models.CharField(default="api", max_length=20, unique=True)
            ),
            "bookings.booking: source has to be unique now",
        ),
        (
            migrations.AddConstraint(
                "booking",
                models.CheckConstraint(condition=models.Q(persons__lte=5), name="few_persons"),
            ),
            "bookings.booking: constraint few_persons",
        ),
        (
            _again(
                models.CheckConstraint(condition=models.Q(persons=1), name="booking_persons_at_least_one")
            ),
            "bookings.booking: constraint booking_persons_at_least_one",
        ),
        (
            migrations.RunSQL("ALTER TABLE bookings_booking DROP COLUMN notes"),
            "SQL of bookings, which no test can read",
        ),
        (
            migrations.RunPython(_drop_notes, migrations.RunPython.noop),
            f"{__name__}._drop_notes, which no test can read",
        ),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Operation) else None,
)
def test_a_migration_is_refused_that(operation: Operation, told: str) -> None:
    before, after = _tables()
    already = set(_breaks(before, after))
    _apply(operation, "bookings", after)
    assert told in set(_breaks(before, after)) - already


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("booking", "colour", models.TextField(default="", db_default="")),
        migrations.AddField("booking", "colour", models.TextField(null=True)),
        migrations.CreateModel(
            "Colour", [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())]
        ),
        migrations.AddIndex("booking", models.Index(fields=["notes"], name="by_notes")),
        migrations.AlterField("booking", "source", models.CharField(default="api", max_length=40)),
        migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("booking", "notes")]),
        migrations.RemoveField("booking", "position"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_one_is_not_refused_that(operation: Operation) -> None:
    before, after = _tables()
    already = set(_breaks(before, after))
    _apply(operation, "bookings", after)
    assert set(_breaks(before, after)) == already


@dataclass
class Tables:
    """As the migrations leave them in the database. `unread`: what those of our apps do in SQL and Python."""

    state: ProjectState
    unread: list[str] = field(default_factory=list)


def _tables() -> tuple[ProjectState, Tables]:
    """As the previous release knows them, and as they are in the database after all migrations of today."""
    before, after = _read()
    return before, Tables(after.state.clone(), list(after.unread))


@functools.cache
def _read() -> tuple[ProjectState, Tables]:
    loader = MigrationLoader(None)
    last = list(LAST_MIGRATIONS.items())
    before = loader.project_state(last)
    after = Tables(before.clone())
    done = {node for each in last for node in loader.graph.forwards_plan(each)}
    for leaf in loader.graph.leaf_nodes():
        for node in loader.graph.forwards_plan(leaf):
            if node not in done:
                done.add(node)
                for operation in loader.graph.nodes[node].operations:
                    _apply(operation, node[0], after)
    return before, after


def _apply(operation: Operation, app: str, tables: Tables) -> None:
    """What it does to the tables; a change of models alone does nothing to them."""
    if isinstance(operation, migrations.SeparateDatabaseAndState):
        for each in operation.database_operations:
            _apply(each, app, tables)
    elif isinstance(operation, (migrations.RunSQL, migrations.RunPython)):
        if app in LAST_MIGRATIONS:
            tables.unread += _own_words(operation, app)
    else:
        operation.state_forwards(app, tables.state)


def _own_words(operation: migrations.RunSQL | migrations.RunPython, app: str) -> list[str]:
    if isinstance(operation, migrations.RunSQL):
        return [f"SQL of {app}"]
    code = operation.code
    return [] if code is migrations.RunPython.noop else [f"{code.__module__}.{code.__qualname__}"]


def _breaks(previous: ProjectState, tables: Tables) -> Iterator[str]:
    for each in tables.unread:
        yield _unread(each)
    after = tables.state
    for key, old in previous.models.items():
        if key[0] not in LAST_MIGRATIONS:
            continue
        name = ".".join(key)
        new = after.models.get(key)
        if new is None:
            yield f"{name} is gone"
            continue
        if _table(new) != _table(old):
            yield f"{name}: its table is {_table(new)} now"
        for what in (*_columns(old, new), *_constraints(old, new)):
            yield f"{name}: {what}"


def _unread(what: str) -> str:
    return f"{what}, which no test can read"


def _columns(old: ModelState, new: ModelState) -> Iterator[str]:
    for column, before in old.fields.items():
        now = new.fields.get(column)
        if now is None:
            yield f"{column} is gone"
        else:
            yield from _narrowed(column, before, now)
    for column, now in new.fields.items():
        filled = now.null or now.has_db_default() or now.many_to_many or now.generated
        if column not in old.fields and not filled:
            yield f"{column} is not null and has no db_default"


def _narrowed(column: str, before: Any, now: Any) -> Iterator[str]:
    shorter = None not in (before.max_length, now.max_length) and now.max_length < before.max_length
    if before.get_internal_type() != now.get_internal_type() or shorter:
        yield f"{column} is another type"
    if before.null and not now.null:
        yield f"{column} may not be null any more"
    if now.unique and not before.unique:
        yield f"{column} has to be unique now"


def _constraints(old: ModelState, new: ModelState) -> Iterator[str]:
    """Those that are new, and those that say something else than before under their name."""
    known = {each.name: each.deconstruct() for each in old.options.get("constraints", ())}
    for each in new.options.get("constraints", ()):
        if known.get(each.name) != each.deconstruct():
            yield f"constraint {each.name}"


def _table(model: ModelState) -> str:
    return str(model.options.get("db_table") or f"{model.app_label}_{model.name_lower}")
