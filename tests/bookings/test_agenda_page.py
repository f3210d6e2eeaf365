"""The shell at /agenda and the files of its program (contract §11; docs/adr/0095)."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from bookings.errors import ClientAlreadyInSession, HolidayClosed, SessionFull, SlotTaken
from bookings.pages.render import accents_of
from bookings.waitlist.entries import EntryClosed
from bookings.waitlist.offer_by_hand import OfferIsOut
from clients.records import AlreadyMerged
from clients.walk_in import IsWalkIn
from staff.access.idempotency import StillRunning
from staff.models import SalonSettings
from staff.storage.trial_transaction import Busy
from staff.wire.refusals import Refused
from tests.cast.factories import make_salon
from tests.cast.pages import browser, statements_of

FILES = Path(settings.BASE_DIR) / "bookings" / "static" / "agenda"
MODULES = sorted(FILES.glob("*.js"))
LANGUAGES = [code for code, _name in settings.LANGUAGES]
LONGEST_MODULE = 400
VENDORED = {
    "event-calendar.min.css": "14abac982c42d2cdd42721fedc4a95d4f9e2f4d03e78bd4b167c2e803f870c73",
    "event-calendar.min.js": "1c4b0f12f139216838b35c5317976f065bac80966a9b82d2611e1c258143d54a",
}
"""@event-calendar/build 5.10.1; of its script without the last line, which names a map."""

USED = re.compile(r'\bt\(\s*"([\w.\-]+)"')
EITHER = re.compile(r'\bt\([^()"]*\? "([\w.]+)" : "([\w.]+)"')
BEGUN = re.compile(r"\bt(?:Or)?\(`([\w.]+)\$")

pytestmark = pytest.mark.django_db


@pytest.fixture
def salon() -> SalonSettings:
    salon = make_salon()
    salon.business_name, salon.brand_color = "Studio <Linden>", "#8a1c4a"
    salon.save()
    return salon


def words(language: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FILES / "words" / f"{language}.json").read_text(encoding="utf-8"))
    return found


def test_it_is_a_shell_that_may_be_kept_and_runs_our_own_files_only(salon: SalonSettings) -> None:
    answer = browser().get("/agenda")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert "Accept-Language" in answer.headers["Vary"]
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; script-src 'self'; style-src 'self' 'sha256-{accents_of('#8a1c4a').hash}'; "
        "connect-src 'self'; img-src 'self' data:; form-action 'none'; frame-ancestors 'none'; "
        "base-uri 'none'"
    )
    body = answer.content.decode()
    assert "Studio &lt;Linden&gt;" in body
    assert [f'href="/static/agenda/{each.name}"' in body for each in MODULES] == [True] * len(MODULES)


def test_it_holds_nothing_inline_but_the_colours(salon: SalonSettings) -> None:
    body = browser().get("/agenda").content.decode()
    assert re.findall(r"<script[^>]*>(.*?)</script>", body, re.DOTALL) == ["", ""]
    assert re.findall(r"<style>(.*?)</style>", body, re.DOTALL) == [accents_of("#8a1c4a").text]
    assert re.findall(r"\s(?:on\w+|style)=", body) == []


def test_it_speaks_the_readers_language_and_changes_nothing(salon: SalonSettings) -> None:
    heard = {
        language: re.findall(r'<html lang="(\w+)"', page.content.decode())
        for language in LANGUAGES
        for page in [browser(headers={"accept-language": f"{language};q=0.9"}).get("/agenda")]
    }
    assert heard == {language: [language] for language in LANGUAGES}
    assert browser().post("/agenda").status_code == 405
    assert len(statements_of(lambda: browser().get("/agenda"))) == 1


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_language_has_every_word(language: str) -> None:
    english, theirs = words("en"), words(language)
    assert list(theirs) == list(english)
    for key, text in english.items():
        assert type(theirs[key]) is type(text), key
        assert holes(theirs[key]) == holes(text), key
        assert all(forms(theirs[key])), key
    same = [key for key, text in english.items() if theirs[key] == text and key not in ALIKE]
    assert len(same) < len(english) // 8, same


ALIKE = {"key.arrows.name", "key.enter.name", "key.esc.name"}


def forms(text: Any) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [text]


def holes(text: Any) -> set[str]:
    return {name for form in forms(text) for name in re.findall(r"\{(\w+)\}", form)}


def test_the_program_says_what_has_words_and_every_word_is_said() -> None:
    text = "\n".join(each.read_text(encoding="utf-8") for each in MODULES)
    said = set(USED.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)))
    said |= {key for pair in EITHER.findall(text) for key in pair}
    begun = tuple(BEGUN.findall(text))
    assert said - set(words("en")) == set()
    assert [key for key in words("en") if key not in said and not key.startswith(begun)] == []


AT_THE_DESK: tuple[type[Refused], ...] = (
    *(SlotTaken, HolidayClosed, SessionFull, ClientAlreadyInSession),
    *(IsWalkIn, AlreadyMerged, EntryClosed, OfferIsOut, StillRunning, Busy),
)


def test_what_the_desk_can_be_refused_is_said_in_the_readers_language() -> None:
    assert [each.code for each in AT_THE_DESK if f"refused.{each.code}" not in words("en")] == []
    printed = [each.name for each in MODULES if "problem.message" in each.read_text(encoding="utf-8")]
    assert printed == ["dialog.js"]


def test_each_module_is_short_and_makes_no_markup_of_text() -> None:
    for module in MODULES:
        text = module.read_text(encoding="utf-8")
        assert len(text.splitlines()) < LONGEST_MODULE, module.name
        assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text) == [], (
            module.name
        )
        assert re.findall(r'setAttribute\("style"', text) == [], module.name


def test_modules_import_what_is_there() -> None:
    for module in MODULES:
        for name in re.findall(r'from "\./([\w.]+)"', module.read_text(encoding="utf-8")):
            assert (FILES / name).exists(), f"{module.name} imports {name}"


def test_the_calendar_is_the_one_that_was_looked_at() -> None:
    found = {name: hashlib.sha256((FILES / "vendor" / name).read_bytes()).hexdigest() for name in VENDORED}
    assert found == VENDORED
    assert "MIT License" in (FILES / "vendor" / "LICENSE.txt").read_text()


def test_its_grounds_are_those_of_every_page() -> None:
    pages = (FILES.parent / "bookings" / "pages.css").read_text()
    agenda = (FILES / "agenda.css").read_text()
    for name in ("paper", "card", "ink", "soft", "line", "field", "wrong", "wrong-tint"):
        assert re.findall(rf"--{name}: (#\w+);", agenda) == re.findall(rf"--{name}: (#\w+);", pages), name
