"""What strangers cannot get by asking often, at odd times, or from elsewhere (contract §9 "limits")."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache, caches
from django.core.cache.backends.db import DatabaseCache

from bookings.models import Booking, Hold, MailedCode, OnlineAttack, WaitlistEntry
from bookings.online.contact import Contact
from bookings.online.submission import OnlineBookingOff
from config.cache import forget_expired
from staff.wire.refusals import BadRequest
from tests.cast.bookings import MORNING
from tests.cast.factories import make_salon, make_service
from tests.cast.online import DAY, Online, everything, hold, mailed_digits, mails, make_online, wait

pytestmark = pytest.mark.django_db

KEY = "0123456789abcdefABCDEF"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(MORNING, tick=False) as travelled:
        yield travelled


@pytest.fixture
def online() -> Online:
    return make_online()


def test_limits_outlive_whatever_else_is_counted(online: Online) -> None:
    """Names that are made up neither push a refused address out of the cache, nor an attack."""
    make_salon(online_verify="attack")
    form = online.form("07:00", email="victim@example.com", phone="")
    for _ in range(20):
        online.send(form)
    assert OnlineAttack.objects.count() == 1
    refused = [online.send({**form, "email": f"n{number}@example.com"}).status_code for number in range(10)]
    assert refused == [429] * 10
    made_up = Contact("", "", "n7@example.com", "", "", "", False, "")
    assert cache.get(f"online:contact:{made_up.mail_digest}") is None
    for number in range(400):
        cache.set(f"zzz:{number}", 1)
    assert online.send(form).status_code == 429
    cache.clear()
    other = online.form(email="new@example.com", phone="")
    assert online.send(other, address="192.0.2.8").json()["state"] == "code_asked"


@pytest.mark.parametrize("start_at", ["10:00:30", "10:07", "10:07:00.000", "09:59:59"])
def test_only_starts_of_the_grid_are_booked_or_kept(online: Online, start_at: str) -> None:
    """Also with a hold of another time, with the code, and of a class."""
    yoga = make_service("Yoga", max_capacity=2)
    online.salon.bea.services.add(yoga)
    tokens = [hold(online, "10:00").json()["hold_token"]]
    for address in ("192.0.2.8", "192.0.2.9"):
        items = [online.item(yoga)] if address == "192.0.2.9" else [online.item(staff=online.salon.cora)]
        tokens.append(hold(online, "13:00", address, items=items).json()["hold_token"])
    wrong = {"start_at": f"{DAY} {start_at}"}
    proof = online.proof()
    chosen = [[online.item()], [online.item(yoga)], [online.item(), online.item()]]
    bodies = [{**wrong, "items": items} for items in chosen]
    forms = [online.form(proof=proof, **body, hold_token=token) for body in bodies for token in tokens]
    forms.append(online.form(proof="", **wrong))
    before = everything()
    answers = [online.send(form, address=f"198.51.100.{number}") for number, form in enumerate(forms)]
    answers.append(hold(online, start_at, "192.0.2.7", proof=proof, **wrong))
    assert [(each.status_code, each.json()["code"]) for each in answers] == [(400, "not_offered")] * 11
    assert everything() == before


def test_what_was_kept_is_booked_whatever_the_salon_changes(online: Online) -> None:
    """A grid that is coarser now; a fraction of a second is none anywhere (contract §0)."""
    beas = [online.item(staff=online.salon.bea)]
    token = hold(online, "10:15").json()["hold_token"]
    make_salon(slot_step_minutes=60)
    assert online.send(online.form("10:15", items=beas)).json()["code"] == "not_offered"
    booked = online.book("10:15", items=beas, hold_token=token)
    assert booked["start_at"] == f"{DAY} 10:15:00"
    later = online.book(start_at=f"{DAY} 14:00:00.5", email="max@example.com", phone="")
    assert later["start_at"] == f"{DAY} 14:00:00"


def test_one_address_keeps_two_times_and_a_new_one_gives_the_oldest_free(online: Online) -> None:
    make_salon(online_verify="always")
    asked = [
        online.send(online.form(time, email=f"n{time[:2]}@example.com", phone=""), key=KEY + time)
        for time in ("09:00", "11:00", "13:00")
    ]
    assert [each.json()["held"] for each in asked] == [True] * 3
    assert hours_held() == [11, 13]
    assert hold(online, "15:00").status_code == 201
    assert hours_held() == [13, 15]
    assert hold(online, "16:00").status_code == 201
    assert hours_held() == [13, 16]
    assert list(MailedCode.objects.order_by("pk").values_list("hold_token", flat=True))[:2] == ["", ""]
    given_up = online.form("09:00", email="n09@example.com", phone="")
    assert online.send(given_up, key=KEY + "09:00").json()["held"] is False


def test_holds_count_as_submissions_do(online: Online) -> None:
    found = [hold(online, "10:00").status_code for _ in range(11)]
    assert found == [201] * 10 + [429]
    assert online.send(online.form("13:00")).json()["state"] == "code_asked"
    assert Booking.objects.count() == 0


def test_after_five_wrong_codes_the_same_form_gets_a_new_one(online: Online) -> None:
    form = online.form(proof="")
    online.send(form, key=KEY)
    wrong = f"{(int(mailed_digits()) + 1) % 10**6:06d}"
    for _ in range(5):
        online.send({**form, "code": wrong}, key=KEY)
    anew = online.send(form, key=KEY).json()
    assert (anew["state"], anew["tries_left"], anew["held"]) == ("code_asked", 5, True)
    assert mails() == [("visit.code", "noor@example.com", "waiting")] * 2
    assert online.send({**form, "code": mailed_digits()}, key=KEY).json()["state"] == "booked"


def test_the_same_form_from_another_address_finds_its_time_kept(online: Online) -> None:
    beas = [online.item(staff=online.salon.bea)]
    form = online.form(proof="", items=beas)
    online.send(form)
    again = online.send(form, address="198.51.100.7", key=KEY)
    assert (again.status_code, again.json()["held"], Hold.objects.count()) == (200, True, 1)
    other = online.send({**form, "start_at": f"{DAY} 10:15:00"}, address="198.51.100.7")
    assert (other.status_code, other.json()["code"]) == (409, "slot_taken")
    assert len(mails()) == MailedCode.objects.count() == 2
    assert online.send({**form, "code": mailed_digits()}, key=KEY).json()["state"] == "booked"
    assert Hold.objects.count() == 0


def test_only_what_was_mailed_counts_as_a_code(online: Online) -> None:
    online.salon.book()
    beas = [online.item(staff=online.salon.bea)]
    for number in range(5):
        taken = online.send(online.form(proof="", items=beas), address=f"192.0.2.{number}")
        assert taken.status_code == 409
    asked = [
        online.send(online.form(time, proof=""), address=f"192.0.2.{number}").status_code
        for number, time in enumerate(["12:00", "13:00", "14:00", "15:00"])
    ]
    assert asked == [200, 200, 200, 429]
    assert mails()[1:] == [("visit.code", "noor@example.com", "waiting")] * 3


@pytest.mark.parametrize("day", [date(2026, 3, 19), date(9999, 12, 31), date(2026, 6, 19)])
def test_nobody_waits_for_a_day_that_cannot_be_booked(online: Online, day: date) -> None:
    make_salon(booking_horizon_days=90)
    proof, before = online.proof(), everything()
    with pytest.raises(BadRequest) as refused:
        wait(online, day=day, proof=proof)
    assert refused.value.details == {"date": ["Choose a day from 2026-03-20 to 2026-06-18."]}
    assert everything() == before
    wait(online, day=date(2026, 6, 18))
    assert WaitlistEntry.objects.count() == 1


def test_who_waits_already_is_answered_when_all_is_off(online: Online) -> None:
    first = wait(online)
    make_salon(online_booking="off")
    assert wait(online) == first
    with pytest.raises(OnlineBookingOff):
        wait(online, idempotency_key=secrets.token_urlsafe(16))


def test_six_services_with_a_person_each_fit_into_a_query(online: Online) -> None:
    item = f"{online.salon.service.key}:{online.salon.bea.key}"
    six = ",".join([item, *(f"{item}:same" for _ in range(5))])
    answer = online.browser.get("/api/public/availability", {"items": six})
    assert "characters" not in str(answer.json())
    assert "items" in str(answer.json()["details"])
    assert online.starts(",".join([item] * 6))[-1] == "11:00"
    keys = ",".join([str(online.salon.service.key)] * 6)
    assert online.browser.get("/api/public/catalogue", {"service": keys}).status_code == 200


def test_a_catalogue_that_is_known_is_not_sent_again(online: Online) -> None:
    first = online.browser.get("/api/public/catalogue")
    etag = first["ETag"]
    assert first["Cache-Control"] == "no-cache"
    for known in (etag, f"W/{etag}", "*", f'"x", W/{etag}'):
        answer = online.browser.get("/api/public/catalogue", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", etag), known
    for other in ('"x"', etag.strip('"'), ""):
        answer = online.browser.get("/api/public/catalogue", headers={"If-None-Match": other})
        assert answer.content == first.content


def test_what_has_expired_leaves_the_table_of_the_cache() -> None:
    """Redis does it by itself."""
    cache.set("over", 1, 60)
    cache.set("kept", 1, 600)
    assert forget_expired(now=MORNING) == 0
    forgotten = forget_expired(now=MORNING + timedelta(seconds=61))
    assert forgotten == (1 if isinstance(caches["default"], DatabaseCache) else 0)
    assert cache.get("kept") == 1


def hours_held() -> list[int]:
    """On the salon's clock."""
    return [each.hour + 1 for each in Hold.objects.order_by("start_at").values_list("start_at", flat=True)]
