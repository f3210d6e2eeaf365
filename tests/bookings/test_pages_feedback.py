"""/feedback/<token>: a rating and a comment, once (contract §1.4)."""

from __future__ import annotations

import pytest

from bookings.models import Feedback
from tests.cast.factories import make_client
from tests.cast.pages import (
    NOW,
    Cast,
    browser,
    changed,
    erased,
    everything,
    heading_of,
    make_cast,
    text_of,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

REVIEWS = "https://reviews.example.com/salon-zonne"


@pytest.fixture
def cast() -> Cast:
    return make_cast(business_phone="", reply_to="", review_url=REVIEWS)


def kept() -> list[tuple[int, int, str]]:
    return list(Feedback.objects.order_by("id").values_list("booking_id", "rating", "comment"))


def test_the_page_shows_first_name_service_and_time_and_nothing_else_of_anybody(cast: Cast) -> None:
    visit = cast.completed(notes="secret", internal_notes="secret")
    answer = browser().get(f"/feedback/{visit.feedback_token}")
    assert answer.status_code == 200
    assert text_of(answer) == (
        "Salon Zonne Tell us how it was Hello Alice, Thank you for your visit. Two taps are enough. "
        "Service Haircut Your visit Thursday 19 November 2026 at 10:00 How was your visit? "
        "1 ★ 2 ★ 3 ★ 4 ★ 5 ★ Not good Excellent Would you like to tell us more? (optional) Send"
    )
    for private in (cast.alice.last_name, cast.alice.email, cast.alice.phone, cast.bea.name, "secret"):
        assert private not in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_scanner_that_opens_the_link_changes_nothing(cast: Cast, method: str) -> None:
    visit = cast.completed()
    before = everything()
    assert getattr(browser(), method)(f"/feedback/{visit.feedback_token}").status_code == 200
    assert everything() == before


@pytest.mark.parametrize("rating", ["4", "5"])
def test_a_happy_client_is_pointed_to_the_public_review(cast: Cast, rating: str) -> None:
    visit = cast.completed()
    answer = browser().post(
        f"/feedback/{visit.feedback_token}", {"rating": rating, "comment": " Lovely.\r\nThanks! "}
    )
    assert answer.status_code == 200
    assert text_of(answer) == (
        "Salon Zonne Thank you! We are happy that you liked it. "
        "Would you tell others too? A short public review helps us a lot. Write a public review"
    )
    assert f'href="{REVIEWS}" rel="noopener noreferrer"' in answer.content.decode()
    assert kept() == [(visit.pk, int(rating), "Lovely.\nThanks!")]


@pytest.mark.parametrize("rating", ["1", "2", "3"])
def test_an_unhappy_client_is_thanked_and_not_sent_anywhere(cast: Cast, rating: str) -> None:
    visit = cast.completed()
    answer = browser().post(f"/feedback/{visit.feedback_token}", {"rating": rating})
    assert text_of(answer) == (
        "Salon Zonne Thank you Thank you for being open with us. We will take it to heart."
    )
    assert kept() == [(visit.pk, int(rating), "")]


@pytest.mark.parametrize(
    "link", ["", "javascript:alert(1)", "data:text/html,x", "//evil.example", "https:///x"]
)
def test_only_a_web_address_becomes_a_link(cast: Cast, link: str) -> None:
    cast.salon.review_url = link
    cast.salon.save()
    visit = cast.completed()
    answer = browser().post(f"/feedback/{visit.feedback_token}", {"rating": "5"})
    assert text_of(answer) == "Salon Zonne Thank you! We are happy that you liked it. See you soon."
    assert "<a" not in answer.content.decode()


def test_a_second_time_is_410_and_keeps_the_first(cast: Cast) -> None:
    visit = cast.completed()
    address = f"/feedback/{visit.feedback_token}"
    browser().post(address, {"rating": "5", "comment": "first"})
    before = everything()
    for answer in (browser().get(address), browser().post(address, {"rating": "1", "comment": "second"})):
        assert answer.status_code == 410
        assert text_of(answer) == (
            "Salon Zonne We have your feedback You have told us how this visit was. "
            "Thank you, you need do nothing more."
        )
    assert everything() == before


@pytest.mark.parametrize("rating", ["", "0", "6", "-1", "5.0", "five", "５", "1e0", " 5", "05"])
def test_anything_but_one_to_five_asks_again_and_keeps_the_comment(cast: Cast, rating: str) -> None:
    visit = cast.completed()
    before = everything()
    answer = browser().post(
        f"/feedback/{visit.feedback_token}", {"rating": rating, "comment": "</textarea><b>"}
    )
    assert answer.status_code == 400
    assert "Please choose one of the five steps." in text_of(answer)
    assert "&lt;/textarea&gt;&lt;b&gt;</textarea>" in answer.content.decode()
    assert everything() == before


@pytest.mark.parametrize(
    ("comment", "why"),
    [
        ("x" * 2001, "Please shorten your comment to 2000 characters."),
        ("a\0b", "Your comment holds a character we cannot keep. Please remove it."),
    ],
)
def test_a_comment_we_cannot_keep_is_said_above_the_form(cast: Cast, comment: str, why: str) -> None:
    visit = cast.completed()
    before = everything()
    answer = browser().post(f"/feedback/{visit.feedback_token}", {"rating": "3", "comment": comment})
    assert answer.status_code == 400
    assert why in text_of(answer)
    assert 'value="3" required checked' in answer.content.decode()
    assert everything() == before


def test_the_browser_s_line_breaks_count_as_one_character(cast: Cast) -> None:
    visit = cast.completed()
    comment = "a\r\n" * 999 + "ab"
    assert (
        browser().post(f"/feedback/{visit.feedback_token}", {"rating": "3", "comment": comment}).status_code
        == 200
    )
    assert len(kept()[0][2]) == 2000


def test_a_body_that_is_no_form_asks_again(cast: Cast) -> None:
    visit = cast.completed()
    before = everything()
    answer = browser().post(
        f"/feedback/{visit.feedback_token}", data='{"rating": 5}', content_type="application/json"
    )
    assert answer.status_code == 400
    assert everything() == before


def test_a_visit_given_to_another_client_gets_a_link_of_its_own(cast: Cast) -> None:
    booking = cast.completed()
    bob = make_client("Bob", "Brown")
    corrected = changed(booking, client_id=bob.pk)
    former, present = (browser().get(f"/feedback/{each.feedback_token}") for each in (booking, corrected))
    assert (former.status_code, present.status_code) == (404, 200)
    assert "Bob" not in text_of(former)
    assert "Hello Bob," in text_of(present)


def test_a_visit_corrected_meanwhile_takes_no_feedback(cast: Cast) -> None:
    visit = cast.completed()
    changed(visit, status="no-show")
    before = everything()
    address = f"/feedback/{visit.feedback_token}"
    for answer in (browser().get(address), browser().post(address, {"rating": "5"})):
        assert (answer.status_code, heading_of(answer)) == (410, "This link is not open")
    assert everything() == before
    changed(visit, status="completed")
    assert browser().get(address).status_code == 200


def test_after_an_erasure_the_link_is_unknown(cast: Cast) -> None:
    visit = cast.completed()
    erased(cast.alice)
    address = f"/feedback/{visit.feedback_token}"
    assert browser().get(address).status_code == 404
    assert browser().post(address, {"rating": "5"}).status_code == 404
    assert kept() == []
