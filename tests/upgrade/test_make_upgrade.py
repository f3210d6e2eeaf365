"""`make upgrade` and `make run` know of each other; `make upgrade-test` does it all (docs/adr/0107)."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config import run, upgrade
from config.run import ROOT, RUNNING
from tests.cast import servers

pytestmark = pytest.mark.first_pass_alone(why="it decides before it looks at a row")


NOBODY = 1
"""A port on which nothing listens."""


class _Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """200 for whom a Django of this ALLOWED_HOSTS knows, as in _start."""
        known = self.headers["Host"].partition(":")[0] in ("127.0.0.1", "book.salon.example")
        self.send_response(200 if known else 400)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def somebody() -> Iterator[int]:
    """The port of a web process that nobody knows how to restart."""
    server = HTTPServer(("127.0.0.1", 0), _Answering)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder: `active` lists units at work, `refused` what systemctl cannot do, `calls` what it did."""
    folder = tmp_path / "systemctl.d"
    folder.mkdir()
    (folder / "active").touch()
    (folder / "refused").touch()
    program = folder / "systemctl"
    program.write_text(
        f"""#!/bin/sh
cd {folder}
if test "$1" = is-active; then exec grep -qx "$3" active; fi
echo "$*" >>calls
! grep -qx "$1" refused
"""
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("PORT", str(NOBODY))
    return folder


def test_on_sqlite_nothing_is_touched_beside_a_process_that_cannot_be_restarted(
    tmp_path: Path, somebody: int
) -> None:
    done = _start("config.upgrade", tmp_path, port=somebody)
    assert done.returncode == 1
    assert f"something answers on http://127.0.0.1:{somebody}" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert not (tmp_path / "backups").exists()
    assert not (tmp_path / "bookings.sqlite3").exists()


def test_whoever_answers_anything_at_all_runs(tmp_path: Path, somebody: int) -> None:
    variables = {"ALLOWED_HOSTS": "*", "PUBLIC_URL": "https://not.known.example"}
    done = _start("config.upgrade", tmp_path, port=somebody, **variables)
    assert f"something answers on http://127.0.0.1:{somebody}" in done.stderr
    assert not (tmp_path / "backups").exists()


def test_it_asks_under_a_name_that_is_answered(somebody: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("PORT", str(somebody))
    for allowed, public, status in [
        ("", "", 200),
        ("*", "https://book.salon.example", 200),
        (".salon.example", "https://book.salon.example", 200),
        ("elsewhere.example", "", 400),
    ]:
        monkeypatch.setenv("ALLOWED_HOSTS", allowed)
        monkeypatch.setenv("PUBLIC_URL", public)
        assert upgrade._status("/readyz") == status, allowed
    monkeypatch.setenv("PORT", str(NOBODY))
    assert upgrade._status("/readyz") is None


def test_another_database_than_that_of_make_run_is_refused(tmp_path: Path, somebody: int) -> None:
    there = {"engine": "postgresql", "host": "db.internal:5432", "name": "bookings"}
    told = {"pid": 1, "began": 2, "host": "127.0.0.1", "port": str(somebody), "database": there}
    (tmp_path / RUNNING).write_text(json.dumps(told))
    with (tmp_path / RUNNING).open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = _start("config.upgrade", tmp_path, port=NOBODY)
    assert done.returncode == 1
    assert "db.internal:5432" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [RUNNING]


def test_make_run_tells_its_database_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOST", "127.0.0.1")
    monkeypatch.setenv("PORT", "8000")
    for url, expected in [
        ("", {"engine": "sqlite", "host": "", "name": f"{tmp_path}/bookings.sqlite3"}),
        ("sqlite:////srv/one.sqlite3", {"engine": "sqlite", "host": "", "name": "/srv/one.sqlite3"}),
        (
            "postgres://bookings:se:cret@h1:5432,h2:5432/bookings?target_session_attrs=any",
            {"engine": "postgresql", "host": "h1:5432,h2:5432", "name": "bookings"},
        ),
    ]:
        monkeypatch.setenv("DATABASE_URL", url)
        held = run._say_who_runs(tmp_path / RUNNING)
        assert held is not None
        text = (tmp_path / RUNNING).read_text()
        held.close()
        assert json.loads(text)["database"] == expected
        assert "cret" not in text


def test_the_signal_to_begin_again_ends_nobody_who_has_only_begun(tmp_path: Path) -> None:
    """It comes before first_run has ended, which fails here: there is no such server."""
    variables = _environment(tmp_path, port=servers.free_port())
    variables["DATABASE_URL"] = f"postgres://nobody@127.0.0.1:{NOBODY}/none"
    process = subprocess.Popen(
        [sys.executable, "-m", "config.run"], cwd=ROOT, env=variables, stderr=subprocess.PIPE
    )
    file, began = tmp_path / RUNNING, time.monotonic()
    while not (file.exists() and file.stat().st_size) and time.monotonic() - began < 60:
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR2)
    _, said = process.communicate(timeout=100)
    assert process.returncode == 1, said
    assert b"OperationalError" in said


def test_of_systemd_s_units_only_those_at_work_are_restarted(tmp_path: Path, systemctl: Path) -> None:
    (systemctl / "active").write_text("bookings-web.service\nbookings-beat.service\n")
    house = upgrade.House(tmp_path, None)
    house.find_out(None)
    assert (house.how, house.units) == ("systemd", ("bookings-beat.service", "bookings-web.service"))
    (systemctl / "refused").write_text("stop\n")
    with pytest.raises(upgrade.Failed):
        upgrade._stop_migrate_start(house)
    assert not house.touched
    assert (systemctl / "calls").read_text().splitlines() == [
        "stop bookings-web.service bookings-beat.service",
        "start bookings-beat.service bookings-web.service",
    ]


def test_a_worker_that_systemd_runs_is_stopped_where_no_web_runs(tmp_path: Path, systemctl: Path) -> None:
    """On SQLite it would write while tables are made anew."""
    (systemctl / "active").write_text("bookings-worker.service\n")
    house = upgrade.House(tmp_path, None)
    house.find_out(None)
    assert (house.how, house.units) == ("systemd", ("bookings-worker.service",))


def test_on_postgresql_what_was_stopped_is_started_again(tmp_path: Path, systemctl: Path) -> None:
    (systemctl / "active").write_text("bookings-web.service\nbookings-worker.service\n")
    house = upgrade.House(tmp_path, None)
    house.find_out("systemd")
    (systemctl / "refused").write_text("stop\n")
    with pytest.raises(upgrade.Failed):
        upgrade._migrate_then_restart(house)
    assert not house.touched
    assert (systemctl / "calls").read_text().splitlines() == [
        "stop bookings-worker.service",
        "start bookings-worker.service",
    ]


def test_make_run_is_not_asked_to_begin_again_before_it_answers(tmp_path: Path, systemctl: Path) -> None:
    house = upgrade.House(tmp_path, {"pid": 1, "began": 2})
    with pytest.raises(upgrade.Failed, match="does not answer"):
        house.find_out(None)
    with pytest.raises(upgrade.Failed, match="not at work"):
        upgrade.House(tmp_path, None).find_out("run")


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3", "SECRET_KEY": "x" * 50}
    done = _start("config.upgrade", tmp_path / "file" / "data", port=NOBODY, **variables)
    assert "The upgrade has failed" in done.stderr
    assert "Nothing was changed" in done.stderr


def test_a_folder_that_is_not_there_is_made_with_all_above_it(tmp_path: Path) -> None:
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path}/x.sqlite3", "SECRET_KEY": "x" * 50}
    # The broker of folders would make it.
    variables["BROKER_URL"] = f"redis://127.0.0.1:{NOBODY}/0"
    (tmp_path / "x.sqlite3").write_text("No database: the upgrade ends at its backup. " * 100)
    folder = tmp_path / "not" / "there"
    done = _start("config.upgrade", folder, port=NOBODY, **variables)
    assert "file is not a database" in done.stderr
    assert (folder / "backups").is_dir(), done.stderr


def test_a_folder_is_run_once(tmp_path: Path) -> None:
    with (tmp_path / RUNNING).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = _start("config.run", tmp_path, port=NOBODY)
    assert (done.returncode, "at work" in done.stderr) == (1, True)


def test_who_runs_is_known_by_the_lock_and_not_by_the_file(tmp_path: Path) -> None:
    file = tmp_path / RUNNING
    assert upgrade._running(file) is None
    told = {"pid": 1, "began": 2, "host": "127.0.0.1", "port": "8000"}
    file.write_text(json.dumps(told))
    assert upgrade._running(file) is None, "it was killed"
    with file.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert upgrade._running(file) == told


def _start(module: str, folder: Path, *, port: int, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module],
        cwd=ROOT,
        env={**_environment(folder, port=port), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def _environment(folder: Path, *, port: int) -> dict[str, str]:
    return {
        "PATH": "/nonexistent",
        "DATA_DIR": str(folder),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DEMO": "0",
    }
