"""Many strangers at once, in real threads: one slot, one key, one proof, one code (contract §9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.utils import timezone

from bookings import online as booking_online
from bookings.models import Booking, BusyTime, MailedCode, OnlineSubmission, SpentChallenge
from bookings.online import CodeAsked, Submission, Wanted
from bookings.online.code import digits_of
from bookings.pages.booking_state import print_start
from clients.models import Client
from notifications.models import Message
from staff.models import SalonSettings, WorkingHours
from staff.wire.refusals import Refused
from tests.cast.book_pages import inputs_of, starts_of
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_hours
from tests.cast.online import solution
from tests.cast.pages import browser
from tests.cast.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)

RACERS = 8


@pytest.fixture
def salon() -> Salon:
    salon = make_cast(online_booking="instant", online_verify="never")
    WorkingHours.objects.all().delete()
    make_hours(salon.bea, weekdays=range(7), opens="00:00", closes="00:00")
    return salon


def submission(salon: Salon, number: int, **changes: Any) -> Submission:
    begins = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    values: dict[str, Any] = {
        "items": [Wanted(str(salon.service.key), str(salon.bea.key))],
        "start_at": begins,
        "first_name": "Noor",
        "last_name": "Visser",
        "email": f"noor{number}@example.com",
        "idempotency_key": f"{number:022}",
        "proof": solution(dict(booking_online.challenge(now=timezone.now()))),
        **changes,
    }
    return Submission(**values)


def race(*sent: Submission) -> Counter[str]:
    def one(each: Submission, number: int) -> Callable[[], str]:
        def run() -> str:
            try:
                result = booking_online.submit(
                    each,
                    address=f"192.0.2.{number}",
                    user_agent="",
                    door="public",
                    salon=SalonSettings.load(),
                    now=timezone.now(),
                )
            except Refused as refused:
                return refused.code
            if isinstance(result, CodeAsked):
                return "wrong" if result.wrong else "code_asked"
            return "replayed" if result.replayed else "booked"

        return run

    return Counter(at_once(*[one(each, number) for number, each in enumerate(sent)]))


def test_eight_at_one_slot_are_one_booking_and_one_client(salon: Salon) -> None:
    before = Client.objects.count()
    found = race(*[submission(salon, number) for number in range(RACERS)])
    assert found == {"booked": 1, "slot_taken": RACERS - 1}
    assert (Booking.objects.count(), BusyTime.objects.count(), Message.objects.count()) == (1, 1, 1)
    assert (Client.objects.count() - before, SpentChallenge.objects.count()) == (1, 1)


def test_eight_forms_for_one_hour_are_one_booking_and_the_nearest_three(salon: Salon) -> None:
    """On the page: all eight have the form before them, and send it at one moment."""
    wish = submission(salon, 0).start_at
    query = {"service": str(salon.service.key), "staff": str(salon.bea.key), "start": print_start(wish)}
    path = f"/book?{urlencode(query)}"

    def visitor(number: int) -> Callable[[], Any]:
        theirs, typed = browser(REMOTE_ADDR=f"192.0.2.{number}"), submission(salon, number)
        with time_machine.travel(timezone.now() - timedelta(minutes=1)):
            form = inputs_of(theirs.get(path))
        form |= {"first_name": "Noor", "last_name": "Visser", "email": typed.email, "altcha": typed.proof}
        return lambda: theirs.post(path, form)

    before = Client.objects.count()
    answers = at_once(*[visitor(number) for number in range(RACERS)])
    assert Counter(each.status_code for each in answers) == {303: 1, 409: RACERS - 1}
    nearest = [print_start(wish + timedelta(minutes=minutes)) for minutes in (-75, -60, 60)]
    for answer in answers:
        if answer.status_code == 409:
            assert starts_of(answer) == nearest
            assert inputs_of(answer)["first_name"] == "Noor"
    assert (Booking.objects.count(), BusyTime.objects.count(), Message.objects.count()) == (1, 1, 1)
    assert Client.objects.count() - before == 1


def test_one_key_sent_eight_times_is_one_booking(salon: Salon) -> None:
    one = submission(salon, 1)
    found = race(*[one] * RACERS)
    assert (found["booked"], found["replayed"]) == (1, RACERS - 1), found
    assert (Booking.objects.count(), OnlineSubmission.objects.count()) == (1, 1)


def test_one_proof_sent_eight_times_counts_once(salon: Salon) -> None:
    proof = submission(salon, 0).proof
    hours = [
        submission(
            salon,
            number,
            proof=proof,
            start_at=submission(salon, number).start_at + timedelta(hours=number),
        )
        for number in range(RACERS)
    ]
    found = race(*hours)
    assert (found["booked"], found["code_asked"]) == (1, RACERS - 1), found


def test_one_contact_gets_two_visits_however_fast(salon: Salon) -> None:
    same = [
        submission(
            salon,
            number,
            email="noor@example.com",
            start_at=submission(salon, number).start_at + timedelta(hours=number),
        )
        for number in range(3)
    ]
    assert race(*same) == {"booked": 2, "please_call": 1}


def test_guesses_in_parallel_are_five(salon: Salon) -> None:
    asked = submission(salon, 1, proof="")
    assert race(asked) == {"code_asked": 1}
    right = digits_of(MailedCode.objects.get())
    wrong = [submission(salon, 1, proof="", code=f"{(int(right) + n) % 10**6:06d}") for n in range(1, 9)]
    assert race(*wrong) == {"wrong": 5, "code_expired": 3}
    assert race(submission(salon, 1, proof="", code=right)) == {"code_expired": 1}
    assert Booking.objects.count() == 0
