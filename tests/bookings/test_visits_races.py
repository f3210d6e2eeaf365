"""Visits in real threads: at no instant two parties, all or nothing, no deadlock (contract §7, §6a)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from bookings.lifecycle import lapse_due
from bookings.models import Booking, BusyTime, Visit, WaitlistEntry
from clients.models import Client
from notifications.models import Job
from tests.cast import amelia
from tests.cast.bookings import MORNING
from tests.cast.factories import Caller, make_client, make_key, make_service, token_of
from tests.cast.parts import TUESDAY
from tests.cast.races import at_once
from tests.cast.visits import Desk, calendar_is_true, called, make_desk, one_visit_each

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING, tick=True)]

Call = Callable[[], Any]
REFUSALS = {
    "done",
    "slot_taken",
    "nobody_free",
    "visit_begun",
    "invalid",
    "already_merged",
    "client_merged",
    "410",
}


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def ada(desk: Desk) -> Callable[..., Call]:
    """A call as Ada, as `called` prepares it."""
    return partial(called, token_of(desk.salon.ada))


def one_after_the_other() -> None:
    """What has to hold whatever came first."""
    one_visit_each()
    calendar_is_true()
    standing = Visit.objects.filter(status__in=Booking.OCCUPYING)
    assert all(each.bookings.filter(status__in=Booking.OCCUPYING).exists() for each in standing)


def test_sixty_four_want_one_slot_and_one_gets_all_of_it(desk: Desk, ada: Any) -> None:
    clients = [make_client(f"C{number}") for number in range(64)]
    calls = [ada("post", "/api/visits", desk.order(client_id=each.pk)) for each in clients]
    words = Counter(at_once(*calls))
    assert words == {"done": 1, "slot_taken": 63}
    assert (Visit.objects.count(), Booking.objects.count(), BusyTime.objects.count()) == (1, 2, 3)
    assert list(Job.objects.values_list("type", flat=True)) == ["booking.created"]
    one_after_the_other()


def test_visits_and_single_bookings_in_their_gaps(desk: Desk, ada: Any) -> None:
    salon = desk.salon
    trim = make_service("Trim", duration_minutes=45)
    salon.bea.services.add(trim)
    calls = []
    for number in range(12):
        calls.append(ada("post", "/api/visits", desk.order(f"{10 + number % 3}:{number % 4}0")))
        start = f"{TUESDAY} {10 + number % 4}:{'30' if number % 2 else '45'}:00"
        single = salon.order(client_id=salon.bob.pk, service_id=trim.pk, start_at=start)
        del single["end_at"]
        calls += [ada("post", "/api/bookings", single)] * 2
    words = Counter(at_once(*calls))
    assert set(words) <= {"done", "slot_taken"}, words
    assert words["done"] >= 1
    for visit in Visit.objects.filter(client=salon.alice):
        assert visit.bookings.count() == 2
    one_after_the_other()


def test_visits_that_change_places(desk: Desk, ada: Any) -> None:
    """Each wants to be where another is; those of two people lock them in opposite order of their items."""
    bea, cora = desk.salon.bea, desk.salon.cora
    here = desk.book("09:00", items=[desk.item(desk.cut, bea), desk.item(desk.cut, cora)])
    there = desk.book("11:00", items=[desk.item(desk.cut, cora), desk.item(desk.cut, bea)])
    third = desk.book("13:00", items=[desk.item(desk.colour, bea), desk.item(desk.cut, cora)])
    places = [f"{TUESDAY} {hour:02}:{minute}:00" for hour in (9, 11, 13) for minute in ("00", "15")]
    calls = [
        ada("put", f"/api/visits/{visit['id']}", {"start_at": place})
        for place in places
        for visit in (here, there, third)
    ]
    words = Counter(at_once(*calls, *calls))
    assert set(words) <= {"done", "slot_taken"}, words
    for visit in Visit.objects.prefetch_related("bookings"):
        first, second = visit.bookings.order_by("position")
        assert second.start_at == first.end_at
    one_after_the_other()


def test_every_door_on_the_same_visits(desk: Desk, ada: Any) -> None:
    """Sixty-four at once: item PUT, visit PUT, dialects, the lapse sweep, the client's link, a merge, another
    client for one (contract §6a "lock order")."""
    salon = desk.salon
    twin, carl = make_client("Alicia"), make_client("Carl")
    visits = [
        desk.book(f"{hour:02}:00", client_id=who.pk, provisional=hour == 13)
        for hour, who in ((9, salon.alice), (13, twin), (17, salon.alice))
    ]
    overdue = Booking.objects.filter(status="provisional")
    tokens = list(overdue.values_list("provisional_token", flat=True))
    overdue.update(provisional_expires_at=timezone.now() + timedelta(milliseconds=300))
    simplespa = make_key("S", dialect="simplespa", mode=3)[1]
    integration = amelia.Desk()
    calls: list[Call] = [ada("post", f"/api/clients/{twin.pk}/merge", {"into": salon.alice.pk})] * 3
    for number, visit in enumerate(visits):
        first, second = visit["booking_ids"]
        path, item, other = f"/api/visits/{visit['id']}", f"/api/bookings/{first}", f"/api/bookings/{second}"
        calls += [
            ada("put", path, {"start_at": f"{TUESDAY} {9 + 4 * number:02}:15:00"}),
            ada("put", path, {"status": "scheduled"}),
            ada("put", path, {"items": {"remove": [second]}}),
            ada("put", path, {"items": {"add": [desk.item(desk.cut, salon.cora)]}}),
            ada("put", path, {"client_id": carl.pk}),
            ada("put", item, {"client_id": salon.bob.pk}),
            ada("put", item, {"status": "no-show"}),
            ada("put", item, {"notes": "first"}),
            ada("put", other, {"staff_id": salon.cora.pk}),
            ada("put", other, {"status": "cancelled"}),
            ada("put", other, {"status": "scheduled"}),
            ada("delete", path),
            partial(_simplespa, simplespa, first, 20),
            partial(_simplespa, simplespa, second, 40),
            partial(_amelia, integration, second, "approved"),
            partial(_amelia, integration, first, "canceled"),
        ]
    calls += [called(None, "post", f"/api/public/provisional/{each}/accept") for each in tokens]
    calls += [_lapse] * 11
    assert len(calls) == 64
    words = Counter(at_once(*calls))
    assert set(words) <= REFUSALS, words
    assert words["done"] >= 10
    assert not Visit.objects.filter(client=twin).exists() or not Client.objects.get(pk=twin.pk).merged_into_id
    one_after_the_other()


def _simplespa(secret: str, booking_id: int, code: int) -> str:
    body = {"appointment_id": str(booking_id), "status": code}
    headers = {"Authorization": f"Bearer {secret}"}
    answer = Caller(headers=headers).post("/api/v1/write/appointment-status.php", body, format="json")
    assert answer.status_code in (200, 409, 429), answer.content
    return "done" if answer.status_code == 200 else "slot_taken"


def _amelia(desk: amelia.Desk, booking_id: int, status: str) -> str:
    answer = desk.post(f"/appointments/status/{booking_id}", {"status": status, "packageCustomerId": None})
    assert answer.status_code in (200, 409), answer.content
    return "done" if answer.status_code == 200 else "slot_taken"


def _lapse() -> str:
    lapse_due(now=timezone.now() + timedelta(seconds=1))
    return "done"


def test_visits_that_free_what_others_wait_for_never_block_each_other(desk: Desk, ada: Any) -> None:
    """Each cancels a cut and a colour, in another order and with another person; somebody waits for both."""
    salon = desk.salon
    dora = make_client("Dora")
    for attempt in range(4):
        for service in (desk.cut, desk.colour):
            WaitlistEntry.objects.create(client=dora, service=service, date=TUESDAY)
        ours = desk.book("10:00", items=[desk.item(desk.cut, salon.bea), desk.item(desk.colour, salon.bea)])
        theirs = desk.book(
            "10:00",
            client_id=salon.bob.pk,
            items=[desk.item(desk.colour, salon.cora), desk.item(desk.cut, salon.cora)],
        )
        words = at_once(
            *(ada("delete", f"/api/visits/{each['id']}?reason={attempt}") for each in (ours, theirs))
        )
        assert words == ["done", "done"]
        assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"notified"}
        WaitlistEntry.objects.all().delete()
    assert not BusyTime.objects.exists()


def test_two_visits_of_one_client_who_waits_for_both_services(desk: Desk, ada: Any) -> None:
    """Both book the client's entries, in the order of their items."""
    salon = desk.salon
    for _attempt in range(4):
        for service in (desk.cut, desk.colour):
            WaitlistEntry.objects.create(client=salon.alice, service=service, date=TUESDAY)
        ours = desk.order("10:00", items=[desk.item(desk.cut, salon.bea), desk.item(desk.colour, salon.bea)])
        theirs = desk.order(
            "10:00", items=[desk.item(desk.colour, salon.cora), desk.item(desk.cut, salon.cora)]
        )
        words = at_once(ada("post", "/api/visits", ours), ada("post", "/api/visits", theirs))
        assert words == ["done", "done"]
        assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"booked"}
        for visit in Visit.objects.filter(status="scheduled"):
            assert ada("delete", f"/api/visits/{visit.pk}")() == "done"
        WaitlistEntry.objects.all().delete()
    one_after_the_other()


def test_a_merge_of_who_waits_and_visits_that_book_what_they_wait_for(desk: Desk, ada: Any) -> None:
    salon = desk.salon
    for attempt in range(6):
        twin = make_client(f"Twin{attempt}")
        for client in (twin, salon.alice):
            for service in (desk.cut, desk.colour):
                WaitlistEntry.objects.create(client=client, service=service, date=TUESDAY)
        missed = desk.book("14:00", client_id=salon.bob.pk)
        calls = [
            ada("post", f"/api/clients/{twin.pk}/merge", {"into": salon.alice.pk}),
            ada("post", "/api/visits", desk.order("10:00")),
            ada("put", f"/api/visits/{missed['id']}", {"status": "no-show"}),
        ]
        words = at_once(*calls)
        assert set(words) == {"done"}, words
        for visit in Visit.objects.filter(status="scheduled"):
            assert ada("delete", f"/api/visits/{visit.pk}")() == "done"
        WaitlistEntry.objects.all().delete()
    one_after_the_other()
