"""A forgotten password: the mail, the link, the page and the API (contract §1.5)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client as Browser
from knox.models import AuthToken

from notifications.execution import run_due
from notifications.models import Job, Message
from notifications.password_reset import token_for
from tests.cast.factories import PASSWORD, caller, make_bea, make_cora, make_key, make_salon, token_of

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NEW = "a quite different horse"
ANSWER = {"message": "If somebody here has this address, a mail with a link is on its way."}
SPENT = {"error": "This link has been used or has expired; ask for another one.", "code": "link_spent"}


@pytest.fixture(autouse=True)
def clock():
    make_salon(reply_to="desk@salon.example")
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def ask(email="bea@salon.example", **body):
    return caller().post("/api/auth/password-reset", {"email": email, **body})


def confirm(token, new=NEW):
    return caller().post("/api/auth/password-reset/confirm", {"token": token, "new": new})


def mailed_link():
    run_due(at_most=10)
    return re.search(r"^(https?://\S+/password-reset/\S+)$", Message.objects.latest("id").text, re.MULTILINE)[
        1
    ]


def mailed_token():
    return mailed_link().rpartition("/")[2]


def test_the_mail_carries_a_link_that_sets_a_password_once():
    bea = make_bea()
    token_of(bea)
    answer = ask(" Bea@Salon.example ")
    assert (answer.status_code, answer.json()) == (202, ANSWER)
    job = Job.objects.get()
    assert (job.type, job.recipient, job.payload) == ("password.reset", f"staff:{bea.pk}", {"base_url": ""})
    link = mailed_link()
    message = Message.objects.get()
    assert (message.to, message.state, message.subject) == ("bea@salon.example", "kept", "Set a new password")
    assert message.headers["Reply-To"] == "desk@salon.example"
    assert link.startswith("http://127.0.0.1:8000/password-reset/")
    token = link.rpartition("/")[2]
    assert link in message.html
    assert confirm(token).status_code == 204
    bea.refresh_from_db()
    assert bea.check_password(NEW)
    assert AuthToken.objects.count() == 0
    again = confirm(token, "yet another horse")
    assert (again.status_code, again.json()) == (410, SPENT)
    bea.refresh_from_db()
    assert bea.check_password(NEW)


@pytest.mark.parametrize("email", ["nobody@salon.example", "gone@salon.example", "no address", "x' OR 1=1"])
def test_an_unknown_address_gets_the_same_answer_and_nothing_is_sent(email):
    make_bea(email="gone@salon.example", is_active=False)
    answer = ask(email)
    assert (answer.status_code, answer.json()) == (202, ANSWER)
    assert (Job.objects.count(), Message.objects.count()) == (0, 0)


def test_the_link_stands_under_an_allowed_front_end(settings):
    settings.FRONTEND_ORIGINS = ["https://app.salon.example"]
    make_bea()
    assert ask(base_url="https://app.salon.example/desk/").status_code == 202
    assert mailed_link().startswith("https://app.salon.example/desk/password-reset/")


@pytest.mark.parametrize(
    "base_url", ["https://evil.example", "javascript:x", "", 5, "https://app.salon.example@evil.example"]
)
def test_no_link_leads_elsewhere(base_url):
    make_bea()
    answer = ask(base_url=base_url)
    assert (answer.status_code, set(answer.json()["details"])) == (400, {"base_url"})
    assert Job.objects.count() == 0


def test_a_forged_host_builds_no_link():
    make_bea()
    answer = caller(HTTP_HOST="evil.example", HTTP_X_FORWARDED_HOST="evil.example").post(
        "/api/auth/password-reset", {"email": "bea@salon.example"}
    )
    assert answer.status_code == 400
    assert Job.objects.count() == 0
    caller(HTTP_X_FORWARDED_HOST="evil.example").post(
        "/api/auth/password-reset", {"email": "bea@salon.example"}
    )
    assert mailed_link().startswith("http://127.0.0.1:8000/")


def test_asking_twice_before_the_mail_leaves_sends_one():
    make_bea()
    ask()
    ask()
    assert (Job.objects.count(), Message.objects.count()) == (1, 1)


def test_a_person_gets_at_most_five_mails_an_hour(clock):
    make_bea()
    for _ in range(7):
        assert ask().status_code == 202
        run_due(at_most=10)
        clock.shift(60)
    assert Message.objects.filter(state="kept").count() == 5
    clock.shift(timedelta(hours=1))
    ask()
    assert Job.objects.count() == 6


def test_the_link_lasts_two_hours(clock):
    bea = make_bea()
    ask()
    token = mailed_token()
    clock.shift(timedelta(hours=2, seconds=1))
    assert confirm(token).json() == SPENT
    bea.refresh_from_db()
    assert bea.check_password(PASSWORD)


def test_a_login_in_between_spends_the_link():
    make_bea()
    ask()
    token = mailed_token()
    caller().post("/api/auth/login", {"email": "bea@salon.example", "password": PASSWORD})
    assert confirm(token).status_code == 410


def test_who_left_meanwhile_gets_no_mail_and_no_password():
    bea = make_bea()
    token = token_for(bea)
    ask()
    bea.is_active = False
    bea.save()
    run_due(at_most=10)
    message = Message.objects.get()
    assert (message.state, message.reason, message.text) == ("not_sent", "gone", "")
    assert confirm(token).status_code == 410


@pytest.mark.parametrize("token", ["x", "1-2-3", "zzzzzzzzzzzzz-abc-" + "0" * 32, "' OR 1=1", "a" * 200])
def test_a_made_up_token_is_spent(token):
    make_bea()
    assert confirm(token).json() == SPENT


def test_a_token_is_for_one_person():
    bea, cora = make_bea(), make_cora()
    _, _, secret = token_for(bea).partition("-")
    assert confirm(f"{cora.pk}-{secret}").status_code == 410


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "token"),
        ({"new": NEW}, "token"),
        ({"new": "short"}, "new"),
        ({"new": 5}, "new"),
        ({"new": None}, "new"),
    ],
)
def test_a_weak_or_missing_password_keeps_the_link(body, field):
    bea = make_bea()
    token = token_for(bea)
    answer = caller().post(
        "/api/auth/password-reset/confirm", {**({} if field == "token" else {"token": token}), **body}
    )
    assert answer.status_code == 400
    assert field in answer.json()["details"]
    bea.refresh_from_db()
    assert bea.check_password(PASSWORD)
    assert confirm(token).status_code == 204


def test_a_new_password_opens_a_closed_account():
    bea = make_bea()
    login = {"email": "bea@salon.example", "password": "wrong"}
    for number in range(10):
        caller(REMOTE_ADDR=f"10.0.0.{number}").post("/api/auth/login", login)
    assert caller().post("/api/auth/login", {**login, "password": PASSWORD}).status_code == 429
    assert confirm(token_for(bea)).status_code == 204
    assert caller().post("/api/auth/login", {**login, "password": NEW}).status_code == 200


def test_an_address_asks_thirty_times_a_minute():
    for number in range(30):
        assert ask(f"person{number}@salon.example").status_code == 202
    assert ask().status_code == 429


def test_an_api_key_has_no_business_here():
    make_bea()
    client = caller(make_key()[1])
    assert client.post("/api/auth/password-reset", {"email": "bea@salon.example"}).status_code == 403
    assert client.post("/api/auth/password-reset/confirm", {}).status_code == 403
    assert Job.objects.count() == 0


def test_the_page_sets_the_password_and_opening_it_changes_nothing():
    bea = make_bea()
    page = f"/password-reset/{token_for(bea)}"
    browser = Browser(enforce_csrf_checks=True)
    for answer in (browser.get(page), browser.head(page)):
        assert answer.status_code == 200
        assert "script-src" not in answer.headers["Content-Security-Policy"]
    bea.refresh_from_db()
    assert bea.check_password(PASSWORD)
    for body in ({}, {"new": NEW}, {"new": NEW, "again": "x"}, {"new": "short", "again": "short"}):
        answer = browser.post(page, body)
        assert answer.status_code == 400
        assert 'role="alert"' in answer.content.decode()
    assert browser.post(page, {"new": NEW, "again": NEW}).status_code == 200
    bea.refresh_from_db()
    assert bea.check_password(NEW)
    assert browser.get(page).status_code == 410
    assert browser.post(page, {"new": PASSWORD, "again": PASSWORD}).status_code == 410


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("nl", "Stel een nieuw wachtwoord in"),
        ("de", "Neues Passwort setzen"),
        ("fr", "Choisir"),
        ("es", "Elegir"),
    ],
)
def test_the_mail_and_the_page_speak_the_salons_language(locale, subject):
    make_salon(locale=locale)
    ask_for = make_bea()
    ask()
    run_due(at_most=10)
    assert Message.objects.get().subject.startswith(subject)
    page = Browser().get(f"/password-reset/{token_for(ask_for)}")
    assert subject in page.content.decode()
    assert page.headers["Content-Language"] == locale
