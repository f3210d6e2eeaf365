"""POST /appointments: times, groups, series, echoes, and what the salon refuses (contract §3)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from bookings.models import Booking, BookingEvent, BusyTime
from notifications.models import Job, Notification
from tests.cast.amelia import Desk, make_class, make_dan, order, seat
from tests.cast.bookings import MORNING, Salon, jobs, stored
from tests.cast.factories import make_holiday, make_location

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

UNAVAILABLE = {"timeSlotUnavailable": True}


@pytest.fixture
def salon() -> Salon:
    return make_class()


@pytest.fixture
def desk(salon: Salon) -> Desk:
    return Desk()


def refused(desk: Desk, body: dict[str, Any]) -> tuple[int, dict[str, Any], str]:
    """Status, data and message of a refusal that stored nothing and set nothing in motion."""
    before = stored()
    answer = desk.post("/appointments", body)
    assert stored() == before, answer.content
    return answer.status_code, answer.json()["data"], answer.json()["message"]


@pytest.mark.parametrize(
    ("start", "more", "shown"),
    [
        ("2026-03-24 10:00", {}, "2026-03-24 10:00:00"),
        ("2026-03-24 10:00:00", {}, "2026-03-24 10:00:00"),
        ("2026-03-24 10:00", {"utc": True}, "2026-03-24 11:00:00"),
        ("2026-03-24 10:00", {"utc": 1, "timeZone": "America/New_York"}, "2026-03-24 11:00:00"),
        ("2026-03-24 10:00", {"utc": False, "timeZone": "America/New_York"}, "2026-03-24 15:00:00"),
        ("2026-03-24 10:00", {"timeZone": ""}, "2026-03-24 10:00:00"),
        ("2026-03-24T10:00:00Z", {"timeZone": "America/New_York"}, "2026-03-24 11:00:00"),
        ("2026-03-29 02:30", {"utc": True}, "2026-03-29 04:30:00"),
        ("2026-03-29 02:30", {"timeZone": "America/New_York"}, "2026-03-29 08:30:00"),
        ("2026-10-25 02:30", {}, "2026-10-25 02:30:00"),
    ],
)
def test_times_are_read_in_the_zone_that_the_call_names(
    salon: Salon, desk: Desk, start: str, more: dict[str, Any], shown: str
) -> None:
    assert desk.made(order(salon, bookingStart=start, **more))["bookingStart"] == shown


def test_a_doubled_hour_is_its_first(salon: Salon, desk: Desk) -> None:
    desk.made(order(salon, bookingStart="2026-10-25 02:30"))
    assert f"{Booking.objects.get().start_at:%H:%M}" == "00:30"


@pytest.mark.parametrize("more", [{}, {"timeZone": "Europe/Belgrade"}])
def test_a_skipped_hour_is_refused(salon: Salon, desk: Desk, more: dict[str, Any]) -> None:
    status, data, message = refused(desk, order(salon, bookingStart="2026-03-29 02:30", **more))
    assert (status, data) == (400, {})
    assert "does not exist" in message


def test_the_hour_it_lasts_is_an_hour_on_the_day_the_clocks_change(salon: Salon, desk: Desk) -> None:
    made = desk.made(
        order(salon, bookingStart="2026-03-29 01:30", bookings=[seat(salon.alice, duration=3600)])
    )
    assert (made["bookingStart"], made["bookingEnd"]) == ("2026-03-29 01:30:00", "2026-03-29 03:30:00")


@pytest.mark.parametrize(
    ("durations", "end"),
    [
        ((None, None), "10:30"),
        ((3600, None), "11:00"),
        ((600, 1200), "10:20"),
    ],
)
def test_it_ends_after_the_longest_live_duration(
    salon: Salon, desk: Desk, durations: tuple[Any, Any], end: str
) -> None:
    seats = [seat(who, duration=each) for who, each in zip((salon.alice, salon.bob), durations, strict=True)]
    seats.append(seat(make_dan(), duration=7200, status="canceled"))
    made = desk.made(order(salon, bookings=seats))
    assert made["bookingEnd"] == f"2026-03-24 {end}:00"
    assert [each["duration"] for each in desk.shown(made["id"])["bookings"]] == [
        *(each or 1800 for each in durations),
        7200,
    ]


def test_a_duration_beyond_a_day_is_refused(salon: Salon, desk: Desk) -> None:
    body = order(salon, bookings=[seat(salon.alice, duration=86_401)])
    assert refused(desk, body)[0] == 400


def test_a_group_is_one_session_with_one_party(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice), seat(salon.bob, persons=2)]))
    assert [each["customerId"] for each in made["bookings"]] == [salon.alice.pk, salon.bob.pk]
    assert len({each["token"] for each in made["bookings"]}) == 2
    assert {each["isChangedStatus"] for each in made["bookings"]} == {True}
    assert set(Booking.objects.values_list("session_id", flat=True)) == {made["id"]}
    assert BusyTime.objects.values("party").distinct().count() == 1
    assert jobs() == [("booking.created", "pending")] * 2


@pytest.mark.parametrize(
    ("seats", "flag"),
    [
        (((0, 2), (1, 2)), "maximumCapacityReached"),
        (((0, 4),), "maximumCapacityReached"),
        (((0, 1), (0, 1)), "customerAlreadyBooked"),
    ],
)
def test_what_does_not_fit_is_409(
    salon: Salon, desk: Desk, seats: tuple[tuple[int, int], ...], flag: str
) -> None:
    people = (salon.alice, salon.bob)
    body = order(salon, bookings=[seat(people[who], persons=persons) for who, persons in seats])
    status, data, message = refused(desk, body)
    assert (status, data) == (409, {flag: True})
    assert message


def test_a_taken_slot_is_409_for_a_class_too(salon: Salon, desk: Desk) -> None:
    desk.made(order(salon))
    assert refused(desk, order(salon, bookings=[seat(salon.bob)]))[:2] == (409, UNAVAILABLE)


def test_a_native_booking_takes_the_slot(salon: Salon, desk: Desk) -> None:
    salon.book()
    assert refused(desk, order(salon, bookingStart="2026-03-24 10:45"))[:2] == (409, UNAVAILABLE)


def test_a_holiday_is_409(salon: Salon, desk: Desk) -> None:
    make_holiday(date(2026, 3, 24), "Spring day")
    status, data, message = refused(desk, order(salon))
    assert (status, data) == (409, UNAVAILABLE)
    assert "Spring day" in message


@pytest.mark.parametrize(
    ("status", "pair", "sets_in_motion"),
    [
        ("approved", ("scheduled", ""), [("booking.created", "pending")]),
        ("pending", ("provisional", ""), []),
        ("canceled", ("cancelled", ""), []),
        ("rejected", ("cancelled", "rejected"), []),
        ("no-show", ("no-show", ""), []),
    ],
)
def test_every_status_can_be_written_at_once(
    salon: Salon, desk: Desk, status: str, pair: tuple[str, str], sets_in_motion: list[Any]
) -> None:
    made = desk.made(order(salon, bookings=[seat(salon.alice, status=status)]))
    row = Booking.objects.get()
    assert (row.status, row.status_detail, row.provisional_token) == (*pair, None)
    assert (made["status"], made["bookings"][0]["status"]) == (status, status)
    assert jobs() == sets_in_motion
    assert BusyTime.objects.count() == (status in ("approved", "pending"))


def test_without_a_status_it_is_approved(salon: Salon, desk: Desk) -> None:
    made = desk.made(order(salon, bookings=[{"customerId": salon.alice.pk}]))
    assert (made["bookings"][0]["status"], made["bookings"][0]["persons"]) == ("approved", 1)


@pytest.mark.parametrize(("sent", "shown", "mails"), [(True, 1, 1), (1, 1, 1), (False, 0, 0), (0, 0, 0)])
def test_nobody_is_mailed_when_participants_are_not_notified(
    salon: Salon, desk: Desk, sent: Any, shown: int, mails: int
) -> None:
    made = desk.made(order(salon, notifyParticipants=sent))
    assert (made["notifyParticipants"], type(made["notifyParticipants"])) == (shown, int)
    assert desk.shown(made["id"])["notifyParticipants"] == shown
    assert Job.objects.count() == mails
    assert Notification.objects.filter(type="booking.new").count() == 2


def test_what_is_not_ours_is_stored_and_said_back(salon: Salon, desk: Desk) -> None:
    fields = '{ "1": {"label":"Größe", "value":"M/L", "type":"text"}, "1": 1e5 }'
    extras = [{"id": 3, "quantity": 2, "price": 1.5, "name": "Ünïcode", "b": 1e300, "a": [None, -0.0]}]
    info = '{"firstName":"Alice","locale":"en_US"}'
    made = desk.made(
        order(
            salon,
            lessonSpace="room-7",
            internalNotes="needs a parking place",
            bookings=[
                seat(salon.alice, customFields=fields, extras=extras, info=info, packageCustomerId=77),
                seat(salon.bob),
            ],
        )
    )
    shown = desk.shown(made["id"])
    for answer in (made, shown):
        assert (answer["lessonSpace"], answer["internalNotes"]) == ("room-7", "needs a parking place")
        first, second = answer["bookings"]
        assert (first["customFields"], first["extras"], first["info"]) == (fields, extras, info)
        assert first["payments"][0]["packageCustomerId"] == 77
        assert (second["customFields"], second["extras"], second["info"]) == (None, [], None)
    assert set(Booking.objects.values_list("internal_notes", flat=True)) == {"needs a parking place"}


def test_a_location_is_the_one_sent_or_the_only_one(salon: Salon, desk: Desk) -> None:
    centre = make_location()
    assert desk.made(order(salon))["locationId"] == centre.pk
    south = make_location("South", "south")
    later = order(salon, bookingStart="2026-03-25 10:00")
    assert desk.made({**later, "locationId": south.pk})["locationId"] == south.pk


def test_the_price_is_a_number(salon: Salon, desk: Desk) -> None:
    salon.service.price = "22.50"
    salon.service.save()
    assert desk.made(order(salon))["bookings"][0]["price"] == 22.5
    salon.service.price = None
    salon.service.save()
    made = desk.made(order(salon, bookingStart="2026-03-25 10:00"))
    assert made["bookings"][0]["price"] == 0


def test_a_series_is_one_appointment_each(salon: Salon, desk: Desk) -> None:
    centre = make_location()
    body = order(
        salon,
        bookings=[seat(salon.alice), seat(salon.bob)],
        recurring=[
            {"bookingStart": "2026-03-31 10:00"},
            {
                "bookingStart": "2026-04-07 11:00",
                "bookingEnd": "2026-04-07 11:30",
                "providerId": salon.cora.pk,
                "locationId": centre.pk,
            },
        ],
    )
    answer = desk.post("/appointments", body)
    assert answer.status_code == 200, answer.content
    data = answer.json()["data"]
    first, others = data["appointment"], [each["appointment"] for each in data["recurring"]]
    assert [each["bookingStart"] for each in (first, *others)] == [
        "2026-03-24 10:00:00",
        "2026-03-31 10:00:00",
        "2026-04-07 11:00:00",
    ]
    assert [each["parentId"] for each in (first, *others)] == [None, first["id"], first["id"]]
    assert [each["providerId"] for each in others] == [salon.bea.pk, salon.cora.pk]
    assert [len(each["bookings"]) for each in (first, *others)] == [2, 2, 2]
    assert all(booking["token"] for each in others for booking in each["bookings"])
    assert desk.shown(others[0]["id"])["parentId"] == first["id"]
    assert desk.shown(first["id"])["parentId"] is None
    assert set(Booking.objects.values_list("series_id", flat=True)) == {first["id"]}
    assert desk.ids() == [first["id"], *(each["id"] for each in others)]


def test_a_series_is_confirmed_in_one_mail_for_each_customer(salon: Salon, desk: Desk) -> None:
    recurring = [{"bookingStart": f"2026-04-{day:02} 10:00"} for day in (7, 14, 21)]
    desk.post(
        "/appointments", order(salon, bookings=[seat(salon.alice), seat(salon.bob)], recurring=recurring)
    )
    made = Job.objects.order_by("id").values_list("type", "recipient", "payload")
    theirs = {
        who.pk: list(Booking.objects.filter(client=who).order_by("id").values_list("id", flat=True))
        for who in (salon.alice, salon.bob)
    }
    assert [(type, recipient, payload["booking_ids"]) for type, recipient, payload in made] == [
        ("booking.created", f"client:{who}", theirs[who]) for who in (salon.alice.pk, salon.bob.pk)
    ]
    assert len(theirs[salon.alice.pk]) == 4


@pytest.mark.parametrize(
    ("second", "named"),
    [("2026-03-31 10:00", "2026-03-31 10:00:00"), ("2026-03-24 10:15", "2026-03-24 10:15:00")],
)
def test_a_taken_occurrence_refuses_the_whole_series_with_its_date(
    salon: Salon, desk: Desk, second: str, named: str
) -> None:
    salon.book(start_at="2026-03-31 10:00:00", end_at="2026-03-31 11:00:00")
    body = order(salon, recurring=[{"bookingStart": "2026-04-07 10:00"}, {"bookingStart": second}])
    status, data, message = refused(desk, body)
    assert (status, data) == (409, UNAVAILABLE)
    assert named in message


def test_an_unknown_provider_in_a_series_refuses_it(salon: Salon, desk: Desk) -> None:
    body = order(salon, recurring=[{"bookingStart": "2026-04-07 10:00", "providerId": 900000999}])
    status, data, message = refused(desk, body)
    assert (status, data) == (404, {"entityMissing": True})
    assert "2026-04-07" in message
    assert "providerId" in message


def test_the_audit_trail_names_the_key_and_the_door(salon: Salon, desk: Desk) -> None:
    desk.made(order(salon))
    event = BookingEvent.objects.get()
    assert (event.door, event.actor_type, event.actor_name) == ("amelia", "api_key", "Website")


def test_mass_assignment_changes_nothing(salon: Salon, desk: Desk) -> None:
    made = desk.made(
        order(
            salon,
            status="canceled",
            parentId=5,
            bookings=[seat(salon.alice, price=0, id=77, token="mine", payments=[{"amount": 1000}])],
        )
    )
    booking = made["bookings"][0]
    assert (made["status"], made["parentId"], booking["price"]) == ("approved", None, 23)
    assert (booking["payments"][0]["amount"], booking["token"] != "mine") == (0, True)
