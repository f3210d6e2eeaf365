"""GET /api/availability?items= (contract §7 "availability"; docs/adr/0084)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.slots.availability.chains import assign, explain
from bookings.slots.availability.fits import CLIENTS, DESK
from bookings.slots.availability.wishes import AskedItem, wishes_for
from staff.models import SalonSettings, Service
from tests.cast.availability import MONDAY_NOON, at, booked
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import (
    caller,
    make_bea,
    make_holiday,
    make_hours,
    make_salon,
    make_service,
    make_time_off,
)
from tests.cast.parts import COLOUR, gap, make_colour, own_minutes, work

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY_NOON)]
TUESDAY = "2026-11-24"
WEDNESDAY = "2026-11-25"


@pytest.fixture
def salon() -> Salon:
    """Bea and Cora work Monday to Friday, 09:00 to 17:00."""
    return make_cast(slot_step_minutes=60)


@pytest.fixture
def colour(salon: Salon) -> Service:
    return make_colour(salon)


def ask(salon: Salon, *items: tuple[Any, ...], **more: Any) -> Any:
    """`items`: a service, a person or "any", and "same" behind one that begins with the item before it."""
    text = ",".join(":".join(str(getattr(each, "pk", each)) for each in item) for item in items)
    query = {"items": text, "date_from": TUESDAY, "date_to": TUESDAY, **more}
    return caller(salon.ada).get("/api/availability", query)


def starts(answer: Any, day: str = TUESDAY) -> dict[str, list[tuple[int, str, str]]]:
    """The clock of each start of a day, with who does what from when to when."""
    assert answer.status_code == 200, answer.content
    (found,) = [each for each in answer.json()["days"] if each["date"] == day]
    return {
        each["start_at"][11:16]: [
            (item["staff_id"], item["start_at"][11:16], item["end_at"][11:16]) for item in each["items"]
        ]
        for each in found["starts"]
    }


def blocked(answer: Any) -> list[tuple[str, str, int, int | None, str, int | None]]:
    (day,) = answer.json()["days"]
    return [
        (
            each["start_at"][11:16],
            each["end_at"][11:16],
            each["item"],
            each["part"],
            each["code"],
            each["booking_id"],
        )
        for each in day["blocked"]
    ]


def test_the_answer_is_the_contracts(salon: Salon, colour: Service) -> None:
    make_salon(slot_step_minutes=240)
    answer = ask(salon, (colour, salon.bea), (salon.service, "any"), date_to=WEDNESDAY)
    visits = [
        {
            "date": day,
            "starts": [
                {
                    "start_at": f"{day} {begin}:00",
                    "end_at": f"{day} {end}:00",
                    "items": [
                        {
                            "service_id": colour.pk,
                            "staff_id": salon.bea.pk,
                            "start_at": f"{day} {begin}:00",
                            "end_at": f"{day} {between}:00",
                        },
                        {
                            "service_id": salon.service.pk,
                            "staff_id": salon.bea.pk,
                            "start_at": f"{day} {between}:00",
                            "end_at": f"{day} {end}:00",
                        },
                    ],
                }
                for begin, between, end in (("09:00", "10:45", "11:45"), ("13:00", "14:45", "15:45"))
            ],
        }
        for day in (TUESDAY, WEDNESDAY)
    ]
    assert answer.json() == {"timezone": "Europe/Amsterdam", "step_minutes": 240, "days": visits}


def test_a_later_item_waits_a_few_minutes_but_no_longer_than_the_salon_lets_it(
    salon: Salon, colour: Service
) -> None:
    booked(salon.cora, salon.service, at(f"{TUESDAY} 10:30"), client=salon.bob, minutes=25)
    make_salon(visit_max_wait_minutes=10)
    items = (colour, salon.bea), (salon.service, salon.cora)
    assert starts(ask(salon, *items))["09:00"] == [
        (salon.bea.pk, "09:00", "10:45"),
        (salon.cora.pk, "10:55", "11:55"),
    ]
    make_salon(visit_max_wait_minutes=9)
    assert list(starts(ask(salon, *items))) == ["10:00", "11:00", "12:00", "13:00", "14:00"]


def test_a_start_that_only_fits_where_the_first_wait_is_not_the_shortest_is_offered(salon: Salon) -> None:
    """The second item could begin at once, but the third then falls before its person is free."""
    short = make_service("Wash", duration_minutes=10)
    for person in (salon.bea, salon.cora):
        person.services.add(short)
    make_salon(visit_max_wait_minutes=15)
    booked(salon.cora, salon.service, at(f"{TUESDAY} 10:30"), client=salon.bob, minutes=10)
    booked(salon.bea, salon.service, at(f"{TUESDAY} 10:20"), client=salon.bob, minutes=2)
    answer = ask(salon, (salon.service, salon.cora), (short, salon.bea), (short, salon.cora))
    assert starts(answer)["09:00"] == [
        (salon.cora.pk, "09:00", "10:00"),
        (salon.bea.pk, "10:00", "10:10"),
        (salon.cora.pk, "10:10", "10:20"),
    ]
    booked(salon.cora, salon.service, at(f"{TUESDAY} 10:10"), client=salon.bob, minutes=20)
    answer = ask(salon, (salon.service, salon.cora), (short, salon.bea), (short, salon.cora))
    assert "09:00" not in starts(answer)
    make_salon(visit_max_wait_minutes=20)
    answer = ask(salon, (salon.service, salon.cora), (short, salon.bea), (short, salon.cora))
    assert starts(answer)["09:00"] == [
        (salon.cora.pk, "09:00", "10:00"),
        (salon.bea.pk, "10:10", "10:20"),
        (salon.cora.pk, "10:40", "10:50"),
    ]


def test_items_that_begin_together_have_two_people_and_the_next_follows_the_longer_one(
    salon: Salon, colour: Service
) -> None:
    answer = ask(salon, (salon.service, "any"), (colour, "any", "same"), (salon.service, "any"))
    assert starts(answer)["09:00"] == [
        (salon.bea.pk, "09:00", "10:00"),
        (salon.cora.pk, "09:00", "10:45"),
        (salon.bea.pk, "10:45", "11:45"),
    ]
    theirs = booked(salon.cora, salon.service, at(f"{TUESDAY} 09:00"), client=salon.bob)
    answer = ask(salon, (salon.service, "any"), (colour, "any", "same"), explain=1)
    assert "09:00" not in starts(answer)
    assert blocked(answer)[1] == ("09:00", "10:00", 2, 1, "slot_taken", theirs.pk)
    salon.cora.services.remove(colour)
    answer = ask(salon, (colour, "any"), (colour, "any", "same"), explain=1)
    assert blocked(answer)[1] == ("09:00", "16:00", 2, None, "another_person", None)


def test_somebody_else_sits_in_the_gap_and_the_visit_goes_around(salon: Salon, colour: Service) -> None:
    booked(salon.bea, salon.service, at(f"{TUESDAY} 09:30"), client=salon.bob, minutes=45)
    answer = ask(salon, (colour, salon.bea), (salon.service, salon.bea))
    assert starts(answer)["09:00"] == [
        (salon.bea.pk, "09:00", "10:45"),
        (salon.bea.pk, "10:45", "11:45"),
    ]


def test_own_minutes_and_parts_count(salon: Salon, colour: Service) -> None:
    own_minutes(salon.cora, colour, work(20), gap(30), work(10))
    answer = ask(salon, (colour, salon.cora), (salon.service, salon.bea))
    assert starts(answer)["09:00"] == [
        (salon.cora.pk, "09:00", "10:00"),
        (salon.bea.pk, "10:00", "11:00"),
    ]


def test_between_neighbours_are_no_buffers_and_around_the_visit_there_are(salon: Salon) -> None:
    perm = make_service("Perm", buffer_before_minutes=30, buffer_after_minutes=30)
    salon.bea.services.add(perm)
    items = [(perm, salon.bea), (perm, salon.bea)]
    assert list(starts(ask(salon, *items))) == ["09:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00"]
    booked(salon.bea, salon.service, at(f"{TUESDAY} 13:15"), client=salon.bob, minutes=15)
    assert list(starts(ask(salon, *items))) == ["09:00", "10:00", "14:00", "15:00"]


@pytest.mark.parametrize(("minutes", "offered"), [(9, True), (10, False)])
def test_whoever_waits_as_long_as_both_buffers_keeps_both(salon: Salon, minutes: int, offered: bool) -> None:
    """Somebody is served between the two items: nine minutes leave no room for buffers, and need none."""
    perm = make_service("Perm", buffer_before_minutes=5, buffer_after_minutes=5)
    salon.bea.services.add(perm)
    booked(salon.bea, salon.service, at(f"{TUESDAY} 10:00"), client=salon.bob, minutes=minutes)
    make_salon(visit_max_wait_minutes=10)
    shown = starts(ask(salon, (perm, salon.bea), (perm, salon.bea)))
    assert shown.get("09:00") == (
        [(salon.bea.pk, "09:00", "10:00"), (salon.bea.pk, "10:09", "11:09")] if offered else None
    )


def test_one_person_before_several_then_the_fewest_bookings_then_the_lowest_ids(salon: Salon) -> None:
    everything = [(salon.service, "any"), (salon.service, "any")]
    assert {who for each in starts(ask(salon, *everything)).values() for who, _, _ in each} == {salon.bea.pk}
    booked(salon.bea, salon.service, at(f"{TUESDAY} 16:00"), client=salon.bob)
    answer = ask(salon, *everything, date_to=WEDNESDAY)
    assert {who for each in starts(answer).values() for who, _, _ in each} == {salon.cora.pk}
    assert {who for each in starts(answer, WEDNESDAY).values() for who, _, _ in each} == {salon.bea.pk}
    booked(salon.cora, salon.service, at(f"{TUESDAY} 10:00"), client=salon.bob)
    assert starts(ask(salon, *everything))["09:00"] == [
        (salon.bea.pk, "09:00", "10:00"),
        (salon.bea.pk, "10:00", "11:00"),
    ]
    booked(salon.bea, salon.service, at(f"{TUESDAY} 09:00"), client=salon.bob)
    assert starts(ask(salon, *everything))["09:00"] == [
        (salon.cora.pk, "09:00", "10:00"),
        (salon.bea.pk, "10:00", "11:00"),
    ]


def test_a_visit_of_one_is_what_availability_of_the_service_says(salon: Salon, colour: Service) -> None:
    make_salon(slot_step_minutes=15)
    for hour in (10, 13):
        booked(salon.bea, salon.service, at(f"{TUESDAY} {hour}:00"), client=salon.bob)
    make_time_off(salon.cora, at(f"{TUESDAY} 11:00"), hours=3)
    query = {"service_id": colour.pk, "date_from": TUESDAY, "date_to": TUESDAY}
    (day,) = caller(salon.ada).get("/api/availability", query).json()["days"]
    expected = {start[11:16] for one in day["staff"] for start in one["starts"]}
    assert set(starts(ask(salon, (colour, "any")))) == expected


def test_explain_names_the_item_and_the_part(salon: Salon, colour: Service) -> None:
    make_salon(visit_max_wait_minutes=0)
    lunch = booked(salon.bea, salon.service, at(f"{TUESDAY} 12:00"), client=salon.bob, minutes=30)
    answer = ask(salon, (salon.service, salon.cora), (colour, salon.bea), explain=1)
    assert list(starts(answer)) == ["09:00", "12:00", "13:00", "14:00"]
    assert blocked(answer) == [
        ("00:00", "09:00", 1, None, "outside_working_hours", None),
        ("10:00", "11:00", 2, 3, "slot_taken", lunch.pk),
        ("11:00", "12:00", 2, 1, "slot_taken", lunch.pk),
        ("15:00", "16:00", 2, 3, "outside_working_hours", None),
        ("16:00", "17:00", 2, 1, "outside_working_hours", None),
        ("17:00", "00:00", 1, None, "outside_working_hours", None),
    ]
    (day,) = answer.json()["days"]
    assert day["blocked"][1] == {
        "start_at": "2026-11-24 10:00:00",
        "end_at": "2026-11-24 11:00:00",
        "item": 2,
        "part": 3,
        "code": "slot_taken",
        "message": "Item 2: That time is already taken for this staff member; choose another time "
        "(part 3 of the service).",
        "booking_id": lunch.pk,
    }


def test_explain_of_anybody_names_who_comes_nearest(salon: Salon) -> None:
    away = make_bea(email="away@salon.example", services=[salon.service])
    make_hours(away, opens="09:00", closes="10:00")
    for person in (salon.bea, salon.cora):
        booked(person, salon.service, at(f"{TUESDAY} 10:00"), client=salon.bob)
    answer = ask(salon, (salon.service, "any"), (salon.service, "any"), explain=1)
    assert next(each for each in blocked(answer) if each[0] == "09:00")[2:5] == (2, None, "slot_taken")


def test_a_holiday_closes_the_day_and_a_visit_into_it(salon: Salon) -> None:
    make_holiday(at(f"{WEDNESDAY} 12:00").date(), "Feast")
    answer = ask(
        salon,
        (salon.service, "any"),
        (salon.service, "any"),
        date_from=WEDNESDAY,
        date_to=WEDNESDAY,
        explain=1,
    )
    assert starts(answer, WEDNESDAY) == {}
    assert {each[2:5] for each in blocked(answer)} == {(1, None, "holiday")}


@pytest.mark.clock_at(at(f"{TUESDAY} 10:30"))
def test_the_notice_is_asked_of_the_first_start(salon: Salon) -> None:
    make_salon(min_notice_minutes=60)
    answer = ask(salon, (salon.service, salon.bea), (salon.service, salon.bea), explain=1)
    assert list(starts(answer)) == ["12:00", "13:00", "14:00", "15:00"]
    assert blocked(answer) == [
        ("00:00", "11:00", 1, None, "in_the_past", None),
        ("11:00", "12:00", 1, None, "min_notice", None),
        ("16:00", "17:00", 2, None, "outside_working_hours", None),
        ("17:00", "00:00", 1, None, "outside_working_hours", None),
    ]


def test_the_horizon_too(salon: Salon) -> None:
    make_salon(booking_horizon_days=1)
    answer = ask(salon, (salon.service, salon.bea), date_to=WEDNESDAY)
    assert (len(starts(answer)), starts(answer, WEDNESDAY)) == (8, {})


def test_somebody_with_a_short_item_between_does_not_part_neighbours(salon: Salon) -> None:
    """Bea's two items lie five minutes apart, less than her buffers together, while Cora has the client."""
    perm = make_service("Perm", buffer_before_minutes=10, buffer_after_minutes=10)
    wash = make_service("Wash", duration_minutes=5)
    salon.bea.services.add(perm)
    salon.cora.services.add(wash)
    make_salon(visit_max_wait_minutes=0)
    booked(salon.bea, salon.service, at(f"{TUESDAY} 10:00"), client=salon.bob, minutes=5)
    items = (perm, salon.bea), (wash, salon.cora), (perm, salon.bea)
    assert starts(ask(salon, *items))["09:00"] == [
        (salon.bea.pk, "09:00", "10:00"),
        (salon.cora.pk, "10:00", "10:05"),
        (salon.bea.pk, "10:05", "11:05"),
    ]
    assert "09:00" not in starts(ask(salon, *items[:2]))


