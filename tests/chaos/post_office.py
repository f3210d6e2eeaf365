"""An SMTP server on loopback that writes and fsyncs a line for every mail it accepts, and fails on demand.

How it treats a mail is asked of `manner(recipient, earlier)`, `earlier` being how often it has met this
Message-ID before: `ok`, `451` and `550` (refused, not accepted), `hang` (accepted; the answer comes after
`hang_seconds`), `reset` (accepted, the line is cut without an answer), `cut` (not accepted, the line is cut).
"""

from __future__ import annotations

import json
import os
import re
import socket
import socketserver
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_BOUNDARY = re.compile(rb"={10,}\d+==")
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
Manner = Callable[[str, int], str]


@dataclass(frozen=True)
class Accepted:
    """One mail as accepted; `digest` tells whether a repeat is the same mail (but for MIME's boundaries)."""

    at: float
    message_id: str
    to: str
    digest: str
    content: bytes


def always_ok(recipient: str, earlier: int) -> str:
    return "ok"


class PostOffice:
    def __init__(self, path: Path, *, host: str = "127.0.0.1") -> None:
        self.path = path
        self._host = host
        self.accepted: list[Accepted] = []
        self.refused: Counter[str] = Counter()
        self.manner: Manner = always_ok
        self.hang_seconds = 17.0
        self.answer_after = 0.0
        """Seconds between acceptance and the 250: the window in which a kill makes a repeat."""
        self.greet_after = 0.0
        """Seconds before a new connection is greeted."""
        self.connected = threading.Event()
        """Set by every new connection."""
        self._met: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._port = 0
        self._server: _Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://{self._host}:{self._port}"

    def open(self) -> None:
        """Listen, on the same port every time."""
        self._server = _Server((self._host, self._port), _Session)
        self._server.office = self
        self._port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def shut(self) -> None:
        """Nobody listens any more."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def copies(self) -> Counter[str]:
        """How often each Message-ID was accepted."""
        with self._lock:
            return Counter(each.message_id for each in self.accepted)

    def treat(self, recipient: str, content: bytes) -> str:
        """Decide on a mail and, where it is accepted, write the line before anything is answered."""
        found = _MESSAGE_ID.search(content)
        message_id = found.group(1).decode() if found else ""
        with self._lock:
            manner = self.manner(recipient, self._met[message_id])
            self._met[message_id] += 1
            if manner in ("451", "550", "cut"):
                self.refused[manner] += 1
                return manner
            mail = Accepted(
                time.time(), message_id, recipient, sha256(_BOUNDARY.sub(b"", content)).hexdigest(), content
            )
            with self.path.open("a") as file:
                file.write(json.dumps({"at": mail.at, "message_id": message_id, "to": recipient}) + "\n")
                file.flush()
                os.fsync(file.fileno())
            self.accepted.append(mail)
        return manner


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    office: PostOffice


class _Session(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        office = self.server.office
        office.connected.set()
        time.sleep(office.greet_after)
        try:
            self._say("220 sink")
            self._talk(office)
        except OSError:
            return

    def _talk(self, office: PostOffice) -> None:
        recipient = ""
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"RCPT":
                recipient = line.decode(errors="replace").partition("<")[2].partition(">")[0]
                self._say("250 ok")
            elif verb == b"DATA":
                self._say("354 go on")
                content = self._read_mail()
                if content is None or not self._answer(office, office.treat(recipient, content)):
                    return
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _read_mail(self) -> bytes | None:
        lines: list[bytes] = []
        while line := self.rfile.readline():
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line)
        return None

    def _answer(self, office: PostOffice, manner: str) -> bool:
        """False when the session is over."""
        if manner in ("reset", "cut"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return False
        if manner == "hang":
            time.sleep(office.hang_seconds)
        answers = {"451": "451 later, please", "550": "550 nobody here by that name"}
        time.sleep(office.answer_after)
        self._say(answers.get(manner, "250 accepted"))
        return True

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def post_office(folder: Path, *, host: str = "127.0.0.1") -> Iterator[PostOffice]:
    office = PostOffice(folder / "accepted.jsonl", host=host)
    office.open()
    try:
        yield office
    finally:
        office.shut()
