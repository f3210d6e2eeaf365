"""A person's clicks in a real Chromium: an administrator's morning, and a client's answer to a request.

Needs Debian's chromium (or CHROMIUM=/path/to/it) and tests/e2e/requirements.txt; nothing is downloaded.
Pictures of every stop are kept where E2E_PICTURES names a folder.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.cast import servers
from tests.chaos.post_office import post_office
from tests.e2e.house import House, installation

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = {"width": 390, "height": 844}
TABLET = {"width": 768, "height": 1024}
DESK = {"width": 1280, "height": 900}
PATIENCE_SECONDS = 30.0
TOO_WIDE = """() => {
  const page = document.documentElement, list = document.querySelector("#changelist .results");
  return [page.scrollWidth - page.clientWidth, list ? list.scrollWidth - list.clientWidth : 0];
}"""
CLIENT = {"first_name": "Wilma", "last_name": "Walker", "email": "wilma@example.org"}


def walk(folder: Path) -> int:
    """0 when every step went as it should. Raises servers.Missing without Chromium or playwright."""
    with (
        post_office(folder) as office,
        installation(folder, EMAIL_URL=office.url) as house,
        chromium() as browser,
    ):
        office.manner = lambda recipient, earlier: "550"
        visit = Visit(house, browser)
        for step in (visit.logs_in, visit.books, visit.is_refused_a_double_booking, visit.sees_the_dead_job):
            told(step)
        office.manner = lambda recipient, earlier: "ok"
        for step in (
            visit.retries_the_dead_job,
            visit.reads_the_docs,
            visit.accepts_a_request,
            visit.moves_and_cancels_it,
            visit.sees_every_list_whole,
        ):
            told(step)
        assert not visit.complaints, "the browser complained:\n" + "\n".join(visit.complaints)
        print("no complaint in the browser's console, no request to anywhere else")
    return 0


def told(step: Callable[[], str]) -> None:
    print(f"{step.__name__.replace('_', ' ')}: {step()}", flush=True)


@contextmanager
def chromium() -> Iterator[Any]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise servers.Missing("no Chromium: install Debian's package chromium, or set CHROMIUM")
    if importlib.util.find_spec("playwright") is None:
        raise servers.Missing("no playwright: `make e2e` installs tests/e2e/requirements.txt")
    with importlib.import_module("playwright.sync_api").sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Visit:
    """One browser window; `complaints` is what its console said and where it wanted to go."""

    def __init__(self, house: House, browser: Any) -> None:
        self.house = house
        self.complaints: list[str] = []
        self.page = self._window(browser, DESK)
        self.phone = self._window(browser, PHONE)
        self.token = house.log_in(house.admin)
        self.client = house.call("POST", "/api/clients", CLIENT, token=self.token)
        self.service = house.call("GET", "/api/services?is_active=1&search=cut", token=self.token)[0]
        self.staff = house.call(
            "GET", f"/api/staff?bookable=1&service_id={self.service['id']}", token=self.token
        )[0]
        self.day = (datetime.now(UTC) + timedelta(days=40)).date()

    def _window(self, browser: Any, size: dict[str, int]) -> Any:
        window = browser.new_context(viewport=size, locale="en-GB").new_page()
        window.set_default_timeout(PATIENCE_SECONDS * 1000)
        window.on("console", self._heard)
        window.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        window.on("request", self._asked)
        return window

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.house.url, "data:", "blob:")):
            self.complaints.append(f"asked for {request.url}")

    def logs_in(self) -> str:
        self.page.goto(f"{self.house.url}/admin/")
        self._type_login("not the password")
        assert "Please enter the correct" in self.page.inner_text(".errornote")
        self._type_login(self.house.logins[self.house.admin])
        self.page.wait_for_url(f"{self.house.url}/admin/")
        self._picture("first-page")
        return str(self.page.inner_text("#site-name")).strip()

    def _type_login(self, password: str) -> None:
        self.page.fill("#id_username", self.house.admin)
        self.page.fill("#id_password", password)
        self.page.click("[type=submit]")

    def books(self) -> str:
        self._fill_booking()
        said = self._after("Save")
        assert "was added successfully" in said, said
        self._picture("booked")
        return said

    def is_refused_a_double_booking(self) -> str:
        before = self._count()
        self._fill_booking()
        self.page.get_by_role("button", name="Save", exact=True).click()
        said = " ".join(self.page.inner_text(".errornote, .errorlist").split())
        wrong = " ".join(each.strip() for each in self.page.locator(".errorlist").all_inner_texts())
        assert re.search("taken|already", said + wrong), said + wrong
        assert self._count() == before, "and yet it was booked"
        self._picture("refused")
        return wrong

    def _fill_booking(self) -> None:
        self.page.goto(f"{self.house.url}/admin/bookings/booking/add/")
        self.page.click(".field-client .select2-selection")
        self.page.keyboard.type(CLIENT["last_name"])
        self.page.locator(".select2-results__option", has_text=CLIENT["first_name"]).click()
        self.page.select_option("#id_staff", str(self.staff["id"]))
        self.page.select_option("#id_service", str(self.service["id"]))
        self.page.fill("#id_start_at_0", f"{self.day}")
        self.page.fill("#id_start_at_1", "10:00:00")

    def _after(self, button: str) -> str:
        """What the page says after the button."""
        self.page.get_by_role("button", name=button, exact=True).click()
        return " ".join(self.page.inner_text(".messagelist").split())

    def _count(self) -> int:
        listed = self.house.call(
            "GET", f"/api/bookings?page=1&client_id={self.client['id']}", token=self.token
        )
        return int(listed["total"])

    def sees_the_dead_job(self) -> str:
        until(lambda: bool(self._jobs("dead")), "the mail was not refused for good")
        self.page.goto(f"{self.house.url}/admin/notifications/job/?state__exact=dead")
        said = " ".join(self.page.inner_text("#result_list tbody tr").split())
        assert "550" in said, said
        self._picture("dead-job")
        return said

    def retries_the_dead_job(self) -> str:
        self.page.click("#result_list tbody th a")
        said = self._after("Try again")
        until(lambda: bool(self._jobs("done")), "the job was not done")
        self.page.reload()
        self._picture("retried")
        return f"{said} Now it is done."

    def _jobs(self, state: str) -> list[dict[str, Any]]:
        path = f"/api/jobs?type=booking.created&state={state}"
        jobs: list[dict[str, Any]] = self.house.call("GET", path, token=self.token)
        ours = {each["id"] for each in self._bookings()}
        return [each for each in jobs if each["booking_id"] in ours]

    def _bookings(self) -> list[dict[str, Any]]:
        path = f"/api/bookings?client_id={self.client['id']}"
        bookings: list[dict[str, Any]] = self.house.call("GET", path, token=self.token)
        return bookings

    def reads_the_docs(self) -> str:
        self.page.goto(f"{self.house.url}/api/docs")
        self.page.wait_for_selector(".opblock-tag")
        shown = 0
        for tag in self.page.locator(".opblock-tag").all():
            # One at a time: of a long list the page keeps only what is near.
            tag.click()
            self.page.wait_for_selector(".opblock")
            shown += self.page.locator(".opblock").count()
            tag.click()
            self.page.wait_for_selector(".opblock", state="detached")
        described = self.house.call("GET", "/api/schema")["paths"]
        operations = sum(len(each) for each in described.values())
        assert shown == operations, f"{shown} of {operations} operations are shown"
        self.page.locator(".opblock-tag").first.click()
        self.page.locator(".opblock-summary").first.click()
        self.page.wait_for_selector(".opblock-body")
        self._picture("docs")
        return f"{shown} operations"

    def accepts_a_request(self) -> str:
        """On a telephone, from the link in the mail; looking changes nothing."""
        order = {
            "client_id": self.client["id"],
            "staff_id": self.staff["id"],
            "service_id": self.service["id"],
            "start_at": f"{self.day} 14:00",
            "end_at": f"{self.day} 15:00",
            "provisional": True,
        }
        booking = self.house.call("POST", "/api/bookings", order, token=self.token)
        path = f"/api/bookings/{booking['id']}"
        until(
            lambda: self._mail(path, "booking.provisional") is not None, "no mail about the request was sent"
        )
        mail = self._mail(path, "booking.provisional") or {}
        (link,) = set(re.findall(r"http\S+/accept", mail["text"]))
        self.phone.goto(link)
        assert self.house.call("GET", path, token=self.token)["status"] == "provisional"
        assert "Wilma" in self.phone.inner_text("main, body")
        self._picture("request", self.phone)
        self.phone.get_by_role("button").click()
        heading = str(self.phone.inner_text("h1"))
        assert heading == "Your appointment is confirmed", heading
        self._picture("accepted", self.phone)
        assert self.house.call("GET", path, token=self.token)["status"] == "scheduled"
        until(lambda: self._mail(path, "booking.created") is not None, "no confirmation was sent")
        return heading

    def moves_and_cancels_it(self) -> str:
        """On the client's own page, from the link in the confirmation; the client is mailed at once."""
        [booking] = [each for each in self._bookings() if each["start_at"] == f"{self.day} 14:00:00"]
        path = f"/api/bookings/{booking['id']}"
        mail = self._mail(path, "booking.created") or {}
        (link,) = set(re.findall(r"http\S+/v/[\w-]{22}", mail["text"]))
        self.phone.goto(link)
        self._picture("own-page", self.phone)
        self.phone.get_by_role("button", name="I will come").click()
        assert "looking forward" in self.phone.inner_text("[role=status]")
        self.phone.get_by_role("link", name="Move", exact=True).click()
        self.phone.locator("input[name=start]").nth(1).check()
        self._picture("own-page-move", self.phone)
        self.phone.get_by_role("button", name="Move the appointment").click()
        assert "is moved" in self.phone.inner_text("[role=status]")
        moved = self.house.call("GET", path, token=self.token)["start_at"]
        assert moved != booking["start_at"], moved
        until(lambda: self._mail(path, "booking.updated") is not None, "the move was not told")
        self.phone.get_by_role("link", name="Cancel the appointment").click()
        assert self.phone.evaluate(TOO_WIDE)[0] <= 0
        self.phone.fill("#reason", "My dog is ill")
        self.phone.get_by_role("button", name="Cancel the appointment").click()
        self._picture("own-page-cancelled", self.phone)
        gone = self.house.call("GET", path, token=self.token)
        assert (gone["status"], gone["status_detail"]) == ("cancelled", "client"), gone
        return f"to {moved}, then off"

    def sees_every_list_whole(self) -> str:
        """At 1280 pixels no list of admin is wider than its place; no page is wider than the window."""
        self._fill_the_lists()
        self.page.goto(f"{self.house.url}/admin/")
        links = self.page.locator("#content-main th a").all()
        addresses = [str(each.get_attribute("href")) for each in links]
        assert len(addresses) > 20, addresses
        for width in (DESK["width"], TABLET["width"], PHONE["width"]):
            self.page.set_viewport_size({"width": width, "height": DESK["height"]})
            for address in addresses:
                self.page.goto(f"{self.house.url}{address}")
                page, table = self.page.evaluate(TOO_WIDE)
                self._picture(f"{address.strip('/').replace('/', '-')}-{width}")
                assert page <= 0, f"{address} at {width}: the page is {page} pixels too wide"
                assert table <= 0 or width < DESK["width"], f"{address}: the list is {table} pixels too wide"
        return f"{len(addresses)} lists"

    def _fill_the_lists(self) -> None:
        """One row in lists that the demo salon leaves empty, and words as long as a text may be."""
        away = {"staff_id": self.staff["id"], "start_at": f"{self.day} 20:00", "end_at": f"{self.day} 21:00"}
        self.house.call("POST", "/api/time-off", away | {"reason": "d" * 300}, token=self.token)
        long = {"first_name": "Maximiliana", "last_name": "W" * 80, "alert": "a" * 200}
        client = self.house.call("POST", "/api/clients", long, token=self.token)
        theirs = {"client_id": client["id"], "service_id": self.service["id"], "allow_overlap": True}
        self.house.call("POST", "/api/bookings", {**away, **theirs}, token=self.token)
        day = {"date_from": f"{self.day.year + 1}-01-06", "hours": [], "name": "e" * 200}
        self.house.call("POST", "/api/opening-exceptions", day, token=self.token)
        key = {"name": "The website", "dialect": "native", "mode": "read"}
        self.house.call("POST", "/api/api-keys", key, token=self.token)
        self.house.call("PUT", "/api/settings", {"noshow_enabled": True}, token=self.token)
        over = self.house.call("GET", "/api/bookings?status=completed", token=self.token)[0]
        path = f"/api/bookings/{over['id']}"
        self.house.call("PUT", path, {"status": "no-show", "reason": "Was never here"}, token=self.token)

    def _mail(self, path: str, type: str) -> dict[str, Any] | None:
        mails = self.house.call("GET", f"{path}/messages", token=self.token)
        return next((each for each in mails if each["type"] == type and each["state"] == "sent"), None)

    def _picture(self, name: str, window: Any = None) -> None:
        if folder := os.environ.get("E2E_PICTURES"):
            (window or self.page).screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def until(happened: Callable[[], bool], otherwise: str) -> None:
    """Waits, looking every now and then."""
    patience = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < patience, otherwise
        time.sleep(0.3)
