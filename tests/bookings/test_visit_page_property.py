"""Random lives of a visit, lived by its client on the page and by the salon: what holds after every step
(contract §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_machine import Traveller

from bookings import lifecycle
from bookings.lifecycle.client_terms import deadlines
from bookings.models import Booking, BusyTime, Visit
from bookings.self_service.visit_link import print_links
from notifications.execution import run_due
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from staff.wire.refusals import Refused
from tests.cast.factories import make_hours
from tests.cast.pages import START, everything, make_cast
from tests.cast.passes import examples

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
MOST_MOVES = 2

BY_CLIENT = ("client cancels", "client confirms", "client notes")
BY_SALON = ("salon cancels", "salon restores", "mails leave")
ACTS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["client moves", "salon moves"]), st.integers(0, 60)),
        st.tuples(st.sampled_from([*BY_CLIENT, *BY_SALON]), st.just(0)),
        st.tuples(st.just("hours pass"), st.integers(1, 12)),
    ),
    max_size=12,
)


@dataclass
class Life:
    salon: SalonSettings
    booking_id: int
    moves: int = 0


@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(ACTS, st.sampled_from(["refuse", "allow"]))
def test_what_holds_after_every_step(acts: list[tuple[str, int]], late_cancel: str) -> None:
    with time_machine.travel(START - 30 * HOUR, tick=False) as clock, transaction.atomic():
        cast = make_cast(late_cancel=late_cancel, reschedule_limit=MOST_MOVES)
        make_hours(cast.bea)
        life = Life(SalonSettings.load(), cast.booked().pk)
        print_links([Visit.objects.get()])
        run_due(at_most=20)
        for act, number in acts:
            live(life, act, number, clock)
            check(life)
        check_belief(clock)
        transaction.set_rollback(True)


def live(life: Life, act: str, number: int, clock: Traveller) -> None:
    """A refusal stores nothing; late is what comes after the deadline, where that is allowed."""
    visit, now = Visit.objects.get(), timezone.now()
    before = everything()
    cancel_until, move_until = deadlines(visit, salon=life.salon)
    until = {"client moves": move_until, "client cancels": cancel_until}.get(act)
    try:
        with transaction.atomic():
            do(life, act, visit, number, clock)
    except Refused:
        assert everything() == before
        return
    done = Visit.objects.get()
    life.moves += act == "client moves" and done.start_at != visit.start_at
    if until is None or done.version == visit.version:
        assert done.late == visit.late
    elif now > until:
        assert (done.late, life.salon.late_cancel) == (True, "allow")
    else:
        assert done.late == (visit.late and act == "client moves")


def do(life: Life, act: str, visit: Visit, number: int, clock: Traveller) -> None:
    now, wish = timezone.now(), START + number * HOUR / 2
    asked = lifecycle.ClientRequest(visit.pk, visit.link_nonce, lifecycle.fingerprint(visit), "page")
    about: dict[str, Any] = {"salon": life.salon, "now": now}
    by_salon: dict[str, Any] = {"actor": SYSTEM, "booking_id": life.booking_id, "now": now}
    match act:
        case "client moves":
            lifecycle.move_by_client(asked, start_at=wish, staff_ids=None, **about)
        case "client cancels":
            lifecycle.cancel_by_client(asked, reason="", **about)
        case "client confirms":
            lifecycle.confirm_by_client(asked, **about)
        case "client notes":
            lifecycle.note_by_client(asked, notes="Tea", **about)
        case "salon moves":
            lifecycle.change(changes={"start_at": wish, "end_at": wish + HOUR}, **by_salon)
        case "salon cancels":
            lifecycle.cancel(**by_salon)
        case "salon restores":
            lifecycle.change(changes={"status": Booking.Status.SCHEDULED}, **by_salon)
        case "mails leave":
            run_due(at_most=20)
        case "hours pass":
            clock.shift(number * HOUR)


def check(life: Life) -> None:
    visit, booking = Visit.objects.get(), Booking.objects.get()
    assert (visit.start_at, visit.end_at) == (booking.start_at, booking.end_at)
    assert visit.status == booking.status
    rows = list(BusyTime.objects.values_list("starts_at", "ends_at"))
    assert rows == ([(booking.start_at, booking.end_at)] if booking.stands else [])
    assert visit.client_moves == life.moves <= MOST_MOVES


def check_belief(clock: Traveller) -> None:
    """Once all mails have left the client believes what is so, unless it is over."""
    clock.shift(HOUR)
    run_due(at_most=20)
    booking = Booking.objects.get()
    if booking.end_at <= timezone.now() or (booking.announced_end_at or START) <= timezone.now():
        return
    believed = (booking.announced_as, booking.announced_start_at)
    assert believed == ((booking.status, booking.start_at) if booking.stands else ("", None))
