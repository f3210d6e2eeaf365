"""Windows of a browser, and what there is to complain about in them: its console, axe, the width."""

from __future__ import annotations

import importlib
import os
import re
from pathlib import Path
from typing import Any

from tests.e2e.browser import PATIENCE_SECONDS
from tests.e2e.house import House

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Eyes:
    """`complaints` of the browser, of axe and of the widths; `looked_at` is how many pages axe saw."""

    refuses = r"/(book|v/)"
    """Addresses whose refusals the console may tell of."""

    def __init__(self, house: House, browser: Any) -> None:
        self.house, self.browser = house, browser
        self.complaints: list[str] = []
        self.looked_at = 0
        self.axe = importlib.import_module("axe_playwright_python.sync_playwright").Axe()

    def window(
        self, size: dict[str, int], scheme: str, *, javascript: bool = True, elsewhere: str = ""
    ) -> Any:
        # A colour that is still fading into another one is no colour to measure.
        page = self.browser.new_context(
            reduced_motion="reduce",
            viewport=size,
            color_scheme=scheme,
            locale="en-GB",
            java_script_enabled=javascript,
        ).new_page()
        page.set_default_timeout(PATIENCE_SECONDS * 1000)
        page.on("console", self.heard)
        page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        known = tuple(each for each in (self.house.url, "data:", "blob:", elsewhere) if each)
        page.on(
            "request",
            lambda asked: asked.url.startswith(known) or self.complaints.append(f"asked for {asked.url}"),
        )
        return page

    def heard(self, message: Any) -> None:
        """What a page refuses the console tells of too."""
        of_the_form = re.search(self.refuses, message.location.get("url", "")) and re.search(
            r"4[0-9]{2} \(", message.text
        )
        if message.type in ("error", "warning") and not of_the_form:
            self.complaints.append(f"{message.type}: {message.text} {message.location}")

    def look(self, page: Any, name: str, *, axe: bool = True) -> None:
        """What axe and the width say of it, and a picture."""
        page.wait_for_load_state()
        self.picture(page, name)
        if not axe:
            return
        self.looked_at += 1
        found = self.axe.run(page, options={"runOnly": list(TAGS), "resultTypes": ["violations"]})
        for each in found.response["violations"]:
            where = "; ".join(node["html"][:120] for node in each["nodes"][:3])
            self.complaints.append(f"{name}: {each['id']} ({each['impact']}): {where}")
        if (wider := page.evaluate(WIDER)) > 0:
            self.complaints.append(f"{name}: {wider} pixels too wide")

    def look_in_both(self, page: Any, name: str) -> None:
        """In light and in dark."""
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            self.look(page, f"{name}-{scheme}")

    def picture(self, page: Any, name: str) -> None:
        if folder := os.environ.get("E2E_PICTURES"):
            page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)