def test_a_visit_lasts_at_most_twelve_hours(salon: Salon) -> None:
    long = make_service("Bridal", duration_minutes=360)
    night = make_bea(email="night@salon.example", services=[long])
    make_hours(night, opens="06:00", closes="23:00")
    make_salon(visit_max_wait_minutes=1)
    two = [(long, night), (long, night)]
    assert list(starts(ask(salon, *two))) == [f"{hour:02}:00" for hour in range(6, 12)]
    short = make_service("Veil", duration_minutes=1)
    night.services.add(short)
    answer = ask(salon, *two, (short, night), explain=1)
    assert starts(answer) == {}
    assert blocked(answer) == [
        ("00:00", "06:00", 1, None, "outside_working_hours", None),
        ("06:00", "11:00", 3, None, "visit_too_long", None),
        ("11:00", "12:00", 3, None, "outside_working_hours", None),
        ("12:00", "18:00", 2, None, "outside_working_hours", None),
        ("18:00", "00:00", 1, None, "outside_working_hours", None),
    ]


def test_items_that_begin_together_book_as_they_are_answered(salon: Salon, colour: Service) -> None:
    asked = [(colour, salon.bea), (salon.service, "any", "same"), (salon.service, salon.bea)]
    (day,) = ask(salon, *asked).json()["days"]
    first = day["starts"][0]
    assert [item["start_at"][11:16] for item in first["items"]] == ["09:00", "09:00", "10:45"]
    items = [{name: each[name] for name in ("service_id", "staff_id", "start_at")} for each in first["items"]]
    order = {"client_id": salon.alice.pk, "start_at": first["start_at"], "items": items}
    post = caller(salon.ada).post
    held = post("/api/holds", {"start_at": first["start_at"], "items": items}, format="json")
    assert (held.status_code, held.json()["items"]) == (201, first["items"])
    made = post("/api/visits", {**order, "hold_token": held.json()["hold_token"]}, format="json")
    assert made.status_code == 200, made.content
    assert [(each["staff_id"], each["start_at"], each["end_at"]) for each in made.json()["bookings"]] == [
        (item["staff_id"], item["start_at"], item["end_at"]) for item in first["items"]
    ]


