"""Migrations: one line per app, named by hand, in step with the models, from nothing and back."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

ROOT = Path(__file__).resolve().parents[2]
APPS = ("staff", "clients", "notifications", "bookings")

THERE_AND_BACK = f"""
import django
django.setup()
from django.core.management import call_command

def build():
    call_command("migrate", verbosity=0)
    call_command("check", databases=["default"])

build()
for app in {APPS[::-1]}:
    call_command("migrate", app, "zero", verbosity=0)
build()
"""


def test_every_app_has_one_line_of_migrations_named_by_hand() -> None:
    loader = MigrationLoader(None)
    for app in APPS:
        names = sorted(name for label, name in loader.disk_migrations if label == app)
        assert len(loader.graph.leaf_nodes(app)) == 1, app
        assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1)), names
        assert [name for name in names if re.search(r"_auto_|_alter_.+_and_more", name)] == []
        for name in names[1:]:
            parents = [key for key in loader.disk_migrations[app, name].dependencies if key[0] == app]
            assert len(parents) == 1, name


@pytest.mark.django_db
def test_models_and_migrations_agree() -> None:
    said = io.StringIO()
    call_command("makemigrations", check=True, dry_run=True, stdout=said)
    assert "No changes detected" in said.getvalue()


@pytest.fixture
def empty_database(tmp_path: Path) -> Iterator[str]:
    """The address of a database of this test's own, of the kind the session runs on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    server = urlsplit(os.environ["DATABASE_URL"])
    name = f"empty_{uuid.uuid4().hex}"
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        yield server._replace(path=f"/{name}").geturl()
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.mark.slow
@pytest.mark.servers
def test_the_database_can_be_built_from_nothing_taken_back_and_built_again(
    empty_database: str, tmp_path: Path
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": empty_database,
        "DATA_DIR": str(tmp_path),
        "SECRET_KEY": settings.SECRET_KEY,
    }

    done = subprocess.run(
        [sys.executable, "-c", THERE_AND_BACK],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("System check identified no issues") == 2
