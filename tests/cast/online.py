"""A stranger who books online at the salon of the cast, through the JSON twin (contract §9)."""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any

from altcha import v1 as altcha
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.mails.code import CodeMail
from bookings.models import MailedCode, OnlineSubmission, PublicHold, SpentChallenge, Visit
from bookings.online import Submission, Wanted, join_waitlist
from clients.models import Client
from notifications.models import Job, Message
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, STORED, Salon, make_cast
from tests.cast.factories import Caller
from tests.cast.rows import Rows, rows_of

DAY = "2026-03-24"
"""The Tuesday of the cast."""


@dataclass
class Online:
    salon: Salon
    browser: Caller

    def item(self, service: Any = None, staff: Any = None, **more: Any) -> dict[str, Any]:
        chosen = {"service": str((service or self.salon.service).key)}
        return chosen | ({} if staff is None else {"staff": str(staff.key)}) | more

    def form(self, time: str = "10:00", **changes: Any) -> dict[str, Any]:
        """Noor asks for an hour with anybody, with a proof that counts."""
        return {
            "items": [self.item()],
            "start_at": f"{DAY} {time}:00",
            "first_name": "Noor",
            "last_name": "Visser",
            "email": "noor@example.com",
            "phone": "06-12345678",
            "note": "First time here",
            "proof": self.proof() if "proof" not in changes else "",
            **changes,
        }

    def proof(self) -> str:
        return solution(self.browser.get("/api/public/challenge").json())

    def send(self, form: dict[str, Any], *, key: str | None = None, address: str = "192.0.2.7") -> Any:
        return self.browser.post(
            "/api/public/bookings",
            form,
            format="json",
            headers={"Idempotency-Key": key or secrets.token_urlsafe(16)},
            REMOTE_ADDR=address,
        )

    def book(self, time: str = "10:00", **changes: Any) -> dict[str, Any]:
        answer = self.send(self.form(time, **changes))
        assert answer.status_code == 200, answer.json()
        body: dict[str, Any] = answer.json()
        return body

    def starts(self, items: str | None = None, **more: str) -> list[str]:
        query = {"items": items or f"{self.salon.service.key}:any", "date_from": DAY, "days": "1", **more}
        answer = self.browser.get("/api/public/availability", query)
        assert answer.status_code == 200, answer.json()
        return [each["start_at"][11:16] for each in answer.json()["days"][0]["starts"]]


def make_online(**settings: Any) -> Online:
    """Bea and Cora at work; bookings stand at once, and no code is asked unless the test says so."""
    choices = {"online_booking": "instant", "online_verify": "never"} | settings
    return Online(make_cast(**choices), Caller())


def hold(online: Online, time: str, address: str = "192.0.2.7", **more: Any) -> Any:
    """At Bea's, with a proof that counts."""
    body = {"items": [online.item(staff=online.salon.bea)], "start_at": f"{DAY} {time}:00"}
    proof = online.proof() if "proof" not in more else ""
    return online.browser.post(
        "/api/public/holds", {**body, "proof": proof, **more}, format="json", REMOTE_ADDR=address
    )


def wait(online: Online, *, day: date = date(2026, 3, 24), **changes: Any) -> Any:
    """Noor, as the page calls it."""
    values: dict[str, Any] = {
        "items": [],
        "start_at": MORNING,
        "first_name": "Noor",
        "last_name": "Visser",
        "email": "noor@example.com",
        "phone": "06-12345678",
        "idempotency_key": "0123456789abcdefABCDEF",
        "proof": online.proof(),
        **changes,
    }
    return join_waitlist(
        Submission(**values),
        wanted=Wanted(str(online.salon.service.key)),
        date=day,
        address="192.0.2.7",
        door="page",
        salon=SalonSettings.load(),
        now=MORNING,
    )


def mailed_digits() -> str:
    """As the last code mail says them; it is still to leave."""
    code = MailedCode.objects.latest("pk")
    job = Job.objects.get(payload__code_id=code.pk)
    job.refresh_from_db()
    found = re.search(r"\d{6}", composed(job))
    assert found is not None
    return found[0]


def composed(job: Job) -> str:
    mail = CodeMail().compose(job, now=MORNING)
    assert mail.to == "noor@example.com"
    return mail.subject


def solution(challenge: dict[str, Any]) -> str:
    """What the widget sends for a challenge."""
    number = next(
        number
        for number in range(challenge["maxnumber"] + 1)
        if altcha.hash_hex("SHA-256", f"{challenge['salt']}{number}".encode()) == challenge["challenge"]
    )
    solved = {**challenge, "number": number, "took": 12}
    del solved["maxnumber"]
    return base64.b64encode(json.dumps(solved).encode()).decode()


def everything() -> Rows:
    """All that a submission may write."""
    return rows_of((*STORED, Visit, Client, OnlineSubmission, MailedCode, PublicHold, SpentChallenge))


def mails() -> list[tuple[str, str, str]]:
    """Type, to and state of every mail, oldest first."""
    return list(Message.objects.order_by("id").values_list("type", "to", "state"))


def statements() -> CaptureQueriesContext:
    return CaptureQueriesContext(connection)
