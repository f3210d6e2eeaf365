"""The agenda among others: two browsers, a network that breaks, a login that ends, a full day timed."""

from __future__ import annotations

import gzip
import statistics
import time
import urllib.request
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.e2e.browser import DESK, until

if TYPE_CHECKING:
    from tests.e2e.agenda import Desk

SEEN_WITHIN_SECONDS = 11.0
PEOPLE, BOOKINGS = 15, 20
DRAWN_MS, FIRST_PAINT_MS = 200, 1_000
RED_AT = 3
"""A measured aim is red at so many times of it: what the machine does besides is not ours."""

ROUNDS = 5
DRAWN = """() => {
  const agenda = (each) => /[/]api[/]agenda/.test(each.name);
  const asked = performance.getEntriesByType("resource").filter(agenda).at(-1);
  const drawn = performance.getEntriesByName("drawn").at(-1);
  return asked && drawn && drawn.startTime > asked.responseEnd ? drawn.startTime - asked.responseEnd : null;
}"""
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
LARGEST_KB = 130


class Live:
    """What the desk lives through with others on the line."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def shows_what_another_browser_did(self) -> str:
        """One moves, the other sees it."""
        desk = self.desk
        booking = desk.book("10:00")
        other = desk.window(DESK, "light")
        desk.enters(other)
        desk.opens_the_day()
        desk.block(booking, other).wait_for()
        desk.block(booking).wait_for()
        with desk.dragging(booking, minutes=60):
            pass
        desk.bar("10:00 to 11:00")
        desk.page.get_by_role("button", name="Do it").click()
        desk.is_told("Moved")
        began = time.monotonic()
        other.locator(f'#view [data-booking="{booking["id"]}"] .time', has_text="11:00").wait_for()
        seconds = time.monotonic() - began
        assert seconds <= SEEN_WITHIN_SECONDS, f"seen after {seconds:.1f} s"
        other.context.close()
        desk.call("DELETE", f"bookings/{booking['id']}")
        return f"seen after {seconds:.1f} s"

    def loses_and_repeats_nothing_without_a_network(self) -> str:
        """A booking whose answer is lost, and sent again: it stands once. What was typed stays."""
        desk, page = self.desk, self.desk.page
        desk.opens_the_day()
        desk.press("n")
        page.wait_for_selector("dialog[open]")
        page.keyboard.type("Alice Anders")
        page.locator("[role=option]", has_text="Alice").first.wait_for()
        desk.press("Enter")
        page.select_option("[name='items.0.service_id']", str(desk.haircut["id"]))
        page.select_option("[name='items.0.staff_id']", str(desk.bea["id"]))
        page.fill("[name=start_at]", "10:15")
        page.fill("[name=internal_notes]", "window seat")
        before = self._count()
        complaints = len(desk.complaints)
        tries = []

        def loses_the_answer(route: Any) -> None:
            if route.request.method != "POST":
                return route.fallback()
            tries.append(route.request.headers["idempotency-key"])
            route.fetch()
            route.abort()

        page.route("**/api/bookings", loses_the_answer)
        page.get_by_role("button", name="Book", exact=True).click()
        page.locator(".fault", has_text="No answer came").wait_for()
        page.locator("#offline").wait_for(state="attached")
        desk.look(page, "agenda-offline")
        assert page.input_value("[name=internal_notes]") == "window seat"
        page.unroute("**/api/bookings")
        del desk.complaints[complaints:]  # that the answer was lost, the console says too
        page.on("request", lambda asked: tries.extend(_key_of(asked)))
        page.get_by_role("button", name="Try again").click()
        desk.is_told("Alice Anders is booked")
        assert len(set(tries)) == 1 and len(tries) == 2, tries
        assert self._count() == before + 1
        page.locator("#offline").wait_for(state="detached")
        self._keeps_the_day_that_it_shows()
        return "sent twice, booked once"

    def _keeps_the_day_that_it_shows(self) -> None:
        """Without an answer for the next day the head goes on naming the one whose bookings are seen."""
        desk, page = self.desk, self.desk.page
        shown, complaints = page.inner_text(".date .words"), len(desk.complaints)
        page.route("**/api/agenda?*", lambda route: route.abort())
        desk.press("]")
        desk.is_told("No answer came")
        assert page.inner_text(".date .words") == shown
        assert f"date={desk.day}" in page.url, page.url
        page.unroute("**/api/agenda?*")
        page.evaluate("window.dispatchEvent(new Event('online'))")
        page.locator("#offline").wait_for(state="detached")
        del desk.complaints[complaints:]

    def _count(self) -> int:
        day = self.desk.day
        return int(self.desk.call("GET", f"bookings?page=1&date_from={day}&date_to={day}")["total"])

    def goes_on_after_its_login_has_ended(self) -> str:
        """The form over the page; under it everything stays, and what was asked for is done."""
        desk, page = self.desk, self.desk.page
        booking = desk.book("16:30")
        desk.opens_the_day()
        desk.block(booking).click()
        page.fill("[name=internal_notes]", "likes tea")
        theirs = str(page.evaluate("sessionStorage.getItem('agenda.token')"))
        desk.house.call("POST", "/api/auth/logout", {}, token=theirs)
        page.get_by_role("button", name="Keep the note").click()
        page.wait_for_selector("dialog[open] [name=password]")
        desk.look(page, "agenda-login-again")
        page.fill("[name=email]", desk.house.admin)
        page.fill("[name=password]", desk.house.logins[desk.house.admin])
        desk.press("Enter")
        said = desk.is_told("The note is kept")
        assert desk.stored(booking)["internal_notes"] == "likes tea"
        desk.call("DELETE", f"bookings/{booking['id']}")
        return said

    def draws_a_full_day_in_time(self) -> str:
        """15 people with 20 bookings each: after the answer, and until the first paint of the page."""
        desk, page = self.desk, self.desk.page
        self._fills_a_day(str(desk.day + timedelta(days=7)))
        full = str(desk.day + timedelta(days=7))
        drawn, painted = [], []
        for _ in range(ROUNDS):
            page.goto(f"{desk.house.url}/agenda?date={full}")
            until(lambda: page.evaluate(DRAWN) is not None, "the day was not drawn")
            drawn.append(float(page.evaluate(DRAWN)))
            painted.append(float(page.evaluate(PAINTED)))
        assert page.locator("#view [data-booking]").count() == PEOPLE * BOOKINGS
        desk.look_in_both(page, "agenda-full-day")
        day, paint = statistics.median(drawn), statistics.median(painted)
        said = f"drawn {day:.0f} ms after its answer (aim {DRAWN_MS}), "
        said += f"first paint after {paint:.0f} ms (aim {FIRST_PAINT_MS})"
        assert day <= DRAWN_MS * RED_AT, said
        assert paint <= FIRST_PAINT_MS * RED_AT, said
        return said

    def _fills_a_day(self, day: str) -> None:
        desk = self.desk
        for each in desk.call("GET", f"bookings?date_from={day}&date_to={day}"):
            desk.call("DELETE", f"bookings/{each['id']}")
        service = desk.call("POST", "services", {"name": "Fringe", "duration_minutes": 30, "price": "12.00"})
        people = list(desk.call("GET", "staff?bookable=1&is_active=1"))
        for number in range(len(people), PEOPLE):
            person = {"name": f"Person {number}", "bookable": True, "service_ids": [service["id"]]}
            people.append(desk.call("POST", "staff", person))
        clients = desk.call("GET", "clients?page=1&limit=20")["items"]
        for person in people[:PEOPLE]:
            for number in range(BOOKINGS):
                start = f"{day} {8 + number // 2:02}:{number % 2 * 30:02}"
                order = {"client_id": clients[number % len(clients)]["id"], "staff_id": person["id"]}
                order |= {"service_id": service["id"], "start_at": start}
                desk.call("POST", "bookings", order)

    def tells_its_sizes(self) -> str:
        """Every file the page asks for, as it would go over the wire."""
        desk, page = self.desk, self.desk.page
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        desk.opens_the_day()
        page.wait_for_load_state("networkidle")
        files = sorted({each for each in asked if "/api/" not in each and each.startswith("http")})
        sizes = {}
        for url in files:
            with urllib.request.urlopen(url, timeout=30) as answer:
                sizes[url.rpartition("/")[2].partition("?")[0]] = len(gzip.compress(answer.read(), 6)) / 1024
        whole = sum(sizes.values())
        assert whole <= LARGEST_KB, sizes
        largest = sorted(sizes.items(), key=lambda each: -each[1])[:4]
        listed = ", ".join(f"{name} {size:.1f}" for name, size in largest)
        return f"{len(sizes)} files, {whole:.1f} kB gzip ({listed} ...)"


def _key_of(request: Any) -> list[str]:
    is_ours = request.method == "POST" and request.url.endswith("/api/bookings")
    return [request.headers["idempotency-key"]] if is_ours else []
