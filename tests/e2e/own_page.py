"""The page of a visit in Chromium: every state of it, in light and in dark, under axe's eyes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.e2e.browser import PHONE, until

if TYPE_CHECKING:
    from tests.e2e.clients import Paths


class OwnPage:
    """What a client sees behind the link in their mail."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    def does_all_a_client_can(self) -> str:
        """On the page of the visit, in both lights: a note that is too long, a move, the end."""
        page = self.paths.window(PHONE, "light")
        page.goto(self.own_page_of_a_visit(days=12))
        self.paths.look_in_both(page, "own-page")
        page.eval_on_selector("#notes", "field => field.removeAttribute('maxlength')")
        page.fill("#notes", "x" * 1001)
        page.get_by_role("button", name="Keep the note").click()
        page.get_by_text("Please shorten your note").wait_for()
        self.paths.look_in_both(page, "own-page-note-fault")
        page.get_by_role("link", name="Move", exact=True).click()
        self.paths.look_in_both(page, "own-page-move")
        page.get_by_role("button", name="Move the appointment").click()
        page.get_by_text("Please choose a time.").wait_for()
        self.paths.look_in_both(page, "own-page-move-fault")
        page.locator("input[name=start]").nth(1).check()
        page.get_by_role("button", name="Move the appointment").click()
        page.locator("[role=status]").wait_for()
        self.paths.look_in_both(page, "own-page-moved")
        page.get_by_role("link", name="Cancel the appointment").click()
        self.paths.look_in_both(page, "own-page-cancel")
        page.get_by_role("button", name="Cancel the appointment").click()
        page.locator("[role=status]").wait_for()
        self.paths.look_in_both(page, "own-page-cancelled")
        return str(page.inner_text("[role=status]"))

    def comes_too_late(self) -> str:
        """Where the salon keeps to its windows."""
        days = {"client_cancel_minutes": 20160, "client_reschedule_minutes": 20160}
        self.paths.set(**days, grace_minutes=0, late_cancel="refuse")
        page = self.paths.window(PHONE, "light")
        page.goto(self.own_page_of_a_visit(days=9))
        said = page.get_by_text("It is too late")
        self.paths.look_in_both(page, "own-page-too-late")
        return str(said.inner_text())

    def own_page_of_a_visit(self, *, days: int) -> str:
        """The link in the mail about a haircut at ten in so many days."""
        client = {"first_name": "Wilma", "last_name": "Walker", "email": f"own{days}@example.org"}
        order = {
            "client_id": self.paths.house.call("POST", "/api/clients", client, token=self.paths.token)["id"],
            "staff_id": self.paths.one("staff", "Bea")["id"],
            "service_id": self.paths.one("services", "Haircut")["id"],
            "start_at": f"{datetime.now(UTC).date() + timedelta(days=days)} 10:00",
            "allow_overlap": True,
        }
        booking = self.paths.house.call("POST", "/api/bookings", order, token=self.paths.token)
        path = f"/api/bookings/{booking['id']}/messages"

        def links() -> list[str]:
            mails = self.paths.house.call("GET", path, token=self.paths.token)
            return [each for mail in mails for each in re.findall(r"http\S+/v/[\w-]{22}", mail["text"])]

        until(lambda: bool(links()), "no mail about it was sent")
        return links()[0]
