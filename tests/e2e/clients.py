"""A client books: in Chromium, with and without JavaScript, by keyboard alone, and on another website.

axe looks at every step and state, on a telephone and on a desk, in light and in dark; no page may be wider
than its window, at 320 pixels (400 % of 1280) neither. Pictures of every stop are kept where E2E_PICTURES
names a folder.
"""

from __future__ import annotations

import email
import email.policy
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.chaos.post_office import PostOffice, post_office
from tests.e2e.browser import DESK, PHONE, TABLET, chromium, told, until
from tests.e2e.eyes import Eyes
from tests.e2e.house import House, installation
from tests.e2e.own_page import OwnPage

NARROW = {"width": 320, "height": 640}
QUICKEST_MS = 3_200
"""A form that comes back within three seconds was no person's."""

WEBSITE = """<!doctype html><html lang="en"><title>A website</title><h1>A website</h1>
<div data-bookings data-query="lang=en"></div>
<p><a href="{url}/book" data-bookings-popup>Book</a></p><script src="{url}/embed.js" defer></script></html>"""


def walk(folder: Path) -> int:
    """0 when every path went as it should. Raises servers.Missing without Chromium or playwright."""
    with (
        post_office(folder) as office,
        installation(folder, EMAIL_URL=office.url) as house,
        chromium() as browser,
    ):
        paths = Paths(house, browser, office)
        own_page = OwnPage(paths)
        for path in (
            paths.shows_the_front_page,
            paths.books_on_a_phone,
            paths.books_on_a_desk_by_keyboard,
            paths.books_without_javascript,
            paths.fits_a_narrow_window,
            paths.is_offered_another_time,
            own_page.does_all_a_client_can,
            own_page.comes_too_late,
            paths.books_on_another_website,
            paths.sends_a_request,
            paths.finds_it_off,
        ):
            told(path)
        assert not paths.complaints, "\n".join(paths.complaints)
        print(f"axe: {paths.looked_at} pages, no violation; nothing wider than its window")
    return 0


