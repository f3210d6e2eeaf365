"""Bookings with parts: what they freeze, whom they let in, how they stretch (contract §7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bookings import lifecycle
from bookings.lifecycle.book import Order
from bookings.models import Booking, BookingEvent, BusyTime
from staff.access.actor import SYSTEM
from staff.salon.parts import PartJson
from staff.wire.refusals import BadRequest
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told
from tests.cast.factories import make_hours, make_service, make_time_off
from tests.cast.parts import COLOUR, TUESDAY, booked, busy, clock, gap, make_colour, own_minutes, post, work

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def codes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["code"] for each in answer.json()["warnings"]]


def put(salon: Salon, booking: Booking, body: dict[str, Any], **headers: str) -> Any:
    return salon.put({"id": booking.pk}, body, **headers)


def times(booking: Booking) -> tuple[str, str, list[PartJson]]:
    booking.refresh_from_db()
    return clock(booking.start_at), clock(booking.end_at), booking.parts


def test_a_booking_occupies_its_person_for_each_part_that_is_work(salon: Salon) -> None:
    colour = make_colour(salon, buffer_before_minutes=5, buffer_after_minutes=10)
    booking = booked(salon, colour, "10:00")
    assert times(booking) == ("10:00", "11:45", COLOUR)
    assert busy(booking) == [("09:55", "10:30"), ("11:15", "11:55")]
    assert len(set(BusyTime.objects.values_list("party", flat=True))) == 1


def test_several_gaps_and_work_parts_side_by_side(salon: Salon) -> None:
    perm = make_colour(salon, [work(10), work(20), gap(5), gap(10), work(15)])
    booking = booked(salon, perm, "10:00")
    assert busy(booking) == [("10:00", "10:10"), ("10:10", "10:30"), ("10:45", "11:00")]


def test_a_service_of_one_part_occupies_one_stretch(salon: Salon) -> None:
    booking = booked(salon, salon.service, "10:00")
    assert (times(booking), busy(booking)) == (("10:00", "11:00", []), [("10:00", "11:00")])


def test_another_client_is_served_inside_the_gap(salon: Salon) -> None:
    colour, cut = make_colour(salon), make_service("Cut", duration_minutes=45)
    first = booked(salon, colour, "10:00")
    inside = booked(salon, cut, "10:30", client_id=salon.bob.pk)
    assert busy() == [("10:00", "10:30"), ("10:30", "11:15"), ("11:15", "11:45")]
    assert first.party != inside.party


@pytest.mark.parametrize(("start", "end"), [("10:29", "11:00"), ("10:30", "11:16"), ("11:44", "12:00")])
def test_the_database_refuses_who_does_not_fit_into_the_gap(salon: Salon, start: str, end: str) -> None:
    first = booked(salon, make_colour(salon), "10:00")
    before = stored()
    answer = post(salon, salon.service, start, end, client_id=salon.bob.pk)
    assert (answer.status_code, answer.json()["code"]) == (409, "slot_taken")
    assert answer.json()["conflicts"] == [
        {"booking_id": first.pk, "start_at": f"{TUESDAY} 10:00:00", "end_at": f"{TUESDAY} 11:45:00"}
    ]
    assert stored() == before


def test_two_with_gaps_interlock_or_are_refused(salon: Salon) -> None:
    colour = make_colour(salon)
    booked(salon, colour, "10:00")
    before = stored()
    for start in ("10:15", "10:46", "11:00", "11:30"):
        assert post(salon, colour, start, client_id=salon.bob.pk).status_code == 409
    assert stored() == before
    booked(salon, colour, "10:30", client_id=salon.bob.pk)
    assert busy() == [("10:00", "10:30"), ("10:30", "11:00"), ("11:15", "11:45"), ("11:45", "12:15")]


def test_buffers_of_who_is_in_the_gap_need_room_too(salon: Salon) -> None:
    booked(salon, make_colour(salon), "10:00")
    nails = make_service("Nails", duration_minutes=30, buffer_before_minutes=10, buffer_after_minutes=10)
    assert post(salon, nails, "10:35", client_id=salon.bob.pk).status_code == 409
    nails.buffer_before_minutes = 5
    nails.save()
    booked(salon, nails, "10:35", client_id=salon.bob.pk)
    assert busy()[1] == ("10:30", "11:15")


@pytest.mark.parametrize(
    ("end", "last", "warned"),
    [
        ("11:45", 30, []),
        ("12:00", 45, ["longer_than_service"]),
        ("11:30", 15, ["shorter_than_service"]),
        ("11:20", 5, ["shorter_than_service"]),
        ("11:19", None, ["shorter_than_service"]),
        ("10:05", None, ["shorter_than_service"]),
    ],
)
def test_the_last_part_takes_the_difference(
    salon: Salon, end: str, last: int | None, warned: list[str]
) -> None:
    """Where less than 5 minutes would be left of it there is one part over the whole time."""
    colour = make_colour(salon)
    answer = post(salon, colour, "10:00", end)
    assert codes(answer) == warned
    booking = Booking.objects.get()
    assert times(booking) == ("10:00", end, [] if last is None else [work(30), gap(45), work(last)])
    assert busy() == ([("10:00", end)] if last is None else [("10:00", "10:30"), ("11:15", end)])


def test_a_longer_time_leaves_too_little_of_a_short_last_part_as_well(salon: Salon) -> None:
    brief = make_colour(salon, [work(30), gap(45), work(1)])
    assert codes(post(salon, brief, "10:00", "11:18")) == ["longer_than_service"]
    assert busy() == [("10:00", "11:18")]
    assert busy(booked(salon, brief, "14:00")) == [("14:00", "14:30"), ("15:15", "15:16")]


def test_a_move_keeps_the_parts_that_were_frozen(salon: Salon) -> None:
    colour = make_colour(salon)
    booking = booked(salon, colour, "10:00")
    colour.parts, colour.duration_minutes = [work(20), gap(10), work(20)], 50
    colour.save()
    moved = put(salon, booking, {"start_at": f"{TUESDAY} 13:00:00", "end_at": f"{TUESDAY} 14:45:00"})
    assert codes(moved) == ["longer_than_service"]
    assert (times(booking), busy()) == (
        ("13:00", "14:45", COLOUR),
        [("13:00", "13:30"), ("14:15", "14:45")],
    )
    assert "parts" not in BookingEvent.objects.latest("id").changes


def test_another_length_fits_the_frozen_parts_anew(salon: Salon) -> None:
    booking = booked(salon, make_colour(salon), "10:00")
    assert codes(put(salon, booking, {"end_at": f"{TUESDAY} 12:00:00"})) == ["longer_than_service"]
    longer = [work(30), gap(45), work(45)]
    assert (times(booking), busy()) == (("10:00", "12:00", longer), [("10:00", "10:30"), ("11:15", "12:00")])
    assert BookingEvent.objects.latest("id").changes == {
        "end_at": [f"{TUESDAY} 11:45:00", f"{TUESDAY} 12:00:00"],
        "parts": [COLOUR, longer],
    }
    put(salon, booking, {"end_at": f"{TUESDAY} 11:10:00"})
    assert (times(booking), busy()) == (("10:00", "11:10", []), [("10:00", "11:10")])
    assert BookingEvent.objects.latest("id").changes["parts"] == [longer, [work(70)]]


def test_a_change_of_staff_keeps_times_and_parts_with_a_warning(salon: Salon) -> None:
    colour = make_colour(salon)
    own_minutes(salon.cora, colour, work(40), gap(45), work(40))
    booking = booked(salon, colour, "10:00")
    answer = put(salon, booking, {"staff_id": salon.cora.pk})
    assert [each for each in answer.json()["warnings"] if each["code"] == "shorter_than_service"] == [
        {
            "code": "shorter_than_service",
            "message": "Colour takes 125 minutes and this booking lasts 105.",
        }
    ]
    assert (times(booking), busy()) == (
        ("10:00", "11:45", COLOUR),
        [("10:00", "10:30"), ("11:15", "11:45")],
    )
    assert BusyTime.objects.filter(staff=salon.cora).count() == 2


def test_another_service_brings_its_parts_fitted_to_the_times(salon: Salon) -> None:
    colour = make_colour(salon)
    own_minutes(salon.bea, colour, work(20), gap(10), work(40))
    booking = booked(salon, salon.service, "10:00")
    assert codes(put(salon, booking, {"service_id": colour.pk})) == ["shorter_than_service"]
    fitted = [work(20), gap(10), work(30)]
    assert (times(booking), busy()) == (("10:00", "11:00", fitted), [("10:00", "10:20"), ("10:30", "11:00")])
    assert BookingEvent.objects.latest("id").changes["parts"] == [[work(60)], fitted]
    put(salon, booking, {"service_id": salon.service.pk})
    assert (times(booking), busy()) == (("10:00", "11:00", []), [("10:00", "11:00")])


def test_a_person_takes_as_long_as_they_take(salon: Salon) -> None:
    colour = make_colour(salon)
    own = own_minutes(salon.bea, colour, work(20), gap(30), work(10))
    answer = post(salon, colour, "10:00")
    assert (codes(answer), answer.json()["end_at"]) == ([], f"{TUESDAY} 11:00:00")
    assert (times(Booking.objects.get())[2], busy()) == (own.parts, [("10:00", "10:20"), ("10:50", "11:00")])
    assert post(salon, colour, "10:00", staff_id=salon.cora.pk).json()["end_at"] == f"{TUESDAY} 11:45:00"
    plain = own_minutes(salon.cora, salon.service, work(50))
    assert (
        post(salon, salon.service, "13:00", staff_id=salon.cora.pk).json()["end_at"] == f"{TUESDAY} 13:50:00"
    )
    assert plain.parts == []


def test_parts_stretch_or_shrink_one_booking(salon: Salon) -> None:
    booking = booked(salon, make_colour(salon), "10:00")
    parts = [work(30), gap(60), work(20), work(10)]
    answer = put(salon, booking, {"parts": parts, "reason": "Takes longer on dark hair"})
    assert codes(answer) == ["longer_than_service"]
    assert answer.json()["end_at"] == f"{TUESDAY} 12:00:00"
    assert (times(booking), busy()) == (
        ("10:00", "12:00", parts),
        [("10:00", "10:30"), ("11:30", "11:50"), ("11:50", "12:00")],
    )
    event = BookingEvent.objects.latest("id")
    assert (event.changes, event.reason) == (
        {"end_at": [f"{TUESDAY} 11:45:00", f"{TUESDAY} 12:00:00"], "parts": [COLOUR, parts]},
        "Takes longer on dark hair",
    )
    put(salon, booking, {"parts": [work(40)]})
    assert (times(booking), busy()) == (("10:00", "10:40", []), [("10:00", "10:40")])
    put(salon, booking, {"parts": COLOUR, "start_at": f"{TUESDAY} 13:00:00"})
    assert (times(booking), busy()) == (
        ("13:00", "14:45", COLOUR),
        [("13:00", "13:30"), ("14:15", "14:45")],
    )
    same_end = {"parts": [work(30), gap(15), work(60)], "end_at": f"{TUESDAY} 14:45:00"}
    assert codes(put(salon, booking, same_end)) == []
    assert busy() == [("13:00", "13:30"), ("13:45", "14:45")]


def test_parts_that_move_no_end_tell_nobody(salon: Salon) -> None:
    booking = booked(salon, make_colour(salon), "10:00")
    told({"id": booking.pk})
    before = jobs()
    answer = put(salon, booking, {"parts": [work(45), gap(30), work(30)]})
    assert (codes(answer), jobs()) == ([], before)
    assert busy() == [("10:00", "10:45"), ("11:15", "11:45")]


def test_parts_beside_another_end_are_refused(salon: Salon) -> None:
    booking = booked(salon, make_colour(salon), "10:00")
    before = stored()
    body = {"parts": [work(30), gap(60), work(30)], "end_at": f"{TUESDAY} 11:45:00"}
    answer = put(salon, booking, body)
    assert (answer.status_code, answer.json()["details"]) == (
        400,
        {"end_at": ["the parts take 120 minutes, which ends at another time; leave it out."]},
    )
    for parts in ([work(30), gap(45)], [work(30), gap(4), work(30)], [], [work(1)] * 6, "x", None):
        answer = put(salon, booking, {"parts": parts})
        assert (answer.status_code, list(answer.json()["details"])) == (400, ["parts"])
    assert stored() == before


def test_parts_sent_back_as_they_were_read_count_as_not_sent(salon: Salon) -> None:
    booking = booked(salon, make_colour(salon), "10:00")
    put(salon, booking, {"parts": COLOUR, "end_at": f"{TUESDAY} 12:00:00"})
    assert times(booking) == ("10:00", "12:00", [work(30), gap(45), work(45)])
    version = booking.version
    assert put(salon, booking, {"parts": [work(30), gap(45), work(45)]}).json()["version"] == version
    plain = booked(salon, salon.service, "14:00")
    put(salon, plain, {"parts": [work(60)], "end_at": f"{TUESDAY} 15:30:00"})
    assert times(plain) == ("14:00", "15:30", [])


def test_parts_that_run_into_somebody_are_refused(salon: Salon) -> None:
    colour, cut = make_colour(salon), make_service("Cut", duration_minutes=45)
    booking = booked(salon, colour, "10:00")
    inside = booked(salon, cut, "10:30", client_id=salon.bob.pk)
    before = stored()
    answer = put(salon, booking, {"parts": [work(40), gap(35), work(30)]})
    assert (answer.status_code, answer.json()["conflicts"][0]["booking_id"]) == (409, inside.pk)
    assert stored() == before


def test_a_class_takes_one_part(salon: Salon) -> None:
    pilates = make_service("Pilates", max_capacity=4)
    booking = booked(salon, pilates, "10:00")
    before = stored()
    answer = put(salon, booking, {"parts": COLOUR})
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["parts"])
    assert stored() == before
    put(salon, booking, {"parts": [work(75)]})
    assert times(booking) == ("10:00", "11:15", [])


def test_parts_for_all_of_a_series(salon: Salon) -> None:
    colour = make_colour(salon)
    answer = post(salon, colour, "10:00", recurrence="FREQ=WEEKLY;COUNT=3")
    first, second, third = answer.json()["occurrences"]
    put(salon, Booking.objects.get(pk=second["id"]), {"end_at": second["end_at"].replace("11:45", "12:00")})
    parts = [work(20), gap(60), work(20)]
    whole = salon.put(first, {"parts": parts, "start_at": f"{TUESDAY} 11:00:00", "scope": "all"})
    assert [(each["start_at"][11:16], each["end_at"][11:16]) for each in whole.json()["bookings"]] == [
        ("11:00", "12:40")
    ] * 3
    assert [each.parts for each in Booking.objects.order_by("id")] == [parts] * 3
    assert busy(Booking.objects.get(pk=third["id"])) == [("11:00", "11:20"), ("12:20", "12:40")]


def test_a_series_moves_into_each_others_gaps(salon: Salon) -> None:
    colour = make_colour(salon)
    series = post(salon, colour, "10:00", recurrence=[f"{TUESDAY} 12:00:00"]).json()
    assert salon.put(series, {"start_at": f"{TUESDAY} 10:30:00", "scope": "all"}).status_code == 200
    assert busy() == [("10:30", "11:00"), ("11:45", "12:15"), ("12:30", "13:00"), ("13:45", "14:15")]


def test_a_cancelled_one_comes_back_around_who_is_in_its_gap(salon: Salon) -> None:
    colour, cut = make_colour(salon), make_service("Cut", duration_minutes=30)
    booking = booked(salon, colour, "10:00")
    salon.delete({"id": booking.pk})
    assert busy() == []
    inside = booked(salon, cut, "10:30", client_id=salon.bob.pk)
    assert put(salon, booking, {"status": "scheduled"}).status_code == 200
    assert busy() == [("10:00", "10:30"), ("10:30", "11:00"), ("11:15", "11:45")]
    salon.delete({"id": booking.pk})
    put(salon, inside, {"start_at": f"{TUESDAY} 11:30:00", "end_at": f"{TUESDAY} 12:00:00"})
    before = stored()
    assert put(salon, booking, {"status": "scheduled"}).status_code == 409
    assert stored() == before


def test_a_deliberate_overlap_is_cut_for_each_part_and_leaves_its_gap_free(salon: Salon) -> None:
    colour = make_colour(salon)
    under = booked(salon, salon.service, "10:15", "11:30", client_id=salon.bob.pk)
    over = booked(salon, colour, "10:00", allow_overlap=True)
    rows = [
        (clock(row.starts_at), clock(row.ends_at), row.party == under.party)
        for row in over.busy_times.order_by("starts_at")
    ]
    assert rows == [
        ("10:00", "10:15", False),
        ("10:15", "10:30", True),
        ("11:15", "11:30", True),
        ("11:30", "11:45", False),
    ]
    salon.delete({"id": under.pk})
    assert post(salon, salon.service, "10:29", "10:45", client_id=salon.bob.pk).status_code == 409
    booked(salon, salon.service, "10:30", "11:15", client_id=salon.bob.pk)


def test_a_gap_over_a_night_of_the_clocks_is_elapsed_minutes(salon: Salon) -> None:
    """On 29 March 2026 the clocks in Amsterdam go from 02:00 to 03:00."""
    colour = make_colour(salon, [work(30), gap(60), work(30)])
    booking = booked(salon, colour, "10:00")
    moved = put(salon, booking, {"start_at": "2026-03-29 01:15:00", "end_at": "2026-03-29 04:15:00"})
    assert (moved.json()["end_at"], times(booking)[2]) == ("2026-03-29 04:15:00", colour.parts)
    assert busy() == [("01:15", "01:45"), ("03:45", "04:15")]
    rows = BusyTime.objects.order_by("starts_at").values_list("starts_at", "ends_at")
    assert [minutes(row) for row in rows] == [(15, 45), (105, 135)]


def minutes(row: tuple[datetime, datetime]) -> tuple[int, int]:
    """Elapsed since one o'clock that night."""
    one = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
    begin, end = (int((each - one).total_seconds()) // 60 for each in row)
    return begin, end


def test_lunch_and_time_off_may_lie_in_a_gap(salon: Salon) -> None:
    salon.bea.working_hours.all().delete()
    make_hours(salon.bea, opens="09:00", closes="12:30")
    make_hours(salon.bea, opens="13:15", closes="17:00")
    colour = make_colour(salon)
    assert codes(post(salon, colour, "12:00")) == []
    slow = make_colour(salon, [work(30), gap(60), work(30)])
    make_time_off(salon.bea, datetime(2026, 3, 24, 8, 30, tzinfo=UTC), hours=1)
    assert codes(post(salon, slow, "09:00", client_id=salon.bob.pk)) == []


@pytest.mark.parametrize(
    ("start", "code", "message"),
    [
        (
            "15:30",
            "outside_working_hours",
            "This staff member does not work at that time (part 3 of the service).",
        ),
        ("12:30", "time_off", "This staff member is away at that time (part 3 of the service)."),
        ("14:15", "time_off", "This staff member is away at that time (part 1 of the service)."),
    ],
)
def test_the_part_that_does_not_fit_is_named(salon: Salon, start: str, code: str, message: str) -> None:
    make_time_off(salon.bea, datetime(2026, 3, 24, 13, 0, tzinfo=UTC), hours=1)
    colour = make_colour(salon)
    answer = post(salon, colour, start)
    assert answer.json()["warnings"] == [{"code": code, "message": message}]
    Booking.objects.update(status="cancelled")
    BusyTime.objects.all().delete()
    with pytest.raises(BadRequest) as refused:
        lifecycle.book(
            actor=SYSTEM,
            order=Order(
                client_id=salon.alice.pk,
                staff_id=salon.bea.pk,
                service_id=colour.pk,
                start_at=Booking.objects.get().start_at,
                end_at=Booking.objects.get().end_at,
                by_client=True,
            ),
        )
    assert (refused.value.code, refused.value.details) == (code, {"start_at": [message]})
    assert BusyTime.objects.count() == 0
