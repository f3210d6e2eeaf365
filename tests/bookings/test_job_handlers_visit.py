"""Review requests, follow-up steps, waitlist offers and fee mails: when each is still true at the sending."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from bookings.models import Booking, BusyTime, Feedback, Hold, NoShowFee, WaitlistEntry, WaitlistOffer
from clients.models import Client
from notifications.handlers import NotNeeded, TryLater
from notifications.models import FollowupSequence, FollowupStep, Job, Message
from notifications.registry import handler_of
from tests.cast.factories import make_alice, make_client, make_salon, make_service
from tests.cast.letters import (
    END,
    NOW,
    START,
    TOKEN,
    compose,
    make_booking,
    make_event,
    make_job,
    make_offer,
    mark_sent,
    note_sent,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LATER = END + timedelta(hours=2)


@pytest.fixture(autouse=True)
def _salon():
    make_salon()


def visited(**fields: Any) -> Booking:
    return make_booking(
        **{"status": "completed", "feedback_token": f"token-{Booking.objects.count()}"} | fields
    )


def review_reason(booking: Booking, *, now=LATER, client: Client | None = None) -> str:
    job = make_job("review.request", booking, client=client)
    with pytest.raises(NotNeeded) as refusal:
        compose(job, now=now)
    mark_sent(job, state="not_sent", sent_at=None)
    return refusal.value.reason


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "scheduled"}, "no_longer_completed"),
        ({"status": "no-show"}, "no_longer_completed"),
        ({"feedback_token": None}, "gone"),
    ],
)
def test_a_review_is_asked_only_of_a_completed_visit(fields, reason):
    assert review_reason(visited(**fields)) == reason


def test_a_review_is_not_asked_of_who_already_gave_one():
    booking = visited()
    Feedback.objects.create(booking=booking, rating=5, created_at=NOW)
    assert review_reason(booking) == "already_answered"


@pytest.mark.parametrize(
    ("client", "reason"),
    [({"email": ""}, "no_address"), ({"archived_at": NOW}, "client_archived")],
)
def test_a_review_is_asked_of_clients_the_salon_can_still_reach(client, reason):
    assert review_reason(visited(client=make_alice(**client))) == reason


def test_a_review_is_not_asked_of_the_former_client():
    assert review_reason(visited(), client=make_client("Zed")) == "another_client"


@pytest.mark.parametrize("state", ["sent", "kept", "uncertain"])
def test_a_client_is_asked_once_in_review_min_days(state):
    mark_sent(make_job("review.request", visited()), state=state, sent_at=LATER)
    second = visited()
    assert review_reason(second, now=LATER + 30 * DAY - timedelta(seconds=1)) == "already_asked"
    job = make_job("review.request", second)
    assert compose(job, now=LATER + 30 * DAY).to == "alice@example.com"


def test_a_request_that_was_not_sent_does_not_count():
    mark_sent(make_job("review.request", visited()), state="not_sent", sent_at=None)
    assert compose(make_job("review.request", visited()), now=LATER)


def test_another_clients_request_does_not_count():
    mark_sent(make_job("review.request", visited(client=make_client("Zed"))), sent_at=LATER)
    assert compose(make_job("review.request", visited(client=make_alice())), now=LATER)


def test_one_visit_is_asked_about_once_for_ever():
    make_salon(review_min_days=0)
    booking = visited()
    mark_sent(make_job("review.request", booking), sent_at=LATER)
    assert review_reason(booking, now=LATER + 400 * DAY) == "already_asked"
    assert compose(make_job("review.request", visited()), now=LATER)


def test_two_requests_to_one_client_at_once_wait_for_each_other():
    first, second = (make_job("review.request", visited()) for _ in range(2))
    with pytest.raises(TryLater) as later:
        compose(second, now=LATER)
    assert later.value.after == LATER + timedelta(seconds=30)
    mark_sent(first, sent_at=LATER)
    with pytest.raises(NotNeeded, match="already_asked"):
        compose(second, now=LATER)


def make_step(**sequence: Any) -> FollowupStep:
    row = FollowupSequence.objects.create(**{"name": "Care"} | sequence)
    return FollowupStep.objects.create(sequence=row, delay_days=3, subject="Hi", body="How is it?")


def step_job(booking: Booking, step: FollowupStep, **fields: Any) -> Job:
    payload = {"step_id": step.pk, "sequence_id": step.sequence_id}
    return make_job("followup.step", booking, payload=payload, **fields)


def step_reason(booking: Booking, step: FollowupStep, **fields: Any) -> str:
    with pytest.raises(NotNeeded) as refusal:
        compose(step_job(booking, step, **fields), now=LATER)
    return refusal.value.reason


def willing(**fields: Any) -> Client:
    return make_alice(**{"marketing_consent": True} | fields)


def test_a_followup_makes_the_clients_unsubscribe_token_once():
    booking, step = visited(client=willing()), make_step()
    first = compose(step_job(booking, step), now=LATER)
    token = Client.objects.get().unsubscribe_token
    assert token is not None
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)
    assert first.headers["List-Unsubscribe"] == f"<http://127.0.0.1:8000/unsubscribe/{token}>"
    compose(step_job(booking, step), now=LATER)
    assert Client.objects.get().unsubscribe_token == token


@pytest.mark.parametrize(
    ("client", "booking", "sequence", "reason"),
    [
        ({"marketing_consent": False}, {}, {}, "no_consent"),
        ({"email": ""}, {}, {}, "no_address"),
        ({"archived_at": NOW}, {}, {}, "client_archived"),
        ({}, {"status": "scheduled"}, {}, "no_longer_completed"),
        ({}, {"status": "cancelled"}, {}, "no_longer_completed"),
        ({}, {}, {"is_active": False}, "sequence_stopped"),
    ],
)
def test_a_followup_stops_when_its_reason_is_gone(client, booking, sequence, reason):
    assert step_reason(visited(client=willing(**client), **booking), make_step(**sequence)) == reason


def test_a_followup_whose_step_was_deleted_is_gone():
    booking, step = visited(client=willing()), make_step()
    job = step_job(booking, step)
    step.delete()
    with pytest.raises(NotNeeded, match="gone"):
        compose(job, now=LATER)


def test_a_followup_stops_when_the_client_books_again_unless_the_sequence_goes_on():
    booking = visited(client=willing())
    make_booking(start_at=START + 30 * DAY, end_at=END + 30 * DAY, created_at=NOW + DAY)
    assert step_reason(booking, make_step()) == "rebooked"
    step = make_step(name="Always", stop_on_rebook=False)
    assert compose(step_job(booking, step), now=LATER)


@pytest.mark.parametrize("other", [{"status": "cancelled", "created_at": NOW + DAY}, {"created_at": NOW}])
def test_a_booking_made_before_or_cancelled_since_stops_no_followup(other):
    booking = visited(client=willing())
    make_booking(start_at=START + 30 * DAY, end_at=END + 30 * DAY, **other)
    assert compose(step_job(booking, make_step()), now=LATER)


def test_a_step_reaches_a_client_once_per_visit():
    booking, step, other = visited(client=willing()), make_step(), make_step(name="Other")
    mark_sent(step_job(booking, step))
    assert step_reason(booking, step) == "already_sent"
    assert compose(step_job(booking, other), now=LATER)
    assert compose(step_job(visited(), step), now=LATER)


def test_nobody_counts_on_mails_after_a_visit_but_on_money_and_offers():
    types = ("review.request", "followup.step", "waitlist.offer", "noshow.mail")
    assert [handler_of(type).client_counts_on_it for type in types] == [False, False, True, True]


def offer_job(offer: WaitlistOffer) -> Job:
    return make_job("waitlist.offer", None, client=offer.entry.client, payload={"offer_id": offer.pk})


def offer_reason(offer: WaitlistOffer, *, now=NOW) -> str:
    with pytest.raises(NotNeeded) as refusal:
        compose(offer_job(offer), now=now)
    return refusal.value.reason


@pytest.mark.parametrize("state", ["taken", "passed"])
def test_an_offer_that_no_longer_lives_is_not_mailed(state):
    assert offer_reason(make_offer(state=state)) == "spent"


def test_an_offer_whose_time_is_over_is_not_mailed():
    assert offer_reason(make_offer(), now=NOW + timedelta(hours=1)) == "spent"
    WaitlistOffer.objects.all().delete()
    WaitlistEntry.objects.update(status="cancelled")
    assert offer_reason(make_offer(expires_at=START + DAY), now=START) == "spent"


def test_an_offer_of_an_entry_that_no_longer_waits_is_not_mailed():
    offer = make_offer()
    WaitlistEntry.objects.update(status="cancelled")
    assert offer_reason(offer) == "spent"


def test_an_offer_of_a_time_taken_meanwhile_is_not_mailed():
    offer = make_offer()
    other = make_booking(client=make_client("Zed"))
    BusyTime.objects.create(staff=offer.staff, party=other.party, starts_at=START, ends_at=END, booking=other)
    assert offer_reason(offer) == "slot_taken"
    BusyTime.objects.update(starts_at=END, ends_at=END + DAY)
    assert compose(offer_job(offer), now=NOW)


def test_somebody_elses_hold_counts_as_taken_until_it_expires():
    offer = make_offer(expires_at=START)
    hold = Hold.objects.create(
        token="other",
        staff=offer.staff,
        service=make_service("Colour"),
        start_at=START,
        end_at=END,
        expires_at=NOW + DAY,
        created_at=NOW,
    )
    BusyTime.objects.create(
        staff=offer.staff, party=hold.party, starts_at=START, ends_at=END, hold=hold, expires_at=NOW + DAY
    )
    assert offer_reason(offer) == "slot_taken"
    assert compose(offer_job(offer), now=NOW + DAY)


def test_offers_of_archived_erased_or_unreachable_clients_are_not_mailed():
    offer = make_offer()
    Client.objects.update(email="")
    assert offer_reason(offer) == "no_address"
    Client.objects.update(archived_at=NOW)
    assert offer_reason(offer) == "client_archived"
    job = offer_job(offer)
    Job.objects.update(recipient="client:987654")
    job.refresh_from_db()
    with pytest.raises(NotNeeded, match="client_erased"):
        compose(job, now=NOW)


def test_an_offer_that_does_not_exist_is_gone():
    job = make_job("waitlist.offer", None, client=make_alice(), payload={})
    with pytest.raises(NotNeeded, match="gone"):
        compose(job, now=NOW)


def make_fee(booking: Booking, **fields: Any) -> NoShowFee:
    values = {
        "amount_minor": 1250,
        "currency": "EUR",
        "pay_token": TOKEN,
        "pay_until": END + 7 * DAY,
        "created_at": END,
    }
    return NoShowFee.objects.create(
        booking=booking, event=make_event(booking), client=booking.client, **values | fields
    )


def fee_job(fee: NoShowFee, **fields: Any) -> Job:
    return make_job("noshow.mail", fee.booking, payload={"fee_id": fee.pk}, **fields)


def fee_reason(fee: NoShowFee, *, now=END, **fields: Any) -> str:
    with pytest.raises(NotNeeded) as refusal:
        compose(fee_job(fee, **fields), now=now)
    return refusal.value.reason


@pytest.mark.parametrize("state", ["paid", "not_charged", "void", "waived", "refunded"])
def test_a_fee_that_is_not_due_is_not_mailed(state):
    assert fee_reason(make_fee(make_booking(status="no-show"), state=state)) == "fee_not_due"


def test_a_fee_whose_booking_was_corrected_is_not_mailed():
    assert fee_reason(make_fee(make_booking(status="completed"))) == "fee_not_due"


def test_a_fee_whose_page_has_closed_is_not_mailed():
    assert fee_reason(make_fee(make_booking(status="no-show")), now=END + 7 * DAY) == "spent"


def test_a_fee_is_mailed_only_to_who_missed_the_appointment():
    fee = make_fee(make_booking(status="no-show"))
    assert fee_reason(fee, client=make_client("Zed")) == "another_client"
    Client.objects.filter(first_name="Alice").update(email="")
    assert fee_reason(fee) == "no_address"


def test_a_fee_that_does_not_exist_is_gone():
    with pytest.raises(NotNeeded, match="gone"):
        compose(make_job("noshow.mail", make_booking(status="no-show")), now=END)


@pytest.mark.parametrize(
    ("amount_minor", "currency", "written"), [(1500, "JPY", "¥1,500"), (12345, "KWD", "KWD\xa012.345")]
)
def test_fees_have_the_decimals_of_their_own_currency(amount_minor, currency, written):
    fee = make_fee(make_booking(status="no-show"), amount_minor=amount_minor, currency=currency)
    mail = compose(fee_job(fee), now=END)
    assert f"Fee: {written}\n" in mail.text


def test_nothing_is_kept_after_a_mail_that_announces_nothing():
    booking = visited()
    before = Booking.objects.values().get()
    note_sent(make_job("review.request", booking), Message(facts={}), now=NOW)
    assert Booking.objects.values().get() == before
