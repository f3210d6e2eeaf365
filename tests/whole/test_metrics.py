"""/metrics: off without a token; with it what a scrape reads, of all processes, without anybody's data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings
from rest_framework.test import APIClient

from bookings import kept_totals
from config import metrics
from notifications import outbox
from notifications.models import Job
from notifications.outbox import Due
from tests.cast.factories import caller, make_ada, make_key, make_salon
from tests.cast.pages import NOW

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.clock_at(NOW),
    pytest.mark.usefixtures("clock"),
]

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "scrape-me-if-you-can"


@pytest.fixture
def scraper(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> APIClient:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(metrics, "FRESH_SECONDS", 0.0)
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {TOKEN}")
    return client


def scraped(client: APIClient) -> dict[str, float]:
    """Every sample, by its name and labels as they are printed."""
    answer = client.get("/metrics")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    families = text_string_to_metric_families(answer.content.decode())
    samples = [each for family in families for each in family.samples]
    return {f"{each.name}{{{labels(each.labels)}}}": each.value for each in samples}


def labels(found: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(found.items()))


def test_without_a_token_of_its_own_it_is_not_there() -> None:
    make_salon()
    answers = [caller(make_ada()).get("/metrics"), APIClient().get("/metrics")]
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "not_found")] * 2


def test_only_its_token_opens_it(scraper: APIClient) -> None:
    make_salon()
    _, key = make_key()
    for said in ("", f"Bearer {TOKEN}x", f"Bearer {key}", TOKEN, f"Basic {TOKEN}"):
        answer = APIClient().get("/metrics", HTTP_AUTHORIZATION=said)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert caller(make_ada()).get("/metrics").status_code == 401
    assert scraper.get("/metrics").status_code == 200


def test_what_a_scrape_reads(scraper: APIClient) -> None:
    make_salon()
    for number in (1, 2):
        due = Due(type="password.reset", once_key=f"reset:{number}", run_at=NOW)
        outbox.enqueue([due], now=NOW)
    Job.objects.filter(once_key="reset:2").update(state="dead")
    found = scraped(scraper)
    ok = ("database", "writer", "pooler", "migrations", "double_booking_guard", "kept_totals", "jobs")
    assert {name: found[name] for name in found if not name.startswith("bookings_http")} == {
        "bookings_ready{}": 1.0,
        **{f"bookings_check_ok{{check={name}}}": 1.0 for name in ok},
        "bookings_check_ok{check=mail}": 0.0,
        "bookings_check_ok{check=broker}": found["bookings_broker_up{}"],
        "bookings_database_up{}": 1.0,
        "bookings_double_booking_guard{}": 1.0,
        "bookings_broker_up{}": found["bookings_broker_up{}"],
        "bookings_migrations_missing{}": 0.0,
        "bookings_jobs_oldest_due_seconds{}": 0.0,
        "bookings_jobs_parked{}": 0.0,
        "bookings_jobs{state=pending}": 1.0,
        "bookings_jobs{state=claimed}": 0.0,
        "bookings_jobs{state=dead}": 1.0,
        "bookings_messages_last_hour{channel=email,state=waiting,type=password.reset}": 2.0,
    }


def test_a_scrape_says_which_check_makes_it_not_ready(scraper: APIClient) -> None:
    make_salon()
    with connection.cursor() as cursor:
        of_table = " ON bookings_booking" if connection.vendor == "postgresql" else ""
        cursor.execute(f"DROP TRIGGER {kept_totals.TRIGGER_NAME}_insert{of_table}")
    try:
        found = scraped(scraper)
    finally:
        kept_totals.install(connection)
    assert found["bookings_ready{}"] == 0
    assert found["bookings_check_ok{check=kept_totals}"] == 0
    assert found["bookings_check_ok{check=double_booking_guard}"] == 1


def test_scrapes_within_ten_seconds_ask_the_database_once(
    scraper: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_salon()
    monkeypatch.setattr(metrics, "FRESH_SECONDS", 600.0)
    scraper.get("/metrics")
    with CaptureQueriesContext(connection) as seen:
        scraper.get("/metrics")
    assert len(seen) == 0
    monkeypatch.setattr(metrics, "FRESH_SECONDS", 0.0)


SERVE = """
import sys
from io import BytesIO
from wsgiref.util import setup_testing_defaults
from config.wsgi import application
for path in sys.argv[2:]:
    environ = {"PATH_INFO": path, "HTTP_HOST": "127.0.0.1", "wsgi.input": BytesIO()}
    environ["HTTP_AUTHORIZATION"] = "Bearer " + sys.argv[1]
    setup_testing_defaults(environ)
    print(b"".join(application(environ, lambda *told: None)).decode())
"""


def test_the_counters_of_all_processes_are_one_and_name_routes_alone(tmp_path: Path) -> None:
    folder = tmp_path / "counters"
    folder.mkdir()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "METRICS_TOKEN": TOKEN,
        "SECRET_KEY": "x" * 50,
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "BROKER_URL": "",
    }
    for paths in (["/healthz", "/no/such/s3cret"], ["/healthz", "/v/s3cret", "/metrics"]):
        done = subprocess.run(
            [sys.executable, "-c", SERVE, TOKEN, *paths],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert 'bookings_http_requests_total{method="GET",route="healthz",status="200"} 2.0' in done.stdout
    assert 'bookings_http_requests_total{method="GET",route="(none)",status="404"} 1.0' in done.stdout
    assert re.search(
        r'bookings_http_request_seconds_count\{method="GET",route="v/<str:token>"\} 1.0', done.stdout
    )
    assert "bookings_database_up" in done.stdout
    assert "s3cret" not in done.stdout
