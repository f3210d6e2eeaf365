"""Idempotency-Key: one effect, one answer (contract §0)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from bookings.models import Booking
from staff.access.idempotency import forget_old_answers
from staff.models import IdempotentAnswer
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, token_of
from tests.cast.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def salon() -> Iterator[Salon]:
    with time_machine.travel(MORNING):
        yield make_cast()


def post(salon: Salon, key: str, who: Any = None, **changes: Any) -> Any:
    return caller(who or salon.bea).post(
        "/api/bookings", salon.order(**changes), format="json", headers={"Idempotency-Key": key}
    )


def test_the_same_body_gets_the_same_answer_and_one_booking(salon: Salon) -> None:
    first = post(salon, "abc")
    before = stored()
    again = post(salon, "abc")
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert stored() == before


def test_another_body_with_the_same_key_is_422(salon: Salon) -> None:
    post(salon, "abc")
    before = stored()
    answer = post(salon, "abc", notes="other")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert stored() == before


def test_a_refusal_is_not_kept(salon: Salon) -> None:
    taken = salon.book()
    assert post(salon, "abc").status_code == 409
    assert not IdempotentAnswer.objects.exists()
    salon.delete(taken)
    assert post(salon, "abc").status_code == 200


def test_keys_belong_to_their_caller(salon: Salon) -> None:
    post(salon, "abc")
    assert post(salon, "abc", who=salon.cora).status_code == 409


def test_after_a_day_the_key_is_free_again(salon: Salon) -> None:
    first = post(salon, "abc").json()
    salon.delete(first)
    with time_machine.travel(timezone.now() + timedelta(hours=25), tick=False):
        second = post(salon, "abc").json()
        assert second["id"] != first["id"]
    with time_machine.travel(timezone.now() + timedelta(hours=60), tick=False):
        assert forget_old_answers(now=timezone.now()) == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\u00e9", "a\tb"])
def test_an_unprintable_key_is_400(salon: Salon, key: str) -> None:
    assert post(salon, key).status_code == 400
    assert not Booking.objects.exists()


def test_twins_at_the_same_moment_make_one_booking(salon: Salon) -> None:
    token = token_of(salon.bea)
    answers = at_once(*[lambda: post(salon, "twin", token)] * 6)
    assert [answer.status_code for answer in answers] == [200] * 6
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Booking.objects.count() == 1
