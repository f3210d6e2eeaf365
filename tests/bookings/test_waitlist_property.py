"""Random lives of a waitlist: slots and seats freed, offered, taken, held, passed on (contract §1.4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import lifecycle, waitlist
from bookings.models import (
    Booking,
    BookingEvent,
    BusyTime,
    Hold,
    SpentToken,
    Visit,
    WaitlistEntry,
    WaitlistOffer,
)
from bookings.self_service.offer import take_offer
from bookings.waitlist.offers import place_of
from clients.models import Client
from notifications.models import Job, Message, Notification
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service, Staff
from staff.wire.refusals import Refused
from tests.cast.factories import make_bea, make_client, make_cora, make_salon, make_service
from tests.cast.passes import examples

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

START = datetime.fromisoformat("2026-03-20T08:00:00+00:00")
WAITED_FOR = START + timedelta(days=3)
AN_HOUR = timedelta(hours=1)
STANDING = ("scheduled", "provisional")

WHO = st.integers(0, 3)
WHICH = st.integers(0, 5)
HALF_HOUR = st.integers(0, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), WHO, HALF_HOUR),
        st.tuples(st.just("request"), WHO, HALF_HOUR),
        st.tuples(st.just("book the entry"), WHO, HALF_HOUR),
        st.tuples(st.just("join"), WHO, WHICH),
        st.tuples(st.just("move"), WHICH, HALF_HOUR),
        st.tuples(st.just("move the session"), WHICH, HALF_HOUR),
        st.tuples(st.sampled_from(["cancel", "cancel the session", "decline", "restore", "staff"]), WHICH),
        st.tuples(st.just("take"), st.integers(0, 2)),
        st.tuples(st.just("entry"), WHO, st.sampled_from(["waiting", "cancelled"])),
        st.tuples(st.just("wait"), st.sampled_from([1, 31, 25 * 60])),
        st.tuples(st.just("sweep")),
    ),
    min_size=3,
    max_size=18,
)


@dataclass
class World:
    service: Service
    bea: Staff
    cora: Staff
    clients: list[Client]
    entries: list[WaitlistEntry]
    bookings: list[int] = field(default_factory=list)

    def book(self, client: int, **changes: Any) -> None:
        fields: dict[str, Any] = {
            "client_id": self.clients[client].pk,
            "staff_id": self.bea.pk,
            "service_id": self.service.pk,
        }
        order = lifecycle.Order(**(fields | changes))
        self.bookings.append(lifecycle.book(actor=SYSTEM, order=order).booking.pk)

    def booking(self, which: int) -> Booking:
        return Booking.objects.get(pk=self.bookings[which % len(self.bookings)])

    def change(self, which: int, **changes: Any) -> None:
        lifecycle.change(actor=SYSTEM, booking_id=self.booking(which).pk, changes=changes)

    def change_session(self, which: int, **changes: Any) -> None:
        session_id = self.booking(which).session_id
        lifecycle.change_session(actor=SYSTEM, session_id=session_id, changes=changes)


def make_world(*, hold_minutes: int, seats: int) -> World:
    for model in (WaitlistOffer, Message, Job, Notification, SpentToken, BusyTime, Hold, BookingEvent):
        model._default_manager.all().delete()
    for model in (Booking, Visit, WaitlistEntry, Client, Staff, Service):
        model._default_manager.all().delete()
    make_salon(timezone="UTC", waitlist_hold_minutes=hold_minutes)
    service = make_service(max_capacity=seats)
    clients = [make_client(name) for name in ("Alice", "Bob", "Carl", "Dora")]
    entries = [
        WaitlistEntry.objects.create(client=client, service=service, date=WAITED_FOR.date())
        for client in clients
    ]
    return World(service, make_bea(services=[service]), make_cora(services=[service]), clients, entries)


def at(half_hour: int) -> dict[str, datetime]:
    start_at = WAITED_FOR + half_hour * AN_HOUR / 2
    return {"start_at": start_at, "end_at": start_at + AN_HOUR}


def step(world: World, what: tuple[Any, ...], traveller: Any) -> None:
    match what:
        case ("book", who, half_hour):
            world.book(who, **at(half_hour))
        case ("request", who, half_hour):
            world.book(who, provisional=True, **at(half_hour))
        case ("book the entry", who, half_hour):
            world.book(who, waitlist_id=world.entries[who].pk, **at(half_hour))
        case ("entry", who, status):
            entry_id, salon = world.entries[who].pk, SalonSettings.load()
            waitlist.change(entry_id=entry_id, changes={"status": status}, salon=salon, now=timezone.now())
        case ("take", which):
            offers = list(WaitlistOffer.objects.order_by("-id").values_list("token", flat=True))
            if offers:
                world.bookings.append(take_offer(token=offers[which % len(offers)]).pk)
        case ("wait", minutes):
            traveller.shift(timedelta(minutes=minutes))
        case ("sweep",):
            waitlist.sweep_offers(now=timezone.now())
            lifecycle.lapse_due(now=timezone.now())
        case _ if world.bookings:
            change_booking(world, what)


def change_booking(world: World, what: tuple[Any, ...]) -> None:
    match what:
        case ("join", who, which):
            first = world.booking(which)
            times = {"start_at": first.start_at, "end_at": first.end_at}
            world.book(who, session_of=first.pk, staff_id=first.staff_id, **times)
        case ("move", which, half_hour):
            world.change(which, **at(half_hour))
        case ("move the session", which, half_hour):
            world.change_session(which, **at(half_hour))
        case ("cancel", which):
            world.change(which, status="cancelled")
        case ("cancel the session", which):
            world.change_session(which, status="cancelled")
        case ("restore", which):
            world.change(which, status="scheduled")
        case ("staff", which):
            world.change(which, staff_id=world.cora.pk)
        case ("decline", which) if token := world.booking(which).provisional_token:
            lifecycle.decline(token=token)


def check(world: World, *, swept: bool) -> None:
    """Never two live offers for one time or one entry; who is notified has one; holds belong to offers."""
    now = timezone.now()
    live = list(WaitlistOffer.objects.filter(state="live").select_related("entry__service", "entry__client"))
    for one, other in combinations(live, 2):
        apart = one.end_at <= other.start_at or other.end_at <= one.start_at
        assert one.entry_id != other.entry_id
        assert one.staff_id != other.staff_id or apart
    notified = WaitlistEntry.objects.filter(status="notified").values_list("pk", flat=True)
    assert set(notified) <= {offer.entry_id for offer in live}
    holding = BusyTime.objects.filter(hold__isnull=False).values_list("hold_id", flat=True)
    assert set(holding) <= {offer.hold_id for offer in live}
    if swept:
        for offer in live:
            assert offer.entry.status == "notified"
            assert offer.expires_at > now
            assert place_of(offer, now=now) is not None
    check_sessions(world)


def check_sessions(world: World) -> None:
    """Who sits together shares one time and one party, each once, and no more than there are seats."""
    standing = Booking.objects.filter(status__in=STANDING)
    for session_id in set(standing.values_list("session_id", flat=True)):
        members = list(standing.filter(session_id=session_id))
        assert sum(member.persons for member in members) <= world.service.max_capacity
        assert len({member.client_id for member in members}) == len(members)
        assert len({(member.staff_id, member.start_at, member.end_at) for member in members}) == 1
        busy = BusyTime.objects.filter(booking_id__in=[member.pk for member in members])
        assert len(set(busy.values_list("party", flat=True))) == 1


@settings(
    max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(STEPS, st.sampled_from([0, 30]), st.sampled_from([1, 3]))
def test_the_waitlist_keeps_its_promises(steps: list[tuple[Any, ...]], hold_minutes: int, seats: int) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        world = make_world(hold_minutes=hold_minutes, seats=seats)
        for what in [*steps, ("sweep",)]:
            before = (world.bookings.copy(), Job.objects.count(), BookingEvent.objects.count())
            try:
                step(world, what, traveller)
            except Refused:
                assert (world.bookings, Job.objects.count(), BookingEvent.objects.count()) == before
            check(world, swept=what == ("sweep",))