class Paths(Eyes):
    """The ways to an appointment."""

    def __init__(self, house: House, browser: Any, office: PostOffice) -> None:
        super().__init__(house, browser)
        self.office = office
        self.token = house.log_in(house.admin)
        # As many as these in three minutes would be an attack.
        self.set(online_verify="never")

    def shows_the_front_page(self) -> str:
        for size, scheme in ((PHONE, "light"), (DESK, "dark"), (TABLET, "light")):
            page = self.window(size, scheme)
            page.goto(self.house.url)
            self.look(page, f"front-{size['width']}-{scheme}")
        return str(page.inner_text("h1"))

    def books_on_a_phone(self) -> str:
        """Two services with anybody, a form with faults first; the proof is computed meanwhile."""
        page = self.window(PHONE, "dark")
        page.goto(f"{self.house.url}/book")
        self.look(page, "choose-phone")
        for service in ("Colour", "Haircut"):
            page.get_by_role("checkbox", name=service).check()
        page.get_by_role("button", name="Show free times").click()
        self.look(page, "times-phone")
        page.locator(".slot:visible").last.click()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_selector("#email")
        self.look(page, "you-phone")
        page.wait_for_timeout(QUICKEST_MS)
        page.get_by_role("button", name="Book the appointment").click()
        page.wait_for_selector(".wrong li")
        assert page.evaluate("document.activeElement.className") == "wrong"
        self.look(page, "faults-phone")
        return self.fills_in(page, "phone@example.org", "done-phone")

    def books_on_a_desk_by_keyboard(self) -> str:
        """No pointer at all: Tab, arrows, space and Enter."""
        page = self.window(DESK, "light")
        page.goto(f"{self.house.url}/book")
        self.look(page, "choose-desk")
        keys = page.keyboard
        tab_to(page, "input[name=service]")
        keys.press("Space")
        keys.press("Enter")
        page.wait_for_selector(".slots")
        self.look(page, "times-desk")
        tab_to(page, "input[name=start]")
        keys.press("Space")
        keys.press("ArrowRight")
        keys.press("Enter")
        page.wait_for_selector("#email")
        self.look(page, "you-desk")
        for field, typed in PERSON.items():
            tab_to(page, f"#{field}")
            keys.type("desk@example.org" if field == "email" else typed)
        tab_to(page, "#accepts")
        keys.press("Space")
        page.wait_for_selector("[name=altcha]", state="attached")
        page.wait_for_timeout(QUICKEST_MS)
        tab_to(page, "button[type=submit]")
        keys.press("Enter")
        page.wait_for_url("**/v/*")
        self.look(page, "done-desk")
        return str(page.inner_text("h1"))

    def books_without_javascript(self) -> str:
        """The code comes by mail."""
        page = self.window(TABLET, "light", javascript=False)
        page.goto(f"{self.house.url}/book?lang=en")
        page.get_by_label("Haircut").check()
        page.get_by_label("Bea Brand").check()
        page.get_by_role("button", name="Show free times").click()
        page.locator(".slot:visible").last.click()
        page.get_by_role("button", name="Continue").click()
        self.fill(page, "nojs@example.org")
        page.wait_for_timeout(QUICKEST_MS)
        page.get_by_role("button", name="Book the appointment").click()
        page.wait_for_selector("#code")
        self.look(page, "code-tablet", axe=False)
        page.fill("#code", "12")
        page.get_by_role("button", name="Book the appointment").click()
        self.look(page, "wrong-code-tablet", axe=False)
        until(lambda: bool(self.codes_for("nojs@example.org")), "no code was mailed")
        page.fill("#code", self.codes_for("nojs@example.org")[0])
        page.get_by_role("button", name="Book the appointment").click()
        page.wait_for_url("**/v/*")
        return str(page.inner_text("h1"))

    def fits_a_narrow_window(self) -> str:
        """320 pixels, in the language with the longest words; the code and the waitlist too."""
        page = self.window(NARROW, "light")
        page.goto(f"{self.house.url}/book?lang=de")
        self.look(page, "choose-narrow")
        page.get_by_label("Manicure").check()
        page.get_by_role("button", name="Freie Zeiten zeigen").click()
        self.look(page, "times-narrow")
        page.get_by_role("link", name="Auf die Warteliste").click()
        self.look(page, "waitlist-narrow")
        page.go_back()
        page.locator(".slot").first.click()
        page.get_by_role("button", name="Weiter").click()
        page.wait_for_selector("[name=altcha]", state="attached")
        page.eval_on_selector_all("[name=altcha]", "found => found.forEach(each => each.remove())")
        self.fill(page, "narrow@example.org")
        page.wait_for_timeout(QUICKEST_MS)
        page.get_by_role("button", name="Termin buchen").click()
        page.wait_for_selector("#code")
        self.look(page, "code-narrow")
        page.fill("#code", "12")
        page.get_by_role("button", name="Termin buchen").click()
        page.wait_for_selector("#code-fault")
        self.look_in_both(page, "wrong-code-narrow")
        return str(page.inner_text("h1"))

    def is_offered_another_time(self) -> str:
        """Somebody books it at the desk while the form is filled in."""
        page = self.window(PHONE, "light")
        haircut, bea = self.one("services", "Haircut"), self.one("staff", "Bea")
        page.goto(f"{self.house.url}/book?service={haircut['key']}&staff={bea['key']}")
        start = page.locator(".slot:visible input").nth(1).get_attribute("value")
        page.locator(".slot:visible").nth(1).click()
        page.get_by_role("button", name="Continue").click()
        self.fill(page, "taken@example.org")
        order = {
            "client_id": self.house.call("GET", "/api/clients?page=1", token=self.token)["items"][0]["id"],
            "staff_id": bea["id"],
            "service_id": haircut["id"],
            "start_at": start,
        }
        self.house.call("POST", "/api/bookings", order, token=self.token)
        page.wait_for_timeout(QUICKEST_MS)
        page.get_by_role("button", name="Book the appointment").click()
        page.get_by_text("The nearest free times").wait_for()
        self.look(page, "taken-phone")
        page.get_by_role("radio").nth(1).check()
        page.wait_for_selector("[name=altcha]", state="attached")
        page.get_by_role("button", name="Book the appointment").click()
        page.wait_for_url("**/v/*")
        return str(page.inner_text("h1"))

    def sends_a_request(self) -> str:
        """Where the salon answers first; a class, of which places are left."""
        self.set(online_booking="request")
        page = self.window(DESK, "dark")
        page.goto(f"{self.house.url}/book/harbour")
        page.get_by_role("checkbox", name="Pilates class").check()
        page.get_by_role("button", name="Show free times").click()
        self.look(page, "class-desk")
        page.locator(".slot:visible").first.click()
        page.get_by_role("button", name="Continue").click()
        self.fill(page, "class@example.org")
        self.look(page, "request-desk")
        page.wait_for_selector("[name=altcha]", state="attached")
        page.wait_for_timeout(QUICKEST_MS)
        page.get_by_role("button", name="Send the request").click()
        page.wait_for_url("**/v/*")
        self.look(page, "requested-desk")
        return str(page.inner_text("h1"))

    def finds_it_off(self) -> str:
        self.set(online_booking="off")
        page = self.window(PHONE, "dark")
        page.goto(self.house.url)
        self.look(page, "front-off-phone")
        page.goto(f"{self.house.url}/book")
        self.look(page, "off-phone")
        said = str(page.inner_text("h1"))
        page.goto(f"{self.house.url}/book/nowhere/at-all")
        self.look(page, "unknown-phone")
        return said

    def set(self, **choices: Any) -> None:
        self.house.call("PUT", "/api/settings", choices, token=self.token)

    def one(self, what: str, search: str) -> dict[str, Any]:
        """The first service or person whose name begins so."""
        rows = self.house.call("GET", f"/api/{what}", token=self.token)
        return next(each for each in rows if each["name"].startswith(search))

    def books_on_another_website(self) -> str:
        """In place, as high as it is; the end is told there. A website that is not named shows nothing."""
        with website(WEBSITE.format(url=self.house.url)) as address:
            self.set(embed_origins=[address])
            page = self.window(DESK, "light", elsewhere=address)
            page.goto(address)
            frame = page.frame_locator("div[data-bookings] iframe")
            frame.get_by_role("checkbox", name="Blow-dry").check()
            frame.get_by_role("button", name="Show free times").click()
            frame.locator(".slot").first.click()
            self.picture(page, "website-times")
            height = page.locator("div[data-bookings] iframe").bounding_box()["height"]
            assert height > DESK["height"], f"the frame is {height} pixels high"
            frame.get_by_role("button", name="Continue").click()
            frame.locator("#email").wait_for()
            self.fill(frame, "frame@example.org")
            page.wait_for_timeout(QUICKEST_MS)
            frame.get_by_role("button", name="Book the appointment").click()
            frame.get_by_role("link", name="See, move or cancel it").wait_for()
            said = str(frame.locator("h1").inner_text())
            self.picture(page, "website-done")
            page.get_by_role("link", name="Book", exact=True).click()
            page.frame_locator("dialog iframe").get_by_role("checkbox", name="Haircut").wait_for()
            self.picture(page, "website-popup")
            page.get_by_role("button", name="Close").click()
        return said

    def fills_in(self, page: Any, address: str, picture: str) -> str:
        self.fill(page, address)
        page.wait_for_selector("[name=altcha]", state="attached")
        page.get_by_role("button", name="Book the appointment").click()
        page.wait_for_url("**/v/*")
        self.look(page, picture)
        return str(page.inner_text("h1"))

    def fill(self, page: Any, address: str) -> None:
        for field, typed in PERSON.items():
            page.locator(f"#{field}").fill(address if field == "email" else typed)
        page.locator("#accepts").check()

    def codes_for(self, address: str) -> list[str]:
        mails = [each.content for each in self.office.accepted if each.to == address]
        texts = [
            email.message_from_bytes(each, policy=email.policy.default).get_body(("plain",)) for each in mails
        ]
        return [found for text in texts if text for found in re.findall(r"\b\d{6}\b", text.get_content())]


PERSON = {"first_name": "Wilma", "last_name": "Walker", "email": "", "phone": ""}


def tab_to(page: Any, selector: str) -> None:
    """Tab until it has the focus, which must be seen."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"Tab never came to {selector}")


@contextmanager
def website(content: str) -> Iterator[str]:
    """Another origin, with one page."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(content.encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
