"""The web process as it is deployed: gunicorn with our worker, spoken to over a socket."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cast.servers import free_port

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    chosen = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "DATA_DIR": str(tmp_path_factory.mktemp("web")),
        "SECRET_KEY": "only-for-tests-" * 4,
        "PORT": str(chosen),
        "WEB_CONCURRENCY": "1",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "config/gunicorn.py", "config.wsgi"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 100
        while not _listens(chosen):
            if process.poll() is not None or time.monotonic() > until:
                process.kill()
                pytest.fail(
                    f"gunicorn did not start: {process.stderr.read().decode() if process.stderr else ''}"
                )
            time.sleep(0.05)
        yield chosen
        process.send_signal(signal.SIGTERM)
        assert process.wait(100) == 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _ask(port: int, request: bytes) -> tuple[int, dict[str, str], Any]:
    with socket.create_connection(("127.0.0.1", port), timeout=100) as wire:
        wire.sendall(request)
        answer = b""
        while part := wire.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return int(status.split()[1]), headers, json.loads(body)


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "uri_too_long"),
        (b"NONSENSE\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: strange\r\n\r\n", 400, "malformed_request"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n", 400, "malformed_request"),
    ],
)
def test_malformed_http_is_answered_in_json(port: int, request_bytes: bytes, status: int, code: str) -> None:
    shown, headers, body = _ask(port, request_bytes)
    assert (shown, headers["content-type"], body["code"]) == (status, "application/json", code)
    assert set(body) == {"error", "code"}


def test_an_unknown_path_is_answered_in_json(port: int) -> None:
    request = (
        f"GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"
    )
    status, headers, body = _ask(port, request.encode())
    assert (status, headers["content-type"].split(";")[0]) == (404, "application/json")
    assert "error" in body


def test_a_foreign_host_is_refused_in_json(port: int) -> None:
    status, headers, body = _ask(
        port, b"GET /api/bookings HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    )
    assert (status, headers["content-type"].split(";")[0]) == (400, "application/json")
    assert "evil" not in json.dumps(body)
