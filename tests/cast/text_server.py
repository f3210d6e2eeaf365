"""A stand-in for seven.io and Twilio on loopback: real HTTP, faults on demand, signed receipts and replies.

    with text_server() as provider:
        provider.url                                # SEVEN_API_BASE, TWILIO_API_BASE
        provider.fail_next("429", times=2)
        provider.taken                              # what it has accepted, in order
        browser.post(**seven_call(receipts_url(channel), "dlr", {...}))     # signed, for a test client

Faults: `refused`, `opted_out`, `bad_key`, `no_credit`, `429`, `503` (none of them taken), `500`
(taken, nobody says so), `cut` (taken, the line is cut), `hang` (taken, the answer comes too late), `dropped`
(not taken, the line is cut).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

SEVEN_KEY, SIGNING_KEY = "seven-key-of-the-salon", "seven-signing-key"
ACCOUNT, AUTH_TOKEN = "AC" + "0" * 32, "twilio-token-of-the-salon"
FAULTS = ("refused", "opted_out", "bad_key", "no_credit", "429", "503", "500", "cut", "hang", "dropped")
NOT_TAKEN = ("refused", "opted_out", "bad_key", "no_credit", "429", "503", "dropped")


@dataclass(frozen=True)
class Taken:
    """A text that the provider has, and would deliver."""

    id: str
    to: str
    sender: str
    text: str
    reference: str
    receipts_url: str


@dataclass
class TextServer:
    url: str = ""
    hang_seconds: float = 30.0
    taken: list[Taken] = field(default_factory=list)
    seen: list[tuple[str, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    before_answer: Callable[[Taken], None] | None = None
    """Called with every text that was taken, before the answer: a receipt may be quicker."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def fail_next(self, fault: str, *, times: int = 1) -> None:
        if fault not in FAULTS:
            raise ValueError(fault)
        with self.lock:
            self.faults += [fault] * times

    def copies(self) -> Counter[tuple[str, str]]:
        """How often each text was taken, by number and words."""
        return Counter((each.to, each.text) for each in self.taken)

    def take(self, to: str, sender: str, text: str, *, reference: str, receipts_url: str = "") -> Taken:
        with self.lock:
            made = Taken(f"{77_000 + len(self.taken)}", to, sender, text, reference, receipts_url)
            self.taken.append(made)
        return made

    def next_fault(self) -> str:
        with self.lock:
            return self.faults.pop(0) if self.faults else ""


@contextmanager
def text_server(port: int = 0) -> Iterator[TextServer]:
    provider = TextServer()
    server = ThreadingHTTPServer(("127.0.0.1", port), _handler(provider))
    server.daemon_threads = True
    provider.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=60)


def _handler(provider: TextServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fault = provider.next_fault()
            answer = _seven if self.path == "/api/sms" else _twilio
            if fault == "dropped":
                self._cut()
                return
            status, data, taken = answer(provider, self, body, fault)
            if taken is not None and provider.before_answer is not None:
                provider.before_answer(taken)
            if fault == "cut":
                self._cut()
                return
            if fault == "hang":
                provider.stopping.wait(timeout=provider.hang_seconds)
            provider.seen.append((self.path, status))
            raw = json.dumps(data).encode()
            with suppress(OSError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                if status == 429:
                    self.send_header("Retry-After", "30")
                self.end_headers()
                self.wfile.write(raw)

        def _cut(self) -> None:
            provider.seen.append((self.path, 0))
            self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    return Handler


_Answer = tuple[int, Any, Taken | None]


def _seven(provider: TextServer, request: Any, body: bytes, fault: str) -> _Answer:
    said = json.loads(body)
    codes = {
        "refused": (200, "202"),
        "bad_key": (401, "900"),
        "no_credit": (200, "500"),
        "opted_out": (200, "305"),
    }
    if request.headers["X-Api-Key"] != SEVEN_KEY:
        return 401, 900, None
    if fault in codes:
        status, code = codes[fault]
        return status, {"success": code}, None
    if fault in ("429", "503"):
        return int(fault), {}, None
    taken = provider.take(said["to"], said["from"], said["text"], reference=said["foreign_id"])
    if fault == "500":
        return 500, {}, taken
    message = {"id": taken.id, "recipient": taken.to, "price": 0.075, "success": True, "parts": 1}
    return 200, {"success": "100", "total_price": 0.075, "messages": [message]}, taken


def _twilio(provider: TextServer, request: Any, body: bytes, fault: str) -> _Answer:
    said = dict(parse_qsl(body.decode()))
    login = base64.b64encode(f"{ACCOUNT}:{AUTH_TOKEN}".encode()).decode()
    if request.headers["Authorization"] != f"Basic {login}" or fault == "bad_key":
        return 401, {"code": 20003, "message": "Authenticate", "status": 401}, None
    codes = {"refused": 21211, "opted_out": 21610, "no_credit": 20005}
    if fault in codes:
        return 400, {"code": codes[fault], "message": "No", "status": 400}, None
    if fault in ("429", "503"):
        return int(fault), {"code": 20429, "status": int(fault)}, None
    callback = said["StatusCallback"]
    reference = dict(parse_qsl(urlsplit(callback).query))["ref"]
    taken = provider.take(said["To"], said["From"], said["Body"], reference=reference, receipts_url=callback)
    if fault == "500":
        return 500, {"code": 20500}, taken
    data = {
        "sid": f"SM{taken.id}",
        "status": "queued",
        "price": None,
        "price_unit": "USD",
        "num_segments": "1",
    }
    return 201, data, taken


def seven_call(
    url: str, event: str, data: dict[str, Any], *, key: str = SIGNING_KEY, at: float | None = None
) -> dict[str, Any]:
    """What a Django test client posts to be seven.io's webhook: `client.post(**seven_call(...))`."""
    body = json.dumps({"webhook_event": event, "webhook_timestamp": "now", "data": data}).encode()
    timestamp, nonce = str(int(time.time() if at is None else at)), "n" * 32
    signed = "\n".join([timestamp, nonce, "POST", url, hashlib.md5(body).hexdigest()])
    signature = hmac.new(key.encode(), signed.encode(), hashlib.sha256).hexdigest()
    return {
        "path": _path(url),
        "data": body,
        "content_type": "application/json",
        "headers": {"X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature},
    }


def twilio_call(url: str, fields: dict[str, str], *, token: str = AUTH_TOKEN) -> dict[str, Any]:
    """Likewise for Twilio, as a form."""
    signed = url + "".join(f"{name}{value}" for name, value in sorted(fields.items()))
    signature = base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()
    return {
        "path": _path(url),
        "data": urlencode(fields).encode(),
        "content_type": "application/x-www-form-urlencoded",
        "headers": {"X-Twilio-Signature": signature},
    }


def _path(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
