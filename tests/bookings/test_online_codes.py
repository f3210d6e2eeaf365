"""Against programs and strangers: proof of work, the mailed code, limits, holds, keys (contract §9)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from altcha.v1 import hash_hex
from django.test import Client as Browser

from bookings.models import (
    Booking,
    Hold,
    MailedCode,
    OnlineAttack,
    OnlineSubmission,
    SpentChallenge,
    Visit,
    WaitlistEntry,
)
from bookings.online import CodeAsked, Submission, Waiting, Wanted, submit
from bookings.online.forget import forget_old
from bookings.online.submission import NotAPerson
from bookings.personal_data.erasure import erase_client
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from tests.cast.bookings import MORNING
from tests.cast.factories import make_salon
from tests.cast.online import (
    DAY,
    Online,
    everything,
    hold,
    mailed_digits,
    mails,
    make_online,
    solution,
    wait,
)

pytestmark = pytest.mark.django_db

KEY = "0123456789abcdefABCDEF"


@pytest.fixture(autouse=True)
def clock() -> Any:
    with time_machine.travel(MORNING, tick=False) as travelled:
        yield travelled


@pytest.fixture
def online() -> Online:
    return make_online()


def test_a_challenge_counts_once_and_for_twenty_minutes(online: Online, clock: Any) -> None:
    proof = online.proof()
    online.book(proof=proof)
    again = online.send(online.form("13:00", proof=proof, email="max@example.com", phone=""))
    assert again.json()["state"] == "code_asked"
    late = online.proof()
    clock.shift(timedelta(minutes=20))
    assert (
        online.send(online.form("14:00", proof=late, email="a@example.com", phone="")).json()["state"]
        == "code_asked"
    )
    ours = online.browser.get("/api/public/challenge").json()
    own = {
        **ours,
        "salt": "0?expires=9999999999&",
        "challenge": hash_hex("SHA-256", b"0?expires=9999999999&7"),
    }
    forged = online.form("14:00", proof=solution(own), email="b@example.com", phone="")
    assert online.send(forged).json()["state"] == "code_asked"
    assert SpentChallenge.objects.count() == 1


@pytest.mark.parametrize("proof", ["", "x", "e30=", "bnVsbA==", "A" * 2000])
def test_without_a_proof_the_code_is_asked_and_the_time_is_kept(online: Online, proof: str) -> None:
    answer = online.send(online.form(proof=proof), key=KEY)
    assert answer.status_code == 200
    assert answer.json() == {
        "state": "code_asked",
        "email": "noor@example.com",
        "expires_at": "2026-03-20 09:10:00",
        "held": True,
        "wrong_code": False,
        "tries_left": 5,
    }
    assert (Booking.objects.count(), Hold.objects.count(), Client.objects.count()) == (0, 1, 2)
    assert mails() == [("visit.code", "noor@example.com", "waiting")]
    stored = str(list(MailedCode.objects.values())) + str(list(Job.objects.values()))
    assert mailed_digits() not in stored


def test_the_right_code_books_and_proves_the_address(online: Online) -> None:
    alice = online.salon.alice
    form = online.form(proof="", email=alice.email, phone=alice.phone, marketing_consent=True)
    assert online.send(form, key=KEY).json()["state"] == "code_asked"
    assert online.send(form, key=KEY).json()["state"] == "code_asked"
    assert MailedCode.objects.count() == Message.objects.count() == 1
    run_due(at_most=5)
    subject = Message.objects.get().subject
    answer = online.send({**form, "code": subject[:6]}, key=KEY)
    assert answer.json()["state"] == "booked"
    alice.refresh_from_db()
    assert (alice.marketing_consent, alice.first_name) == (True, "Alice")
    typed = Visit.objects.get().contact_typed
    assert (typed["verified"], typed["new_client"]) == (True, False)
    assert Hold.objects.count() == 0
    assert online.send({**form, "code": "000000"}, key=KEY).json() == answer.json()


def test_five_wrong_codes_are_the_end_of_it(online: Online) -> None:
    form = online.form(proof="")
    online.send(form, key=KEY)
    right = mailed_digits()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    left = [online.send({**form, "code": wrong}, key=KEY).json()["tries_left"] for _ in range(5)]
    assert left == [4, 3, 2, 1, 0]
    spent = online.send({**form, "code": right}, key=KEY)
    assert (spent.status_code, spent.json()["code"]) == (409, "code_expired")
    assert Booking.objects.count() == 0


def test_after_ten_minutes_the_code_is_over_and_the_time_is_free(online: Online, clock: Any) -> None:
    form = online.form(proof="", items=[online.item(staff=online.salon.bea)])
    online.send(form, key=KEY)
    assert "10:00" not in online.starts(f"{online.salon.service.key}:{online.salon.bea.key}")
    right = mailed_digits()
    clock.shift(timedelta(minutes=10))
    assert "10:00" in online.starts(f"{online.salon.service.key}:{online.salon.bea.key}")
    assert online.send({**form, "code": right}, key=KEY).json()["code"] == "code_expired"
    assert online.send(form, key=KEY).json()["state"] == "code_asked"
    assert online.send({**form, "code": mailed_digits()}, key=KEY).json()["state"] == "booked"


def test_the_code_is_asked_of_everybody_or_of_nobody(online: Online) -> None:
    make_salon(online_verify="always")
    asked = [
        online.send(online.form(email=email, phone=""), address=f"192.0.2.{number}")
        for number, email in enumerate([online.salon.alice.email, "new@example.com"])
    ]
    bodies = [{**each.json(), "email": ""} for each in asked]
    assert bodies[0] == bodies[1]
    assert {each["state"] for each in bodies} == {"code_asked"}


def test_an_attack_asks_everybody_for_a_day(online: Online, clock: Any) -> None:
    make_salon(online_verify="attack")
    times = ["09:00", "10:00", "11:00", "12:00", "13:00"]
    for number, time in enumerate(times):
        form = online.form(time, email=f"n{number}@example.com", phone="")
        assert online.send(form, address=f"192.0.2.{number}").json()["state"] == "booked"
    more = {"email": "last@example.com", "phone": ""}
    assert online.send(online.form("14:00", **more), address="192.0.2.9").json()["state"] == "code_asked"
    clock.shift(timedelta(hours=23, minutes=59))
    assert online.send(online.form("14:00", **more), address="192.0.2.9").json()["state"] == "code_asked"
    clock.shift(timedelta(minutes=2))
    assert online.send(online.form("15:00", **more), address="192.0.2.9").json()["state"] == "booked"


def test_an_address_that_sends_much_is_asked_and_then_refused(online: Online) -> None:
    """IPv6: all of a household's /64 is one address."""
    found = []
    for number in range(22):
        form = online.form("16:30", email=f"n{number}@example.com", phone="")
        answer = online.send(form, address=f"2001:db8:1:2::{number:x}")
        found.append(answer.status_code)
    assert found == [400] * 10 + [400] * 10 + [429] * 2
    assert int(answer["Retry-After"]) > 0
    elsewhere = online.form(email="else@example.com", phone="")
    assert online.send(elsewhere, address="2001:db8:1:3::1").json()["state"] == "booked"


