"""An offer of the waitlist by text, and the quiet hours from 21:00 to 8:00 (contract §10 "quiet hours")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.models import BusyTime, Hold, WaitlistOffer
from bookings.waitlist.offers import pass_on
from notifications.models import Job, Message, Notification
from staff.models import SalonSettings
from tests.cast.availability import at
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_client
from tests.cast.text_server import TextServer
from tests.cast.texts import NUMBER, make_channel, provider_for, send_due
from tests.cast.waitlist import booked, cancelled, offer_jobs, status, sweep, waits

EVENING, NIGHT = at("2026-11-23 20:59"), at("2026-11-23 23:30")
NINE, MORNING = at("2026-11-23 21:00"), at("2026-11-24 08:00")
HALF_PAST_NINE = at("2026-11-24 09:30")
CALL = "Please call: a time is free for somebody on the waitlist without an e-mail address"
OFFERED = "A freed time was offered to the waitlist"

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NIGHT)]


@pytest.fixture
def provider(settings: Any) -> Iterator[TextServer]:
    with provider_for(settings) as running:
        yield running


@pytest.fixture
def salon() -> Salon:
    """Alice has a mobile telephone and no mail address; half an hour is what an offer is held for."""
    made = make_cast(sms_when_no_mail=True, waitlist_hold_minutes=30)
    made.alice.email, made.alice.mobile = "", NUMBER
    made.alice.save()
    make_channel()
    return made


def freed(salon: Salon, start_at: datetime = HALF_PAST_NINE) -> WaitlistOffer:
    cancelled(booked(salon, start_at))
    return WaitlistOffer.objects.get()


def titles() -> set[str]:
    return set(Notification.objects.filter(type="waitlist.offer").values_list("title", flat=True))


def log() -> tuple[str, str, str]:
    return Message.objects.values_list("channel", "state", "reason").get(type="waitlist.offer")


def test_by_day_it_leaves_at_once(salon: Salon, provider: TextServer, clock: Any) -> None:
    clock.move_to(EVENING)
    waits(salon)
    offer = freed(salon)
    send_due()
    assert [each.to for each in provider.taken] == [NUMBER]
    assert offer.expires_at == EVENING + timedelta(minutes=30)


def test_at_night_it_is_told_in_the_morning_and_lasts_from_then(
    salon: Salon, provider: TextServer, clock: Any
) -> None:
    entry = waits(salon)
    offer = freed(salon)
    until = MORNING + timedelta(minutes=30)
    assert (Job.objects.get(type="waitlist.offer").run_at, offer.expires_at) == (MORNING, until)
    assert BusyTime.objects.get().expires_at == until
    clock.move_to(MORNING)
    assert sweep() == 0
    send_due()
    assert [each.to for each in provider.taken] == [NUMBER]
    assert titles() == {OFFERED}
    clock.move_to(until)
    assert (sweep(), status(entry), BusyTime.objects.count()) == (1, "waiting", 0)


def test_a_start_less_than_ninety_minutes_after_the_night_is_for_the_desk_to_tell(
    salon: Salon, provider: TextServer, clock: Any
) -> None:
    entry = waits(salon)
    offer = freed(salon, HALF_PAST_NINE - timedelta(minutes=1))
    assert log() == ("sms", "not_sent", "quiet_hours")
    assert (status(entry), offer.expires_at) == ("notified", NIGHT + timedelta(minutes=30))
    assert titles() == {CALL}
    assert salon.alice.phone in Notification.objects.filter(title=CALL).values_list("body", flat=True)[0]
    clock.move_to(MORNING)
    send_due()
    assert provider.taken == []


def test_who_has_a_mail_address_is_written_to_at_night(salon: Salon) -> None:
    carl = make_client("Carl", email="carl@example.com")
    waits(salon, carl)
    offer = freed(salon)
    assert Job.objects.get(type="waitlist.offer").run_at == NIGHT
    assert offer.expires_at == NIGHT + timedelta(minutes=30)


@pytest.mark.parametrize(
    ("fails", "minutes", "until"),
    [
        (0, 30, MORNING + timedelta(minutes=30)),
        (1, 30, MORNING + timedelta(minutes=30)),
        (0, 120, HALF_PAST_NINE),
    ],
)
def test_one_that_is_put_off_to_the_morning_lasts_from_then(
    salon: Salon, provider: TextServer, clock: Any, fails: int, minutes: int, until: datetime
) -> None:
    SalonSettings.objects.update(waitlist_hold_minutes=minutes)
    clock.move_to(EVENING)
    entry = waits(salon)
    freed(salon)
    if fails:
        provider.fail_next("503", times=fails)
        send_due()
    clock.move_to(NINE + timedelta(seconds=1 + 30 * fails))
    send_due()
    assert Job.objects.get(type="waitlist.offer").run_at == MORNING + timedelta(seconds=1)
    assert [each.objects.get().expires_at for each in (WaitlistOffer, Hold, BusyTime)] == [until] * 3
    clock.move_to(MORNING)
    assert (sweep(), status(entry), log()) == (0, "notified", ("sms", "waiting", ""))
    clock.move_to(MORNING + timedelta(seconds=1))
    send_due()
    assert ([each.to for each in provider.taken], titles()) == ([NUMBER], {OFFERED})
    clock.move_to(until)
    assert (sweep(), status(entry), BusyTime.objects.count()) == (1, "waiting", 0)


def test_one_that_is_put_off_keeps_what_was_left_where_the_salon_holds_nothing_any_more(
    salon: Salon, provider: TextServer, clock: Any
) -> None:
    clock.move_to(EVENING)
    waits(salon)
    composed_at = NINE + timedelta(seconds=1)
    left = freed(salon).expires_at - composed_at
    SalonSettings.objects.update(waitlist_hold_minutes=0)
    clock.move_to(composed_at)
    send_due()
    lasts = [each.objects.get().expires_at for each in (WaitlistOffer, Hold, BusyTime)]
    assert lasts == [MORNING + left] * 3


def test_one_that_was_over_before_the_night_is_not_put_off(
    salon: Salon, provider: TextServer, clock: Any
) -> None:
    clock.move_to(EVENING)
    waits(salon)
    over_at = freed(salon).expires_at
    clock.move_to(over_at)
    send_due()
    assert (log(), titles(), provider.taken) == (("sms", "not_sent", "spent"), {OFFERED}, [])
    assert BusyTime.objects.get().expires_at == WaitlistOffer.objects.get().expires_at == over_at


def test_one_that_came_to_last_longer_is_not_passed_on_by_who_saw_it_end(salon: Salon) -> None:
    entry = waits(salon)
    offer = freed(salon)
    assert pass_on(offer.pk, salon=SalonSettings.load(), now=MORNING) is False
    assert (status(entry), BusyTime.objects.count()) == ("notified", 1)


@pytest.mark.parametrize(
    ("start_at", "state", "reason", "run_at"),
    [
        (HALF_PAST_NINE, "waiting", "", MORNING + timedelta(seconds=1)),
        (HALF_PAST_NINE - timedelta(minutes=1), "not_sent", "quiet_hours", None),
    ],
)
def test_a_try_that_failed_before_the_night_waits_where_it_can(
    salon: Salon, provider: TextServer, clock: Any, start_at: datetime, state: str, reason: str, run_at: Any
) -> None:
    SalonSettings.objects.update(waitlist_hold_minutes=0)
    clock.move_to(EVENING)
    waits(salon)
    freed(salon, start_at)
    provider.fail_next("503", times=1)
    send_due()
    clock.move_to(EVENING + timedelta(hours=1))
    send_due()
    assert (log(), provider.taken) == (("sms", state, reason), [])
    assert titles() == ({OFFERED} if run_at else {OFFERED, CALL})
    if run_at:
        assert Job.objects.get(type="waitlist.offer").run_at == run_at
        clock.move_to(run_at)
        send_due()
        assert len(provider.taken) == 1
    assert offer_jobs()[0][0] == f"client:{salon.alice.pk}"
