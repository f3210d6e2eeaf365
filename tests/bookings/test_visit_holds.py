"""POST /api/holds with items, and who takes such holds over (contract §7 "holds")."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.models import Booking, BusyTime, Hold
from bookings.slots import holds
from bookings.slots.availability.wishes import AskedItem
from bookings.slots.busy import lock_staff
from bookings.slots.visit_holds import keep_visit
from notifications.models import Job
from staff.access.actor import SYSTEM
from staff.models import SalonSettings, Service, Staff
from staff.wire.refusals import BadRequest
from tests.cast.availability import MONDAY_NOON, at, booked
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import caller, make_holiday, make_salon, make_service, make_time_off
from tests.cast.parts import clock, make_colour
from tests.cast.races import answered, at_once

TUESDAY_TEN = "2026-11-24 10:00:00"
at_noon = pytest.mark.clock_at(MONDAY_NOON)


@pytest.fixture
def salon(db: None) -> Salon:
    return make_cast()


@pytest.fixture
def colour(salon: Salon) -> Service:
    """Half an hour of work, 45 minutes of gap, half an hour of work; buffers of ten minutes."""
    return make_colour(salon, buffer_before_minutes=10, buffer_after_minutes=10)


def item(service: Service, who: Staff | None = None, **more: Any) -> dict[str, Any]:
    return {"service_id": service.pk, "staff_id": None if who is None else who.pk, **more}


def hold(salon: Salon, *items: dict[str, Any], who: Staff | None = None, **more: Any) -> Any:
    body = {"items": list(items), "start_at": TUESDAY_TEN, **more}
    return caller(who or salon.ada).post("/api/holds", body, format="json")


def kept(salon: Salon, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = hold(salon, *items, **more)
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Nothing of a refused visit is held."""
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    assert (Hold.objects.count(), BusyTime.objects.filter(hold__isnull=False).count()) == (0, 0)
    assert Job.objects.count() == 0
    return body


def busy() -> list[tuple[int, str, str]]:
    rows = BusyTime.objects.order_by("starts_at", "staff_id")
    return [(row.staff_id, clock(row.starts_at), clock(row.ends_at)) for row in rows]


@at_noon
def test_a_visit_is_held_with_one_token_and_without_buffers_between_neighbours(
    salon: Salon, colour: Service
) -> None:
    body = kept(salon, item(colour, salon.bea), item(salon.service), item(salon.service, after="same_start"))
    token = body.pop("hold_token")
    assert body == {
        "expires_at": "2026-11-23 12:05:00",
        "items": [
            {
                "service_id": colour.pk,
                "staff_id": salon.bea.pk,
                "start_at": TUESDAY_TEN,
                "end_at": "2026-11-24 11:45:00",
            },
            {
                "service_id": salon.service.pk,
                "staff_id": salon.bea.pk,
                "start_at": "2026-11-24 11:45:00",
                "end_at": "2026-11-24 12:45:00",
            },
            {
                "service_id": salon.service.pk,
                "staff_id": salon.cora.pk,
                "start_at": "2026-11-24 11:45:00",
                "end_at": "2026-11-24 12:45:00",
            },
        ],
    }
    assert busy() == [
        (salon.bea.pk, "09:50", "10:30"),
        (salon.bea.pk, "11:15", "11:45"),
        (salon.bea.pk, "11:45", "12:45"),
        (salon.cora.pk, "11:45", "12:45"),
    ]
    assert list(Hold.objects.order_by("pk").values_list("token", flat=True)) == [token] * 3
    answer = caller(salon.ada).delete(f"/api/holds/{token}")
    assert (answer.status_code, Hold.objects.count(), BusyTime.objects.count()) == (204, 0, 0)
    assert caller(salon.ada).delete(f"/api/holds/{token}").status_code == 404


@at_noon
def test_what_availability_shows_can_be_held_as_it_is(salon: Salon, colour: Service) -> None:
    booked(salon.cora, salon.service, at("2026-11-24 11:30"), client=salon.bob, minutes=23)
    query = {
        "items": f"{colour.pk}:{salon.bea.pk},{salon.service.pk}:{salon.cora.pk}",
        "date_from": "2026-11-24",
        "date_to": "2026-11-24",
    }
    (day,) = caller(salon.ada).get("/api/availability", query).json()["days"]
    shown = next(each for each in day["starts"] if each["start_at"] == TUESDAY_TEN)
    assert shown["items"][1]["start_at"] == "2026-11-24 11:53:00"
    assert kept(salon, *shown["items"])["items"] == shown["items"]
    (day,) = caller(salon.ada).get("/api/availability", query).json()["days"]
    assert TUESDAY_TEN not in [each["start_at"] for each in day["starts"]]


