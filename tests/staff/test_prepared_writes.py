"""Writes whose statements are written once leave what `save()` and `delete()` leave (docs/adr/0111)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection
from django.db.models import BigAutoField, CharField, DateTimeField, F, JSONField, Model, Value
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.models import Booking, BusyTime
from notifications.models import Job, Notification
from staff.models import Staff
from staff.storage import prepared_writes
from staff.storage.prepared_statements import Blank, BlankIds, BlankTexts, PreparedRows, columns_of
from staff.storage.prepared_writes import (
    ROWS_AT_ONCE,
    PreparedChange,
    PreparedDelete,
    PreparedFanOut,
    PreparedInsert,
    PreparedUpdate,
)
from tests.cast.bookings import Salon, make_cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def stored(row: Model) -> dict[str, Any]:
    """Its columns as the database has them, without what tells it from another."""
    values: dict[str, Any] = type(row)._default_manager.values().get(pk=row.pk)
    own = {"id", "session_id", "key", "party"}
    return {name: value for name, value in values.items() if name not in own}


def unsaved(salon: Salon, start_at: datetime, **fields: Any) -> Booking:
    now = timezone.now().replace(microsecond=5)
    return Booking(
        client=salon.alice,
        staff=salon.bea,
        service=salon.service,
        start_at=start_at,
        end_at=start_at + timedelta(hours=1),
        notes="é 'quoted' %s",
        foreign_data={"a": [1, None, "ü"]},
        parts=[{"kind": "work", "minutes": 60}],
        price="26.50",
        created_at=now,
        updated_at=now,
        **fields,
    )


def test_an_insert_stores_what_save_stores(salon: Salon) -> None:
    start_at = datetime(2026, 3, 24, 9, tzinfo=UTC)
    ours, djangos = unsaved(salon, start_at), unsaved(salon, start_at)
    PreparedInsert(Booking).write([ours])
    djangos.save(force_insert=True)
    assert stored(ours) == stored(djangos)
    assert (ours.session_id, ours._state.adding) == (ours.pk, False)
    ours.refresh_from_db()
    assert ours.parts == [{"kind": "work", "minutes": 60}]


@pytest.mark.parametrize("count", [0, 1, 3, 9, ROWS_AT_ONCE + 1])
def test_any_number_of_rows_each_with_its_id(salon: Salon, count: int) -> None:
    lines = [
        Notification(staff=salon.bea, type="test", title=str(number), created_at=timezone.now())
        for number in range(count)
    ]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        PreparedInsert(Notification).write(iter(lines))
    assert len(asked) == -(-count // ROWS_AT_ONCE)
    by_id = {str(row.pk): row.title for row in Notification.objects.all()}
    assert by_id == {str(line.pk): line.title for line in lines}


def test_a_row_that_is_there_gives_its_id(salon: Salon) -> None:
    upsert = PreparedInsert(Job, on_conflict='("once_key") DO UPDATE SET "once_key" = EXCLUDED."once_key"')
    first, again = owed("once"), owed("once")
    upsert.write([first])
    upsert.write([again])
    assert (again.pk, Job.objects.count()) == (first.pk, 1)


def test_a_row_alone_knows_whether_it_was_written_where_nothing_is_done_about_a_conflict(
    salon: Salon,
) -> None:
    careful = PreparedInsert(Job, on_conflict="DO NOTHING")
    first, again, second, third = (owed(once_key) for once_key in ("once", "once", "twice", "thrice"))
    careful.write([first])
    careful.write([again])
    careful.write([second, third])
    ids: list[int | None] = [each.pk for each in (first, again, second, third)]
    assert ids == [Job.objects.get(once_key="once").pk, None, None, None]
    assert Job.objects.count() == 3


def test_a_change_sets_what_is_given_of_the_rows_of_its_blanks_alone(salon: Salon) -> None:
    jobs = [owed(once_key) for once_key in ("it's", 'a "b" \\', "ü,{x}")]
    PreparedInsert(Job).write(jobs)
    later = timezone.now() + timedelta(days=1)
    change = PreparedChange(
        lambda: Job.objects.filter(once_key__in=BlankTexts("once_keys")),
        dedupe_key=None,
        run_at=Blank("run_at", DateTimeField()),
        payload=Blank("payload", JSONField()),
    )
    wanted = [jobs[1].once_key, jobs[2].once_key]
    assert change.run(once_keys=wanted, run_at=later, payload={"a": ["ü", None]}) == 2
    assert change.run(once_keys=[], run_at=later, payload={}) == 0
    found = {row.once_key: (row.run_at, row.payload, row.dedupe_key) for row in Job.objects.all()}
    assert found == {
        jobs[0].once_key: (jobs[0].run_at, {}, jobs[0].dedupe_key),
        **{once_key: (later, {"a": ["ü", None]}, None) for once_key in wanted},
    }


def owed(once_key: str) -> Job:
    now = timezone.now()
    times = {"run_at": now, "first_run_at": now, "created_at": now}
    return Job(type="test", once_key=once_key, dedupe_key=f"debounce {once_key}", payload={}, **times)


def test_an_update_stores_every_column_and_finds_a_row_that_is_gone(salon: Salon) -> None:
    booking = Booking.objects.get(pk=salon.book()["id"])
    booking.notes, booking.version, booking.foreign_data = "moved", 7, {"x": 1}
    PreparedUpdate(Booking).write(booking)
    expected = stored(booking)
    booking.save()
    assert stored(booking) == expected
    assert (expected["notes"], expected["version"]) == ("moved", 7)
    gone = Booking.objects.get(pk=booking.pk)
    gone.pk = booking.pk + 1000
    with pytest.raises(DatabaseError, match="is gone"):
        PreparedUpdate(Booking).write(gone)


def test_an_update_of_a_row_that_was_read_writes_what_has_become_another(salon: Salon) -> None:
    booking_id = salon.book()["id"]
    booking = READ.first(id=booking_id)
    assert booking is not None
    Booking.objects.filter(pk=booking_id).update(internal_notes="by somebody else")
    booking.status, booking.version = "completed", 7
    booking.foreign_data["x"] = [1]
    with CaptureQueriesContext(connection) as seen:
        UPDATE.write(booking)
    [update] = seen
    written = update["sql"].partition(" WHERE ")[0]
    assert [name for name in columns_of(Booking) if f'"{name}" = ' in written] == [
        "status",
        "parts",
        "version",
        "foreign_data",
    ]
    there = stored(booking)
    assert (there["status"], there["version"]) == ("completed", 7)
    assert (there["foreign_data"], there["internal_notes"]) == ({"x": [1]}, "by somebody else")


def test_a_row_that_has_been_written_is_written_whole_the_next_time(salon: Salon) -> None:
    booking = READ.first(id=salon.book()["id"])
    assert booking is not None
    former = booking.notes
    booking.notes = "another"
    UPDATE.write(booking)
    booking.notes = former
    UPDATE.write(booking)
    assert stored(booking)["notes"] == former


def test_sets_of_columns_beyond_those_that_are_kept_are_written_whole(
    salon: Salon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepared_writes, "SETS_KEPT", 1)
    update, booking_id = PreparedUpdate(Booking), salon.book()["id"]
    counts = []
    for fields in ({"version": 7}, {"notes": "other"}, {"version": 8}):
        booking = READ.first(id=booking_id)
        assert booking is not None
        for name, value in fields.items():
            setattr(booking, name, value)
        with CaptureQueriesContext(connection) as seen:
            update.write(booking)
        counts.append(seen[0]["sql"].partition(" WHERE ")[0].count('" = '))
    written = len(columns_of(Booking)) - 2  # the id and what the database reckons
    assert counts == [3, written, 3]
    there = stored(booking)
    assert (there["version"], there["notes"]) == (8, "other")


READ = PreparedRows(Booking, lambda: Booking.objects.filter(pk=Blank("id", BigAutoField())).order_by())
UPDATE = PreparedUpdate(Booking)


def test_a_delete_takes_the_rows_of_its_blanks_alone(salon: Salon) -> None:
    kept = salon.book()
    taken = salon.book(start_at="2026-03-24 14:00:00", end_at="2026-03-24 15:00:00")
    PreparedDelete(lambda: BusyTime.objects.filter(booking_id=Blank("booking_id", BigAutoField()))).run(
        booking_id=taken["id"]
    )
    assert list(BusyTime.objects.values_list("booking_id", flat=True)) == [kept["id"]]


def test_a_row_is_written_for_each_row_that_is_found(salon: Salon) -> None:
    fan_out = PreparedFanOut(
        Notification,
        lambda: (
            Staff.objects.filter(pk__in=BlankIds("staff_ids"))
            .order_by("pk")
            .values_list(
                "pk",
                Value("test"),
                Blank("title", CharField()),
                F("name"),
                Blank("booking_id", BigAutoField()),
                Value(value=True),
                Blank("now", DateTimeField()),
            )
        ),
    )
    now = timezone.now()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        everybody = [salon.bea.pk, salon.ada.pk, salon.bea.pk]
        assert fan_out.run(staff_ids=everybody, title="é '%s'", booking_id=None, now=now) == 2
        assert fan_out.run(staff_ids=[salon.bea.pk], title="one", booking_id=7, now=now) == 1
        assert fan_out.run(staff_ids=[], title="nobody", booking_id=7, now=now) == 0
    assert len(asked) == 3
    lines = Notification.objects.order_by("id").values_list(
        "staff_id", "type", "title", "body", "booking_id", "is_read", "created_at"
    )
    assert list(lines) == [
        *(
            (who.pk, "test", "é '%s'", who.name, None, True, now)
            for who in sorted((salon.ada, salon.bea), key=lambda each: each.pk)
        ),
        (salon.bea.pk, "test", "one", salon.bea.name, 7, True, now),
    ]
