"""Visits that others change at the same moment: everybody locks in one order, so nobody is broken off
(contract §6a "lock order").

Each round is one that PostgreSQL would break off with a deadlock if people, waitlist entries or clients were
locked in the order in which an operation happens to meet them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

from bookings.models import Booking, BusyTime, WaitlistEntry
from bookings.personal_data.erasure import erase_client
from clients.models import Client
from staff.access.actor import SYSTEM
from staff.models import Service
from staff.wire.refusals import Refused
from tests.cast.bookings import MORNING
from tests.cast.factories import make_client, token_of
from tests.cast.parts import TUESDAY
from tests.cast.races import at_once
from tests.cast.visits import Desk, calendar_is_true, called, make_desk, one_visit_each

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING, tick=True)]

WEDNESDAY = "2026-03-25"
ROUNDS = 6


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def ada(desk: Desk) -> Callable[..., Any]:
    return partial(called, token_of(desk.salon.ada))


def waits(client: Client, service: Service, day: str = TUESDAY) -> None:
    WaitlistEntry.objects.create(client=client, service=service, date=day)


def clear(desk: Desk) -> None:
    for visit_id in set(Booking.objects.occupying().values_list("visit_id", flat=True)):
        assert desk.delete({"id": visit_id}).status_code == 200
    WaitlistEntry.objects.all().delete()


def test_two_visits_grow_by_what_their_client_waits_for(desk: Desk, ada: Any) -> None:
    """Each is with one person and grows with the other, in another order of the services."""
    salon = desk.salon
    for attempt in range(ROUNDS):
        for service in (desk.cut, desk.colour):
            waits(salon.alice, service)
        ours = desk.book("09:00", items=[desk.item(salon.service, salon.bea)])
        theirs = desk.book("09:00", items=[desk.item(salon.service, salon.cora)])
        more = [desk.item(desk.cut, salon.cora), desk.item(desk.colour, salon.cora)]
        others = [desk.item(desk.colour, salon.bea), desk.item(desk.cut, salon.bea)]
        put = {"notes": f"round {attempt}"}
        words = at_once(
            ada("put", f"/api/visits/{ours['id']}", put | {"items": {"add": more}}),
            ada("put", f"/api/visits/{theirs['id']}", put | {"items": {"add": others}}),
        )
        assert words == ["done", "done"]
        assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"booked"}
        calendar_is_true()
        clear(desk)
    one_visit_each()


def test_a_series_of_visits_over_days_that_its_client_waits_for_and_a_merge(desk: Desk, ada: Any) -> None:
    salon = desk.salon
    for attempt in range(ROUNDS):
        # The later day was asked for first.
        for day in (WEDNESDAY, TUESDAY):
            for service in (desk.colour, desk.cut):
                waits(salon.alice, service, day)
        twin = make_client(f"Twin{attempt}")
        series = desk.order("10:00", recurrence=[f"{WEDNESDAY} 10:00:00"])
        words = at_once(
            ada("post", "/api/visits", series),
            ada("post", f"/api/clients/{twin.pk}/merge", {"into": salon.alice.pk}),
        )
        assert words == ["done", "done"]
        assert set(WaitlistEntry.objects.values_list("status", flat=True)) == {"booked"}
        clear(desk)
    one_visit_each()


def test_a_client_is_merged_and_erased_while_others_book_change_and_wait(desk: Desk, ada: Any) -> None:
    """Erasure and merges lock the client; visits, items and the waitlist's bookings meet the client last."""
    salon = desk.salon
    for attempt in range(ROUNDS):
        gone, twin = make_client(f"Gone{attempt}"), make_client(f"Twin{attempt}")
        for service in (desk.cut, desk.colour):
            waits(gone, service)
        old = desk.book("09:00", client_id=gone.pk)
        twins = desk.book("13:00", client_id=twin.pk)
        bobs = desk.book("16:00", client_id=salon.bob.pk, items=[desk.item(desk.cut, salon.cora)] * 2)
        later = desk.order("10:00", items=[desk.item(each, salon.cora) for each in (desk.cut, desk.colour)])
        single = salon.order(client_id=gone.pk, staff_id=salon.cora.pk, service_id=desk.cut.pk)
        single |= {"start_at": f"{TUESDAY} 13:00:00", "end_at": f"{TUESDAY} 13:45:00"}
        path, twins_path = f"/api/visits/{old['id']}", f"/api/visits/{twins['id']}"
        first, second = old["booking_ids"]
        calls = [
            partial(_erased, gone.pk),
            ada("post", f"/api/clients/{twin.pk}/merge", {"into": gone.pk}),
            ada("post", f"/api/clients/{gone.pk}/merge", {"into": salon.alice.pk}),
            ada("put", path, {"status": "no-show"}),
            ada("put", path, {"start_at": f"{TUESDAY} 09:15:00"}),
            ada("put", path, {"client_id": twin.pk}),
            ada("put", twins_path, {"client_id": gone.pk, "status": "no-show"}),
            ada("put", twins_path, {"items": {"remove": [twins["booking_ids"][0]]}}),
            ada("put", f"/api/bookings/{first}", {"status": "no-show"}),
            ada("put", f"/api/bookings/{second}", {"status": "cancelled"}),
            ada("put", f"/api/bookings/{bobs['booking_ids'][0]}", {"client_id": gone.pk}),
            ada("delete", f"/api/visits/{bobs['id']}"),
            ada("post", "/api/visits", later | {"client_id": gone.pk}),
            ada("post", "/api/bookings", single),
        ]
        words = Counter(at_once(*calls))
        assert set(words) <= {
            "done",
            "slot_taken",
            "invalid",
            "upcoming_bookings",
            "already_merged",
            "client_merged",
            "still_sending",
            "not_found",
        }, words
        assert words["done"] >= 3
        one_visit_each()
        calendar_is_true()
        # Who was merged into somebody has nothing left.
        assert not Booking.objects.filter(client__merged_into__isnull=False).exists()
        clear(desk)
    assert not BusyTime.objects.exists()


def _erased(client_id: int) -> str:
    try:
        erase_client(client_id=client_id, cancel_upcoming=True, actor=SYSTEM, now=timezone.now())
    except Refused as refused:
        return refused.code
    return "done"
