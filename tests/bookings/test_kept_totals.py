"""The totals of lists are kept by the database, and are what counting would give (docs/adr/0109)."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import kept_totals
from bookings.lifecycle import change
from bookings.models import Booking, BookingEvent, BookingTotal, BusyTime, Visit
from staff.access.actor import SYSTEM
from staff.models import Service, Staff
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller, make_booking, make_salon
from tests.cast.passes import examples
from tests.cast.races import at_once
from tests.cast.totals import counted, kept

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

STATUSES = st.sampled_from(Booking.Status.values)
WHO = st.integers(0, 2)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(st.tuples(WHO, STATUSES), max_size=5)),
        st.tuples(st.just("set status"), WHO, STATUSES),
        st.tuples(st.just("hand over"), WHO, WHO),
        st.tuples(st.just("swap"), WHO, STATUSES),
        st.tuples(st.just("nothing"), WHO),
        st.tuples(st.just("delete"), STATUSES),
        st.tuples(st.just("break off"), STATUSES),
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def salon() -> Salon:
    return make_cast()


@pytest.fixture
def _installed() -> Iterator[None]:
    yield
    kept_totals.install(connection)


def drop(event: str) -> None:
    of_table = " ON bookings_booking" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {kept_totals.TRIGGER_NAME}_{event}{of_table}")


def total(who: Staff, query: str = "") -> Any:
    return caller(who).get(f"/api/bookings?page=1&limit=1{query}").json()["total"]


def rows_of(people: list[Staff], service: Service, wanted: list[tuple[int, str]]) -> list[Booking]:
    now = timezone.now()
    return [
        Booking(
            staff=people[who],
            service=service,
            status=status,
            start_at=now,
            end_at=now + timedelta(hours=1),
            created_at=now,
            updated_at=now,
        )
        for who, status in wanted
    ]


def carry_out(people: list[Staff], service: Service, step: tuple[Any, ...]) -> None:
    """As statements of many rows, past every door of ours."""
    kind, first = step[0], step[1]
    bookings = Booking.objects.order_by()
    if kind == "add":
        Booking.objects.bulk_create(rows_of(people, service, first))
    elif kind == "set status":
        bookings.filter(staff=people[first]).update(status=step[2])
    elif kind == "hand over":
        bookings.filter(staff=people[first]).update(staff=people[step[2]])
    elif kind == "swap":
        bookings.filter(status=step[2]).update(staff=people[first], status="no-show")
    elif kind == "nothing":
        bookings.update(staff_id=people[first].pk, notes="the same") if first == 2 else bookings.update(
            notes=""
        )
    elif kind == "delete":
        bookings.filter(status=first).delete()
    elif kind == "break off":
        with pytest.raises(IntegrityError), transaction.atomic():
            bookings.update(status=first)
            raise IntegrityError


@settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(STEPS)
def test_whatever_writes_bookings_the_totals_are_what_counting_gives(steps: list[tuple[Any, ...]]) -> None:
    if not Service.objects.exists():
        make_cast()
    Booking.objects.all().delete()
    people, service = list(Staff.objects.order_by("pk")), Service.objects.get()
    for step in steps:
        carry_out(people, service, step)
        assert kept() == counted()


def test_a_life_through_the_doors_is_counted(salon: Salon) -> None:
    first, second = salon.book(), salon.book(start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    assert kept() == {(salon.bea.pk, "scheduled"): 2} == counted()
    salon.put(first, {"staff_id": salon.cora.pk})
    assert kept() == {(salon.bea.pk, "scheduled"): 1, (salon.cora.pk, "scheduled"): 1} == counted()
    salon.put(first, {"status": "no-show"})
    salon.delete(second)
    assert kept() == {(salon.bea.pk, "cancelled"): 1, (salon.cora.pk, "no-show"): 1} == counted()
    salon.put(second, {"status": "scheduled"})
    assert kept() == {(salon.bea.pk, "scheduled"): 1, (salon.cora.pk, "no-show"): 1} == counted()


def test_a_merge_and_an_erasure_leave_them_true(salon: Salon) -> None:
    salon.book()
    cancelled = salon.book(start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    salon.delete(cancelled)
    answer = caller(salon.ada).post(f"/api/clients/{salon.alice.pk}/merge", {"into": salon.bob.pk})
    assert answer.status_code == 200
    assert kept() == {(salon.bea.pk, "scheduled"): 1, (salon.bea.pk, "cancelled"): 1} == counted()
    call_command("erase_client", str(salon.bob.pk), cancel=True, verbosity=0)
    assert kept() == {(salon.bea.pk, "cancelled"): 2} == counted()


def test_the_list_tells_of_them_by_person_and_by_status(salon: Salon) -> None:
    salon.book()
    salon.book(staff_id=salon.cora.pk)
    for hour in (12, 13, 14):
        booking = salon.book(start_at=f"2026-03-24 {hour}:00:00", end_at=f"2026-03-24 {hour}:30:00")
        if hour > 12:
            salon.delete(booking)
    with CaptureQueriesContext(connection) as seen:
        assert total(salon.ada) == 3
    assert [each["sql"] for each in seen if "COUNT(" in each["sql"].upper()] == []
    assert total(salon.ada, f"&staff_id={salon.bea.pk}") == 2
    assert total(salon.ada, "&status=cancelled") == 2
    assert total(salon.ada, f"&status=cancelled&staff_id={salon.cora.pk}") == 0
    assert total(salon.ada, "&status=scheduled&order=asc") == 3
    # Nobody keeps count of these.
    assert total(salon.ada, f"&client_id={salon.alice.pk}") == 3
    assert total(salon.ada, "&date_to=2026-03-23") == 0


def test_who_sees_only_their_own_agenda_is_told_of_their_own(salon: Salon) -> None:
    make_salon(staff_personal_agenda_enabled=True)
    salon.book()
    salon.book(start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    salon.book(staff_id=salon.cora.pk)
    assert [total(who) for who in (salon.bea, salon.cora, salon.ada)] == [2, 1, 3]
    assert total(salon.bea, f"&staff_id={salon.cora.pk}") == 0


def test_a_page_past_the_end_knows_the_total(salon: Salon) -> None:
    salon.book()
    answer = caller(salon.bea).get("/api/bookings?page=7&limit=3").json()
    assert answer == {"items": [], "total": 1, "page": 7, "limit": 3, "pages": 1}


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("event", ["insert", "update", "delete"])
def test_a_trigger_that_went_missing_is_told_and_migrate_counts_anew(salon: Salon, event: str) -> None:
    booking = salon.book()
    drop(event)
    salon.put(booking, {"status": "completed"})
    salon.book(start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    [error] = [each for each in run_checks(databases=["default"]) if each.id == "bookings.E002"]
    assert f"booking_total_{event}" in error.msg
    call_command("migrate", verbosity=0)
    assert kept() == counted() != {}
    assert [each for each in run_checks(databases=["default"]) if each.id == "bookings.E002"] == []


@pytest.mark.usefixtures("_installed")
def test_after_sqlite_has_made_the_table_anew_migrate_counts_again(salon: Salon) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL alters a table in place")
    salon.book()
    with connection.constraint_checks_disabled(), connection.schema_editor() as editor:
        field = Booking._meta.get_field("source")
        wider = copy.copy(field)
        wider.max_length = 21
        editor.alter_field(Booking, field, wider)
        editor.alter_field(Booking, wider, field)
    assert "booking_total_insert" in kept_totals.missing(connection)
    call_command("migrate", verbosity=0)
    assert kept_totals.missing(connection) == []
    salon.book(start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    assert kept() == counted() == {(salon.bea.pk, "scheduled"): 2}


@pytest.mark.usefixtures("_installed")
def test_installing_keeps_nobody_waiting_behind_it(salon: Salon) -> None:
    """Somebody writes all the time: it gives up, lets others by, and has its lock once they have ended."""
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite nobody writes beside a migration")
    salon.book()
    drop("insert")
    other = connection.copy()
    other.inc_thread_sharing()
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute("LOCK TABLE bookings_booking IN ROW EXCLUSIVE MODE")
    waiters: list[int] = []

    def write_until_it_gave_up() -> None:
        began = time.monotonic()
        with connection.cursor() as cursor:
            while not (1 in waiters and waiters[-1] == 0) and time.monotonic() - began < 30:
                cursor.execute(
                    "SELECT count(*) FROM pg_locks "
                    "WHERE relation = 'bookings_booking'::regclass AND NOT granted"
                )
                waiters.append(cursor.fetchone()[0])
        other.rollback()

    at_once(write_until_it_gave_up, partial(kept_totals.install, connection))
    other.close()
    assert waiters[-1] == 0, "it waited on and on"
    assert kept_totals.missing(connection) == []
    assert kept() == counted()


def test_truncating_bookings_empties_the_totals(salon: Salon) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite deletes row by row")
    salon.book()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE bookings_booking CASCADE")
    assert kept() == {}
    assert not BookingTotal.objects.exists()


def test_rows_that_are_copied_in_are_counted(salon: Salon) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no COPY")
    now = timezone.now()
    people = [salon.cora, salon.bea]
    source = "COPY bookings_booking (staff_id, service_id, start_at, end_at, status, status_detail, notes, "
    more = (
        "internal_notes, key, party, persons, buffer_before_minutes, buffer_after_minutes, source, base_url, "
        "announced_as, version, foreign_data, amelia_deleted, created_at, updated_at) FROM STDIN"
    )
    with connection.cursor() as cursor, cursor.copy(source + more) as copied:
        for number in range(500):
            booking = Booking(staff=people[number % 2], service=salon.service)
            copied.write_row(
                (
                    *(booking.staff_id, booking.service_id, now, now + timedelta(hours=1), "completed"),
                    *(
                        "",
                        "",
                        "",
                        booking.key,
                        booking.party,
                        1,
                        0,
                        0,
                        "api",
                        "",
                        "",
                        1,
                        "{}",
                        False,
                        now,
                        now,
                    ),
                )
            )
    assert kept() == {(each.pk, "completed"): 250 for each in people} == counted()


def test_bookings_of_two_people_written_crosswise_at_once_neither_deadlock_nor_miscount(salon: Salon) -> None:
    """Each call changes whom its booking is with, there and back: the totals of both are written by both."""
    start: datetime = timezone.now() + timedelta(days=3)
    bookings = [
        make_booking(
            client=salon.alice,
            staff=who,
            service=salon.service,
            start_at=start + timedelta(hours=2 * number),
            end_at=start + timedelta(hours=2 * number + 1),
        )
        for number in range(2)
        for who in (salon.bea, salon.cora)
    ]

    def hand_over(booking: Booking) -> None:
        free = start + timedelta(days=1, hours=2 * booking.pk % 20)
        times = {"start_at": free, "end_at": free + timedelta(minutes=50)}
        for number in range(6):
            staff = (salon.bea, salon.cora)[(number + booking.pk) % 2]
            status = Booking.Status.values[3 * (number % 2)]
            changes = {**(times if not number else {}), "staff_id": staff.pk, "status": status}
            change(actor=SYSTEM, booking_id=booking.pk, changes=changes)

    at_once(*(partial(hand_over, booking) for booking in bookings))
    assert kept() == counted()
    assert sum(kept().values()) == 4


def test_statements_past_the_lock_do_not_deadlock(salon: Salon) -> None:
    """Many rows of both people in one statement, in opposite orders of rows."""
    people = [salon.bea, salon.cora]
    mixed = [(number % 2, "completed") for number in range(40)]
    Booking.objects.bulk_create(rows_of(people, salon.service, mixed))
    ids = list(Booking.objects.order_by("pk").values_list("pk", flat=True))
    halves = ids[:20], ids[20:]

    def flip(half: list[int]) -> None:
        for status in ("no-show", "completed") * 5:
            Booking.objects.filter(pk__in=half).order_by().update(status=status)

    at_once(*(partial(flip, half) for half in halves))
    assert kept() == counted() == {(each.pk, "completed"): 20 for each in people}
    assert not (BookingEvent.objects.exists() or BusyTime.objects.exists() or Visit.objects.exists())
