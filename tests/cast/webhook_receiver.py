"""A receiver of webhooks on loopback: keeps what it is sent, checks it, and answers as it is told.

    with receiver() as hooks:
        hooks.url                       # http://127.0.0.1:<port>/hooks?who=app
        hooks.answers = [500, 200]      # statuses, the last one for ever; 200 unless said otherwise
        hooks.got[0].event              # the JSON it was sent

The signature is checked as the Standard Webhooks specification tells receivers to, in code that shares
nothing with what signs.
"""

from __future__ import annotations

import base64
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

CERTIFICATE = Path(__file__).resolve().parents[1] / "examples" / "hooks_example_com.pem"
"""Of hooks.example.com, by itself, with its key: good for these tests only."""


@dataclass(frozen=True)
class Got:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`answers` are statuses; `headers` and `body` go with each.

    `drip` seconds between the bytes of the answer; `silent` True never answers; `raw` are the bytes of the
    whole answer in place of all that.
    """

    port: int = 0
    scheme: str = "http"
    answers: list[int] = field(default_factory=lambda: [200])
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"thank you"
    drip: float = 0.0
    silent: bool = False
    raw: bytes | None = None
    got: list[Got] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks?who=app"

    @property
    def types(self) -> list[str]:
        return [each.event["type"] for each in self.got]

    def next_answer(self) -> int:
        with self.lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def verified(got: Got, secret: str, *, now: float, tolerance_seconds: int = 300) -> Any:
    """The event, if its signature is right and its timestamp near `now` (Unix). Raises AssertionError."""
    timestamp = got.headers["webhook-timestamp"]
    assert abs(now - int(timestamp)) <= tolerance_seconds, "too old or too new"
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[len("whsec_") :], validate=True)
    assert 24 <= len(key) <= 64
    to_sign = f"{got.headers['webhook-id']}.{timestamp}.{got.body.decode()}"
    expected = base64.b64encode(hmac.digest(key, to_sign.encode(), "sha256")).decode()
    versions = [each.split(",", 1) for each in got.headers["webhook-signature"].split(" ")]
    assert any(version == "v1" and hmac.compare_digest(given, expected) for version, given in versions)
    return json.loads(got.body)


@contextmanager
def receiver(*, tls: bool = False, **changes: Any) -> Iterator[Receiver]:
    """A running server that fills a Receiver."""
    hooks = Receiver(**changes)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hooks))
    server.daemon_threads = True
    hooks.port = server.server_port
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        hooks.scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hooks
    finally:
        hooks.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=60)


def _handler(hooks: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            with hooks.lock:
                hooks.at_once += 1
                hooks.most_at_once = max(hooks.most_at_once, hooks.at_once)
            try:
                self._take()
            finally:
                with hooks.lock:
                    hooks.at_once -= 1

        def do_GET(self) -> None:
            hooks.got.append(Got(self.path, dict(self.headers), b"null"))
            self._answer(200)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            hooks.got.append(Got(self.path, headers, body))
            if hooks.silent:
                hooks.stopping.wait(timeout=200)
                self.close_connection = True
                return
            self._answer(hooks.next_answer())

        def _answer(self, status: int) -> None:
            head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(hooks.body)}"]
            head += [f"{name}: {value}" for name, value in hooks.headers.items()]
            whole = "\r\n".join([*head, "", ""]).encode() + hooks.body if hooks.raw is None else hooks.raw
            self.close_connection = hooks.raw is not None
            with suppress(OSError):
                if not hooks.drip:
                    self.wfile.write(whole)
                    return
                for byte in whole:
                    self.wfile.write(bytes([byte]))
                    if hooks.stopping.wait(timeout=hooks.drip):
                        return

    return Handler


def resolving(patch: Any, answers: dict[str, list[list[str]]]) -> list[str]:
    """`socket.getaddrinfo` answers for these names: the n-th call gets the n-th list, the last one for ever.

    Gives the list of names that were looked up, as it grows.
    """
    real = socket.getaddrinfo
    asked: list[str] = []

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        known = answers[host]
        found = known.pop(0) if len(known) > 1 else known[0]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            for each in found
        ]

    patch.setattr(socket, "getaddrinfo", look_up)
    return asked


def wait_until(true: Any, *, seconds: float = 100) -> None:
    """Until `true()` holds. Raises AssertionError when it never does."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)
