"""The product's settings for one pytest session: temporary folders, a database of its own, fast hashing.

The database is the one DATABASE_URL names, SQLite in a temporary folder without it, or, with
`--db=postgres` on the command line, a PostgreSQL brought up for the session (see `tests.cast.servers`).
It has to be settled here, because Django reads its settings before pytest reads its options.

Several processes of one session (pytest-xdist) share nothing: each has its own folder, its own test database
(pytest-django puts the process's name behind it) and its own numbered database in Redis, because the cache
is emptied after every test.
"""

import atexit
import contextlib
import os
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from tests.cast import servers

_stack = contextlib.ExitStack()
atexit.register(_stack.close)
FOLDER = Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="bookings-tests-")))

if "--db=postgres" in "=".join(sys.argv) and not os.environ.get("DATABASE_URL", "").startswith("postgres"):
    os.environ["DATABASE_URL"] = _stack.enter_context(servers.postgres()).url

_process = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
if os.environ.get("BROKER_URL", "").startswith("redis"):
    os.environ["BROKER_URL"] = urlsplit(os.environ["BROKER_URL"])._replace(path=f"/{_process}").geturl()

for _name in (
    *("EMAIL_URL", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE", "PUBLIC_URL"),
    *("CHANNEL_KEY", "SEVEN_API_BASE", "TWILIO_API_BASE"),
):
    os.environ.pop(_name, None)
os.environ.update(
    DATA_DIR=str(FOLDER),
    SECRET_KEY="only-for-tests-" * 4,
    DEBUG="0",
    DEMO="0",
    HOST="127.0.0.1",
    PORT="8000",
    TIME_ZONE="UTC",
)

from config.settings import *  # noqa: E402, F403
from config.settings import ALLOWED_HOSTS, CACHES, DATABASES  # noqa: E402

ALLOWED_HOSTS = [*ALLOWED_HOSTS, "testserver"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: threads of a race test must meet in the same database, as in production.
    DATABASES["default"]["TEST"] = {"NAME": str(FOLDER / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;"

if "Redis" in CACHES["default"]["BACKEND"]:
    # A machine that is busy must not pass for a Redis that is away, whose counters start again from nothing.
    CACHES["default"]["OPTIONS"] = {"socket_timeout": 60, "socket_connect_timeout": 60}
