"""Admin speaks its reader's language: every page of it, walked in German, says nothing of ours in English."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.db import transaction
from django.test import Client as Browser
from django.utils.text import capfirst

from staff.models import SalonSettings
from tests.cast.access import House, make_house
from tests.texts import PO_FILES, read_po
from tests.whole.test_access_admin import ROUTES, address

pytestmark = pytest.mark.django_db

SHOWN = ("value", "title", "placeholder", "aria-label", "alt")
ENGLISH = re.compile(r"\b(the|and|with|is|are|of|this|when|cannot|please)\b")
"""What no German sentence has in it; names of the cast have none either."""
NOT_OURS = ("/axes/", "/jsi18n/", "/password/")
STORED = {"Bookings", "job", "New booking"}
"""Who did it, through which channel, and a line in the salon's language: rows, not words of admin."""


class Said(HTMLParser):
    """Every text that a reader sees or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: set[str] = set()
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style", "option", "textarea", "iframe")
        named = dict(attrs)
        if tag != "input" or named.get("type") in ("submit", "button"):
            self.texts.update(_plain(named.get(name) or "") for name in SHOWN if tag != "option")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style", "option", "textarea", "iframe")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.texts.add(_plain(data))


def _plain(text: str) -> str:
    return " ".join(text.split()).removesuffix(":")


def _english() -> set[str]:
    """Our words that are others in German, as labels and as headings."""
    [german] = [path for path in PO_FILES if path.parent.parent.name == "de"]
    entries = [each for each in read_po(german) if not each.msgctxt]
    spoken = {word for each in entries for word in (each.msgstr, capfirst(each.msgstr))}
    return {word for each in entries for word in (each.msgid, capfirst(each.msgid))} - spoken


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any) -> Iterator[House]:
    with django_db_blocker.unblock(), transaction.atomic():
        yield make_house()
        transaction.set_rollback(True)


def _ada(house: House, language: str) -> Browser:
    browser = Browser(headers={"accept-language": language})
    browser.force_login(house.ada, backend="django.contrib.auth.backends.ModelBackend")
    return browser


@pytest.mark.first_pass_alone(why="test_admin_money.py reads every list, row and form of the other one")
def test_every_page_of_admin_is_german_for_a_german_reader(house: House) -> None:
    browser, english = _ada(house, "de-AT, en;q=0.5"), _english()
    wrong: dict[str, set[str]] = {}
    pages = 0
    for route in ROUTES:
        if any(part in route for part in NOT_OURS):
            continue
        answer = browser.get(address(route))
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        pages += 1
        assert answer["Content-Language"] == "de", route
        said = Said()
        said.feed(answer.content.decode())
        left = {each for each in said.texts if each in english or ENGLISH.search(each)} - STORED
        if left:
            wrong[route] = left
    assert pages > 60
    assert wrong == {}


@pytest.mark.parametrize(
    ("asked", "salon", "spoken"),
    [
        ("de", "nl", "de"),
        ("it, fr;q=0.3", "nl", "fr"),
        ("it", "nl", "nl"),
        ("", "es", "es"),
        ("*", "nl", "nl"),
    ],
)
def test_the_browser_decides_the_language_and_else_the_salon(
    house: House, asked: str, salon: str, spoken: str
) -> None:
    SalonSettings.objects.update(locale=salon)
    answer = _ada(house, asked).get("/admin/")
    assert answer["Content-Language"] == spoken
    assert f'<html lang="{spoken}"' in answer.content.decode()


def test_the_api_says_the_same_whatever_the_browser_asks_for(house: House) -> None:
    answers = [
        Browser(headers={"accept-language": language}).get("/api/public/visits/unknown").json()
        for language in ("en", "de")
    ]
    assert answers[0] == answers[1]