def test_a_contact_is_asked_for_the_code_after_three(online: Online) -> None:
    online.salon.book()
    found = []
    for number in range(8):
        form = online.form("10:00", items=[online.item(staff=online.salon.bea)])
        found.append(online.send(form, address=f"192.0.2.{number}").status_code)
    assert found == [409] * 8
    assert Visit.objects.count() == 1


def test_two_visits_ahead_are_enough_known_or_not(online: Online) -> None:
    for time in ("10:00", "13:00"):
        online.book(time)
    form = online.form("15:00", phone="")
    before = everything()
    answer = online.send(form, address="192.0.2.8")
    assert (answer.status_code, answer.json()["code"]) == (409, "please_call")
    assert everything() == before
    number = online.form("15:00", email="other@example.com")
    assert online.send(number, address="192.0.2.9").json()["code"] == "please_call"


def test_a_key_is_an_answer_given_anew(online: Online) -> None:
    form = online.form()
    first = online.send(form, key=KEY)
    again = online.send({**form, "proof": "", "code": "123456"}, key=KEY)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert (Booking.objects.count(), Message.objects.count()) == (1, 1)
    other = online.send({**form, "first_name": "Nora"}, key=KEY)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    booking = Booking.objects.get()
    online.salon.delete({"id": booking.pk})
    assert online.send(form, key=KEY).json()["state"] == "cancelled"
    for key in ("short", "0" * 21, "é" * 22):
        assert "idempotency_key" in online.send(online.form(), key=key).json()["details"]


def test_a_hold_keeps_a_time_and_is_taken_over_by_its_booking(online: Online) -> None:
    held = hold(online, "10:00")
    assert held.status_code == 201
    token = held.json()["hold_token"]
    assert held.json() == {
        "hold_token": token,
        "expires_at": "2026-03-20 09:05:00",
        "items": [
            {
                "service_name": "Haircut",
                "staff_name": "Bea Bakker",
                "start_at": f"{DAY} 10:00:00",
                "end_at": f"{DAY} 11:00:00",
            }
        ],
    }
    beas = f"{online.salon.service.key}:{online.salon.bea.key}"
    assert "10:00" not in online.starts(beas)
    items = [online.item(staff=online.salon.bea)]
    assert online.send(online.form(items=items)).status_code == 409
    online.book(items=items, hold_token=token, email="max@example.com", phone="")
    assert (Booking.objects.count(), Hold.objects.count()) == (1, 0)


def test_a_hold_goes_on_while_the_code_is_on_its_way(online: Online) -> None:
    token = hold(online, "10:00").json()["hold_token"]
    items = [online.item(staff=online.salon.bea)]
    form = online.form(items=items, hold_token=token, proof="")
    assert online.send(form, key=KEY).json()["held"] is True
    assert Hold.objects.exclude(token=token).count() == Hold.objects.count() == 1
    assert online.send({**form, "code": mailed_digits()}, key=KEY).json()["state"] == "booked"
    assert Hold.objects.count() == 0


