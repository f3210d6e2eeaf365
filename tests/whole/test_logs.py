"""What must never be read in a log: credentials and the tokens of public pages (reliability §6)."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
import structlog
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from bookings.api.public import PublicView
from bookings.pages.shell import PublicPage
from config.logs import hide_secrets, logging_settings
from staff.wire.paths import LINKED_PAGES, is_json_path, is_public_page


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The lines that a process with our LOGGING would write."""
    stream = io.StringIO()
    settings = logging_settings(for_people=False)
    handler = logging.StreamHandler(stream)
    formatter = dict(settings["formatters"]["lines"])
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger = logging.getLogger("test_logs")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)


def test_a_line_is_one_json_object_whoever_wrote_it(log: io.StringIO) -> None:
    logging.getLogger("test_logs").info("%s of %s", 1, 2, extra={"job": 7})
    structlog.get_logger("test_logs").warning("job_dead", job=8)
    first, second = (json.loads(line) for line in log.getvalue().splitlines())
    assert (first["event"], first["level"], first["job"]) == ("1 of 2", "info", 7)
    assert (second["event"], second["level"], second["job"]) == ("job_dead", "warning", 8)


def test_a_traceback_hides_secrets_too(log: io.StringIO) -> None:
    try:
        raise ValueError("refused: Authorization: Bearer abcdef0123456789")
    except ValueError:
        logging.getLogger("test_logs").exception("failed")
    assert "abcdef0123456789" not in log.getvalue()
    assert "ValueError" in log.getvalue()


TOKEN = "AbCdEf0123456789AbCdEf"


def addresses_with_a_credential() -> Iterator[str]:
    """Every address of the product that carries a token: a page's, its JSON twin's, or one named so; or a
    secret."""

    def walk(patterns: Iterable[URLPattern | URLResolver], before: str) -> Iterator[str]:
        for each in patterns:
            route = f"{before}{each.pattern}"
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, route)
                continue
            view = getattr(each.callback, "view_class", None) or getattr(each.callback, "cls", None)
            public = view is not None and issubclass(view, PublicPage | PublicView)
            place = "location>" in route
            of_page = public and isinstance(each.pattern, RoutePattern) and "<" in route and not place
            if of_page or "token>" in route or "secret>" in route:
                yield re.sub(r"<[^>]*>", TOKEN, route.replace("<id:id>", "7"))

    yield from walk(get_resolver().url_patterns, "/")


@pytest.mark.parametrize("address", sorted(set(addresses_with_a_credential())))
def test_the_credential_in_an_address_is_hidden(address: str) -> None:
    assert TOKEN in address
    shown = hide_secrets(None, None, {"event": f"Bad Gateway: {address}"})["event"]
    assert shown == f"Bad Gateway: {address}".replace(TOKEN, "[hidden]").replace("].ics", "]")


def test_pages_behind_a_link_are_known_by_their_first_word() -> None:
    """The same list says what answers as a page, reads no cookie, and has a page for a broken link."""
    pages = [address for address in addresses_with_a_credential() if not address.startswith("/api/")]
    assert {address.split("/")[1] for address in pages} == set(LINKED_PAGES)
    assert all(is_public_page(address) and not is_json_path(address) for address in pages)


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('"GET /book/done?t=MQ:1abCdE:0123456789abcdef0123 HTTP/1.1"', "MQ:1abCdE:0123456789abcdef0123"),
        ("Authorization: Bearer 0123456789abcdef0123", "0123456789abcdef0123"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "dXNlcjpwYXNzd29yZA"),
        ("Not Found: /provisional/AbCdEf0123456789_-xyz/accept", "AbCdEf0123456789_-xyz"),
        ("GET /v/AbCdEf0123456789AbCdEf/move", "AbCdEf0123456789AbCdEf"),
        ("GET /pay/AbCdEf0123456789AbCdEf", "AbCdEf0123456789AbCdEf"),
        ("GET /unsubscribe/AbCdEf0123456789AbCdEf?x=1", "AbCdEf0123456789AbCdEf"),
        ("key sk_live_51Habcdefgh is wrong", "51Habcdefgh"),
        ("connecting to postgres://salon:hunter22@db/salon", "hunter22"),
        ("connecting to redis://:hunter22@cache:6379/0", "hunter22"),
        ('body {"password": "hunter22", "email": "a@b.example"}', "hunter22"),
        ("feedback_token=AbCdEf0123456789AbCdEf", "AbCdEf0123456789"),
    ],
)
def test_a_secret_in_running_text_is_hidden(text: str, secret: str) -> None:
    shown = hide_secrets(None, None, {"event": text})["event"]
    assert secret not in shown
    assert "[hidden]" in shown


def test_a_field_with_a_secret_name_is_hidden_wherever_it_stands() -> None:
    event: dict[str, Any] = {
        "event": "booked",
        "booking_id": 5,
        "provisional_token": "abc",
        "headers": {"Authorization": "x", "Accept": "json"},
        "rows": [{"api_key": "x"}, {"name": "Bea"}],
    }
    assert hide_secrets(None, None, event) == {
        "event": "booked",
        "booking_id": 5,
        "provisional_token": "[hidden]",
        "headers": {"Authorization": "[hidden]", "Accept": "json"},
        "rows": [{"api_key": "[hidden]"}, {"name": "Bea"}],
    }


@pytest.mark.parametrize("for_people", [False, True])
def test_what_is_no_text_is_hidden_in_what_is_printed_of_it(for_people: bool) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    formatter = dict(logging_settings(for_people=for_people)["formatters"]["lines"])
    handler.setFormatter(formatter.pop("()")(**formatter))
    logger = logging.Logger("test_logs")
    logger.addHandler(handler)
    request = RequestFactory().post("/pay/AbCdEf0123456789AbCdEf")
    try:
        raise ValueError("no answer to sk_live_51Habcdefgh")
    except ValueError:
        logger.exception("failed: %s", request.path, extra={"request": request, "requests": [request]})
    assert "WSGIRequest: POST '/pay/[hidden]'" in stream.getvalue()
    assert "ValueError: no answer to sk_[hidden]" in stream.getvalue()
    assert "AbCdEf0123456789" not in stream.getvalue()
    assert "51Habcdefgh" not in stream.getvalue()


def test_ordinary_words_stay() -> None:
    text = "Booking 5 moved to 2026-11-20 10:00 for /api/bookings/5 by staff 2"
    assert hide_secrets(None, None, {"event": text})["event"] == text