def test_nobody_does_two_that_begin_at_one_instant(salon: Salon) -> None:
    item = {"service_id": salon.service.pk, "staff_id": salon.bea.pk, "start_at": f"{TUESDAY} 09:00:00"}
    order = {"client_id": salon.alice.pk, "start_at": f"{TUESDAY} 09:00:00", "items": [item, item]}
    answer = caller(salon.ada).post("/api/visits", order, format="json")
    assert answer.status_code == 400
    told = "It begins with the item before it, so another person must do it."
    assert answer.json()["details"] == {"items.1.staff_id": [told]}


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ("", "Item 1: send service:staff"),
        ("1", "Item 1: send service:staff"),
        ("{cut}:any,", "Item 2: send service:staff"),
        ("{cut}:any:together", "Item 1: send service:staff"),
        ("{cut}:0", "Item 1: send service:staff"),
        ("{cut}:9223372036854775808", "Item 1: send service:staff"),
        (" {cut}:any", "Item 1: send service:staff"),
        ("٣:any", "Item 1: send service:staff"),
        (",".join(["{cut}:any"] * 7), "A visit has 1 to 6 items."),
        ("{cut}:any,900000999:any", "Item 2: there is no service 900000999, or it is no longer offered."),
        ("{cut}:900000999", "Item 1: there is no staff member 900000999 who takes bookings."),
        ("{cut}:any:same", "Item 1: nothing comes before the first item; it cannot begin with it."),
        (
            "{cut}:{bea},{cut}:{bea}:same",
            "Item 2: it begins with the item before it, so another person must do it.",
        ),
        ("{yoga}:any", "Item 1: Yoga is a class; it is booked by itself."),
    ],
)
def test_items_that_cannot_be_meant_are_refused(salon: Salon, items: str, sentence: str) -> None:
    yoga = make_service("Yoga", max_capacity=8)
    text = items.format(cut=salon.service.pk, bea=salon.bea.pk, yoga=yoga.pk)
    query = {"items": text, "date_from": TUESDAY, "date_to": TUESDAY}
    answer = caller(salon.ada).get("/api/availability", query)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    (told,) = answer.json()["details"]["items"]
    assert told.startswith(sentence)


