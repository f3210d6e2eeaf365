"""`/`: whose address this is, in the look and under the rules of every public page."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote

import pytest
from django.test import override_settings

from staff.models import Holiday, OpeningException, SalonSettings, TimeOff
from tests.cast.factories import make_ada, make_bea, make_cora, make_hours, make_salon, make_service
from tests.cast.pages import NOW, browser, everything, heading_of, statements_of, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

LINKS = [
    ("http://127.0.0.1:8000/agenda", "For staff: the agenda"),
    ("http://127.0.0.1:8000/admin/", "For administrators: log in"),
    ("http://127.0.0.1:8000/api/docs", "For developers: the API"),
]


@pytest.fixture(autouse=True)
def salon() -> SalonSettings:
    return make_salon()


def links_of(body: str) -> list[tuple[str, str]]:
    """The address and the words of every link to us for those who work here."""
    main = body.partition('<p class="admins">')[2]
    return re.findall(r'<a [^>]*href="([^"]+)">([^<]+)</a>', main)


def data_of(answer: Any) -> Any:
    found = re.search(
        r'<script type="application/ld\+json">(.*?)</script>', answer.content.decode(), re.DOTALL
    )
    assert found is not None
    return json.loads(found[1])


def test_a_salon_that_has_set_nothing_says_how_to_reach_it(salon: SalonSettings) -> None:
    answer = browser().get("/")
    assert (answer.status_code, heading_of(answer)) == (200, "Salon Zonne")
    beginning, _script, _rest = text_of(answer).partition("You have an appointment?")
    assert beginning.endswith(
        "Salon Zonne This is where we keep our appointments. Please ask for one in the salon. "
    )
    assert data_of(answer) == {
        "@context": "https://schema.org",
        "@type": "HairSalon",
        "name": "Salon Zonne",
        "url": "http://127.0.0.1:8000/",
    }
    for field, value, sentence in (
        ("reply_to", "hello@salon.example", "For an appointment, please write to us."),
        ("business_phone", "+31 20 123 4567", "For an appointment, please call us."),
    ):
        setattr(salon, field, value)
        salon.save()
        assert f"{value} " in text_of(browser().get("/"))
        assert sentence in text_of(browser().get("/"))


def test_it_tells_the_week_and_what_is_otherwise(salon: SalonSettings) -> None:
    bea, cora = make_bea(), make_cora()
    make_hours(bea, weekdays=range(5), opens="09:00", closes="17:00")
    make_hours(cora, weekdays=range(1), opens="16:00", closes="20:00")
    make_hours(cora, weekdays=range(1, 2), opens="18:00", closes="20:00")
    OpeningException.objects.create(
        name="<b>Half</b>",
        date_from=date(2026, 11, 27),
        date_to=date(2026, 11, 27),
        hours=[["09:00", "12:00"]],
    )
    own = OpeningException.objects.create(
        name="Dentist", scope="staff", date_from=date(2026, 12, 2), date_to=date(2026, 12, 2), hours=[]
    )
    own.people.set([bea])
    for day in (8, 9):
        Holiday.objects.create(date=date(2026, 12, day), name="Feast")
    TimeOff.objects.create(
        staff=bea,
        start_at=datetime(2026, 12, 9, 23, tzinfo=UTC),
        end_at=datetime(2026, 12, 13, 23, tzinfo=UTC),
        reason="Private",
    )
    answer = browser().get("/")
    assert (
        "Opening hours Monday 09:00–20:00 Tuesday 09:00–17:00, 18:00–20:00 Wednesday 09:00–17:00 "
        "Thursday 09:00–17:00 Friday 09:00–17:00 Saturday closed Sunday closed "
        "The coming weeks Fri 27 Nov 09:00–12:00 (<b>Half</b>) Wed 2 Dec closed "
        "Tue 8 Dec to Wed 9 Dec closed (Feast) Thu 10 Dec to Sun 13 Dec closed You have"
    ) in text_of(answer)
    french = text_of(browser(headers={"accept-language": "fr"}).get("/"))
    assert "Les semaines à venir ven 27 nov 09:00–12:00" in french
    assert "Dentist" not in answer.content.decode()
    assert "Private" not in answer.content.decode()
    hours = data_of(answer)["openingHoursSpecification"]
    assert hours[0] == {
        "@type": "OpeningHoursSpecification",
        "dayOfWeek": "https://schema.org/Monday",
        "opens": "09:00",
        "closes": "20:00",
    }
    assert hours[-1] == {
        "@type": "OpeningHoursSpecification",
        "validFrom": "2026-12-10",
        "validThrough": "2026-12-13",
        "opens": "00:00",
        "closes": "00:00",
    }


def test_with_online_booking_it_leads_there_and_says_so_to_machines(salon: SalonSettings) -> None:
    salon.online_booking = "instant"
    salon.business_address = "Zonstraat 1"
    salon.save()
    assert "/book" not in browser().get("/").content.decode(), "nothing to book yet"
    nasty = "</script><script>alert(1)</script>&"
    make_bea(services=[make_service(nasty), make_service("Hidden", hidden=True)])
    answer = browser().get("/")
    body = answer.content.decode()
    assert '<a class="button" href="http://127.0.0.1:8000/book">Book an appointment</a>' in body
    assert body.count("<script") == 1
    told = data_of(answer)
    assert told["potentialAction"]["target"]["urlTemplate"] == "http://127.0.0.1:8000/book"
    assert told["address"] == {"@type": "PostalAddress", "streetAddress": "Zonstraat 1"}
    [offer] = told["hasOfferCatalog"]["itemListElement"]
    assert offer["itemOffered"]["name"] == nasty
    assert (offer["price"], offer["priceCurrency"]) == ("40.00", "EUR")


def test_search_engines_may_show_it_and_look_nowhere_else() -> None:
    answer = browser().get("/")
    assert answer.headers["X-Robots-Tag"] == "all"
    assert '<link rel="canonical" href="http://127.0.0.1:8000/">' in answer.content.decode()
    assert "noindex" not in answer.content.decode()
    robots = browser().get("/robots.txt")
    assert robots.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert robots.content.decode() == "User-agent: *\nDisallow: /admin/\nDisallow: /api/\n"


def test_the_salon_has_an_icon_in_its_pages_and_at_the_address_that_browsers_know(
    salon: SalonSettings,
) -> None:
    salon.business_name, salon.brand_color = "\N{LEFT DOUBLE QUOTATION MARK}été", "#8a1c4a"
    salon.save()
    answer = browser().get("/favicon.ico")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    drawn = answer.content.decode()
    assert drawn.endswith(">\N{LATIN CAPITAL LETTER E WITH ACUTE}</text></svg>")
    assert 'fill="#8a1c4a"' in drawn
    for address in ("/", "/agenda"):
        assert (
            f'<link rel="icon" href="data:image/svg+xml,{quote(drawn)}">'
            in browser().get(address).content.decode()
        )
    assert '<link rel="icon" href="/favicon.ico"' in browser().get("/admin/login/").content.decode()
    salon.business_name = ""
    salon.save()
    assert browser().get("/favicon.ico").content.decode().endswith("></text></svg>")


def test_administrators_and_developers_are_led_on() -> None:
    answer = browser().get("/")
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
    for address in ("/index.html", "/welcome", "/booked", "/favicon.png"):
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
    own = {"Content-Length": "", "X-Robots-Tag": ""}
    assert {**front.headers, **own} == {**other.headers, **own}
    assert front.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in front.headers["Content-Security-Policy"]
    body = front.content.decode()
    assert not re.search(r" src=| style=|url\(|@import|\bon[a-z]+=", body)


def test_a_cookie_is_neither_read_nor_set() -> None:
    visitor = browser(headers={"cookie": "sessionid=stolen; django_language=de; csrftoken=x"})
    answer = visitor.get("/")
    assert (answer.status_code, answer.headers["Content-Language"]) == (200, "en")
    assert not visitor.cookies
    assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize(
    ("query", "accepted", "salons", "expected"),
    [
        ("?lang=fr", "de", "nl", "fr"),
        ("?lang=xx", "it, de-AT;q=0.8, es;q=0.9", "nl", "es"),
        ("", "it;q=0.9", "nl", "nl"),
        ("", "", "de-AT", "de"),
        ("", "*", "xx", "en"),
    ],
)
def test_it_speaks_its_readers_language(
    query: str, accepted: str, salons: str, expected: str, salon: SalonSettings
) -> None:
    salon.locale, salon.business_name = salons, ""
    salon.save()
    answer = browser(headers={"accept-language": accepted}).get(f"/{query}")
    assert answer.headers["Content-Language"] == expected
    english = ("Welcome", "This is where", "For developers", "You have an appointment")
    assert any(words in text_of(answer) for words in english) is (expected == "en")
    assert f'<span aria-current="true" lang="{expected}">' in answer.content.decode()
    assert answer.content.decode().count('href="?lang=') == 4


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


def test_its_links_stand_under_public_url_with_its_path() -> None:
    with override_settings(PUBLIC_URL="https://salon.example/book"):
        body = browser().get("/").content.decode()
    assert [address for address, _words in links_of(body)] == [
        "https://salon.example/book/agenda",
        "https://salon.example/book/admin/",
        "https://salon.example/book/api/docs",
    ]


def test_a_forged_host_never_reaches_it() -> None:
    forged = {"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"}
    assert "evil.example" not in browser(headers=forged).get("/").content.decode()
    assert browser(headers={"host": "evil.example"}).get("/").status_code == 400


def test_it_counts_towards_the_pages_of_a_minute_() -> None:
    assert len(statements_of(lambda: browser().get("/"))) == 4
    assert [browser().get("/").status_code for _ in range(60)].count(429) == 1
