"""/api/public: the JSON twins of the pages behind mailed links (contract §1.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client as Browser
from rest_framework.test import APIClient

from bookings.models import Booking, Feedback
from bookings.self_service.unsubscribe import unsubscribe_token
from notifications.models import Job
from tests.cast.factories import caller, make_client
from tests.cast.pages import END, NOW, START, Cast, changed, everything, make_cast

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

REVIEWS = "https://reviews.example.com/zonne"
FRONT_END = "https://app.salon.example"
REQUEST = {
    "business_name": "Salon Zonne",
    "client_first_name": "Alice",
    "service_name": "Haircut",
    "staff_name": "Bea Bakker",
    "start_at": "2026-11-24 10:00:00",
    "end_at": "2026-11-24 11:00:00",
    "timezone": "Europe/Amsterdam",
    "status": "provisional",
    "expires_at": "2026-11-23 10:00:00",
}
OFFER = {
    "business_name": "Salon Zonne",
    "client_first_name": "Alice",
    "service_name": "Haircut",
    "staff_name": "Bea Bakker",
    "start_at": "2026-11-24 10:00:00",
    "end_at": "2026-11-24 11:00:00",
    "timezone": "Europe/Amsterdam",
    "held": False,
    "expires_at": "2026-11-21 10:00:00",
}


@pytest.fixture
def cast() -> Cast:
    return make_cast(review_url=REVIEWS)


def request_of(booking: Booking) -> str:
    return f"/api/public/provisional/{booking.provisional_token}"


def post(address: str, body: Any = None) -> Any:
    return caller().post(address, body, format="json")


def refused(answer: Any) -> tuple[int, str]:
    assert set(answer.json()) <= {"error", "code", "details"}
    return answer.status_code, answer.json()["code"]


def test_a_request_shows_exactly_nine_keys(cast: Cast) -> None:
    booking = cast.requested(notes="secret", internal_notes="secret")
    answer = caller().get(request_of(booking))
    assert (answer.status_code, answer.json()) == (200, REQUEST)
    assert list(answer.json()) == list(REQUEST)


def test_reading_changes_nothing(cast: Cast) -> None:
    addresses = [
        request_of(cast.requested(start_at=START + timedelta(hours=4), end_at=END + timedelta(hours=4))),
        f"/api/public/feedback/{cast.completed().feedback_token}",
        f"/api/public/waitlist/{cast.offered().token}",
        f"/api/public/unsubscribe/{unsubscribe_token(cast.alice)}",
    ]
    before = everything()
    for address in addresses:
        assert caller().get(address).status_code == 200
        assert caller().head(address).status_code == 200
    assert everything() == before


@pytest.mark.parametrize(
    ("verb", "status", "jobs"),
    [("accept", "scheduled", ["booking.created"]), ("decline", "cancelled", [])],
)
def test_answering_gives_the_request_with_its_new_status(
    cast: Cast, verb: str, status: str, jobs: list[str]
) -> None:
    booking = cast.requested()
    answer = post(f"{request_of(booking)}/{verb}")
    assert answer.status_code == 200
    assert answer.json() == REQUEST | {"status": status, "expires_at": None}
    assert Booking.objects.get().status == status
    assert list(Job.objects.filter(state="pending").values_list("type", flat=True)) == jobs


@pytest.mark.parametrize(("first", "code"), [("accept", "link_accepted"), ("decline", "link_declined")])
def test_a_second_answer_is_410_and_says_what_the_first_was(cast: Cast, first: str, code: str) -> None:
    booking = cast.requested()
    address = request_of(booking)
    post(f"{address}/{first}")
    before = everything()
    for answer in (caller().get(address), post(f"{address}/accept"), post(f"{address}/decline")):
        assert refused(answer) == (410, code)
    assert everything() == before


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        ("scheduled", "link_confirmed", "The salon confirmed this appointment itself"),
        ("cancelled", "link_withdrawn", "The salon has cancelled, changed or renewed this request"),
        ("completed", "link_withdrawn", "The salon has cancelled, changed or renewed this request"),
    ],
)
def test_a_request_the_salon_decided_itself_is_410_and_says_how(
    cast: Cast, status: str, code: str, sentence: str
) -> None:
    booking = cast.requested()
    changed(booking, status=status)
    before = everything()
    address = request_of(booking)
    for answer in (caller().get(address), post(f"{address}/accept"), post(f"{address}/decline")):
        assert refused(answer) == (410, code)
        assert answer.json()["error"].startswith(f"{sentence}; ")
    assert everything() == before


def test_an_expired_request_is_410(cast: Cast) -> None:
    booking = cast.requested()
    with time_machine.travel(NOW + timedelta(hours=72), tick=False):
        before = everything()
        assert refused(caller().get(request_of(booking))) == (410, "link_expired")
        assert refused(post(f"{request_of(booking)}/accept")) == (410, "link_expired")
        assert everything() == before


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 100, "a.b", "%20", "ü"])
def test_an_unknown_link_is_404(cast: Cast, token: str) -> None:
    cast.requested()
    before = everything()
    for path in ("provisional", "feedback", "waitlist", "unsubscribe"):
        assert refused(caller().get(f"/api/public/{path}/{token}")) == (404, "link_unknown")
    for path in (f"provisional/{token}/accept", f"waitlist/{token}/take", f"unsubscribe/{token}"):
        assert refused(post(f"/api/public/{path}")) == (404, "link_unknown")
    assert refused(post(f"/api/public/feedback/{token}", {"rating": "bad"})) == (404, "link_unknown")
    assert everything() == before


def test_an_answer_to_what_was_shown_before_a_move_is_409(cast: Cast) -> None:
    booking = cast.requested()
    changed(booking, start_at=START + timedelta(hours=3), end_at=END + timedelta(hours=3))
    before = everything()
    for verb in ("accept", "decline"):
        answer = post(f"{request_of(booking)}/{verb}", {"start_at": "2026-11-24 10:00:00"})
        assert refused(answer) == (409, "request_changed")
    assert everything() == before
    assert post(f"{request_of(booking)}/accept", {"start_at": "2026-11-24T13:00:00+01:00"}).status_code == 200


@pytest.mark.parametrize("body", [{"start_at": "soon"}, {"start_at": 5}, {"start_at": None}, [], "x"])
def test_a_malformed_body_is_400_and_answers_nothing(cast: Cast, body: Any) -> None:
    booking = cast.requested()
    before = everything()
    assert post(f"{request_of(booking)}/accept", body).status_code == 400
    assert everything() == before


def test_a_body_that_is_no_json_is_415(cast: Cast) -> None:
    booking = cast.requested()
    before = everything()
    answer = Browser().post(f"{request_of(booking)}/accept", {"a": "b"})
    assert answer.status_code == 415
    assert everything() == before


def test_a_visit_shows_first_name_service_and_time(cast: Cast) -> None:
    visit = cast.completed()
    answer = caller().get(f"/api/public/feedback/{visit.feedback_token}")
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "business_name": "Salon Zonne",
            "client_first_name": "Alice",
            "service_name": "Haircut",
            "start_at": "2026-11-19 10:00:00",
            "end_at": "2026-11-19 11:00:00",
            "timezone": "Europe/Amsterdam",
        },
    )


@pytest.mark.parametrize(
    ("rating", "link"),
    [
        (5, "https://reviews.example.com/zonne"),
        (4, "https://reviews.example.com/zonne"),
        (3, None),
        (1, None),
    ],
)
def test_feedback_is_kept_once(cast: Cast, rating: int, link: str | None) -> None:
    visit = cast.completed()
    address = f"/api/public/feedback/{visit.feedback_token}"
    answer = post(address, {"rating": rating, "comment": "Lovely <b>cut</b>", "booking_id": 99})
    assert (answer.status_code, answer.json()) == (
        201,
        {"rating": rating, "comment": "Lovely <b>cut</b>", "review_url": link},
    )
    assert list(Feedback.objects.values_list("booking_id", "rating", "comment")) == [
        (visit.pk, rating, "Lovely <b>cut</b>")
    ]
    before = everything()
    assert refused(caller().get(address)) == (410, "feedback_given")
    assert refused(post(address, {"rating": 1})) == (410, "feedback_given")
    assert refused(post(address, {})) == (410, "feedback_given")
    assert everything() == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "rating"),
        ({"rating": 0}, "rating"),
        ({"rating": 6}, "rating"),
        ({"rating": "5"}, "rating"),
        ({"rating": 5.0}, "rating"),
        ({"rating": True}, "rating"),
        ({"rating": None}, "rating"),
        ({"rating": 5, "comment": 7}, "comment"),
        ({"rating": 5, "comment": "x" * 2001}, "comment"),
    ],
)
def test_bad_feedback_is_400_and_keeps_nothing(cast: Cast, body: Any, field: str) -> None:
    visit = cast.completed()
    before = everything()
    answer = post(f"/api/public/feedback/{visit.feedback_token}", body)
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == {field}
    assert everything() == before


def test_feedback_on_a_visit_corrected_meanwhile_is_410(cast: Cast) -> None:
    visit = cast.completed()
    changed(visit, status="cancelled")
    address = f"/api/public/feedback/{visit.feedback_token}"
    assert refused(caller().get(address)) == (410, "visit_not_completed")
    assert refused(post(address, {"rating": 5})) == (410, "visit_not_completed")
    assert not Feedback.objects.exists()


def test_an_offer_can_be_read_and_taken(cast: Cast) -> None:
    offer = cast.offered()
    address = f"/api/public/waitlist/{offer.token}"
    assert caller().get(address).json() == OFFER
    answer = post(f"{address}/take")
    assert answer.status_code == 200
    assert answer.json() == REQUEST | {"status": "scheduled", "expires_at": None}
    before = everything()
    assert refused(caller().get(address)) == (410, "offer_taken")
    assert refused(post(f"{address}/take")) == (410, "offer_taken")
    assert everything() == before


def test_a_held_offer_says_so(cast: Cast) -> None:
    cast.salon.waitlist_hold_minutes = 30
    cast.salon.save()
    answer = caller().get(f"/api/public/waitlist/{cast.offered().token}")
    assert answer.json() == OFFER | {"held": True, "expires_at": "2026-11-20 10:30:00"}


def test_an_offer_whose_slot_is_gone_is_409_and_names_nobody(cast: Cast) -> None:
    offer = cast.offered()
    cast.booked(client_id=make_client("Carl").pk)
    before = everything()
    for answer in (
        caller().get(f"/api/public/waitlist/{offer.token}"),
        post(f"/api/public/waitlist/{offer.token}/take"),
    ):
        assert (answer.status_code, answer.json()) == (
            409,
            {
                "error": "Somebody else has taken this time in the meantime; you stay on the waitlist.",
                "code": "slot_taken",
                "conflicts": [],
            },
        )
    assert everything() == before


def test_an_offer_that_is_over_is_410(cast: Cast) -> None:
    offer = cast.offered()
    with time_machine.travel(NOW + timedelta(hours=24), tick=False):
        assert refused(post(f"/api/public/waitlist/{offer.token}/take")) == (410, "offer_passed")


def test_unsubscribing_is_idempotent(cast: Cast) -> None:
    address = f"/api/public/unsubscribe/{unsubscribe_token(cast.alice)}"
    assert caller().get(address).json() == {"business_name": "Salon Zonne", "marketing_consent": True}
    for _ in range(2):
        answer = post(address)
        assert (answer.status_code, answer.json()) == (
            200,
            {"business_name": "Salon Zonne", "marketing_consent": False},
        )
    cast.alice.refresh_from_db()
    assert cast.alice.marketing_consent is False


def test_a_front_end_may_call_from_its_own_origin(cast: Cast, settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [FRONT_END]
    address = request_of(cast.requested())
    allowed = APIClient(headers={"origin": FRONT_END}).get(address)
    foreign = APIClient(headers={"origin": "https://evil.example"}).get(address)
    assert allowed.headers["Access-Control-Allow-Origin"] == FRONT_END
    assert "Access-Control-Allow-Origin" not in foreign.headers
    assert "Access-Control-Allow-Credentials" not in allowed.headers


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_405(cast: Cast, method: str) -> None:
    address = request_of(cast.requested())
    before = everything()
    for path, allowed in ((address, "GET"), (f"{address}/accept", "POST")):
        answer = getattr(caller(), method)(path)
        assert answer.status_code == 405
        assert allowed in answer.headers["Allow"]
    assert caller().get(f"{address}/accept").status_code == 405
    assert everything() == before


def test_credentials_that_come_along_are_not_looked_at(cast: Cast) -> None:
    address = request_of(cast.requested())
    assert caller("nonsense").get(address).status_code == 200
    assert caller(cast.bea).get(address).status_code == 200


def test_the_sixty_first_call_in_a_minute_has_to_wait(cast: Cast, clock: Any) -> None:
    address = request_of(cast.requested())
    assert {caller().get(address).status_code for _ in range(60)} == {200}
    before = everything()
    answer = post(f"{address}/accept")
    assert (answer.status_code, answer.json()["code"]) == (429, "throttled")
    assert answer.headers["Retry-After"] == "60"
    assert everything() == before
    clock.shift(61)
    assert post(f"{address}/accept").status_code == 200


def test_guessing_tokens_is_throttled_too(cast: Cast) -> None:
    for number in range(60):
        assert caller().get(f"/api/public/feedback/{number:043}").status_code == 404
    assert caller().get("/api/public/feedback/" + "A" * 43).status_code == 429