def test_items_and_a_service_are_not_asked_together_and_one_of_them_must_be(salon: Salon) -> None:
    answer = ask(salon, (salon.service, "any"), service_id=salon.service.pk, staff_id=salon.bea.pk)
    assert (answer.status_code, sorted(answer.json()["details"])) == (400, ["service_id", "staff_id"])
    neither = caller(salon.ada).get("/api/availability", {})
    assert list(neither.json()["details"]) == ["service_id", "date_from", "date_to"]
    too_long = ask(salon, (salon.service, "any"), date_to="2027-03-01")
    assert too_long.json()["details"] == {"date_to": ["at most 62 days at once."]}


def test_two_weeks_of_three_items_for_ten_people_cost_as_many_statements_as_a_day_of_one(
    salon: Salon, colour: Service
) -> None:
    with CaptureQueriesContext(connection) as small:
        assert ask(salon, (salon.service, salon.bea)).status_code == 200
    for number in range(8):
        person = make_bea(email=f"p{number}@salon.example", services=[salon.service, colour])
        make_hours(person)
        for day in range(14):
            start_at = at(f"{TUESDAY} 10:00") + timedelta(days=day)
            booked(person, salon.service, start_at, client=salon.bob)
    three = [(salon.service, "any"), (colour, "any"), (salon.service, "any")]
    with CaptureQueriesContext(connection) as large:
        assert ask(salon, *three, date_to="2026-12-07", explain=1).status_code == 200
    assert len(large) == len(small) <= 14


