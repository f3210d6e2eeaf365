"""Settings: wrong values stop at start-up, defaults are those of the README's table.

Most cases read config/settings.py anew in this process; a few start a process, as a deployment does.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection
from django.test import override_settings

from config.cache import SentinelPool
from config.checks import check_settings

ROOT = Path(__file__).resolve().parents[2]
LOOKED_AT = ["SECRET_KEY", "DEBUG", "HOST", "PORT", "PUBLIC_URL", "PUBLIC_URL_IS_HTTPS", "TRUSTED_PROXIES"]
LOOKED_AT += ["UPDATE_MAIL_DELAY_SECONDS", "JOB_LEASE_SECONDS", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET"]
LOOKED_AT += ["EMAIL_URL", "DEFAULT_FROM_EMAIL", "DATABASE_URL", "DATABASE_REPLICA_URL"]
"""By the checks."""
SHOW = "import json; from django.conf import settings as s; print(json.dumps({names}))"


def _environment(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    named = {"DJANGO_SETTINGS_MODULE": "config.settings", "DATA_DIR": str(folder)}
    return {"PATH": os.environ["PATH"], **named, **variables}


def _settings(folder: Path, *names: str, **variables: str) -> dict[str, Any]:
    """What config/settings.py makes of these variables and no others; all settings without `names`."""
    with patch.dict(os.environ, _environment(folder, variables), clear=True):
        read = runpy.run_path(str(ROOT / "config" / "settings.py"))
    return {name: read[name] for name in names or filter(str.isupper, read)}


def _python(code: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = _environment(folder, variables)
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def _started(folder: Path, *names: str, **variables: str) -> dict[str, Any]:
    """The settings of a process that was started with these variables."""
    fields = ", ".join(f"{name!r}: s.{name}" for name in names)
    done = _python(SHOW.format(names=f"{{{fields}}}"), folder, **variables)
    assert done.returncode == 0, done.stderr
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


def test_without_any_variable_everything_stays_on_this_machine(tmp_path: Path) -> None:
    names = ["DEBUG", "HOST", "PORT", "PUBLIC_URL", "FRONTEND_ORIGINS", "ALLOWED_HOSTS", "TRUSTED_PROXIES"]
    names += ["DEMO", "FIRST_TIME_ZONE", "TIME_ZONE", "UPDATE_MAIL_DELAY_SECONDS", "JOB_LEASE_SECONDS"]
    names += ["BROKER_URL", "EMAIL_URL", "EMAIL_BACKEND", "WEBHOOK_ALLOW_PRIVATE", "CSRF_TRUSTED_ORIGINS"]
    assert _started(tmp_path, *names) == {
        "DEBUG": False,
        "HOST": "127.0.0.1",
        "PORT": 8000,
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "FRONTEND_ORIGINS": ["http://127.0.0.1:8000"],
        "ALLOWED_HOSTS": ["127.0.0.1", "localhost", "[::1]"],
        "TRUSTED_PROXIES": 0,
        "DEMO": False,
        "FIRST_TIME_ZONE": "UTC",
        "TIME_ZONE": "UTC",
        "UPDATE_MAIL_DELAY_SECONDS": 1800,
        "JOB_LEASE_SECONDS": 120,
        "BROKER_URL": "filesystem://",
        "EMAIL_URL": "",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "WEBHOOK_ALLOW_PRIVATE": False,
        "CSRF_TRUSTED_ORIGINS": ["http://127.0.0.1:8000"],
    }


def test_a_second_copy_has_its_own_address_and_folder(tmp_path: Path) -> None:
    shown = _started(tmp_path, "PUBLIC_URL", "CELERY_BROKER_TRANSPORT_OPTIONS", PORT="8123")
    assert shown["PUBLIC_URL"] == "http://127.0.0.1:8123"
    assert shown["CELERY_BROKER_TRANSPORT_OPTIONS"]["data_folder_in"] == str(tmp_path / "broker" / "messages")
    assert (tmp_path / "broker" / "messages").is_dir()


def test_public_url_always_counts_among_the_front_ends(tmp_path: Path) -> None:
    shown = _settings(
        tmp_path,
        "FRONTEND_ORIGINS",
        "ALLOWED_HOSTS",
        "CORS_ALLOWED_ORIGINS",
        "SESSION_COOKIE_SECURE",
        "SECURE_HSTS_SECONDS",
        PUBLIC_URL="https://Salon.example/book/",
        FRONTEND_ORIGINS="https://app.example, https://app.example:8443/",
    )
    origins = ["https://salon.example", "https://app.example", "https://app.example:8443"]
    assert shown == {
        "FRONTEND_ORIGINS": origins,
        "ALLOWED_HOSTS": ["salon.example"],
        "CORS_ALLOWED_ORIGINS": origins,
        "SESSION_COOKIE_SECURE": True,
        "SECURE_HSTS_SECONDS": 365 * 24 * 3600,
    }


@pytest.mark.parametrize(
    ("url", "port", "starttls", "tls", "user", "password"),
    [
        ("submission://me%40salon.example:p%3Aw@mail.example", 587, True, False, "me@salon.example", "p:w"),
        ("smtp://me:pw@mail.example:465?ssl=True", 465, False, True, "me", "pw"),
        ("smtp://me:pw@mail.example:465", 465, False, True, "me", "pw"),
        ("smtp://127.0.0.1:2525?timeout=900", 2525, False, False, "", ""),
    ],
)
def test_every_form_of_email_url_gives_up_after_fifteen_seconds(
    tmp_path: Path, url: str, port: int, starttls: bool, tls: bool, user: str, password: str
) -> None:
    names = ["EMAIL_BACKEND", "EMAIL_PORT", "EMAIL_USE_TLS", "EMAIL_USE_SSL"]
    names += ["EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_TIMEOUT"]
    assert _settings(tmp_path, *names, EMAIL_URL=url) == {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_PORT": port,
        "EMAIL_USE_TLS": starttls,
        "EMAIL_USE_SSL": tls,
        "EMAIL_HOST_USER": user,
        "EMAIL_HOST_PASSWORD": password,
        "EMAIL_TIMEOUT": 15,
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DEBUG", "notabool"),
        ("PORT", "eighty"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("PUBLIC_URL", "salon.example"),
        ("PUBLIC_URL", "https://user:pw@salon.example"),
        ("FRONTEND_ORIGINS", "https://app.example/path"),
        ("FRONTEND_ORIGINS", "ftp://app.example"),
        ("CSRF_TRUSTED_ORIGINS", "app.example"),
        ("DATABASE_URL", "mysql://root@localhost/salon"),
        ("DATABASE_URL", "postgres://u:p@h1:5432,h2:port/salon"),
        ("DATABASE_URL", "postgres://u:p@h1,,h2/salon"),
        ("DATABASE_URL", "postgres://u:p@h1:99999/salon"),
        ("DATABASE_URL", "mysql://root@h1,h2/salon"),
        ("DATABASE_REPLICA_URL", "sqlite:///salon.sqlite3"),
        ("DATABASE_REPLICA_URL", "postgres://u:p@h1,,h2/salon"),
        ("BROKER_URL", "sqs://"),
        ("BROKER_URL", "sentinel://h1:26379,h2:26379"),
        ("BROKER_URL", "sentinel://h1:26379,h2:26379/salon/one"),
        ("CACHE_URL", "sentinel://h1:port/salon"),
        ("CACHE_URL", "memcache://localhost"),
        ("EMAIL_URL", "mail.example"),
        ("JOB_LEASE_SECONDS", "2m"),
        ("WEBHOOK_ALLOW_PRIVATE", "perhaps"),
    ],
)
def test_a_bad_value_is_refused_and_the_variable_named(tmp_path: Path, variable: str, value: str) -> None:
    with pytest.raises(ValueError, match=variable):
        _settings(tmp_path, **{variable: value})


@pytest.mark.parametrize(("variable", "value"), [("PORT", "eighty"), ("TIME_ZONE", "Mars/Olympus")])
def test_a_bad_value_stops_the_start(tmp_path: Path, variable: str, value: str) -> None:
    done = _python("from django.conf import settings; settings.DEBUG", tmp_path, **{variable: value})
    assert done.returncode == 1
    assert variable in done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("variables", "ids"),
    [
        ({}, "config.E001"),
        ({"DEBUG": "1"}, ""),
        ({"SECRET_KEY": "x" * 50}, ""),
        ({"SECRET_KEY": "x" * 50, "JOB_LEASE_SECONDS": "0"}, "config.E002"),
        ({"SECRET_KEY": "x" * 50, "DATABASE_REPLICA_URL": "postgres://h1/salon"}, "config.E008"),
        (
            {
                "SECRET_KEY": "x" * 50,
                "DATABASE_REPLICA_URL": "postgres://h1/s",
                "DATABASE_URL": "postgres://h/s",
            },
            "",
        ),
        ({"SECRET_KEY": "x" * 50, "STRIPE_API_KEY": "sk_test_1"}, "config.W003"),
        ({"SECRET_KEY": "x" * 50, "EMAIL_URL": "smtp://127.0.0.1:25"}, ""),
        (
            {"SECRET_KEY": "x" * 50, "EMAIL_URL": "smtp://mail.example", "DEFAULT_FROM_EMAIL": "a@b.example"},
            "config.W004",
        ),
        ({"SECRET_KEY": "x" * 50, "EMAIL_URL": "submission://u:p@mail.example"}, "config.W005"),
        ({"SECRET_KEY": "x" * 50, "HOST": "0.0.0.0"}, "config.W006"),
        ({"SECRET_KEY": "x" * 50, "PUBLIC_URL": "http://salon.example"}, "config.W007"),
    ],
)
def test_a_wrong_deployment_is_said(tmp_path: Path, variables: dict[str, str], ids: str) -> None:
    of_mail = ["EMAIL_HOST", "EMAIL_USE_TLS", "EMAIL_USE_SSL"] if "EMAIL_URL" in variables else []
    with override_settings(**_settings(tmp_path, *LOOKED_AT, *of_mail, **variables)):
        assert " ".join(str(each.id) for each in check_settings()) == ids


def test_it_is_said_by_a_system_check(tmp_path: Path) -> None:
    code = "import django; django.setup(); from django.core.checks import run_checks; "
    code += "print(*[m.id for m in run_checks(tags=['settings'])])"
    assert _python(code, tmp_path).stdout.strip() == "config.E001"


def test_the_web_process_refuses_to_start_without_a_secret_key(tmp_path: Path) -> None:
    done = _python("import config.wsgi", tmp_path)
    assert done.returncode == 1
    assert "SECRET_KEY" in done.stderr.strip().splitlines()[-1] + done.stderr


def test_redis_as_broker_is_the_shared_cache_too(tmp_path: Path) -> None:
    shown = _settings(
        tmp_path, "CACHES", "CELERY_BROKER_TRANSPORT_OPTIONS", BROKER_URL="redis://127.0.0.1:1/0"
    )
    assert shown["CACHES"]["default"]["BACKEND"] == "config.cache.RedisCacheThatMayBeAway"
    assert shown["CELERY_BROKER_TRANSPORT_OPTIONS"]["socket_timeout"] == 0.5


HOSTS = {
    "u:p@h1:5433,h2/salon": ("h1,h2", "5433,5432", "read-write"),
    "u:p@h1,h2,h3:5434/salon?target_session_attrs=any": ("h1,h2,h3", "5432,5432,5434", "any"),
    "u:p%40%2F,@[::1]:5433,10.0.0.2/salon": ("::1,10.0.0.2", "5433,5432", "read-write"),
    "u:p@h1:5433/salon": ("h1", 5433, None),
    "/salon?host=/run/postgresql": ("", "", None),
}


@pytest.mark.parametrize("address", HOSTS)
def test_the_database_may_be_on_several_hosts(tmp_path: Path, address: str) -> None:
    found = _settings(tmp_path, "DATABASES", DATABASE_URL=f"postgres://{address}")["DATABASES"]["default"]
    attributes = found["OPTIONS"].get("target_session_attrs")
    assert (found["HOST"], found["PORT"], attributes) == HOSTS[address]
    assert (found["ENGINE"], found["NAME"], found["CONN_MAX_AGE"]) == ("config.postgres", "salon", None)
    if "%40" in address:
        assert (found["USER"], found["PASSWORD"]) == ("u", "p@/,")


@pytest.mark.parametrize("address", HOSTS)
def test_a_replica_is_named_as_the_database_is_and_a_standby_comes_first(
    tmp_path: Path, address: str
) -> None:
    read = _settings(
        tmp_path, DATABASE_URL="postgres://h/salon", DATABASE_REPLICA_URL=f"postgres://{address}"
    )
    found = read["DATABASES"]["replica"]
    host, port, attributes = HOSTS[address]
    attributes = "prefer-standby" if attributes == "read-write" else attributes
    assert (found["HOST"], found["PORT"], found["OPTIONS"].get("target_session_attrs")) == (
        host,
        port,
        attributes,
    )
    assert (found["ENGINE"], found["NAME"], found["CONN_MAX_AGE"]) == ("config.postgres", "salon", None)
    assert read["DATABASE_ROUTERS"] == ["staff.storage.may_lag.ReplicaRouter"]


def test_without_a_replica_nothing_is_routed(tmp_path: Path) -> None:
    read = _settings(tmp_path, DATABASE_URL="postgres://h/salon")
    assert list(read["DATABASES"]) == ["default"]
    assert "DATABASE_ROUTERS" not in read


def test_redis_under_sentinel_is_broker_and_cache_alike(tmp_path: Path) -> None:
    url = "sentinel://:p%40ss@s1:26379,s2/salon/2"
    names = ["CACHES", "CELERY_BROKER_URL", "CELERY_BROKER_TRANSPORT_OPTIONS"]
    shown = _settings(tmp_path, *names, BROKER_URL=url)
    assert shown["CELERY_BROKER_URL"] == "sentinel://:p%40ss@s1:26379/2;sentinel://:p%40ss@s2:26379/2"
    options = shown["CELERY_BROKER_TRANSPORT_OPTIONS"]
    assert (options["master_name"], options["socket_timeout"]) == ("salon", 0.5)
    cache = shown["CACHES"]["default"]
    assert (cache["BACKEND"], cache["LOCATION"]) == ("config.cache.RedisCacheThatMayBeAway", [url])
    pool = SentinelPool.from_url(url, socket_timeout=0.5)
    assert (pool.service_name, pool.connection_kwargs["db"], pool.connection_kwargs["password"]) == (
        "salon",
        2,
        "p@ss",
    )


def test_a_worker_finds_redis_under_sentinel_as_the_web_does(tmp_path: Path) -> None:
    url = "sentinel://:pass@s1:26379,s2/salon/2"
    code = (
        "from config.celery import app; print(app.connection_for_read().alt, app.connection_for_write().alt)"
    )
    # As `celery worker` itself takes the variable over.
    done = _python(code, tmp_path, SECRET_KEY="x" * 50, BROKER_URL=url, CELERY_BROKER_URL=url)
    both = ["sentinel://:pass@s1:26379/2", "sentinel://:pass@s2:26379/2"]
    assert done.stdout.strip() == f"{both} {both}", done.stderr


@pytest.mark.django_db
def test_the_database_enforces_foreign_keys_and_serialises_writers() -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys")
            assert cursor.fetchone()[0] == 1
            cursor.execute("PRAGMA journal_mode")
            assert cursor.fetchone()[0] == "wal"
            assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        else:
            cursor.execute("SHOW transaction_isolation")
            assert cursor.fetchone()[0] == "read committed"
