"""Looking for due work never reads finished jobs, however many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import time, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from bookings import after_visit
from bookings.models import Booking, ReminderRule, Visit
from bookings.reminders.plan import differs
from clients.models import Client
from notifications import outbox
from notifications.models import Job
from notifications.outbox import Place
from staff.models import SalonSettings
from tests.cast.outbox import NOON, due
from tests.cast.plans import plans_of

pytestmark = pytest.mark.django_db

FINISHED = 20_000


@pytest.fixture(scope="module")
def _years_of_jobs(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Made once: what a test writes is taken back before the next one, what is made here after the last."""
    with django_db_blocker.unblock(), transaction.atomic():
        _make_years_of_jobs()
        yield
        transaction.set_rollback(True)


def _make_years_of_jobs() -> None:
    past = NOON - timedelta(days=30)
    Job.objects.bulk_create(
        (
            Job(
                type="test.counted",
                once_key=f"old {n}",
                booking_id=n // 4,
                recipient="client:5",
                state="done",
                run_at=past,
                first_run_at=past,
                created_at=past,
                finished_at=past,
            )
            for n in range(FINISHED)
        ),
        batch_size=2000,
    )
    outbox.enqueue(
        [due(f"later {n}", booking_id=n, run_at=NOON + timedelta(days=1)) for n in range(500)], now=NOON
    )
    outbox.enqueue([due(f"due {n}", booking_id=n % 50) for n in range(50)], now=NOON)
    outbox.enqueue([due(f"of a visit {n}", booking_id=n, visit_id=n % 25) for n in range(50)], now=NOON)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_job")


@pytest.mark.usefixtures("_years_of_jobs")
def test_an_index_over_live_jobs_answers() -> None:
    looks: list[tuple[Callable[[], Any], set[str]]] = [
        (lambda: outbox.anything_due(now=NOON), {"job_due"}),
        (lambda: outbox.claim(now=NOON), {"job_due", "job_live", "job_live_visit"}),
        (
            lambda: outbox.claim(now=NOON, after={0: Place(NOON, 1)}),
            {"job_due", "job_live", "job_live_visit"},
        ),
        (lambda: outbox.claim(now=NOON - timedelta(days=1)), {"job_due"}),
        (lambda: outbox.release_leases(now=NOON + timedelta(days=1)), {"job_leased"}),
        (lambda: outbox.on_its_way(visit_id=3, types=["test.counted"]), {"job_live_visit"}),
        (
            lambda: outbox.drop(visit_id=3, types=["test.counted"], reason="restored", now=NOON),
            {"job_live_visit"},
        ),
    ]
    for look, indexes in looks:
        plans = plans_of(look)
        assert all(index in plans[0] for index in indexes), plans[0]
        for plan in plans:
            assert "Seq Scan on notifications_job" not in plan, plan
            assert not re.search(r"SCAN (notifications_job|U0)(?! USING (COVERING )?INDEX job_)", plan), plan


@pytest.mark.usefixtures("_years_of_jobs")
def test_a_claim_costs_two_statements(django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(4):  # two of them savepoints of the test's own transaction
        assert outbox.claim(now=NOON) is not None


@pytest.mark.usefixtures("_years_of_jobs")
def test_booking_again_reads_the_clients_live_jobs_alone() -> None:
    Job.objects.update(type="followup.step")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE notifications_job")
    (plan,) = plans_of(lambda: after_visit.stop_for_rebooking(client_id=6, now=NOON))
    assert "job_live" in plan, plan


@pytest.mark.usefixtures("_years_of_jobs")
def test_planning_reminders_reads_what_is_known_of_these_visits_alone() -> None:
    client = Client(pk=5)
    visit = Visit(pk=3, client=client, status="scheduled", start_at=NOON + timedelta(days=9), created_at=NOON)
    visit.items = [Booking(pk=7, client=client, status="scheduled")]
    rules = [ReminderRule(pk=1, minutes_before=60), ReminderRule(pk=2, days_before=1, at=time(18))]
    salon = SalonSettings(timezone="Europe/Amsterdam")
    [plan] = plans_of(lambda: differs([visit], rules=rules, salon=salon, now=NOON))
    assert "Seq Scan on notifications_job" not in plan, plan
    assert not re.search(r"SCAN notifications_job(?! USING (COVERING )?INDEX job_)", plan), plan
    assert "job_live_visit" in plan
