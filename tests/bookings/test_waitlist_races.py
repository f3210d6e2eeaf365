"""The waitlist in real threads: one offer per slot and per entry, one booking per offer (F11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from bookings import lifecycle, waitlist
from bookings.models import Booking, BusyTime, WaitlistEntry, WaitlistOffer
from bookings.self_service.offer import take_offer
from notifications.models import Job
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from staff.wire.times import local_date
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_client
from tests.cast.races import answered, at_once
from tests.cast.waitlist import AN_HOUR, booked, sweep

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def salon() -> Salon:
    return make_cast(waitlist_hold_minutes=30)


@pytest.fixture
def noon() -> datetime:
    """A week ahead, the same salon date for some hours around it."""
    return (timezone.now() + timedelta(days=7)).replace(hour=12, minute=0, second=0, microsecond=0)


def waits(salon: Salon, noon: datetime, names: int) -> list[WaitlistEntry]:
    day = local_date(noon, zone=SalonSettings.load().zone)
    return [
        WaitlistEntry.objects.create(client=make_client(f"W{number}"), service=salon.service, date=day)
        for number in range(names)
    ]


def cancel(booking: Booking) -> Callable[[], Any]:
    return lambda: lifecycle.cancel(actor=SYSTEM, booking_id=booking.pk)


def no_overlap() -> bool:
    rows = BusyTime.objects.order_by("staff_id", "starts_at").values_list("staff_id", "starts_at", "ends_at")
    return all(one[0] != two[0] or one[2] <= two[1] for one, two in pairwise(rows))


def test_slots_freed_at_once_are_offered_to_different_people(salon: Salon, noon: datetime) -> None:
    entries = waits(salon, noon, 6)
    bookings = [
        booked(salon, noon + hour * AN_HOUR, staff_id=person.pk)
        for person in (salon.bea, salon.cora)
        for hour in range(-2, 2)
    ]
    at_once(*[cancel(booking) for booking in bookings])
    offers = WaitlistOffer.objects.filter(state="live")
    assert sorted(offers.values_list("entry_id", flat=True)) == [entry.pk for entry in entries]
    assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"notified"}
    assert Job.objects.filter(type="waitlist.offer").count() == 6
    assert no_overlap()


def test_one_entry_is_offered_one_of_many_slots(salon: Salon, noon: datetime) -> None:
    waits(salon, noon, 1)
    bookings = [
        booked(salon, noon + hour * AN_HOUR, staff_id=person.pk)
        for person in (salon.bea, salon.cora)
        for hour in range(-2, 2)
    ]
    at_once(*[cancel(booking) for booking in bookings])
    assert WaitlistOffer.objects.count() == Job.objects.filter(type="waitlist.offer").count() == 1


def test_many_sweepers_pass_an_offer_on_once(salon: Salon, noon: datetime) -> None:
    first, second, _ = waits(salon, noon, 3)
    cancel(booked(salon, noon))()
    WaitlistOffer.objects.update(expires_at=timezone.now())
    assert sum(at_once(*[sweep] * 8)) == 1
    assert list(WaitlistOffer.objects.filter(state="live").values_list("entry_id", flat=True)) == [second.pk]
    first.refresh_from_db()
    assert first.status == "waiting"


def test_two_clicks_a_sweep_and_the_desk_make_one_booking(salon: Salon, noon: datetime) -> None:
    for attempt in range(6):
        start_at = noon + (attempt - 3) * AN_HOUR
        (entry,) = waits(salon, noon, 1)
        cancel(booked(salon, start_at))()
        token = WaitlistOffer.objects.get(entry=entry).token
        if attempt % 2:
            WaitlistOffer.objects.filter(entry=entry).update(expires_at=timezone.now())
        book_from_entry = {"client_id": entry.client_id, "waitlist_id": entry.pk}
        calls: list[Callable[[], Any]] = [
            *[answered(partial(take_offer, token=token))] * 3,
            answered(partial(booked, salon, start_at, **book_from_entry)),
            answered(partial(booked, salon, start_at)),
            sweep,
        ]
        words = Counter(at_once(*calls))
        assert words["done"] == 1
        assert Booking.objects.filter(start_at=start_at).exclude(status="cancelled").count() == 1
        sweep()
        entry.refresh_from_db()
        assert entry.status in ("booked", "waiting")
        WaitlistEntry.objects.filter(pk=entry.pk).update(status="cancelled")
    assert no_overlap()


def test_an_offer_that_is_put_off_is_taken_once_or_lasts_longer(salon: Salon, noon: datetime) -> None:
    for attempt in range(6):
        start_at = noon + (attempt - 3) * AN_HOUR
        (entry,) = waits(salon, noon, 1)
        cancel(booked(salon, start_at))()
        offer = WaitlistOffer.objects.get(entry=entry)
        later = timezone.now() + timedelta(minutes=10)
        put_off = partial(waitlist.put_off, offer.pk, salon=SalonSettings.load(), now=later)
        take = answered(partial(take_offer, token=offer.token))
        words = at_once(put_off, put_off, sweep, *[take] * (attempt % 3), put_off)
        offer.refresh_from_db()
        if attempt % 3:
            assert (words.count("done"), offer.state) == (1, "taken")
        else:
            assert (words, offer.state) == ([True, True, 0, True], "live")
            assert offer.expires_at >= later + timedelta(minutes=30)
            assert BusyTime.objects.get(hold_id=offer.hold_id).expires_at == offer.expires_at
    assert no_overlap()


def test_offers_taken_elsewhere_while_their_slots_are_swept_never_block_each_other(
    salon: Salon, noon: datetime
) -> None:
    entries = waits(salon, noon, 8)
    for hour in range(-2, 2):
        for person in (salon.bea, salon.cora):
            cancel(booked(salon, noon + hour * AN_HOUR, staff_id=person.pk))()
    offers = list(WaitlistOffer.objects.filter(state="live").select_related("entry"))
    assert len(offers) == len(entries)

    def elsewhere(offer: WaitlistOffer) -> Callable[[], str]:
        """The client books with the other staff member, hours later."""
        other = salon.cora if offer.staff_id == salon.bea.pk else salon.bea
        more = {"client_id": offer.entry.client_id, "waitlist_id": offer.entry_id}
        return answered(partial(booked, salon, offer.start_at + 5 * AN_HOUR, staff_id=other.pk, **more))

    takes = [answered(partial(take_offer, token=offer.token)) for offer in offers]
    words = Counter(at_once(*[elsewhere(offer) for offer in offers], *takes, sweep, sweep))
    assert set(map(str, words)) <= {"done", "offer_passed", "offer_taken", "invalid", *map(str, range(9))}
    assert words["done"] == len(entries)
    sweep()
    assert WaitlistOffer.objects.filter(state="live").count() == 0
    assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"booked"}
    assert no_overlap()


def test_a_telephone_booking_and_the_link_never_block_each_other(salon: Salon, noon: datetime) -> None:
    """Two entries of one client, each with an offer, and the desk books that client at the same moment."""
    for attempt in range(6):
        start_at = noon + (attempt - 3) * AN_HOUR
        (entry,) = waits(salon, noon, 1)
        twin = WaitlistEntry.objects.create(
            client=entry.client, service=entry.service, date=entry.date, staff=salon.cora
        )
        for person in (salon.bea, salon.cora):
            cancel(booked(salon, start_at, staff_id=person.pk))()
        tokens = list(WaitlistOffer.objects.filter(entry__in=[entry, twin]).values_list("token", flat=True))
        assert len(tokens) == 2
        calls: list[Callable[[], Any]] = [
            *[answered(partial(take_offer, token=token)) for token in tokens],
            answered(partial(booked, salon, start_at, client=entry.client)),
            answered(partial(booked, salon, start_at, client=entry.client, staff_id=salon.cora.pk)),
            sweep,
        ]
        words = Counter(word for word in at_once(*calls) if isinstance(word, str))
        taken = WaitlistOffer.objects.filter(entry__in=[entry, twin], state="taken").count()
        assert taken <= 1
        assert words["done"] >= 1
        assert set(words) <= {"done", "offer_passed", "slot_taken"}
        sweep()
        assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"booked"}
        assert not WaitlistOffer.objects.filter(state="live").exists()
    assert no_overlap()


def test_clients_with_offers_booked_by_telephone_at_once_are_not_offered_each_others_slots(
    salon: Salon, noon: datetime
) -> None:
    """Each booking holds its own client's entries and passes a slot on to whom another is booking."""
    entries = waits(salon, noon, 6)
    for entry in entries[:4]:
        WaitlistEntry.objects.create(
            client=entry.client, service=entry.service, date=entry.date, staff=salon.cora
        )
    for hour in range(-2, 0):
        for person in (salon.bea, salon.cora):
            cancel(booked(salon, noon + hour * AN_HOUR, staff_id=person.pk))()
    assert WaitlistOffer.objects.filter(state="live").count() == 4

    def by_telephone(number: int, entry: WaitlistEntry) -> Callable[[], str]:
        person = (salon.bea, salon.cora)[number % 2]
        start_at = noon + (1 + number // 2) * AN_HOUR
        return answered(partial(booked, salon, start_at, client=entry.client, staff_id=person.pk))

    calls = [by_telephone(number, entry) for number, entry in enumerate(entries[:4])]
    assert set(at_once(*calls, sweep)) - {*range(9)} == {"done"}
    sweep()
    for entry in entries[:4]:
        entry.refresh_from_db()
        assert entry.status == "booked"
    assert WaitlistOffer.objects.filter(state="live", entry__in=entries[:4]).count() == 0
    assert no_overlap()


@pytest.mark.parametrize("with_bea", [True, False])
def test_of_equal_entries_at_once_one_waits(salon: Salon, noon: datetime, with_bea: bool) -> None:
    wanted: dict[str, Any] = {
        "client_id": salon.alice.pk,
        "service_id": salon.service.pk,
        "date": local_date(noon, zone=SalonSettings.load().zone),
        "staff_id": salon.bea.pk if with_bea else None,
    }

    def add() -> None:
        waitlist.add(**wanted, salon=SalonSettings.load(), now=timezone.now())

    def wait_again(entry_id: int) -> None:
        salon = SalonSettings.load()
        waitlist.change(entry_id=entry_id, changes={"status": "waiting"}, salon=salon, now=timezone.now())

    assert Counter(at_once(*[answered(add)] * 6)) == {"done": 1, "already_waiting": 5}
    WaitlistEntry.objects.update(status="cancelled")
    over = [WaitlistEntry.objects.create(**wanted, status="cancelled").pk for _ in range(4)]
    words = Counter(at_once(*[answered(partial(wait_again, pk)) for pk in over]))
    assert words == {"done": 1, "already_waiting": 3}
    assert WaitlistEntry.objects.filter(status="waiting").count() == 1


def test_an_offer_by_hand_and_the_automatic_step_make_one(salon: Salon, noon: datetime) -> None:
    for attempt in range(4):
        start_at = noon + (attempt - 3) * AN_HOUR
        (entry,) = waits(salon, noon, 1)
        booking = booked(salon, start_at)

        def by_hand(
            staff_id: int, entry_id: int = entry.pk, start_at: datetime = start_at
        ) -> Callable[[], str]:
            wanted = {"entry_id": entry_id, "staff_id": staff_id, "start_at": start_at}
            return answered(
                lambda: waitlist.offer_by_hand(
                    actor=SYSTEM, **wanted, salon=SalonSettings.load(), now=timezone.now()
                )
            )

        words = at_once(
            by_hand(salon.bea.pk), by_hand(salon.cora.pk), by_hand(salon.cora.pk), cancel(booking), sweep
        )
        assert {word for word in words if isinstance(word, str)} <= {"done", "offer_out", "slot_taken"}
        assert WaitlistOffer.objects.filter(entry=entry).count() == 1
        WaitlistEntry.objects.filter(pk=entry.pk).update(status="cancelled")
        sweep()
    assert Job.objects.filter(type="waitlist.offer").count() == 4
