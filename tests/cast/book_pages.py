"""A person on the booking page, without JavaScript: reads a page, follows its links, sends its form."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import time_machine
from django.test import Client as Browser

from bookings.models import MailedCode
from bookings.online import code as codes
from tests.cast.bookings import MORNING
from tests.cast.online import Online, make_online, solution
from tests.cast.pages import browser

TUESDAY_AT_TEN = "2026-03-24T09:00Z"
NOOR = {
    "first_name": "Noor",
    "last_name": "Visser",
    "email": "noor@example.com",
    "phone": "06-12345678",
    "note": "First time here",
}


@dataclass
class Reader:
    """Somebody who books at the salon of the cast; `path` is the booking page they are on."""

    online: Online
    browser: Browser = field(default_factory=browser)
    path: str = "/book"

    @property
    def service(self) -> str:
        return str(self.online.salon.service.key)

    def ask(self, **query: str) -> Any:
        return self.browser.get(self.where(query))

    def where(self, query: dict[str, str]) -> str:
        return f"{self.path}?{urlencode(query)}" if query else self.path

    def you(self, start: str = TUESDAY_AT_TEN, **query: str) -> dict[str, str]:
        """The address of the last step."""
        return {"service": self.service, "start": start, **query}

    def send(
        self,
        query: dict[str, str] | None = None,
        *,
        proves: bool = True,
        form: dict[str, str] | None = None,
        **entered: str,
    ) -> Any:
        """Opens the last step, waits longer than a program would, sends it filled in."""
        query = query or self.you()
        with time_machine.travel(MORNING, tick=False):
            page = self.ask(**query)
        sent = inputs_of(page) | NOOR | ({"altcha": self.proof()} if proves else {}) | entered
        if "terms" in page.content.decode():
            sent.setdefault("accepts", "1")
        return self.post(query, sent | (form or {}))

    def post(self, query: dict[str, str], sent: dict[str, str]) -> Any:
        with time_machine.travel(datetime.fromtimestamp(MORNING.timestamp() + 60, tz=UTC), tick=False):
            return self.browser.post(self.where(query), sent)

    def proof(self) -> str:
        return solution(self.browser.get("/api/public/challenge").json())


def make_reader(**settings: Any) -> Reader:
    return Reader(make_online(**settings))


def inputs_of(answer: Any) -> dict[str, str]:
    """What the page's form would send as it stands, its unticked boxes left out."""
    body = answer.content.decode()
    found = {}
    for tag in re.findall(r"<input [^>]*>", body):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        chosen = attributes.get("type") not in ("checkbox", "radio") or " checked" in tag
        if chosen and "name" in attributes:
            found[attributes["name"]] = html.unescape(attributes.get("value", ""))
    for name, value in re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', body, re.DOTALL):
        found[name] = html.unescape(value)
    return found


def starts_of(answer: Any) -> list[str]:
    return re.findall(r'<input type="radio" name="start" value="([^"]+)"', answer.content.decode())


def the_code() -> str:
    """What the last mail says."""
    return codes.digits_of(MailedCode.objects.latest("pk"))