@at_noon
def test_an_item_that_is_taken_is_named_with_what_is_in_its_way(salon: Salon, colour: Service) -> None:
    booking = booked(salon.bea, salon.service, at("2026-11-24 11:30"), client=salon.bob, minutes=90)
    body = refused(hold(salon, item(salon.service, salon.cora), item(colour, salon.bea)), 409, "slot_taken")
    assert body == {
        "error": "Item 2: That time is already taken for this staff member; choose another time.",
        "code": "slot_taken",
        "conflicts": [
            {"booking_id": booking.pk, "start_at": "2026-11-24 11:30:00", "end_at": "2026-11-24 13:00:00"}
        ],
    }
    body = refused(hold(salon, item(colour, salon.cora), item(salon.service, salon.bea)), 409, "slot_taken")
    assert body["error"].startswith("Item 2: That time is already taken")


@at_noon
def test_nobody_free_for_an_item_is_said_of_it(salon: Salon) -> None:
    for person in (salon.bea, salon.cora):
        booked(person, salon.service, at("2026-11-24 11:00"), client=salon.bob)
    body = refused(hold(salon, item(salon.service), item(salon.service)), 409, "slot_taken")
    assert body == {
        "error": "Item 2: Nobody who offers this service is free at that time; choose another time.",
        "code": "slot_taken",
        "conflicts": [],
    }


@at_noon
def test_the_desk_may_hold_a_visit_outside_of_working_hours_but_not_on_a_holiday(salon: Salon) -> None:
    evening = {"start_at": "2026-11-24 20:00:00"}
    two = [item(salon.service, salon.bea), item(salon.service, salon.bea)]
    refused(hold(salon, item(salon.service), item(salon.service), **evening), 409, "slot_taken")
    assert [each["staff_id"] for each in kept(salon, *two, **evening)["items"]] == [salon.bea.pk] * 2
    Hold.objects.all().delete()
    make_time_off(salon.bea, at("2026-11-24 00:00"))
    answer = kept(salon, item(salon.service, salon.cora), item(salon.service))
    assert [each["staff_id"] for each in answer["items"]] == [salon.cora.pk] * 2
    Hold.objects.all().delete()
    make_holiday(date(2026, 11, 24), "Feast")
    body = refused(hold(salon, *two), 400, "holiday")
    assert body["error"] == "Item 1: The salon is closed on 2026-11-24 (Feast); choose another date."


@at_noon
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"items": []}, "items"),
        ({"items": None}, "items"),
        ({"items": "1:any"}, "items"),
        ({"items": [{}]}, "items.0.service_id"),
        ({"items": [{"service_id": 900000999}]}, "items"),
        ({"items": [{"service_id": 1, "staff_id": "any"}]}, "items.0.staff_id"),
        ({"items": [{"service_id": 1, "after": "later"}]}, "items.0.after"),
        ({"start_at": None}, "start_at"),
        ({"minutes": 16}, "minutes"),
    ],
)
def test_a_malformed_visit_is_refused(salon: Salon, changes: dict[str, Any], field: str) -> None:
    body = refused(hold(salon, **{"items": [item(salon.service)], **changes}), 400, "invalid")
    assert list(body["details"]) == [field]


@at_noon
def test_items_at_instants_that_cannot_be_are_refused(salon: Salon) -> None:
    begin = {"start_at": "2026-11-24 10:15:00"}
    first = hold(salon, item(salon.service, salon.bea, **begin))
    assert refused(first, 400, "invalid")["details"]["items"][0].startswith(
        "Item 1: the visit begins with it"
    )
    early = hold(salon, item(salon.service, salon.bea), item(salon.service, salon.cora, **begin))
    assert refused(early, 400, "invalid")["details"] == {
        "items": ["Item 2: It would begin before the items before it have ended."]
    }
    late = hold(salon, item(salon.service), item(salon.service, start_at="2026-11-24 23:00:00"))
    assert refused(late, 400, "invalid")["details"] == {
        "items": ["Item 2: With it the visit would last more than 12 hours."]
    }


@at_noon
def test_with_the_personal_agenda_a_visit_is_ones_own(salon: Salon) -> None:
    make_salon(staff_personal_agenda_enabled=True)
    both = [item(salon.service, salon.cora), item(salon.service, salon.bea)]
    refused(hold(salon, *both, who=salon.cora), 403, "permission_denied")
    answer = hold(salon, item(salon.service), item(salon.service), who=salon.cora)
    assert [each["staff_id"] for each in answer.json()["items"]] == [salon.cora.pk] * 2


