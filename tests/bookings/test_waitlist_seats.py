"""A seat that is freed in a session which goes on is offered like a slot (contract §1.4; docs/adr/0022)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bookings import lifecycle, waitlist
from bookings.errors import SessionFull
from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from bookings.self_service.offer import OfferTaken, SlotGone, take_offer
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Message
from staff.access.actor import SYSTEM
from tests.cast.factories import make_client
from tests.cast.pages import NOW, START, Cast, browser, heading_of, make_cast
from tests.cast.races import at_once
from tests.cast.waitlist import status

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]


@pytest.fixture
def cast() -> Cast:
    return in_a_class(make_cast(waitlist_hold_minutes=30))


def in_a_class(cast: Cast, *, seats: int = 3) -> Cast:
    cast.service.max_capacity = seats
    cast.service.save()
    return cast


def full_class(cast: Cast) -> list[Booking]:
    first = cast.booked(client_id=make_client("Bob").pk)
    others = [
        cast.booked(client_id=make_client(name).pk, session_of=first.pk)
        for name in ("Carl", "Dora", "Emma")[: cast.service.max_capacity - 1]
    ]
    return [first, *others]


def waits(cast: Cast, client: Client | None = None) -> WaitlistEntry:
    return WaitlistEntry.objects.create(client=client or cast.alice, service=cast.service, date=START.date())


def cancel(booking: Booking) -> None:
    lifecycle.cancel(actor=SYSTEM, booking_id=booking.pk)


def live() -> list[int]:
    return list(WaitlistOffer.objects.filter(state="live").values_list("entry_id", flat=True))


def seated() -> list[str]:
    standing = Booking.objects.filter(status="scheduled").order_by("id")
    return [str(name) for name in standing.values_list("client__first_name", flat=True)]


@pytest.mark.parametrize("leaver", [0, 1])
def test_a_freed_seat_is_offered_and_taken_by_joining_the_session(cast: Cast, leaver: int) -> None:
    members = full_class(cast)
    entry = waits(cast)
    cancel(members[leaver])
    offer = WaitlistOffer.objects.get()
    assert (status(entry), offer.hold_id, Hold.objects.count()) == ("notified", None, 0)
    assert waitlist.sweep_offers(now=NOW) == 0
    run_due(at_most=20)
    assert Message.objects.get(type="waitlist.offer").state == "kept"
    assert browser().get(f"/waitlist/{offer.token}").status_code == 200
    answer = browser().post(f"/waitlist/{offer.token}")
    assert heading_of(answer) == "The appointment is yours"
    taken = Booking.objects.get(waitlist=entry)
    assert (taken.session_id, status(entry)) == (members[0].pk, "booked")
    assert set(BusyTime.objects.values_list("party", flat=True)) == {taken.party}
    assert len(seated()) == 3


def test_a_seat_somebody_else_took_is_gone_and_nothing_is_stored(cast: Cast) -> None:
    members = full_class(cast)
    entry = waits(cast)
    cancel(members[1])
    offer = WaitlistOffer.objects.get()
    cast.booked(client_id=make_client("Finn").pk, session_of=members[0].pk)
    answer = browser().post(f"/waitlist/{offer.token}")
    assert (answer.status_code, heading_of(answer)) == (409, "This time has just been taken")
    assert seated() == ["Bob", "Dora", "Finn"]
    assert waitlist.sweep_offers(now=NOW) == 1
    assert (status(entry), live()) == ("waiting", [])


def test_seats_freed_together_are_offered_one_after_the_other(cast: Cast) -> None:
    members = full_class(cast)
    first, second, third = waits(cast), waits(cast, make_client("Gina")), waits(cast, make_client("Hugo"))
    cancel(members[1])
    cancel(members[2])
    assert live() == [first.pk]
    take_offer(token=WaitlistOffer.objects.get(entry=first).token, now=NOW)
    assert live() == [second.pk]
    take_offer(token=WaitlistOffer.objects.get(entry=second).token, now=NOW)
    assert (live(), status(third)) == ([], "waiting")
    assert seated() == ["Bob", "Alice", "Gina"]


def test_who_sits_there_or_left_is_not_offered_the_seat(cast: Cast) -> None:
    members = full_class(cast)
    there, left = (waits(cast, member.client) for member in members[:2])
    cancel(members[1])
    assert (status(there), status(left), live()) == ("waiting", "waiting", [])


def test_a_session_of_another_length_has_no_seat_at_the_freed_time(cast: Cast) -> None:
    members = full_class(cast)
    entry = waits(cast)
    lifecycle.change_session(
        actor=SYSTEM, session_id=members[0].pk, changes={"end_at": members[0].end_at.replace(minute=30)}
    )
    assert (status(entry), live()) == ("waiting", [])


def test_a_session_cancelled_as_a_whole_frees_its_whole_time(cast: Cast) -> None:
    members = full_class(cast)
    entry = waits(cast)
    lifecycle.change_session(
        actor=SYSTEM, session_id=members[0].pk, changes={"status": Booking.Status.CANCELLED}
    )
    assert (status(entry), live(), Hold.objects.count()) == ("notified", [entry.pk], 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_the_last_seat_is_taken_once(clock: Any, round_: int) -> None:
    cast = in_a_class(make_cast(), seats=2)
    members = full_class(cast)
    waits(cast)
    cancel(members[1])
    token, finn = WaitlistOffer.objects.get().token, make_client("Finn")
    connection.close()

    def take() -> bool:
        try:
            take_offer(token=token, now=timezone.now())
        except (SlotGone, OfferTaken):
            return False
        return True

    def join() -> bool:
        try:
            cast.booked(client_id=finn.pk, session_of=members[0].pk)
        except SessionFull:
            return False
        return True

    def write() -> None:
        changes = {"notes": "Bring your own mat."}
        lifecycle.change(actor=SYSTEM, booking_id=members[0].pk, changes=changes)

    *taken, _ = at_once(take, take, join, write)
    assert (len(seated()), taken.count(True)) == (2, 1)
