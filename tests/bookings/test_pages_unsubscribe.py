"""/unsubscribe/<token>: the page and the one-click POST of mail programs (contract §1.4; RFC 8058)."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from bookings.self_service.unsubscribe import unsubscribe_token
from clients.models import Client
from notifications.models import FollowupSequence, FollowupStep, Job, Message
from tests.cast.factories import make_client
from tests.cast.pages import NOW, Cast, browser, everything, heading_of, make_cast, text_of
from tests.cast.races import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"
DONE = (
    "Salon Zonne You are unsubscribed We will not send you any more e-mails of this kind. "
    "E-mails about your own appointments still reach you."
)


@pytest.fixture
def cast() -> Cast:
    return make_cast(business_phone="", reply_to="")


def with_followups(cast: Cast) -> None:
    sequence = FollowupSequence.objects.create(name="After a cut")
    for days in (3, 30):
        FollowupStep.objects.create(sequence=sequence, delay_days=days, subject="Still nice?", body="Hi")
    cast.completed()


def pending() -> list[str]:
    return list(Job.objects.filter(state="pending").order_by("id").values_list("type", flat=True))


def test_one_click_takes_the_consent_back_and_drops_what_has_not_left(cast: Cast) -> None:
    with_followups(cast)
    token = unsubscribe_token(cast.alice)
    assert pending().count("followup.step") == 2
    others = [type for type in pending() if type != "followup.step"]

    answer = browser().post(f"/unsubscribe/{token}", ONE_CLICK, content_type=FORM)

    assert answer.status_code == 200
    assert text_of(answer) == DONE
    cast.alice.refresh_from_db()
    assert cast.alice.marketing_consent is False
    assert pending() == others
    dropped = Message.objects.filter(type="followup.step").values_list("state", "reason", "job__state")
    assert list(dropped) == [("not_sent", "no_consent", "cancelled")] * 2


def test_one_click_may_come_as_multipart_too(cast: Cast) -> None:
    token = unsubscribe_token(cast.alice)
    assert browser().post(f"/unsubscribe/{token}", {"List-Unsubscribe": "One-Click"}).status_code == 200
    cast.alice.refresh_from_db()
    assert cast.alice.marketing_consent is False


def test_a_second_click_changes_nothing_and_says_the_same(cast: Cast) -> None:
    with_followups(cast)
    token = unsubscribe_token(cast.alice)
    browser().post(f"/unsubscribe/{token}", ONE_CLICK, content_type=FORM)
    before = everything()
    for answer in (
        browser().post(f"/unsubscribe/{token}", ONE_CLICK, content_type=FORM),
        browser().get(f"/unsubscribe/{token}"),
    ):
        assert (answer.status_code, text_of(answer)) == (200, DONE)
    assert everything() == before


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_scanner_that_opens_the_link_changes_nothing(cast: Cast, method: str) -> None:
    with_followups(cast)
    token = unsubscribe_token(cast.alice)
    before = everything()
    answer = getattr(browser(), method)(f"/unsubscribe/{token}")
    assert answer.status_code == 200
    assert everything() == before


def test_the_page_shows_nothing_of_the_client(cast: Cast) -> None:
    answer = browser().get(f"/unsubscribe/{unsubscribe_token(cast.alice)}")
    assert text_of(answer) == (
        "Salon Zonne No more of these e-mails? "
        "After a visit we sometimes write with advice and offers. You can end that here. "
        "E-mails about your own appointments still reach you. Unsubscribe"
    )


def test_other_clients_keep_their_consent_and_their_mails(cast: Cast) -> None:
    with_followups(cast)
    bob = make_client("Bob", "Brown", marketing_consent=True)
    browser().post(f"/unsubscribe/{unsubscribe_token(bob)}", ONE_CLICK, content_type=FORM)
    cast.alice.refresh_from_db()
    assert cast.alice.marketing_consent is True
    assert pending().count("followup.step") == 2


def test_a_link_from_before_a_merge_speaks_for_the_one_who_remains(cast: Cast) -> None:
    with_followups(cast)
    old = make_client("Alice", "Old", marketing_consent=True, merged_into=cast.alice, archived_at=NOW)
    browser().post(f"/unsubscribe/{unsubscribe_token(old)}", ONE_CLICK, content_type=FORM)
    assert not Client.objects.filter(marketing_consent=True).exists()
    assert "followup.step" not in pending()


def test_an_unknown_link_is_404_and_changes_nothing(cast: Cast) -> None:
    unsubscribe_token(cast.alice)
    before = everything()
    for token in ("A" * 43, "x"):
        answer = browser().post(f"/unsubscribe/{token}", ONE_CLICK, content_type=FORM)
        assert (answer.status_code, heading_of(answer)) == (404, "We do not know this link")
    assert everything() == before


def test_the_token_is_made_once(cast: Cast) -> None:
    same = Client.objects.get(pk=cast.alice.pk)
    first = unsubscribe_token(cast.alice)
    assert len(first) == 43
    assert unsubscribe_token(same) == first
    assert Client.objects.get(pk=cast.alice.pk).unsubscribe_token == first


@pytest.mark.django_db(transaction=True)
def test_two_mails_at_once_get_the_same_token(cast: Cast) -> None:
    pk = cast.alice.pk
    tokens = at_once(*[lambda: unsubscribe_token(Client.objects.get(pk=pk))] * 4)
    assert len(set(tokens)) == 1
    assert isinstance(tokens[0], str)


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_both_succeed(cast: Cast) -> None:
    with_followups(cast)
    token = unsubscribe_token(cast.alice)
    answers = at_once(*[lambda: Browser().post(f"/unsubscribe/{token}", ONE_CLICK, content_type=FORM)] * 4)
    assert [answer.status_code for answer in answers] == [200] * 4
    assert "followup.step" not in pending()