@at_noon
def test_the_bookings_of_a_visit_take_all_its_holds_over(salon: Salon) -> None:
    token = kept(salon, item(salon.service, salon.bea), item(salon.service, salon.cora))["hold_token"]
    order = salon.order(start_at=TUESDAY_TEN, end_at="2026-11-24 11:00:00", hold_token=token)
    answer = caller(salon.ada).post("/api/bookings", order, format="json")
    assert (answer.status_code, answer.json()["details"]) == (
        400,
        {"hold_token": ["This hold is for a visit of several items; book them together."]},
    )
    assert (Booking.objects.count(), Hold.objects.count()) == (0, 2)
    with transaction.atomic():
        lock_staff(salon.bea.pk, salon.cora.pk)
        with pytest.raises(BadRequest, match=f"This hold is for staff member {salon.cora.pk}"):
            holds.take_over_all(token=token, staff_ids=[salon.bea.pk], now=MONDAY_NOON)
        assert Hold.objects.count() == 2
        taken = holds.take_over_all(token=token, staff_ids=[salon.cora.pk, salon.bea.pk], now=MONDAY_NOON)
    assert [each.staff_id for each in taken] == [salon.bea.pk, salon.cora.pk]
    assert (Hold.objects.count(), BusyTime.objects.count()) == (0, 0)
    with pytest.raises(BadRequest, match="There is no such hold"):
        holds.take_over_all(token=token, staff_ids=[salon.bea.pk], now=MONDAY_NOON)


@at_noon
def test_expired_holds_of_a_visit_give_nothing_and_stay_known(salon: Salon) -> None:
    token = kept(salon, item(salon.service, salon.bea), item(salon.service, salon.cora))["hold_token"]
    later = MONDAY_NOON + timedelta(minutes=5)
    staff = [salon.bea.pk, salon.cora.pk]
    assert len(holds.take_over_all(token=token, staff_ids=staff, now=later)) == 2
    assert (Hold.objects.count(), BusyTime.objects.count()) == (2, 2)


@at_noon
def test_a_hold_of_six_items_costs_three_statements_an_item_and_what_one_costs(salon: Salon) -> None:
    def statements(number: int) -> int:
        with CaptureQueriesContext(connection) as made:
            kept(salon, *[item(salon.service)] * number, start_at=f"2026-11-{23 + number} 10:00:00")
        return len(made)

    assert statements(1) + 2 * 3 == statements(3)


pytestmark_races = pytest.mark.django_db(transaction=True)


def outcomes(*calls: Callable[[], Any]) -> list[str]:
    return sorted(at_once(*map(answered, calls)))


@pytestmark_races
def test_two_visits_that_overlap_in_one_item_are_held_once(transactional_db: None) -> None:
    salon = make_cast()
    begins = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
    bea, cora = (AskedItem(salon.service.pk, who.pk) for who in (salon.bea, salon.cora))
    keep = partial(keep_visit, actor=SYSTEM, salon=SalonSettings.load(), now=timezone.now(), start_at=begins)
    for _ in range(5):
        words = outcomes(partial(keep, items=[bea, cora]), partial(keep, items=[cora, cora]))
        assert words == ["done", "slot_taken"]
        assert (Hold.objects.count(), BusyTime.objects.count()) == (2, 2)
        assert Hold.objects.values("token").distinct().count() == 1
        Hold.objects.all().delete()


@pytestmark_races
def test_many_visits_of_anybody_at_one_start_never_overlap_nor_deadlock(transactional_db: None) -> None:
    salon = make_cast()
    wash = make_service("Wash", duration_minutes=10, buffer_after_minutes=5)
    for person in (salon.bea, salon.cora):
        person.services.add(wash)
    begins = at("2026-11-24 10:00") + timedelta(days=7)
    items = [
        [AskedItem(salon.service.pk), AskedItem(wash.pk)],
        [AskedItem(wash.pk), AskedItem(salon.service.pk)],
    ]
    keep = partial(keep_visit, actor=SYSTEM, salon=SalonSettings.load(), start_at=begins)
    calls = [partial(keep, items=items[number % 2], now=MONDAY_NOON) for number in range(8)]
    words = outcomes(*calls)
    assert words == ["done"] * 2 + ["slot_taken"] * 6
    assert Hold.objects.values("token").distinct().count() == 2
    assert Hold.objects.count() == 4
