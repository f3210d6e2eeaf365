"""Tokens of public links and the addresses they stand on (contract §1.3 "base_url")."""

import re

import pytest

from bookings import links
from staff.wire.refusals import BadRequest


@pytest.fixture(autouse=True)
def _addresses(settings):
    settings.PUBLIC_URL = "https://book.salon.example"
    settings.FRONTEND_ORIGINS = [
        "https://book.salon.example",
        "https://app.salon.example",
        "http://localhost:5173",
        "http://[::1]:3000",
    ]


def test_a_token_has_256_random_bits_and_needs_no_escaping():
    tokens = {links.new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://app.salon.example", "https://app.salon.example"),
        ("https://app.salon.example/", "https://app.salon.example"),
        ("https://app.salon.example/nl/", "https://app.salon.example/nl"),
        ("HTTPS://APP.Salon.Example/Nl", "https://app.salon.example/Nl"),
        ("https://app.salon.example:443/nl", "https://app.salon.example/nl"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://[::1]:3000/app", "http://[::1]:3000/app"),
        ("https://book.salon.example", "https://book.salon.example"),
    ],
)
def test_an_allowed_base_url_is_kept_in_its_canonical_form(given, kept):
    assert links.checked_base_url(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        None,
        5,
        ["https://app.salon.example"],
        "app.salon.example",
        "//app.salon.example",
        "/app",
        "ftp://app.salon.example",
        "javascript:alert(1)",
        "http://app.salon.example",
        "https://evil.example",
        "https://app.salon.example.evil.example",
        "https://app.salon.example.",
        "https://app.salon.example:444",
        "https://app.salon.example:x",
        "https://app.salon.example:99999",
        "https://evil.example@app.salon.example",
        "https://user:pw@app.salon.example",
        "https://@app.salon.example",
        "https://app.salon.example@evil.example",
        "https://app.salon.example?next=https://evil.example",
        "https://app.salon.example/?",
        "https://app.salon.example#x",
        "https://app.salon.example/#",
        "https://app.salon.example\\@evil.example",
        "https:/app.salon.example",
        "https:\\\\app.salon.example",
        "https://app.salon.example/\r\nBcc: x@evil.example",
        "https://app.salon.exa\tmple",
        "\x00https://app.salon.example",
        " https://app.salon.example",
        "https://app.salon.example/ a",
        "https://app.salon.example/\u202e",
        "https://арр.salon.example",
        "https://[::1",
        "https://app.salon.example/" + "a" * 500,
    ],
)
def test_any_other_base_url_is_refused(given):
    with pytest.raises(BadRequest) as refusal:
        links.checked_base_url(given)
    assert refusal.value.http_status == 400
    assert refusal.value.code == "invalid_base_url"
    assert set(refusal.value.details or {}) == {"base_url"}


def test_public_url_always_counts(settings):
    settings.FRONTEND_ORIGINS = []
    assert links.checked_base_url("https://book.salon.example/x") == "https://book.salon.example/x"


def test_links_stand_under_the_stored_base_url_or_public_url():
    assert links.accept_url("https://app.salon.example/nl", "T") == (
        "https://app.salon.example/nl/provisional/T/accept"
    )
    assert links.decline_url("", "T") == "https://book.salon.example/provisional/T/decline"
    assert links.feedback_url("", "T") == "https://book.salon.example/feedback/T"
    assert links.pay_url("", "T") == "https://book.salon.example/pay/T"
    assert links.waitlist_url("", "T") == "https://book.salon.example/waitlist/T"
    assert links.unsubscribe_url("", "T") == "https://book.salon.example/unsubscribe/T"


def test_public_url_may_have_a_path(settings):
    settings.PUBLIC_URL = "https://salon.example/book"
    assert links.public_url("", "/pay/T") == "https://salon.example/book/pay/T"


def test_an_address_taken_off_the_list_builds_no_more_links():
    assert links.public_url("https://old.salon.example", "/pay/T") == "https://book.salon.example/pay/T"
