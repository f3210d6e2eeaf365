"""The booking page as it leaves: headers, frames, languages, escaping, statements, sizes (contract §9)."""

from __future__ import annotations

import gzip
import html
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.test import override_settings

from bookings.models import Visit
from bookings.self_service.visit_link import page_url
from staff.models import SalonSettings
from tests.cast.book_pages import NOOR, TUESDAY_AT_TEN, Reader, inputs_of, make_reader
from tests.cast.bookings import MORNING
from tests.cast.factories import make_hours, make_location, make_service, make_staff
from tests.cast.online import everything
from tests.cast.pages import browser, heading_of, statements_of, text_of

pytestmark = pytest.mark.django_db

NASTY = "<script>alert(1)</script>\"'><i>"
WEBSITE = "https://www.salon.example"
STATIC = Path(__file__).resolve().parents[2] / "bookings" / "static" / "bookings"
LARGEST_STEP = 25_000
LARGEST_SCRIPT = 3_072


@pytest.fixture(autouse=True)
def _morning() -> Any:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def reader() -> Reader:
    return make_reader(policy_text={"en": "Come in time."})


def steps_of(reader: Reader) -> dict[str, Any]:
    """An answer of every step and state."""
    you = reader.you()
    page = inputs_of(reader.ask(**you))
    return {
        "choose": reader.ask(),
        "times": reader.ask(service=reader.service),
        "you": reader.ask(**you),
        "wait": reader.ask(service=reader.service, wait="2026-03-26"),
        "faults": reader.post(you, page),
        "code": reader.post(you, page | NOOR | {"accepts": "1"}),
        "gone": reader.ask(**reader.you("2026-03-22T09:00Z")),
        "unknown": browser().get("/book/nowhere"),
    }


def test_every_step_has_the_headers_of_a_page_and_sets_no_cookie(reader: Reader) -> None:
    for name, answer in steps_of(reader).items():
        headers = answer.headers
        assert headers["Content-Type"] == "text/html; charset=utf-8", name
        assert headers["Cache-Control"] == "no-store", name
        assert headers["X-Frame-Options"] == "DENY", name
        assert headers["X-Robots-Tag"] == ("all" if name == "choose" else "noindex"), name
        assert ("noindex" in answer.content.decode()) is (name != "choose"), name
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-"), name
        assert policy.endswith("; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"), name
        has_form = name in ("you", "wait", "faults")
        scripts = "script-src 'self'; worker-src 'self'; connect-src 'self'; "
        assert (scripts in policy, "<script" in answer.content.decode()) == (has_form, has_form), name
        assert not re.search(r" style=|url\(|\bon[a-z]+=\"", answer.content.decode()), name
        assert not answer.cookies, name
    assert '<link rel="canonical" href="http://127.0.0.1:8000/book">' in reader.ask().content.decode()
    assert not reader.browser.cookies


def test_a_cookie_and_a_forged_host_are_not_read(reader: Reader) -> None:
    visitor = browser(headers={"cookie": "django_language=de", "x-forwarded-host": "evil.example"})
    answer = visitor.get("/book")
    assert answer.headers["Content-Language"] == "en"
    assert "evil.example" not in answer.content.decode()


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("path", ["/book", "/book/done"])
def test_other_methods_are_405(reader: Reader, method: str, path: str) -> None:
    before = everything()
    answer = getattr(browser(), method)(path)
    assert (answer.status_code, everything()) == (405, before)
    assert answer.headers["Allow"] == ("GET, HEAD, POST" if path == "/book" else "GET, HEAD")


def test_without_a_safe_connection_there_is_no_widget(reader: Reader) -> None:
    for address, widget in (
        ("http://127.0.0.1:8000", True),
        ("https://salon.example", True),
        ("http://salon.example", False),
    ):
        with override_settings(PUBLIC_URL=address):
            answer = reader.ask(**reader.you())
        assert ("<altcha-widget" in answer.content.decode()) is widget, address
        assert ("script-src" in answer.headers["Content-Security-Policy"]) is widget, address


def test_only_the_booking_page_is_framed_and_only_by_the_salons_websites(reader: Reader) -> None:
    SalonSettings.objects.update(embed_origins=[WEBSITE, "https://other.example"])
    for name, answer in steps_of(reader).items():
        assert "X-Frame-Options" not in answer.headers, name
        ancestors = f"frame-ancestors {WEBSITE} https://other.example;"
        assert ancestors in answer.headers["Content-Security-Policy"], name
    for path in ("/", "/v/unknown", "/pay/unknown", "/feedback/unknown", "/admin/login/"):
        answer = browser().get(path)
        assert answer.headers["X-Frame-Options"] == "DENY", path
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
    embedded = reader.ask(embed="1")
    body = embedded.content.decode()
    assert f'data-origins="{WEBSITE} https://other.example"' in body
    assert '<input type="hidden" name="embed" value="1">' in body
    assert "<header>" not in body