def test_what_the_desk_may_book_is_found_where_a_client_finds_nothing(salon: Salon) -> None:
    now, settings = MONDAY_NOON, SalonSettings.load()
    evening = at(f"{TUESDAY} 20:00")
    named = wishes_for([AskedItem(salon.service.pk, salon.bea.pk)] * 2)
    assert assign(named, start_at=evening, salon=settings, now=now) is None
    found = assign(named, start_at=evening, salon=settings, now=now, binding=DESK)
    assert found is not None and [each.start_at for each in found] == [evening, evening + timedelta(hours=1)]
    anybody = wishes_for([AskedItem(salon.service.pk)] * 2)
    assert assign(anybody, start_at=evening, salon=settings, now=now, binding=DESK) is None
    misfit = explain(anybody, start_at=evening, salon=settings, now=now, binding=DESK)
    assert misfit is not None and (misfit.item, misfit.objection.code) == (1, "outside_working_hours")
    make_holiday(evening.date())
    for binding in (CLIENTS, DESK):
        assert assign(named, start_at=evening, salon=settings, now=now, binding=binding) is None


def test_items_to_the_second_are_found(salon: Salon, colour: Service) -> None:
    begins = at(f"{TUESDAY} 09:00") + timedelta(seconds=20)
    second = begins + timedelta(minutes=105, seconds=25)
    asked = [
        AskedItem(colour.pk, salon.bea.pk),
        AskedItem(salon.service.pk, salon.bea.pk, start_at=second),
        AskedItem(salon.service.pk, salon.cora.pk),
    ]
    found = assign(wishes_for(asked), start_at=begins, salon=SalonSettings.load(), now=MONDAY_NOON)
    assert found is not None
    assert [each.start_at for each in found] == [begins, second, second + timedelta(hours=1)]
    assert [each.parts for each in found] == [COLOUR, [], []]


def test_a_visit_at_odd_seconds_keeps_the_edges_to_the_second(salon: Salon) -> None:
    wish = wishes_for([AskedItem(salon.service.pk, salon.bea.pk)])
    closing = at(f"{TUESDAY} 16:00")
    other = booked(salon.bea, salon.service, at(f"{TUESDAY} 12:00") + timedelta(seconds=30), client=salon.bob)

    def fits(start_at: datetime) -> bool:
        found = assign(wish, start_at=start_at, salon=SalonSettings.load(), now=MONDAY_NOON)
        return found is not None

    one = timedelta(seconds=1)
    assert [fits(closing), fits(closing + one)] == [True, False]
    assert [fits(other.end_at - one), fits(other.end_at)] == [False, True]
    before = other.start_at - timedelta(hours=1)
    assert [fits(before), fits(before + one)] == [True, False]
