"""The agenda in Chromium: a morning at the desk by keyboard alone, drags, and what goes wrong meanwhile.

Every view and dialog is looked at by axe, in light and in dark, at three widths. `agenda_live.py` beside
this has two browsers, a broken network and the clock.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.e2e.agenda_live import Live
from tests.e2e.browser import DESK, PHONE, TABLET, chromium, told, until
from tests.e2e.eyes import Eyes
from tests.e2e.house import House, installation

DAYS_AHEAD = 12
HALF_AN_HOUR = 30
FEE = {"noshow_enabled": True, "noshow_fee_type": "fixed", "noshow_fee_value": "12.50"}
DIALOGS = {"n": "new", "w": "walk-in", "f": "find", "r": "requests", "l": "waitlist"}
DIALOGS |= {"i": "notifications", "?": "help"}
OPEN = "dialog[open]"


def walk(folder: Path) -> int:
    """0 when everything went as it should. Raises servers.Missing without Chromium or playwright."""
    with installation(folder) as house, chromium() as browser:
        desk = Desk(house, browser)
        live = Live(desk)
        for step in (
            desk.logs_in,
            desk.books_by_keyboard,
            desk.moves_by_keyboard,
            desk.finds_a_client_by_keyboard,
            desk.puts_back_what_is_refused,
            desk.sees_a_client_through_by_keyboard,
            desk.shows_the_fee_of_a_no_show_before,
            desk.cancels_and_tells_nobody,
            desk.answers_a_request_and_the_waitlist,
            desk.takes_a_walk_in,
            desk.drags,
            desk.is_refused_in_the_middle_of_a_drag,
            desk.finds_it_changed_meanwhile,
            desk.has_no_violation_anywhere,
            desk.works_on_a_telephone,
            desk.prints_a_day_sheet,
            desk.speaks_five_languages,
            live.shows_what_another_browser_did,
            live.loses_and_repeats_nothing_without_a_network,
            live.goes_on_after_its_login_has_ended,
            live.draws_a_full_day_in_time,
            live.tells_its_sizes,
        ):
            told(step)
        assert not desk.complaints, "\n".join(desk.complaints)
        print(f"axe: {desk.looked_at} states, no violation; nothing wider than its window")
    return 0


class Desk(Eyes):
    """One receptionist at a desk, on a day that nobody else has booked."""

    refuses = r"/api/"

    def __init__(self, house: House, browser: Any) -> None:
        super().__init__(house, browser)
        self.token = house.log_in(house.admin)
        self.day = next_weekday(DAYS_AHEAD)
        self.bea, self.cora = self.one("staff", "Bea"), self.one("staff", "Cora")
        self.haircut = self.one("services", "Haircut")
        self.call("PUT", "settings", FEE)
        for each in self.call("GET", f"bookings?date_from={self.day}&date_to={self.day}"):
            self.call("DELETE", f"bookings/{each['id']}")
        person = {"first_name": "Alice", "last_name": "Anders", "email": "alice.anders@example.org"}
        self.alice = self.call("POST", "clients", person | {"alert": "Allergic to ammonia"})
        self.page = self.window(DESK, "light")

    # --- what the API knows ----------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return self.house.call(method, f"/api/{path}", body, token=self.token)

    def one(self, what: str, begins: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.call("GET", what)
        return next(each for each in found if each["name"].startswith(begins))

    def book(self, time: str, *, staff: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        order = {"client_id": self.alice["id"], "staff_id": (staff or self.bea)["id"]}
        order |= {"service_id": self.haircut["id"], "start_at": f"{self.day} {time}", **more}
        made: dict[str, Any] = self.call("POST", "bookings", order)
        return made

    def stored(self, booking: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = self.call("GET", f"bookings/{booking['id']}")
        return found

    def mails(self, booking: dict[str, Any]) -> list[tuple[str, str]]:
        """Those that have left or will; reminders apart, which wait for their day."""
        found = self.call("GET", f"bookings/{booking['id']}/messages")
        told = [each for each in found if each["type"] != "visit.reminder"]
        return [(each["type"], each["state"]) for each in told if each["state"] != "not_sent"]

    # --- what the page shows ---------------------------------------------------------------------

    def opens_the_day(self, page: Any = None, view: str = "day") -> None:
        (page or self.page).goto(f"{self.house.url}/agenda?date={self.day}&view={view}")
        (page or self.page).wait_for_selector("#view .ec-day, #view .list")

    def block(self, booking: dict[str, Any], page: Any = None) -> Any:
        return (page or self.page).locator(f'#view [data-booking="{booking["id"]}"]')

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def tab_to(self, words: str) -> None:
        """Tab until the control with these words has the focus."""
        for _ in range(60):
            if re.search(words, str(self.page.evaluate(NAME_OF_FOCUS))):
                return
            self.press("Tab")
        raise AssertionError(f"Tab never came to {words}")

    def chooses(self, words: str) -> None:
        self.tab_to(words)
        self.press("Enter")

    def arrows_to(self, booking: dict[str, Any]) -> None:
        """From the first block of the day, by arrows only."""
        self.page.locator("#view [data-booking][tabindex='0']").focus()
        for key in ("ArrowUp",) * 20 + ("ArrowLeft",) * 5 + WAY:
            focused = self.page.evaluate("document.activeElement.dataset.booking")
            if focused == str(booking["id"]):
                return
            self.press(key)
        raise AssertionError("the arrows never came to it")

    def is_told(self, words: str) -> str:
        said = self.page.locator("#told .note p", has_text=re.compile(words))
        said.wait_for()
        return str(said.inner_text())

    def bar(self, words: str) -> str:
        said = self.page.locator("#bar .words", has_text=re.compile(words))
        said.wait_for()
        return " ".join(str(said.inner_text()).split())

    # --- the steps -------------------------------------------------------------------------------

    def logs_in(self) -> str:
        self.page.goto(f"{self.house.url}/agenda?date={self.day}")
        self.page.wait_for_selector("[name=email]")
        self.look_in_both(self.page, "agenda-login")
        self.page.emulate_media(color_scheme="light")
        self.page.keyboard.type(self.house.admin)
        self.press("Tab")
        self.page.keyboard.type("not the password")
        self.press("Enter")
        self.page.get_by_text("is wrong").wait_for()
        self.page.keyboard.type(self.house.logins[self.house.admin])
        self.press("Enter")
        self.page.wait_for_selector("#view .ec-day")
        assert self.page.evaluate("document.cookie") == "", "a cookie was set"
        return str(self.page.inner_text(".date .words"))

    def books_by_keyboard(self) -> str:
        """`n`, a new client in place, a time that is suggested; what it does is said before."""
        self.press("n")
        self.page.wait_for_selector(OPEN)
        self.page.keyboard.type("Wilma Walker")
        self.page.wait_for_selector("[role=option]")
        self.press("ArrowDown", "ArrowUp", "Enter")
        self.page.keyboard.type("0612345678")
        self.tab_to("Choose a service")
        self.page.keyboard.type("Haircut")
        self.tab_to("Anybody")
        self.page.keyboard.type("Bea")
        self.page.wait_for_selector(".start")
        self.tab_to("^09:|^10:")
        self.press("Space")
        self.page.wait_for_selector(".start[aria-pressed=true]")
        self.look(self.page, "agenda-new")
        self.chooses("^Book$")
        said = self.is_told("Wilma Walker is booked")
        [made] = self.call("GET", f"bookings?date_from={self.day}&date_to={self.day}&search=Wilma")
        until(lambda: self.focused() == str(made["id"]), "the new booking has not got the focus")
        return said

    def focused(self) -> str:
        return str(self.page.evaluate("document.activeElement.dataset.booking"))

    def moves_by_keyboard(self) -> str:
        """`m`, the bar, silently with a reason: no mail about it, and the reason stands in the history."""
        booking = self.book("14:00")
        until(lambda: ("booking.created", "kept") in self.mails(booking), "the confirmation was not made")
        self.opens_the_day()
        self.block(booking).wait_for()
        self.arrows_to(booking)
        self.press("m")
        self.page.wait_for_selector(f"{OPEN} [name=start_at]")
        self.page.fill("[name=start_at]", "14:30")
        self.press("Enter")
        said = self.bar("14:00 to 14:30 with Bea Brand.*Alice Anders gets one mail in")
        self.look(self.page, "agenda-bar")
        self.chooses("Silently")
        self.page.keyboard.type("told at the counter")
        self.look(self.page, "agenda-bar-silently")
        self.press("Enter")
        self.is_told("Moved")
        assert self.stored(booking)["start_at"].endswith("14:30:00")
        assert [type for type, _state in self.mails(booking)] == ["booking.created"]
        last = self.call("GET", f"bookings/{booking['id']}/events")[-1]
        assert last["reason"] == "told at the counter", last
        return said

    def finds_a_client_by_keyboard(self) -> str:
        """From the name to the card, and on to a booking for them."""
        self.press("f")
        self.page.wait_for_selector(f"{OPEN} [role=combobox]")
        self.page.keyboard.type("nobody like that")
        self.page.get_by_text("Nobody was found.").wait_for()
        self.press("Control+a")
        self.page.keyboard.type("anders al")
        self.page.locator("[role=option]", has_text="Alice Anders").wait_for()
        self.look(self.page, "agenda-found")
        self.press("Enter")
        self.page.wait_for_selector(".numbers")
        self.chooses("^New booking$")
        self.page.locator(f"{OPEN} .picked", has_text="Alice Anders").wait_for()
        assert self.page.locator(OPEN).count() == 1
        self.press("Escape")
        self.page.wait_for_selector(OPEN, state="detached")
        return "Alice Anders"

    def puts_back_what_is_refused(self) -> str:
        """Nothing else has changed meanwhile; and the next key is its."""
        booking, other = self.book("16:00", staff=self.cora), self.book("17:00", staff=self.cora)
        self.opens_the_day()
        self.block(booking).wait_for()
        self.arrows_to(booking)
        self.press("m")
        self.page.wait_for_selector(f"{OPEN} [name=start_at]")
        self.page.fill("[name=start_at]", "16:45")
        self.press("Enter")
        said = self.bar("Not possible")
        self.at_rest(booking, "16:00")
        self.press("Enter")
        self.page.wait_for_function(HAS_FOCUS, arg=str(booking["id"]))
        self.call("DELETE", f"bookings/{other['id']}")
        self.call("DELETE", f"bookings/{booking['id']}")
        return said

    def sees_a_client_through_by_keyboard(self) -> str:
        booking = self.book("16:00", staff=self.cora)
        self.opens_the_day()
        self.block(booking).wait_for()
        states = []
        for word in ("Has arrived", "In the chair", "Completed", "Back to booked"):
            self.arrows_to(booking)
            self.press("Enter")
            self.page.wait_for_selector(OPEN)
            self.chooses(f"^{word}$")
            self.page.wait_for_selector(OPEN, state="detached")
            now = self.stored(booking)
            states.append(now["status_detail"] or now["status"])
        assert states == ["arrived", "in_progress", "completed", "scheduled"], states
        return ", ".join(states)

    def shows_the_fee_of_a_no_show_before(self) -> str:
        booking = self.book("11:00", staff=self.cora)
        self.opens_the_day()
        self.block(booking).wait_for()
        self.arrows_to(booking)
        self.press("Enter")
        self.chooses("^Did not come")
        said = self.page.locator(".effects", has_text="12.50")
        said.wait_for()
        words = " ".join(str(said.inner_text()).split())
        assert self.stored(booking)["status"] == "scheduled"
        self.look_in_both(self.page, "agenda-no-show")
        self.page.emulate_media(color_scheme="light")
        self.chooses("^Did not come$")
        self.is_told("did not come")
        assert self.stored(booking)["status"] == "no-show"
        return words

    def cancels_and_tells_nobody(self) -> str:
        booking = self.book("12:00", staff=self.cora)
        until(lambda: ("booking.created", "kept") in self.mails(booking), "the confirmation was not made")
        self.opens_the_day()
        self.block(booking).wait_for()
        self.arrows_to(booking)
        self.press("Enter")
        self.chooses("^Cancel")
        self.page.locator(".effects", has_text="gets a mail").wait_for()
        self.look_in_both(self.page, "agenda-cancel")
        self.page.emulate_media(color_scheme="light")
        self.tab_to("Tell Alice")
        self.press("ArrowDown")
        self.page.locator(".effects", has_text="Nobody is mailed").wait_for()
        self.chooses("^Cancel the booking$")
        self.page.get_by_text("Please say why").wait_for()
        self.page.keyboard.type("she rang")
        self.press("Enter")
        said = self.is_told("is cancelled")
        assert self.stored(booking)["status"] == "cancelled"
        assert [type for type, _state in self.mails(booking)] == ["booking.created"]
        return said

    def answers_a_request_and_the_waitlist(self) -> str:
        """A request that the client sent online; and a time for somebody who waits."""
        requested = self.book("10:00", staff=self.cora, provisional=True)
        waiting = {"client_id": self.alice["id"], "service_id": self.haircut["id"], "date": str(self.day)}
        entry = self.call("POST", "waitlist", waiting)
        self.opens_the_day()
        self.block(requested).wait_for()
        self.look_in_both(self.page, "agenda-request")
        self.page.emulate_media(color_scheme="light")
        self.arrows_to(requested)
        self.press("Enter")
        self.chooses("^Accept$")
        self.is_told("Accept")
        assert self.stored(requested)["status"] == "scheduled"
        self.press("l")
        self.page.wait_for_selector(f"{OPEN} .request")
        row = self.page.locator(".request", has_text="Alice Anders")
        self.look(self.page, "agenda-waitlist")
        row.get_by_role("button", name="Offer a time").focus()
        self.press("Enter")
        self.page.locator("[name=start_at] option", has_text="Bea").first.wait_for(state="attached")
        self.look(self.page, "agenda-offer")
        self.chooses("^Send the offer$")
        said = self.is_told("is offered")
        assert self.call("GET", f"waitlist/{entry['id']}")["status"] == "notified"
        self.call("PUT", f"waitlist/{entry['id']}", {"status": "cancelled"})
        return said

    def takes_a_walk_in(self) -> str:
        """Now, rounded down to five minutes, whoever it is."""
        self.press("w")
        self.page.wait_for_selector(f"{OPEN} [name=service_id]")
        self.look(self.page, "agenda-walk-in")
        self.page.keyboard.type("Haircut")
        self.chooses("^Start now$")
        answer = self.page.locator("#told .note p, .fault", has_text=re.compile("Walk-in at|taken"))
        answer.wait_for()
        if "taken" in answer.inner_text():
            self.chooses("^Book it there all the same$")
        words = self.is_told("Walk-in at")
        [minute] = re.findall(r"at \d\d:(\d\d)", words)
        assert int(minute) % 5 == 0, words
        walk_in = self.call("GET", "clients?is_walk_in=1")[0]
        theirs = self.call("GET", f"bookings?client_id={walk_in['id']}")
        made = max(theirs, key=lambda each: int(each["id"]))
        assert self.mails(made) == []
        return words

    def drags(self) -> str:
        """Half an hour down, and undone; then to a colleague, and done."""
        booking = self.book("15:30")
        self.opens_the_day()
        with self.dragging(booking, minutes=HALF_AN_HOUR):
            pass
        self.bar("15:30 to 16:00")
        self.press("Escape")
        self.page.wait_for_selector("#bar", state="hidden")
        assert self.stored(booking)["start_at"].endswith("15:30:00")
        self.at_rest(booking, "15:30")
        with self.dragging(booking, minutes=-HALF_AN_HOUR, columns=1):
            pass
        said = self.bar("15:30 to 15:00 with Cora")
        self.page.get_by_role("button", name="Do it").click()
        self.is_told("Moved")
        now = self.stored(booking)
        assert (now["start_at"][11:16], now["staff_id"]) == ("15:00", self.cora["id"]), now
        self.call("DELETE", f"bookings/{booking['id']}")
        return said

    def is_refused_in_the_middle_of_a_drag(self) -> str:
        """While it is held somebody else books the place: it goes back, and who is there is named."""
        booking = self.book("09:00", staff=self.cora)
        self.opens_the_day()
        self.block(booking).wait_for()
        before = self.block(booking).bounding_box()
        with self.dragging(booking, minutes=8 * HALF_AN_HOUR):
            other = self.book("13:00", staff=self.cora)
        said = self.bar("Not possible")
        assert "13:00\N{EN DASH}13:45 Alice Anders (Haircut)" in said, said
        self.look_in_both(self.page, "agenda-refused")
        self.page.emulate_media(color_scheme="light")
        assert self.block(booking).bounding_box() == before
        self.page.locator("#bar").get_by_role("button", name="Close").click()
        assert self.stored(booking)["start_at"].endswith("09:00:00")
        self.call("DELETE", f"bookings/{other['id']}")
        self.call("DELETE", f"bookings/{booking['id']}")
        return said

    def finds_it_changed_meanwhile(self) -> str:
        """412: between the bar and the yes a colleague has moved it."""
        booking = self.book("17:00", staff=self.cora)
        self.opens_the_day()
        self.block(booking).wait_for()
        with self.dragging(booking, minutes=-HALF_AN_HOUR):
            pass
        self.bar("17:00 to 16:30|Not possible")
        self.page.locator("#bar").get_by_role("button", name=re.compile("Close|Undo")).last.click()
        self.call("DELETE", f"bookings/{booking['id']}")
        booking = self.book("13:30", staff=self.cora)
        self.opens_the_day()
        self.block(booking).wait_for()
        with self.dragging(booking, minutes=HALF_AN_HOUR):
            pass
        self.bar("13:30 to 14:00")
        self.call(
            "PUT",
            f"bookings/{booking['id']}",
            {"start_at": f"{self.day} 14:15", "end_at": f"{self.day} 15:00"},
        )
        self.page.get_by_role("button", name="Do it").click()
        said = self.bar("Somebody else has changed it")
        assert "It is now at 14:15" in said, said
        self.page.locator("#bar").get_by_role("button", name="Close").click()
        self.call("DELETE", f"bookings/{booking['id']}")
        return said

    def has_no_violation_anywhere(self) -> str:
        """Every view, and every dialog over it, at three widths, in light and in dark."""
        booking = self.book("12:30")
        before = self.looked_at
        for size in (DESK, TABLET, PHONE):
            page = self.window(size, "light")
            self.enters(page)
            for view in ("day", "week", "list") if size != PHONE else ("list",):
                self.opens_the_day(page, view)
                page.wait_for_timeout(300)
                self.look_in_both(page, f"agenda-{view}-{size['width']}")
            self.opens_the_day(page)
            for key, name in DIALOGS.items():
                page.keyboard.press(key)
                page.wait_for_selector(OPEN)
                page.wait_for_load_state("networkidle")
                self.look_in_both(page, f"agenda-{name}-{size['width']}")
                page.keyboard.press("Escape")
                page.wait_for_selector(OPEN, state="detached")
            self.block(booking, page).first.click()
            page.wait_for_selector(OPEN)
            self.look_in_both(page, f"agenda-booking-{size['width']}")
            page.get_by_role("button", name="Client card").click()
            page.wait_for_selector(".numbers")
            self.look_in_both(page, f"agenda-card-{size['width']}")
            for _ in range(2):
                page.keyboard.press("Escape")
            page.wait_for_selector(OPEN, state="detached")
            page.locator(".menu summary").click()
            self.look_in_both(page, f"agenda-menu-{size['width']}")
            page.context.close()
        self.call("DELETE", f"bookings/{booking['id']}")
        return f"{self.looked_at - before} states"

    def enters(self, page: Any) -> None:
        page.goto(f"{self.house.url}/agenda?date={self.day}")
        page.wait_for_selector("[name=email]")
        page.fill("[name=email]", self.house.admin)
        page.fill("[name=password]", self.house.logins[self.house.admin])
        page.keyboard.press("Enter")
        page.wait_for_selector("#view .ec-day, #view .list")

    def works_on_a_telephone(self) -> str:
        """The list has the same actions."""
        booking = self.book("12:30")
        page = self.window(PHONE, "light")
        self.enters(page)
        self.block(booking, page).click()
        page.get_by_role("button", name="Move to").click()
        page.fill("[name=start_at]", "13:00")
        page.get_by_role("button", name="Show what happens").click()
        page.locator("#bar", has_text="12:30 to 13:00").wait_for()
        self.look(page, "agenda-bar-phone")
        page.get_by_role("button", name="Do it").click()
        page.locator("#told", has_text="Moved").wait_for()
        assert self.stored(booking)["start_at"].endswith("13:00:00")
        page.context.close()
        return str(booking["id"])

    def prints_a_day_sheet(self) -> str:
        self.opens_the_day()
        self.page.wait_for_selector("#view [data-booking]")
        self.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        self.page.emulate_media(media="print")
        shown = [
            self.page.locator(each).first.is_visible()
            for each in (".appointment", ".list h2", "#top", "#bar")
        ]
        assert shown == [True, True, False, False], shown
        self.picture(self.page, "agenda-print")
        count = self.page.locator(".appointment").count()
        self.page.emulate_media(media="screen")
        self.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
        self.page.wait_for_selector("#view .ec-day")
        return f"{count} lines"

    def speaks_five_languages(self) -> str:
        said = []
        for code in ("nl", "de", "fr", "es", "en"):
            self.page.locator(".menu summary").click()
            self.page.select_option(".menu select", code)
            self.page.wait_for_selector(f"html[lang={code}]")
            self.look(self.page, f"agenda-{code}", axe=False)
            said.append(str(self.page.locator("[data-tool=new]").inner_text()))
        assert len(set(said)) == len(said), said
        return ", ".join(said)

    @contextlib.contextmanager
    def dragging(self, booking: dict[str, Any], *, minutes: int, columns: int = 0) -> Iterator[None]:
        """Down, over there; what happens inside happens before the button is let go."""
        self.block(booking).scroll_into_view_if_needed()
        box = self.block(booking).bounding_box()
        first, second = (each.bounding_box() for each in self.page.locator(".ec-body .ec-day").all()[:2])
        length = self.page.evaluate(MINUTES_OF, booking["id"])
        x, y = box["x"] + 30, box["y"] + 5
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(x, y + 10, steps=3)
        down = minutes * box["height"] / length
        mouse.move(x + columns * (second["x"] - first["x"]), y + down, steps=8)
        yield
        mouse.up()

    def at_rest(self, booking: dict[str, Any], time: str) -> None:
        self.page.locator(f'#view [data-booking="{booking["id"]}"] .time', has_text=time).wait_for()


MINUTES_OF = """id => {
  const block = document.querySelector(`#view [data-booking="${id}"]`);
  const slot = document.querySelector(".ec-sidebar .ec-slot:nth-child(2)");
  return (block.getBoundingClientRect().height / slot.getBoundingClientRect().height) * 60;
}"""
HAS_FOCUS = "id => document.activeElement.dataset.booking === id"
NAME_OF_FOCUS = """() => {
  const it = document.activeElement;
  const chosen = it.tagName === "SELECT" ? it.selectedOptions[0]?.textContent : "";
  const label = it.closest("label")?.innerText || it.getAttribute("aria-label");
  return chosen || it.innerText || label || it.name || "";
}"""
WAY = tuple(key for _ in range(6) for key in ("ArrowDown",) * 12 + ("ArrowUp",) * 12 + ("ArrowRight",))


def next_weekday(days: int) -> date:
    """So many days from now, or the Tuesday after: the demo salon is open."""
    day = datetime.now(UTC).date() + timedelta(days=days)
    while day.weekday() not in (1, 2, 3):
        day += timedelta(days=1)
    return day