def test_holds_are_few_cost_a_proof_and_give_way(online: Online) -> None:
    before = everything()
    for proof in ("", "x"):
        assert hold(online, "10:00", proof=proof).json()["code"] == "proof_needed"
    assert hold(online, "07:00").json()["code"] == "not_offered"
    assert everything() == before
    for time in ("10:00", "13:00"):
        assert hold(online, time).status_code == 201
    assert Hold.objects.values_list("start_at__hour", flat=True).get() == 12
    for number in range(19):
        assert hold(online, f"{9 + number % 4:02}:00", f"198.51.100.{number}").status_code in (201, 409)


def test_many_strangers_cannot_keep_the_whole_salon(online: Online) -> None:
    make_salon(online_verify="always", slot_step_minutes=60)
    held = [
        online.send(
            online.form(f"{9 + number % 8:02}:00", email=f"n{number}@example.com", phone=""),
            address="192.0.2.7",
        )
        for number in range(4)
    ]
    assert [each.json()["held"] for each in held] == [True] * 4
    assert Hold.objects.count() == 2


def test_an_unknown_proxy_is_said(online: Online) -> None:
    admin = Browser()
    admin.force_login(online.salon.ada, backend="django.contrib.auth.backends.ModelBackend")
    said = b"TRUSTED_PROXIES is 0"
    assert said not in admin.get("/admin/").content
    online.browser.get("/api/public/catalogue", headers={"X-Forwarded-For": "203.0.113.9"})
    assert said in admin.get("/admin/").content


def test_pages_are_read_120_times_a_minute(online: Online) -> None:
    found = [online.browser.get("/api/public/challenge").status_code for _ in range(121)]
    assert found == [200] * 120 + [429]


def submitted(online: Online, **changes: Any) -> Any:
    """As the page calls it."""
    values: dict[str, Any] = {
        "items": [Wanted(str(online.salon.service.key))],
        "start_at": MORNING + timedelta(days=4, hours=1),
        "first_name": "Noor",
        "last_name": "Visser",
        "email": "noor@example.com",
        "idempotency_key": KEY,
        "proof": online.proof(),
        "form_age": timedelta(seconds=3),
        **changes,
    }
    about: dict[str, Any] = {"address": "192.0.2.7", "door": "page", "salon": SalonSettings.load()}
    return submit(Submission(**values), **about, user_agent="A browser", now=MORNING)


@pytest.mark.parametrize("wrong", [{"honeypot": "x"}, {"form_age": timedelta(seconds=2.9)}])
def test_a_program_fills_in_too_much_and_too_fast(online: Online, wrong: dict[str, Any]) -> None:
    before = everything()
    with pytest.raises(NotAPerson):
        submitted(online, **wrong)
    assert everything() == before


def test_the_page_books_through_a_door_of_its_own(online: Online) -> None:
    booked = submitted(online)
    assert Booking.objects.get().visit == booked.visit
    assert Booking.objects.get().events.get().door == "page"
    assert submitted(online).replayed


def test_nothing_free_somebody_waits_for_the_day(online: Online) -> None:
    assert wait(online) == wait(online) == Waiting("Noor", "noor@example.com")
    entry = WaitlistEntry.objects.get()
    assert (entry.client.email, entry.service, entry.status) == (
        "noor@example.com",
        online.salon.service,
        "waiting",
    )
    other = {"idempotency_key": "another-key-of-some-length"}
    assert wait(online, **other) == Waiting("Noor", "noor@example.com")
    assert WaitlistEntry.objects.count() == 1
    asked = wait(online, idempotency_key="a-third-key-of-some-length", proof="", email="max@example.com")
    assert isinstance(asked, CodeAsked) and not asked.held
    assert WaitlistEntry.objects.count() == 1


def test_what_is_over_is_forgotten(online: Online, clock: Any) -> None:
    online.send(online.form(proof=""), key=KEY)
    run_due(at_most=5)
    online.book("13:00", email="max@example.com", phone="")
    hold(online, "15:00")
    OnlineAttack.objects.create(until=MORNING + timedelta(hours=24))
    assert forget_old(now=MORNING) == 0
    clock.shift(timedelta(hours=2))
    forget_old(now=MORNING + timedelta(hours=2))
    code = Message.objects.get(type="visit.code")
    assert (code.to, code.subject, code.text, code.state) == ("", "", "", "kept")
    assert (MailedCode.objects.count(), SpentChallenge.objects.count()) == (0, 0)
    assert OnlineAttack.objects.count() == 1
    assert OnlineSubmission.objects.count() == 1
    forget_old(now=MORNING + timedelta(days=5))
    assert OnlineSubmission.objects.count() == OnlineAttack.objects.count() == 0


def test_an_erased_client_leaves_nothing_that_was_typed(online: Online) -> None:
    online.book()
    client = Client.objects.get(email="noor@example.com")
    erase_client(client_id=client.pk, cancel_upcoming=True, actor=SYSTEM, now=MORNING)
    assert Visit.objects.get().contact_typed is None
    assert OnlineSubmission.objects.count() == 0
    left = [str(each) for table in (Visit, Booking, Message, Notification) for each in table.objects.values()]
    assert not [each for each in left if "Visser" in each or "noor" in each]
