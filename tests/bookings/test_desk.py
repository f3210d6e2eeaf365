"""What the desk is warned of, prices agreed with a client, the desk's words for a status (contract §6a)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bookings import lifecycle
from bookings.models import Booking, BookingEvent, NoShowFee
from notifications.models import Job
from staff.access.actor import SYSTEM
from staff.wire.refusals import BadRequest
from tests.cast.bookings import MORNING, Salon, jobs, make_cast, stored, told
from tests.cast.factories import caller, make_client, make_key, make_salon, make_service

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]


@pytest.fixture
def salon() -> Salon:
    return make_cast()


def codes(answer: dict[str, Any]) -> list[str]:
    return [each["code"] for each in answer["warnings"]]


def test_a_client_in_two_chairs_at_once_is_said(salon: Salon) -> None:
    first = salon.book()
    assert first["warnings"] == []
    second = salon.book(staff_id=salon.cora.pk, start_at="2026-03-24 10:30:00", end_at="2026-03-24 11:30:00")
    assert second["warnings"] == [
        {"code": "client_busy", "message": "This client has another booking at that time."}
    ]
    after = salon.put(second, {"start_at": "2026-03-24 11:00:00", "end_at": "2026-03-24 12:00:00"}).json()
    assert codes(after) == []
    back = salon.put(second, {"start_at": "2026-03-24 10:59:00", "end_at": "2026-03-24 11:59:00"}).json()
    assert codes(back) == ["client_busy"]
    assert codes(salon.put(second, {"notes": "window seat"}).json()) == []
    other = salon.put(second, {"client_id": salon.bob.pk}).json()
    assert codes(other) == []
    assert codes(salon.put(second, {"client_id": salon.alice.pk}).json()) == ["client_busy"]
    salon.delete(first)
    third = salon.book(client_id=salon.alice.pk)
    assert codes(third) == ["client_busy"], "the second one still stands"


def test_so_is_one_that_began_a_whole_day_before(salon: Salon) -> None:
    salon.book(start_at="2026-03-24 10:00:00", end_at="2026-03-25 10:00:00")
    for begins, ends, warned in (("09:59", "10:30", True), ("10:00", "10:30", False)):
        times = {"start_at": f"2026-03-25 {begins}:00", "end_at": f"2026-03-25 {ends}:00"}
        made = salon.book(staff_id=salon.cora.pk, allow_overlap=True, **times)
        assert ("client_busy" in codes(made)) is warned
        salon.delete(made)


@pytest.mark.parametrize(
    ("end_at", "code", "minutes"),
    [
        ("2026-03-24 10:01:00", "shorter_than_service", 1),
        ("2026-03-24 12:00:00", "longer_than_service", 120),
    ],
)
def test_a_length_that_is_not_the_services_is_said(
    salon: Salon, end_at: str, code: str, minutes: int
) -> None:
    assert salon.book(end_at=end_at)["warnings"] == [
        {"code": code, "message": f"Haircut takes 60 minutes and this booking lasts {minutes}."}
    ]


def test_another_service_keeps_the_times_and_says_that_they_do_not_fit(salon: Salon) -> None:
    colour = make_service("Colour", duration_minutes=120)
    salon.bea.services.add(colour)
    booking = salon.book()
    answer = salon.put(booking, {"service_id": colour.pk}).json()
    assert (answer["end_at"], codes(answer)) == ("2026-03-24 11:00:00", ["shorter_than_service"])


def test_a_mail_to_nobody_is_said(salon: Salon) -> None:
    nobody = make_client("Nora", "None", email="")
    regular = salon.book(client_id=nobody.pk)
    assert regular["warnings"] == [
        {
            "code": "no_address",
            "message": "This client has no e-mail address: the mail about this goes to nobody.",
        }
    ]
    request = salon.book(
        client_id=nobody.pk,
        provisional=True,
        start_at="2026-03-24 12:00:00",
        end_at="2026-03-24 13:00:00",
    )
    assert codes(request) == ["no_address"]
    assert "nobody can answer it" in request["warnings"][0]["message"]
    assert codes(salon.put(regular, {"notes": "x"}).json()) == []
    moved = salon.put(regular, {"start_at": "2026-03-24 14:00:00", "end_at": "2026-03-24 15:00:00"}).json()
    assert codes(moved) == ["no_address"]
    past = salon.book(client_id=nobody.pk, start_at="2026-03-19 12:00:00", end_at="2026-03-19 13:00:00")
    assert codes(past) == [], "no mail is owed about what is over"
    series = salon.book(
        client_id=nobody.pk,
        start_at="2026-03-25 12:00:00",
        end_at="2026-03-25 13:00:00",
        recurrence="FREQ=WEEKLY;COUNT=2",
    )
    assert codes(series) == ["no_address"]


def test_a_change_of_an_archived_clients_booking_is_said(salon: Salon) -> None:
    booking = salon.book()
    caller(salon.ada).delete(f"/api/clients/{salon.alice.pk}")
    assert codes(salon.put(booking, {"notes": "x"}).json()) == ["client_archived"]


def test_an_end_left_out_is_as_long_as_the_service(salon: Salon) -> None:
    body = salon.order()
    del body["end_at"]
    answer = caller(salon.ada).post("/api/bookings", body).json()
    assert (answer["start_at"], answer["end_at"]) == ("2026-03-24 10:00:00", "2026-03-24 11:00:00")
    before = stored()
    answer = caller(salon.ada).post("/api/bookings", {**body, "service_id": 900000999})
    assert (answer.status_code, set(answer.json()["details"])) == (400, {"service_id"})
    assert stored() == before


def test_a_price_is_agreed_and_kept_and_audited(salon: Salon) -> None:
    booking = salon.book(price="35")
    assert (booking["price"], booking["total_price"]) == ("35.00", "35.00")
    made = BookingEvent.objects.get(booking_id=booking["id"])
    assert made.changes == {"price": ["40.00", "35.00"]}
    other = make_service("Shave", price="20.00")
    salon.bea.services.add(other)
    assert salon.put(booking, {"price": "30.00", "reason": "friend"}).json()["price"] == "30.00"
    event = BookingEvent.objects.latest("id")
    assert (event.changes, event.reason) == ({"price": ["35.00", "30.00"]}, "friend")
    same = salon.put(booking, {"price": "30", "service_id": other.pk}).json()
    assert same["price"] == "20.00", "equal to the stored one counts as not sent"
    both = salon.put(booking, {"price": "25.00", "service_id": salon.service.pk}).json()
    assert both["price"] == "25.00"
    none = salon.put(booking, {"price": None}).json()
    assert (none["price"], none["total_price"]) == (None, None)
    assert (
        salon.book(price=None, start_at="2026-03-25 10:00:00", end_at="2026-03-25 11:00:00")["price"] is None
    )


@pytest.mark.parametrize(
    ("currency", "price", "sentence"),
    [
        ("EUR", "10.005", "Send an amount from 0 with at most 2 decimals: that is how it is paid in EUR."),
        ("JPY", "10.5", "Send an amount from 0 with no decimals: that is how it is paid in JPY."),
    ],
)
def test_a_price_that_nobody_can_pay_is_refused(
    salon: Salon, currency: str, price: str, sentence: str
) -> None:
    make_salon(currency=currency)
    booking = salon.book()
    before = stored()
    for answer in (
        caller(salon.ada).post("/api/bookings", salon.order(price=price)),
        salon.put(booking, {"price": price}),
        salon.put(booking, {"price": price, "scope": "session"}),
    ):
        assert (answer.status_code, answer.json()["details"]) == (400, {"price": [sentence]})
    assert stored() == before


def test_the_dinar_has_three_decimals_and_a_service_keeps_its_own_price(salon: Salon) -> None:
    odd = make_service("Trim", price="10.005")
    salon.bea.services.add(odd)
    booking = salon.book(service_id=odd.pk, price="10.005")
    assert salon.put(booking, {"price": "10.005", "notes": "x"}).status_code == 200
    make_salon(currency="KWD")
    assert salon.put(booking, {"price": "12.125"}).json()["price"] == "12.125"


def test_the_door_takes_no_price_below_zero(salon: Salon) -> None:
    booking = salon.book()
    before = stored()
    start_at = datetime(2026, 3, 25, 9, tzinfo=UTC)
    order = lifecycle.Order(
        client_id=salon.alice.pk,
        staff_id=salon.bea.pk,
        service_id=salon.service.pk,
        start_at=start_at,
        end_at=start_at + timedelta(hours=1),
        price=lifecycle.AgreedPrice(Decimal("-5")),
    )
    with pytest.raises(BadRequest):
        lifecycle.book(actor=SYSTEM, order=order)
    with pytest.raises(BadRequest):
        lifecycle.change(actor=SYSTEM, booking_id=booking["id"], changes={"price": Decimal("-5")})
    assert stored() == before


@pytest.mark.parametrize("price", ["-1", "1.2345", "x", "", True, [], "1e3"])
def test_what_is_no_price_is_refused(salon: Salon, price: Any) -> None:
    before = stored()
    answer = caller(salon.ada).post("/api/bookings", salon.order(price=price))
    assert (answer.status_code, set(answer.json()["details"])) == (400, {"price"})
    assert stored() == before


def test_a_price_is_for_one_person_and_the_fee_is_of_the_total(salon: Salon) -> None:
    caller(salon.ada).put(
        "/api/settings", {"noshow_enabled": True, "noshow_fee_type": "percent", "noshow_fee_value": "50"}
    )
    yoga = make_service("Class", price="15.00", max_capacity=5)
    salon.bea.services.add(yoga)
    booking = salon.book(service_id=yoga.pk, persons=3)
    assert (booking["price"], booking["total_price"]) == ("15.00", "45.00")
    salon.put(booking, {"status": "no-show"})
    assert NoShowFee.objects.get().amount_minor == 2250
    salon.put(booking, {"price": "10.00"})
    assert NoShowFee.objects.get().amount_minor == 2250, "frozen"


def test_a_native_write_key_may_agree_a_price(salon: Salon) -> None:
    answer = caller(make_key()[1]).post("/api/bookings", salon.order(price="12.50"))
    assert answer.json()["price"] == "12.50"


def test_the_desks_words_set_nothing_in_motion(salon: Salon) -> None:
    booking = salon.book()
    told(booking)
    before = (jobs(booking), Job.objects.count())
    arrived = salon.put(booking, {"status_detail": "arrived"}).json()
    assert (arrived["status"], arrived["status_detail"]) == ("scheduled", "arrived")
    sitting = salon.put(booking, {"status": "scheduled", "status_detail": "in_progress"}).json()
    assert sitting["status_detail"] == "in_progress"
    assert (jobs(booking), Job.objects.count()) == before
    paid = salon.put(booking, {"status": "completed", "status_detail": "paid"}).json()
    assert (paid["status"], paid["status_detail"]) == ("completed", "paid")
    again = salon.put(booking, {"status": "scheduled"}).json()
    assert (again["status"], again["status_detail"]) == ("scheduled", "")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status_detail": "paid"}, "status_detail"),
        ({"status": "scheduled", "status_detail": "paid"}, "status_detail"),
        ({"status_detail": "unheard_of"}, "status_detail"),
        ({"status": "cancelled", "status_detail": "arrived"}, "status"),
        ({"status_detail": None}, "status_detail"),
    ],
)
def test_a_pair_that_is_not_legal_is_refused(salon: Salon, body: dict[str, Any], field: str) -> None:
    booking = salon.book()
    before = stored()
    answer = salon.put(booking, body)
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert stored() == before
    assert Booking.objects.get().status_detail == ""
