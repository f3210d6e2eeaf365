"""`make upgrade` and `make run` know of each other; `make upgrade-test` does it all (docs/adr/0107)."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from config import upgrade
from config.run import ROOT, RUNNING

pytestmark = pytest.mark.first_pass_alone(why="it decides before it looks at a row")


class _Well(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def somebody() -> Iterator[int]:
    """The port of a web process that nobody knows how to restart."""
    server = HTTPServer(("127.0.0.1", 0), _Well)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_on_sqlite_nothing_is_touched_beside_a_process_that_cannot_be_restarted(
    tmp_path: Path, somebody: int
) -> None:
    done = _start("config.upgrade", tmp_path, port=somebody)
    assert done.returncode == 1
    assert f"something answers on http://127.0.0.1:{somebody}" in done.stderr
    assert "Nothing was changed" in done.stderr
    assert not (tmp_path / "backups").exists()
    assert not (tmp_path / "bookings.sqlite3").exists()


def test_a_folder_is_run_once(tmp_path: Path) -> None:
    with (tmp_path / RUNNING).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = _start("config.run", tmp_path, port=1)
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


def _start(module: str, folder: Path, *, port: int) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": "/nonexistent",
        "DATA_DIR": str(folder),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DEMO": "0",
    }
    return subprocess.run(
        [sys.executable, "-m", module], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
