"""A stand-in for Stripe on loopback: real HTTP, its idempotency rules, faults on demand, signed webhooks.

    with stripe_server() as server:
        server.url                                  # STRIPE_API_BASE
        server.fail_next("saved_500", times=2)      # faults hit POSTs to `path`, one after the other
        server.books.pay(session_id)                # what a client does at Stripe
        server.deliver(url, secret=...)             # its webhooks over HTTP, repeated and shuffled at will
        body, signature = signed(event, secret)     # or one by one, for a test client

    python -m tests.cast.stripe_server --port 12111      # for a browser: GET and POST /c/pay/<id>
    POST /_control/{fail,pay,deliver}, GET /_control/ledger   # the same from another process, JSON

Faults: `429` (not done, not saved), `saved_500` (not done, saved), `saved_500_after` (done, saved as 500),
`500` (not done, not saved), `timeout_after` (done, the line is cut), `cut` (not done, the line is cut),
`hang` (done; the answer comes too late).
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe

from tests.cast.stripe_books import KEY_MEMORY, ApiError, Books

FAULTS = ("429", "saved_500", "saved_500_after", "500", "timeout_after", "cut", "hang")
SESSIONS = "/v1/checkout/sessions"
REFUNDS = "/v1/refunds"
Answer = tuple[int, dict[str, Any]]


class CutOff(Exception):
    """The connection ends without an answer."""


@dataclass
class Kept:
    """What an idempotency key stands for; `answer` None while the first request runs."""

    path: str
    params: dict[str, str]
    at: float
    answer: Answer | None = None


@dataclass(frozen=True)
class Seen:
    """One request as it came in and what it got (0: the line was cut)."""

    method: str
    path: str
    idempotency_key: str
    status: int


@dataclass
class StripeServer:
    """`api_key` None takes any key that looks like one."""

    books: Books = field(default_factory=Books)
    api_key: str | None = None
    hang_seconds: float = 12.0
    seen: list[Seen] = field(default_factory=list)
    faults: list[tuple[str, str]] = field(default_factory=list)
    kept: dict[str, Kept] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""
    before_answer: Callable[[str], None] | None = None
    """Called with the path of every POST when it is done and not answered yet: what happens meanwhile."""

    def fail_next(self, fault: str, *, times: int = 1, path: str = SESSIONS) -> None:
        """The next POSTs to `path` and below fail so."""
        if fault not in FAULTS:
            raise ValueError(fault)
        with self.lock:
            self.faults += [(fault, path)] * times

    def count(self, method: str, path: str) -> int:
        """How many such requests came in; `path` is exact."""
        return sum((each.method, each.path) == (method, path) for each in self.seen)

    def deliver(
        self,
        url: str,
        *,
        secret: str,
        events: Iterable[dict[str, Any]] | None = None,
        repeats: int = 1,
        seed: int | None = None,
    ) -> Counter[int]:
        """Post every event so often, shuffled if there is a `seed`; gives how often each status came back."""
        todo = [each for each in (self.books.events if events is None else events) for _ in range(repeats)]
        if seed is not None:
            random.Random(seed).shuffle(todo)
        return Counter(_post(url, *signed(each, secret)) for each in todo)

    def take_fault(self, path: str) -> str:
        with self.lock:
            for number, (fault, where) in enumerate(self.faults):
                if path.startswith(where):
                    del self.faults[number]
                    return fault
        return ""

    def post(self, path: str, params: dict[str, str], key: str) -> tuple[Answer, bool]:
        """The answer and whether it is a replay. Raises ApiError, CutOff."""
        if not key:
            return self._carry_out(path, params), False
        if len(key) > 255:
            raise ApiError(400, "Idempotency keys can be up to 255 characters.", type="idempotency_error")
        with self.lock:
            kept = self.kept.get(key)
            if kept is not None and time.time() - kept.at > KEY_MEMORY:
                kept = None
            if kept is None:
                self.kept[key] = Kept(path, params, time.time())
        if kept is not None:
            return self._replayed(kept, path, params), True
        try:
            answer = self._carry_out(path, params, key=key)
        except CutOff:
            raise
        except ApiError:
            # Nothing began to execute: the key stays free.
            with self.lock:
                self.kept.pop(key, None)
            raise
        with self.lock:
            self.kept[key].answer = answer
        return answer, False

    def _replayed(self, kept: Kept, path: str, params: dict[str, str]) -> Answer:
        if (kept.path, kept.params) != (path, params):
            raise ApiError(
                400,
                "This idempotency key was first used with other parameters.",
                type="idempotency_error",
            )
        if kept.answer is None:
            raise ApiError(
                409,
                "There is currently another in-progress request using this Idempotent Key.",
                type="idempotency_error",
                code="idempotency_key_in_use",
            )
        return kept.answer

    def _carry_out(self, path: str, params: dict[str, str], *, key: str = "") -> Answer:
        fault = self.take_fault(path)
        broken: Answer = (500, {"error": {"message": "An unknown error occurred.", "type": "api_error"}})
        if fault == "429":
            raise ApiError(429, "Too many requests.", code="rate_limit")
        if fault == "500":
            raise ApiError(500, "An unknown error occurred.", type="api_error")
        if fault == "saved_500":
            return broken
        if fault == "cut":
            with self.lock:
                self.kept.pop(key, None)
            raise CutOff
        answer = (200, self._do(path, params))
        if self.before_answer is not None:
            self.before_answer(path)
        if fault == "saved_500_after":
            return broken
        if fault in ("timeout_after", "hang"):
            if key:
                with self.lock:
                    self.kept[key].answer = answer
            if fault == "timeout_after":
                raise CutOff
            time.sleep(self.hang_seconds)
        return answer

    def _do(self, path: str, params: dict[str, str]) -> dict[str, Any]:
        if path == SESSIONS:
            return self.books.create_session(params)
        if path.startswith(f"{SESSIONS}/") and path.endswith("/expire"):
            return self.books.expire(path.removeprefix(f"{SESSIONS}/").removesuffix("/expire"))
        if path == REFUNDS:
            return self.books.refund(params)
        raise ApiError(404, f"Unrecognized request URL (POST: {path}).")

    def get(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path == SESSIONS:
            return self.books.listed(query)
        if path.startswith(f"{SESSIONS}/"):
            expanded = "payment_intent" in [
                value for name, value in query.items() if name.startswith("expand")
            ]
            return self.books.session(path.removeprefix(f"{SESSIONS}/"), with_intent=expanded)
        raise ApiError(404, f"Unrecognized request URL (GET: {path}).")

    def control(self, verb: str, told: dict[str, Any]) -> dict[str, Any]:
        """The same from another process."""
        match verb:
            case "fail":
                self.fail_next(**told)
            case "pay":
                ids = told.get("sessions") or self.books.with_status("open")
                for session_id in ids:
                    self.books.pay(session_id, slowly=told.get("slowly", False))
                return {"paid": ids}
            case "deliver":
                counts = self.deliver(**told)
                return {"statuses": {str(status): count for status, count in counts.items()}}
            case "ledger":
                return {
                    "sessions": list(self.books.sessions.values()),
                    "refunds": list(self.books.refunds.values()),
                    "charges": list(self.books.charges.values()),
                    "events": len(self.books.events),
                    "requests": [vars(each) for each in self.seen],
                }
        return {}


def signed(event: dict[str, Any], secret: str, *, at: float | None = None) -> tuple[bytes, str]:
    """The body of a webhook and its Stripe-Signature."""
    body = json.dumps(event, indent=2)
    stamp = int(time.time() if at is None else at)
    return body.encode(), stripe.WebhookSignature.generate_signature_header(body, secret, stamp)


@contextmanager
def stripe_server(
    *, api_key: str | None = None, port: int = 0, hang_seconds: float = 12.0
) -> Iterator[StripeServer]:
    """A stand-in that answers on loopback until the block ends."""
    state = StripeServer(api_key=api_key, hang_seconds=hang_seconds)
    handler = type("Handler", (_Handler,), {"state": state})
    http = ThreadingHTTPServer(("127.0.0.1", port), handler)
    http.daemon_threads = True
    state.url = state.books.base_url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: StripeServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _answer(self, method: str) -> None:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if address.path.startswith("/c/pay/"):
            self._client_page(method, address.path.removeprefix("/c/pay/"))
            return
        if address.path.startswith("/_control/"):
            verb = address.path.removeprefix("/_control/")
            self._send(200, self.state.control(verb, json.loads(body) if body else {}))
            return
        key = self.headers.get("Idempotency-Key", "")
        replayed = False
        try:
            self._check_api_key()
            if method == "GET":
                status, answer = 200, self.state.get(address.path, dict(parse_qsl(address.query)))
            else:
                params = dict(parse_qsl(body, keep_blank_values=True))
                (status, answer), replayed = self.state.post(address.path, params, key)
        except ApiError as error:
            status, answer = error.status, error.body
        except CutOff:
            self.state.seen.append(Seen(method, address.path, key, 0))
            self.close_connection = True
            self.connection.close()
            return
        self.state.seen.append(Seen(method, address.path, key, status))
        self._send(status, answer, {"Idempotent-Replayed": "true"} if replayed else {})

    def _check_api_key(self) -> None:
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if not given.startswith("sk_test_") or self.state.api_key not in (None, given):
            raise ApiError(401, "Invalid API Key provided")

    def _client_page(self, method: str, session_id: str) -> None:
        try:
            session = self.state.books.session(session_id)
            if method == "POST":
                self.state.books.pay(session_id)
                self.send_response(303)
                self.send_header("Location", session["success_url"])
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            text = f"<h1>Stand-in for Stripe</h1><p>{session['amount_total']} {session['currency']}</p>"
            if session["status"] == "open":
                text += '<form method="post"><button>Pay</button></form>'
            self._send(200, text)
        except ApiError as error:
            self._send(error.status, f"<h1>{error}</h1>")

    def _send(self, status: int, answer: dict[str, Any] | str, headers: dict[str, str] | None = None) -> None:
        is_page = isinstance(answer, str)
        data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if is_page else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Request-Id", f"req_{len(self.state.seen)}")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # who asked has given up by now
            self.wfile.write(data)


def _post(url: str, body: bytes, signature: str) -> int:
    request = urllib.request.Request(
        url, data=body, headers={"Content-Type": "application/json", "Stripe-Signature": signature}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.cast.stripe_server")
    parser.add_argument("--port", type=int, default=12111)
    with stripe_server(port=parser.parse_args().port) as running:
        print(f"STRIPE_API_BASE={running.url}", flush=True)
        threading.Event().wait()