def test_in_a_frame_the_end_is_told_there_and_leads_out_of_it(reader: Reader) -> None:
    SalonSettings.objects.update(embed_origins=[WEBSITE])
    query = reader.you(embed="1", lang="nl")
    done = reader.send(query)
    assert (done.status_code, done.headers["Location"][:13]) == (303, "/book/done?t=")
    before = everything()
    page = reader.browser.get(done.headers["Location"])
    assert (page.status_code, heading_of(page)) == (200, "Je afspraak is geboekt")
    assert "Haircut" in text_of(page)
    assert "Noor" not in text_of(page)
    link = page_url(Visit.objects.get())
    assert f'<a class="button" href="{link}" target="_top">' in page.content.decode()
    assert "X-Frame-Options" not in page.headers
    assert everything() == before
    [german] = re.findall(r'href="(\?[^"]*lang=de)"', page.content.decode())
    told = reader.browser.get(f"/book/done{html.unescape(german)}")
    assert heading_of(told) == "Ihr Termin ist gebucht"
    forged = done.headers["Location"].replace("t=", "t=x")
    assert browser().get(forged).status_code == 404
    Visit.objects.update(status="cancelled")
    assert heading_of(reader.browser.get(done.headers["Location"])) == "Deze afspraak is geannuleerd."
    Visit.objects.update(status="scheduled", link_nonce=1)
    assert reader.browser.get(done.headers["Location"]).status_code == 404
    with time_machine.travel(MORNING.replace(hour=9), tick=False):
        late = reader.browser.get(done.headers["Location"])
        assert (late.status_code, heading_of(late)) == (410, "Deze pagina is er niet meer")


def test_every_step_speaks_the_five_languages(reader: Reader) -> None:
    english = [text_of(each) for each in steps_of(reader).values()]
    words = {"Who is coming?", "Free times", "First name", "Services", "free times", "Our terms"}
    assert all(any(word in text for text in english) for word in words)
    for code, _name in settings.LANGUAGES[1:]:
        reader.browser = browser(headers={"accept-language": code})
        for name, answer in steps_of(reader).items():
            if name == "unknown":
                continue
            assert answer.headers["Content-Language"] == code, (code, name)
            assert f'<html lang="{code}">' in answer.content.decode(), (code, name)
            assert not [word for word in words if word in text_of(answer)], (code, name)
        wished = reader.ask(service=reader.service, lang="en")
        assert wished.headers["Content-Language"] == "en"
        assert 'name="lang" value="en"' in wished.content.decode()


def test_no_text_of_anybody_becomes_markup(reader: Reader) -> None:
    salon = reader.online.salon
    for row, fields in (
        (salon.service, ("name", "category", "description")),
        (salon.bea, ("name", "bio")),
        (salon.cora, ("name", "bio")),
    ):
        for field in fields:
            setattr(row, field, NASTY)
        row.save()
    make_location(NASTY, slug="north")
    make_location(NASTY + "2", slug="south")
    SalonSettings.objects.update(
        business_name=NASTY,
        business_address=NASTY,
        business_phone=NASTY,
        policy_text={"en": NASTY},
        embed_origins=[WEBSITE],
    )
    odd = dict.fromkeys(("service", "staff", "from", "start", "wait", "edit", "lang"), NASTY)
    entered = dict.fromkeys((*NOOR, "key", "opened", "policy_version", "website", "code", "altcha"), NASTY)
    answers = [
        *steps_of(reader).values(),
        reader.ask(**odd),
        reader.ask(**reader.you(embed="1", staff=NASTY)),
        reader.post(reader.you(), entered),
        reader.post(odd, entered),
        browser().get("/"),
    ]
    for answer in answers:
        body = answer.content.decode()
        assert answer.status_code < 500
        assert "<script>alert" not in body
        assert "<i>" not in body
    kept = inputs_of(answers[-3])
    assert kept["first_name"] == NASTY


def test_a_step_takes_as_many_statements_however_much_is_offered(reader: Reader) -> None:
    def counted() -> list[int]:
        steps: tuple[dict[str, str], ...] = ({}, {"service": reader.service}, reader.you())
        return [len(statements_of(lambda step=step: reader.ask(**step))) for step in steps]

    before = counted()
    for number in range(10):
        service = make_service(f"Service {number}", category=f"Category {number % 3}")
        person = make_staff(f"P{number} Bakker", email=None, services=[service, reader.online.salon.service])
        make_hours(person)
    assert counted() == before
    assert before[0] <= 6
    assert max(before) <= 21


def test_every_step_is_small(reader: Reader) -> None:
    for number in range(40):
        made = make_service(f"Treatment number {number}", category=f"Category {number % 5}")
        made.description = f"What happens in treatment {number}, in a sentence of some length."
        made.save()
        reader.online.salon.bea.services.add(made)
    SalonSettings.objects.update(slot_step_minutes=15)
    for name, answer in steps_of(reader).items():
        assert len(gzip.compress(answer.content, 6)) <= LARGEST_STEP, name


def test_the_script_for_other_websites_is_ours_and_small() -> None:
    answer = browser().get("/embed.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.content == (STATIC / "embed.js").read_bytes()
    assert len(answer.content) <= LARGEST_SCRIPT
    assert not answer.cookies


def test_the_widget_is_served_with_its_worker_and_its_licence() -> None:
    for name in ("altcha.min.js", "sha.js", "LICENSE.txt"):
        served = b"".join(browser().get(f"/static/bookings/altcha/{name}").streaming_content)
        assert served == (STATIC / "altcha" / name).read_bytes()


def test_a_link_shows_times_at_once_and_carries_everything_on(reader: Reader) -> None:
    salon = reader.online.salon
    page = reader.ask(service=reader.service, staff=str(salon.bea.key), lang="en")
    body = html.unescape(page.content.decode())
    for each in re.findall(r'href="\?([^"]*)"', body):
        assert ("lang=" in each, f"service={reader.service}" in each) == (True, True)
    chosen = inputs_of(page)
    assert chosen == {"service": reader.service, "staff": str(salon.bea.key), "lang": "en"}
    you = reader.ask(**chosen, start=TUESDAY_AT_TEN)
    assert "with Bea Bakker" in text_of(you)
