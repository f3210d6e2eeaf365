"""POST /api/holds, DELETE /api/holds/:token, and a booking that takes a hold over (contract §1.5)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from bookings.models import Booking, BusyTime, Hold
from bookings.slots import holds
from notifications.models import Job
from staff.models import Staff
from tests.cast.availability import MONDAY_NOON, at, booked, held
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import (
    caller,
    make_bea,
    make_holiday,
    make_hours,
    make_key,
    make_salon,
    make_service,
    make_time_off,
)

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]
TUESDAY_TEN = "2026-11-24 10:00:00"


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def hold(salon: Salon, who: Staff | str | None = None, **changes: Any) -> Any:
    body = {"service_id": salon.service.pk, "start_at": TUESDAY_TEN, **changes}
    return caller(who or salon.ada).post("/api/holds", body, format="json")


def kept(salon: Salon, **changes: Any) -> dict[str, Any]:
    answer = hold(salon, **changes)
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def order(salon: Salon, **changes: Any) -> dict[str, Any]:
    return salon.order(**{"start_at": TUESDAY_TEN, "end_at": "2026-11-24 11:00:00"} | changes)


def post(salon: Salon, **changes: Any) -> Any:
    return caller(salon.ada).post("/api/bookings", order(salon, **changes), format="json")


def refused(answer: Any, status: int, code: str, *, holds_left: int = 0) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert (Hold.objects.count(), BusyTime.objects.filter(hold__isnull=False).count()) == (
        holds_left,
        holds_left,
    )
    assert Job.objects.count() == 0
    return body


def test_a_hold_answers_with_its_token_and_occupies_the_time_with_its_buffers(salon: Salon) -> None:
    salon.service.buffer_before_minutes, salon.service.buffer_after_minutes = 5, 10
    salon.service.save()
    body = kept(salon, staff_id=salon.bea.pk)
    token = body.pop("hold_token")
    assert body == {
        "staff_id": salon.bea.pk,
        "start_at": TUESDAY_TEN,
        "end_at": "2026-11-24 11:00:00",
        "expires_at": "2026-11-23 12:05:00",
    }
    assert len(token) >= 22
    busy = BusyTime.objects.get()
    assert (busy.staff_id, busy.starts_at, busy.ends_at, busy.expires_at, busy.hold.token) == (
        salon.bea.pk,
        at("2026-11-24 09:55"),
        at("2026-11-24 11:10"),
        MONDAY_NOON + timedelta(minutes=5),
        token,
    )
    assert Job.objects.count() == 0


def test_end_and_minutes_can_be_chosen(salon: Salon) -> None:
    body = kept(salon, staff_id=salon.bea.pk, end_at="2026-11-24 10:20:00", minutes=15)
    assert (body["end_at"], body["expires_at"]) == ("2026-11-24 10:20:00", "2026-11-23 12:15:00")


def test_a_held_time_is_taken_for_everybody_else(salon: Salon) -> None:
    booking = booked(salon.bea, salon.service, at("2026-11-24 12:00"), client=salon.bob)
    kept(salon, staff_id=salon.bea.pk)
    for answer in (hold(salon, staff_id=salon.bea.pk), post(salon)):
        assert refused(answer, 409, "slot_taken", holds_left=1) == {
            "error": "That time is kept for somebody until 2026-11-23 12:05:00; wait or choose another time.",
            "code": "slot_taken",
            "conflicts": [],
        }
    assert list(Booking.objects.values_list("pk", flat=True)) == [booking.pk]


def test_a_hold_is_refused_where_a_booking_is_and_says_which(salon: Salon) -> None:
    booking = booked(salon.bea, salon.service, at("2026-11-24 09:30"), client=salon.bob)
    body = refused(hold(salon, staff_id=salon.bea.pk), 409, "slot_taken")
    assert body["conflicts"] == [
        {
            "booking_id": booking.pk,
            "start_at": "2026-11-24 09:30:00",
            "end_at": "2026-11-24 10:30:00",
        }
    ]


def test_a_hold_never_overlaps_even_where_the_salon_allows_double_bookings(salon: Salon) -> None:
    make_salon(double_booking="allow")
    booked(salon.bea, salon.service, at("2026-11-24 10:30"), client=salon.bob)
    refused(hold(salon, staff_id=salon.bea.pk), 409, "slot_taken")


def test_a_booking_with_the_token_takes_the_hold_over(salon: Salon) -> None:
    token = kept(salon, staff_id=salon.bea.pk)["hold_token"]
    answer = post(salon, hold_token=token)
    assert (answer.status_code, answer.json()["start_at"]) == (200, TUESDAY_TEN)
    assert Hold.objects.count() == 0
    assert BusyTime.objects.get().booking_id == answer.json()["id"]


def test_a_token_is_good_for_one_booking(salon: Salon) -> None:
    token = kept(salon, staff_id=salon.bea.pk)["hold_token"]
    assert post(salon, hold_token=token).status_code == 200
    again = post(salon, hold_token=token, start_at="2026-11-24 14:00:00", end_at="2026-11-24 15:00:00")
    assert (again.status_code, list(again.json()["details"])) == (400, ["hold_token"])
    assert Booking.objects.count() == 1


def test_a_refused_booking_leaves_the_hold_as_it_was(salon: Salon) -> None:
    booked(salon.bea, salon.service, at("2026-11-24 11:00"), client=salon.bob)
    token = kept(salon, staff_id=salon.bea.pk)["hold_token"]
    answer = post(salon, hold_token=token, end_at="2026-11-24 11:30:00")
    refused(answer, 409, "slot_taken", holds_left=1)
    assert post(salon, hold_token=token).status_code == 200


@pytest.mark.parametrize("token", ["unknown", "x" * 300, ""])
def test_an_unknown_token_is_refused(salon: Salon, token: str) -> None:
    body = refused(post(salon, hold_token=token), 400, "invalid")
    assert list(body["details"]) == ["hold_token"]


def test_a_token_of_another_staff_member_is_refused(salon: Salon) -> None:
    token = kept(salon, staff_id=salon.cora.pk)["hold_token"]
    body = refused(post(salon, hold_token=token), 400, "invalid", holds_left=1)
    assert list(body["details"]) == ["hold_token"]


def test_an_expired_hold_blocks_nobody(salon: Salon, clock: Any) -> None:
    kept(salon, staff_id=salon.bea.pk, minutes=1)
    clock.shift(59)
    refused(post(salon), 409, "slot_taken", holds_left=1)
    clock.shift(1)
    second = kept(salon, staff_id=salon.bea.pk)
    clock.shift(5 * 60)
    assert post(salon).status_code == 200
    assert second["staff_id"] == salon.bea.pk
    assert BusyTime.objects.filter(hold__isnull=False).count() == 0


def test_a_late_booking_with_an_expired_hold_goes_through_while_the_time_is_free(
    salon: Salon, clock: Any
) -> None:
    token = kept(salon, staff_id=salon.bea.pk)["hold_token"]
    clock.shift(6 * 60)
    holds.sweep_expired(now=MONDAY_NOON + timedelta(minutes=6))
    assert post(salon, hold_token=token).status_code == 200


def test_a_late_booking_with_an_expired_hold_is_refused_where_somebody_was_faster(
    salon: Salon, clock: Any
) -> None:
    token = kept(salon, staff_id=salon.bea.pk)["hold_token"]
    clock.shift(6 * 60)
    booked(salon.bea, salon.service, at("2026-11-24 10:00"), client=salon.bob)
    answer = post(salon, hold_token=token)
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert Booking.objects.count() == 1


def test_deleting_a_hold_gives_the_time_free_at_once(salon: Salon) -> None:
    token = kept(salon, staff_id=salon.bea.pk)["hold_token"]
    answer = caller(salon.ada).delete(f"/api/holds/{token}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (Hold.objects.count(), BusyTime.objects.count()) == (0, 0)
    again = caller(salon.ada).delete(f"/api/holds/{token}/")
    assert (again.status_code, again.json()["code"]) == (404, "hold_not_found")


def test_sweeping_removes_what_expired_and_forgets_it_after_a_day(salon: Salon) -> None:
    held(salon.bea, salon.service, at("2026-11-24 09:00"), at("2026-11-24 10:00"), expires_at=MONDAY_NOON)
    later = MONDAY_NOON + timedelta(minutes=5)
    live = held(salon.cora, salon.service, at("2026-11-24 09:00"), at("2026-11-24 10:00"), expires_at=later)
    assert holds.sweep_expired(now=MONDAY_NOON) == 1
    assert (BusyTime.objects.get().hold_id, Hold.objects.count()) == (live.pk, 2)
    assert holds.sweep_expired(now=MONDAY_NOON + timedelta(days=1)) == 1
    assert list(Hold.objects.all()) == [live]


def test_nobody_named_means_the_least_busy_that_day_then_the_lowest_id(salon: Salon) -> None:
    booked(salon.bea, salon.service, at("2026-11-24 14:00"), client=salon.bob, minutes=30)
    booked(salon.cora, salon.service, at("2026-11-24 12:00"), client=salon.bob, minutes=20)
    booked(salon.cora, salon.service, at("2026-11-25 12:00"), client=salon.bob, minutes=300)
    assert kept(salon)["staff_id"] == salon.cora.pk
    assert kept(salon)["staff_id"] == salon.bea.pk
    body = refused(hold(salon), 409, "slot_taken", holds_left=2)
    assert body == {
        "error": "Nobody who offers this service is free at that time; choose another time.",
        "code": "slot_taken",
        "conflicts": [],
    }
    assert kept(salon, start_at="2026-11-26 10:00:00")["staff_id"] == salon.bea.pk


def test_who_is_away_or_not_at_work_is_not_chosen_and_who_keeps_no_hours_comes_last(salon: Salon) -> None:
    dan = make_bea(email="dan@salon.example", services=[salon.service])
    make_time_off(salon.bea, at("2026-11-24 09:00"))
    assert kept(salon)["staff_id"] == salon.cora.pk
    assert kept(salon)["staff_id"] == dan.pk
    assert kept(salon, start_at="2026-11-24 20:00:00")["staff_id"] == dan.pk
    refused(hold(salon, start_at="2026-11-24 20:00:00"), 409, "slot_taken", holds_left=3)


def test_only_who_offers_the_service_and_takes_bookings_is_chosen(salon: Salon) -> None:
    perm = make_service("Perm")
    for fields in ({"is_active": False}, {"bookable": False}):
        make_hours(
            make_bea(email=f"{len(fields)}{next(iter(fields))}@salon.example", services=[perm], **fields)
        )
    refused(hold(salon, service_id=perm.pk), 409, "slot_taken")
    salon.cora.services.add(perm)
    assert kept(salon, service_id=perm.pk)["staff_id"] == salon.cora.pk


def test_the_desk_may_hold_outside_working_hours_and_what_is_not_offered(salon: Salon) -> None:
    perm = make_service("Perm")
    body = kept(salon, staff_id=salon.bea.pk, service_id=perm.pk, start_at="2026-11-24 20:00:00")
    assert body["staff_id"] == salon.bea.pk


def test_a_holiday_is_refused(salon: Salon) -> None:
    make_holiday(date(2026, 11, 24), "Feast")
    for named in ({"staff_id": salon.bea.pk}, {}):
        body = refused(hold(salon, **named), 400, "holiday")
        assert body["error"] == "The salon is closed on 2026-11-24 (Feast); choose another date."


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"service_id": 900000999}, "service_id"),
        ({"service_id": "1"}, "service_id"),
        ({"service_id": None}, "service_id"),
        ({"staff_id": 900000999}, "staff_id"),
        ({"staff_id": 1.5}, "staff_id"),
        ({"start_at": None}, "start_at"),
        ({"start_at": "2026-11-24"}, "start_at"),
        ({"start_at": "2027-03-28 02:30:00"}, "start_at"),
        ({"end_at": "2026-11-24 10:00:00"}, "end_at"),
        ({"end_at": "2026-11-25 10:00:01"}, "end_at"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 16}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"minutes": "5"}, "minutes"),
    ],
)
def test_a_malformed_hold_is_refused(salon: Salon, changes: dict[str, Any], field: str) -> None:
    answer = hold(salon, **{"staff_id": salon.bea.pk, **changes})
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == [field]
    assert (Hold.objects.count(), BusyTime.objects.count()) == (0, 0)


@pytest.mark.parametrize("fields", [{"is_active": False}, {"bookable": False}])
def test_who_takes_no_bookings_is_not_held(salon: Salon, fields: dict[str, bool]) -> None:
    Staff.objects.filter(pk=salon.bea.pk).update(**fields)
    assert list(refused(hold(salon, staff_id=salon.bea.pk), 400, "invalid")["details"]) == ["staff_id"]


def test_an_archived_service_is_not_held(salon: Salon) -> None:
    type(salon.service).objects.update(is_active=False)
    assert list(refused(hold(salon), 400, "invalid")["details"]) == ["service_id"]


def test_with_the_personal_agenda_one_holds_only_ones_own_time(salon: Salon) -> None:
    make_salon(staff_personal_agenda_enabled=True)
    refused(hold(salon, salon.cora, staff_id=salon.bea.pk), 403, "permission_denied")
    assert hold(salon, salon.cora).json()["staff_id"] == salon.cora.pk
    again = hold(salon, salon.cora)
    assert (again.status_code, again.json()["conflicts"]) == (409, [])
    assert hold(salon, make_key()[1], staff_id=salon.bea.pk).status_code == 201


def test_who_is_not_logged_in_or_reads_only_holds_nothing(salon: Salon) -> None:
    body = {"service_id": salon.service.pk, "start_at": TUESDAY_TEN}
    assert caller().post("/api/holds", body, format="json").status_code == 401
    reader = make_key(mode=1)[1]
    assert caller(reader).post("/api/holds", body, format="json").status_code == 403
    token = kept(salon)["hold_token"]
    assert caller().delete(f"/api/holds/{token}").status_code == 401
    assert caller(reader).delete(f"/api/holds/{token}").status_code == 403
    assert Hold.objects.count() == 1


def test_what_availability_offers_can_be_held(salon: Salon) -> None:
    make_salon(slot_step_minutes=60)
    query = {"service_id": salon.service.pk, "date_from": "2026-11-24", "date_to": "2026-11-24"}

    def offered() -> list[tuple[int, str]]:
        days = caller(salon.ada).get("/api/availability", query).json()["days"]
        return [(one["staff_id"], start) for one in days[0]["staff"] for start in one["starts"]]

    before = offered()
    staff_id, start_at = before[3]
    assert kept(salon, staff_id=staff_id, start_at=start_at)["start_at"] == start_at
    assert offered() == [each for each in before if each != (staff_id, start_at)]
