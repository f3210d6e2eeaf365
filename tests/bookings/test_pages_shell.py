"""What every public page has in common: headers, methods, rate, language, escaping (contract §0, §1.4)."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest
from django.test import override_settings

from bookings.self_service.unsubscribe import unsubscribe_token
from staff.salon.look import look_of
from tests.cast.factories import make_client, make_salon
from tests.cast.pages import NOW, START, Cast, browser, everything, heading_of, make_cast, text_of
from tests.cast.wire import wsgi

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

PAGES = ("accept", "decline", "feedback", "waitlist", "unsubscribe")
NASTY = '<b>Ann</b>"\r\nBcc: x@evil.example'


@pytest.fixture
def cast() -> Cast:
    return make_cast()


def address_of(page: str, cast: Cast) -> str:
    """A live link to each page."""
    if page in ("accept", "decline"):
        return f"/provisional/{cast.requested().provisional_token}/{page}"
    if page == "feedback":
        return f"/feedback/{cast.completed().feedback_token}"
    if page == "waitlist":
        return f"/waitlist/{cast.offered().token}"
    return f"/unsubscribe/{unsubscribe_token(cast.alice)}"


@pytest.mark.parametrize("page", PAGES)
def test_headers_keep_a_page_to_its_reader(cast: Cast, page: str) -> None:
    address = address_of(page, cast)
    live, unknown = browser().get(address), browser().get(address.replace("/", "/x", 2))
    assert (live.status_code, unknown.status_code) == (200, 404)
    for answer in (live, browser().post(address, {"rating": "5"}), browser().put(address)):
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Language"] == "en"
        assert not answer.cookies


@pytest.mark.parametrize("page", PAGES)
def test_the_policy_allows_our_stylesheet_and_nothing_else(cast: Cast, page: str) -> None:
    answer = browser().get(address_of(page, cast))
    sheet = re.search(r"<style>(.*?)</style>", answer.content.decode(), re.DOTALL)
    assert sheet is not None
    digest = base64.b64encode(hashlib.sha256(sheet[1].encode()).digest()).decode()
    assert answer.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    body = answer.content.decode()
    assert "<script" not in body
    assert " src=" not in body
    assert " style=" not in body
    assert not re.search(r"(url\(|@import|\bon[a-z]+=)", body)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_other_methods_are_405_and_change_nothing(cast: Cast, page: str, method: str) -> None:
    address = address_of(page, cast)
    before = everything()
    answer = getattr(browser(), method)(address)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, POST"
    assert heading_of(answer) == "That does not work here"
    assert everything() == before


@pytest.mark.parametrize("page", PAGES)
def test_a_page_answers_with_a_trailing_slash_too(cast: Cast, page: str) -> None:
    assert browser().get(f"{address_of(page, cast)}/").status_code == 200


@pytest.mark.parametrize("page", PAGES)
def test_a_cookie_is_neither_read_nor_set(cast: Cast, page: str) -> None:
    address = address_of(page, cast)
    visitor = browser(headers={"cookie": "sessionid=stolen; django_language=de; csrftoken=x"})
    answer = visitor.get(address)
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, "en")
    assert visitor.post(address, {"rating": "5"}).status_code == 200
    assert not visitor.cookies


@pytest.mark.parametrize("page", PAGES)
def test_a_forged_host_never_reaches_a_page(cast: Cast, page: str) -> None:
    address = address_of(page, cast)
    forged = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    answer = browser(headers=forged).get(address)
    assert answer.status_code == 200
    assert "evil.example" not in answer.content.decode()
    assert browser(headers={"host": "evil.example"}).get(address).status_code == 400


@pytest.mark.parametrize("page", ["accept", "decline"])
def test_links_stand_under_public_url_with_its_path(cast: Cast, page: str) -> None:
    address = address_of(page, cast)
    with override_settings(PUBLIC_URL="https://salon.example/book"):
        body = browser().get(address).content.decode()
    other = {"accept": "decline", "decline": "accept"}[page]
    assert f'href="https://salon.example/book{address.removesuffix(page)}{other}"' in body
    assert '<form method="post"' in body
    assert "action=" not in body


@pytest.mark.parametrize("page", PAGES)
def test_names_are_text_never_markup_or_headers(cast: Cast, page: str) -> None:
    for row, name in ((cast.alice, "first_name"), (cast.service, "name"), (cast.bea, "name")):
        setattr(row, name, NASTY)
        row.save()
    cast.salon.business_name = NASTY
    cast.salon.business_address = NASTY
    cast.salon.save()
    answer = browser().get(address_of(page, cast))
    assert answer.status_code == 200
    body = answer.content.decode()
    assert "<b>" not in body
    assert "&lt;b&gt;Ann&lt;/b&gt;" in body
    assert "Bcc" not in str(answer.headers)


@pytest.mark.parametrize(
    ("client", "salon", "expected"),
    [
        ("nl", "en", "nl"),
        ("de-AT", "en", "de"),
        ("pt_BR", "fr", "fr"),
        ("", "es", "es"),
        ("xx", "zz", "en"),
        ("../../etc", "en", "en"),
    ],
)
def test_a_page_speaks_the_client_s_language_else_the_salon_s(
    cast: Cast, client: str, salon: str, expected: str
) -> None:
    cast.alice.locale, cast.salon.locale = client, salon
    cast.alice.save()
    cast.salon.save()
    answer = browser(headers={"accept-language": "it"}).get(address_of("accept", cast))
    assert answer.headers["Content-Language"] == expected
    assert f'<html lang="{expected}">' in answer.content.decode()


def test_an_unknown_link_speaks_the_salon_s_language(cast: Cast) -> None:
    cast.salon.locale = "nl"
    cast.salon.save()
    answer = browser(headers={"accept-language": "de"}).get("/feedback/unknown")
    assert (answer.status_code, answer.headers["Content-Language"]) == (404, "nl")


@pytest.mark.parametrize(
    "address", ["/provisional", "/provisional/abc", "/provisional/abc/yes", "/feedback/", "/waitlist/a/b"]
)
def test_a_link_that_lost_its_end_is_404_in_the_salon_s_words(cast: Cast, address: str) -> None:
    for answer in (browser().get(address), browser().post(address)):
        assert (answer.status_code, heading_of(answer)) == (404, "We do not know this link")
    assert browser().put(address).status_code == 405


def test_the_foot_tells_how_to_reach_the_salon(cast: Cast) -> None:
    cast.salon.business_address = "Zonstraat 1\n1000 AA Amsterdam"
    cast.salon.save()
    answer = browser().get("/feedback/unknown")
    assert text_of(answer).endswith(
        "Questions? +31 20 123 4567 hello@salon.example Zonstraat 1 1000 AA Amsterdam"
    )
    assert 'href="tel:+31201234567"' in answer.content.decode()


def test_the_sixty_first_page_in_a_minute_has_to_wait(cast: Cast, clock: Any) -> None:
    address = address_of("accept", cast)
    twin = address.replace("/provisional", "/api/public/provisional").removesuffix("/accept")
    before = everything()
    assert [browser().get(address).status_code for _ in range(59)] == [200] * 59
    assert browser().get(twin).status_code == 200
    for answer in (browser().get(address), browser().post(address)):
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "60"
        assert text_of(answer).startswith(
            "Salon Zonne One moment, please Too many pages were opened in a short time. "
            "Please try again in 60 seconds."
        )
    refused = browser().get(twin)
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert everything() == before
    assert browser(REMOTE_ADDR="10.0.0.2").get(address).status_code == 200
    clock.shift(61)
    assert browser().post(address).status_code == 200


def test_a_form_that_is_too_large_is_refused(cast: Cast) -> None:
    address = address_of("feedback", cast)
    before = everything()
    form = {"rating": "5", "comment": "x" * 300_000}
    body = "&".join(f"{name}={value}" for name, value in form.items())
    answer = browser().post(address, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert everything() == before


def test_a_broken_multipart_body_is_400(cast: Cast) -> None:
    address = address_of("feedback", cast)
    before = everything()
    answer = browser().post(address, b"--x\r\nbroken", content_type="multipart/form-data; boundary=")
    assert answer.status_code == 400
    assert everything() == before


def test_a_page_without_names_still_reads_well(cast: Cast) -> None:
    cast.alice.first_name = " "
    cast.alice.save()
    cast.salon.business_name = cast.salon.business_phone = cast.salon.reply_to = ""
    cast.salon.save()
    answer = browser().get(address_of("accept", cast))
    assert text_of(answer).startswith("Does this appointment suit you? We have kept this time for you.")
    assert "<header>" not in answer.content.decode()
    assert "<footer>" not in answer.content.decode()


def test_another_client_s_link_shows_nothing_of_this_one(cast: Cast) -> None:
    bob = make_client("Bob", "Brown")
    booking = cast.requested(client_id=bob.pk, start_at=START)
    body = browser().get(f"/provisional/{booking.provisional_token}/accept").content.decode()
    for private in ("Brown", "bob@example.com", "Alice", "Adams", bob.email):
        assert private not in body


@pytest.mark.parametrize("color", ["", "#8a1c4a", "#ffff00"])
def test_the_salon_s_colour_is_part_of_the_stylesheet_that_is_hashed(cast: Cast, color: str) -> None:
    cast.salon.brand_color = color
    cast.salon.save()
    answer = browser().get(address_of("accept", cast))
    sheet = answer.content.decode().partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]
    look = look_of(color)
    assert f"--accent: {look.light.accent};" in sheet
    assert f"--accent: {look.dark.accent};" in sheet


def test_the_foot_leads_to_imprint_and_privacy(cast: Cast) -> None:
    assert "Imprint" not in text_of(browser().get("/feedback/unknown"))
    cast.salon.imprint_url = "https://salon.example/imprint?a=1&b=<2>"
    cast.salon.privacy_url = "https://salon.example/privacy"
    cast.salon.save()
    answer = browser().get("/feedback/unknown")
    assert text_of(answer).endswith("Imprint Privacy")
    assert 'href="https://salon.example/imprint?a=1&amp;b=&lt;2&gt;"' in answer.content.decode()


def test_a_head_is_answered_without_a_body_and_with_the_headers_of_the_get() -> None:
    make_salon(online_booking="instant")
    for path in (
        "/",
        "/book",
        "/book/done",
        "/feedback/abc",
        "/v/abc",
        "/v/abc/move",
        "/admin/login/",
        "/nowhere",
    ):
        asked = {method: wsgi(path_info=path, method=method) for method in ("GET", "HEAD")}
        (status, headers, body), (as_status, as_headers, nothing) = asked.values()
        assert (as_status, nothing) == (status, b""), path
        assert as_headers["Content-Length"] == headers["Content-Length"] == str(len(body)), path
