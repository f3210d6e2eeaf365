"""`/`: whose address this is, in the look and under the rules of every public page."""

from __future__ import annotations

import re

import pytest
from django.test import override_settings

from staff.models import SalonSettings
from tests.cast.factories import make_ada, make_salon
from tests.cast.pages import browser, everything, heading_of, statements_of, text_of

pytestmark = pytest.mark.django_db

LINKS = [
    ("http://127.0.0.1:8000/admin/", "For administrators: log in"),
    ("http://127.0.0.1:8000/api/docs", "For developers: the API"),
]


@pytest.fixture(autouse=True)
def salon() -> SalonSettings:
    return make_salon()


def links_of(body: str) -> list[tuple[str, str]]:
    """The address and the words of every link of the page's own part."""
    main = body.partition("<main>")[2].partition("</main>")[0]
    return re.findall(r'<a [^>]*href="([^"]+)">([^<]+)</a>', main)


def test_the_front_page_says_whose_it_is_and_leads_on() -> None:
    answer = browser().get("/")
    assert (answer.status_code, heading_of(answer)) == (200, "Salon Zonne")
    assert text_of(answer) == (
        "Salon Zonne This is where we keep our appointments. For yours, please open the link in your e-mail. "
        "For administrators: log in For developers: the API"
    )
    assert links_of(answer.content.decode()) == LINKS
    assert "<title>Salon Zonne</title>" in answer.content.decode()


def test_where_it_leads_somebody_answers() -> None:
    ada = browser()
    ada.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    for address, _words in LINKS:
        assert ada.get(address.removeprefix("http://127.0.0.1:8000")).status_code == 200


def test_admin_leads_here() -> None:
    ada = browser()
    ada.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    assert '<a href="/">View site</a>' in ada.get("/admin/").content.decode()


@pytest.mark.parametrize("accept", ["application/json", "text/html", "*/*", "image/png"])
def test_it_is_a_page_whatever_is_accepted(accept: str) -> None:
    answer = browser(headers={"accept": accept}).get("/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_what_is_beside_it_stays_json() -> None:
    for address in ("/index.html", "/welcome", "/book", "/favicon.ico"):
        answer = browser(headers={"accept": "text/html"}).get(address)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options", "trace"])
def test_it_is_only_read(method: str) -> None:
    before = everything()
    answer = getattr(browser(), method)("/")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert heading_of(answer) == "That does not work here"
    assert everything() == before


def test_head_has_the_headers_and_no_body() -> None:
    head, get = browser().head("/"), browser().get("/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == get.headers


def test_it_has_the_headers_and_the_policy_of_every_page() -> None:
    front, other = browser().get("/"), browser().get("/feedback/unknown")
    assert {**front.headers, "Content-Length": ""} == {**other.headers, "Content-Length": ""}
    assert front.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    body = front.content.decode()
    assert not re.search(r"<script| src=| style=|url\(|@import|\bon[a-z]+=", body)


def test_a_cookie_is_neither_read_nor_set() -> None:
    visitor = browser(headers={"cookie": "sessionid=stolen; django_language=de; csrftoken=x"})
    answer = visitor.get("/")
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, "en")
    assert not visitor.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize(
    ("locale", "login"),
    [
        ("nl", "Voor beheerders: inloggen"),
        ("de-AT", "Für die Verwaltung: anmelden"),
        ("fr", "Administration : se connecter"),
        ("es", "Para la administración: entrar"),
        ("xx", "For administrators: log in"),
    ],
)
def test_it_speaks_the_salons_language(locale: str, login: str, salon: SalonSettings) -> None:
    salon.locale, salon.business_name = locale, ""
    salon.save()
    answer = browser(headers={"accept-language": "it"}).get("/")
    assert answer.headers["Content-Language"] == locale[:2].replace("xx", "en")
    assert links_of(answer.content.decode())[0][1] == login
    english = ("Welcome", "This is where", "For developers")
    assert any(words in text_of(answer) for words in english) is (locale == "xx")


def test_a_salon_without_a_name_welcomes_all_the_same(salon: SalonSettings) -> None:
    salon.business_name = ""
    salon.save()
    answer = browser().get("/")
    assert heading_of(answer) == "Welcome"
    assert "<header>" not in answer.content.decode()
    SalonSettings.objects.all().delete()
    assert heading_of(browser().get("/")) == "Welcome"


def test_the_name_is_text_never_markup_or_headers(salon: SalonSettings) -> None:
    salon.business_name = '<b>Zonne</b>"\r\nBcc: x@evil.example'
    salon.save()
    answer = browser().get("/")
    assert "<b>" not in answer.content.decode()
    assert "&lt;b&gt;Zonne&lt;/b&gt;" in answer.content.decode()
    assert "Bcc" not in str(answer.headers)


def test_the_foot_tells_how_to_reach_the_salon(salon: SalonSettings) -> None:
    salon.business_phone, salon.business_address = "+31 20 123 4567", "Zonstraat 1\n1000 AA Amsterdam"
    salon.save()
    answer = browser().get("/")
    assert text_of(answer).endswith("Questions? +31 20 123 4567 Zonstraat 1 1000 AA Amsterdam")


def test_its_links_stand_under_public_url_with_its_path() -> None:
    with override_settings(PUBLIC_URL="https://salon.example/book"):
        body = browser().get("/").content.decode()
    assert [address for address, _words in links_of(body)] == [
        "https://salon.example/book/admin/",
        "https://salon.example/book/api/docs",
    ]


def test_a_forged_host_never_reaches_it() -> None:
    forged = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    assert "evil.example" not in browser(headers=forged).get("/").content.decode()
    assert browser(headers={"host": "evil.example"}).get("/").status_code == 400


def test_it_counts_towards_the_pages_of_a_minute_and_reads_one_row() -> None:
    assert len(statements_of(lambda: browser().get("/"))) == 1
    assert [browser().get("/").status_code for _ in range(60)].count(429) == 1
