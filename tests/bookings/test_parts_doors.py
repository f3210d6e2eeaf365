"""Every door knows the parts: who fits into a gap gets in, who does not is refused (contract §7)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from bookings.models import Booking, BusyTime, Hold, WaitlistEntry, WaitlistOffer
from bookings.self_service.offer import take_offer
from clients.models import Client
from staff.models import Service
from tests.cast.amelia import Desk, seat
from tests.cast.amelia import order as amelia_order
from tests.cast.bookings import MORNING, Salon, make_cast, stored
from tests.cast.factories import caller, make_client, make_holiday, make_key, make_salon, make_service
from tests.cast.factories import make_time_off as away
from tests.cast.parts import TUESDAY, booked, busy, clock, gap, make_colour, own_minutes, post, work
from tests.cast.rows import Rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

FIRST, GAP, LAST = ("10:00", "10:30"), ("10:30", "11:15"), ("11:15", "11:45")


@pytest.fixture
def salon() -> Salon:
    return make_cast()


@pytest.fixture
def colour(salon: Salon) -> Service:
    return make_colour(salon)


@pytest.fixture
def cut(salon: Salon) -> Service:
    service = make_service("Cut", duration_minutes=45)
    salon.bea.services.add(service)
    salon.cora.services.add(service)
    return service


def hold(salon: Salon, service: Service, time: str, **changes: Any) -> Any:
    body = {"service_id": service.pk, "start_at": f"{TUESDAY} {time}:00", **changes}
    return caller(salon.ada).post("/api/holds", body, format="json")


def refused(answer: Any, before: Rows, status: int = 409) -> None:
    assert answer.status_code == status, answer.content
    assert stored() == before


def test_a_hold_keeps_each_part_and_a_booking_takes_it_over(
    salon: Salon, colour: Service, cut: Service
) -> None:
    held = hold(salon, colour, "10:00", staff_id=salon.bea.pk).json()
    assert (held["end_at"], busy()) == (f"{TUESDAY} 11:45:00", [FIRST, LAST])
    assert hold(salon, cut, "10:30", staff_id=salon.bea.pk).status_code == 201
    before = stored()
    refused(hold(salon, cut, "10:31", staff_id=salon.bea.pk), before)
    refused(post(salon, cut, "10:31", client_id=salon.bob.pk), before)
    booking = booked(salon, colour, "10:00", hold_token=held["hold_token"])
    assert (busy(booking), busy(), Hold.objects.count()) == ([FIRST, LAST], [FIRST, GAP, LAST], 1)


def test_a_hold_that_is_longer_stretches_the_last_part(salon: Salon, colour: Service) -> None:
    hold(salon, colour, "10:00", staff_id=salon.bea.pk, end_at=f"{TUESDAY} 12:00:00")
    assert busy() == [FIRST, ("11:15", "12:00")]


def test_each_is_judged_with_their_own_minutes_where_nobody_is_named(
    salon: Salon, colour: Service, cut: Service
) -> None:
    """At half past ten Bea would have to begin the rinse where the cut is; Cora is quicker."""
    own_minutes(salon.cora, colour, work(20), gap(20), work(20))
    for person in (salon.bea, salon.cora):
        booked(salon, cut, "11:30", staff_id=person.pk, client_id=salon.bob.pk)
    held = hold(salon, colour, "10:30").json()
    assert (held["staff_id"], held["end_at"]) == (salon.cora.pk, f"{TUESDAY} 11:30:00")
    rows = BusyTime.objects.filter(hold__isnull=False).order_by("starts_at")
    assert [(clock(row.starts_at), clock(row.ends_at)) for row in rows] == [
        ("10:30", "10:50"),
        ("11:10", "11:30"),
    ]
    before = stored()
    refused(hold(salon, colour, "10:30"), before)


def test_a_hold_of_a_slower_person_is_not_kept_on_a_holiday(salon: Salon, colour: Service) -> None:
    own_minutes(salon.cora, colour, work(30), gap(120), work(30))
    salon.bea.services.clear()
    salon.cora.working_hours.all().delete()
    make_holiday(date(2026, 3, 25))
    before = stored()
    refused(hold(salon, colour, "21:30"), before, status=400)
    assert hold(salon, colour, "20:30").status_code == 201


def waits(client: Client, service: Service) -> WaitlistEntry:
    return WaitlistEntry.objects.create(client=client, service=service, date=date(2026, 3, 24))


def offer(salon: Salon, entry: WaitlistEntry, time: str) -> Any:
    body = {"staff_id": salon.bea.pk, "start_at": f"{TUESDAY} {time}:00"}
    return caller(salon.ada).post(f"/api/waitlist/{entry.pk}/offer", body, format="json")


@pytest.mark.parametrize("held", [0, 30])
def test_an_offer_lasts_as_long_as_the_person_takes_and_leaves_its_gap(
    salon: Salon, colour: Service, cut: Service, held: int
) -> None:
    make_salon(waitlist_hold_minutes=held)
    own_minutes(salon.bea, colour, work(30), gap(45), work(45))
    entry, second = waits(salon.alice, colour), waits(salon.bob, cut)
    made = offer(salon, entry, "10:00").json()
    assert (made["end_at"], made["held"]) == (f"{TUESDAY} 12:00:00", bool(held))
    assert busy() == ([FIRST, ("11:15", "12:00")] if held else [])
    before = stored()
    refused(offer(salon, second, "10:31"), before)
    assert offer(salon, second, "10:30").status_code == 201
    booking = take_offer(token=WaitlistOffer.objects.get(entry=entry).token)
    assert (busy(booking), booking.parts[-1]) == ([FIRST, ("11:15", "12:00")], work(45))


def test_an_offer_around_somebody_and_a_lunch_needs_its_parts_alone(
    salon: Salon, colour: Service, cut: Service
) -> None:
    booked(salon, cut, "10:30")
    absence = away(salon.bea, MORNING + timedelta(days=4, hours=1, minutes=30), hours=0.5)
    assert clock(absence.start_at) == "10:30"
    entry, before = waits(salon.bob, colour), stored()
    refused(offer(salon, entry, "10:15"), before, status=400)
    assert offer(salon, entry, "10:00").status_code == 201


def test_a_freed_time_goes_to_who_waits_while_somebody_is_in_its_gap(
    salon: Salon, colour: Service, cut: Service
) -> None:
    booking = booked(salon, colour, "10:00")
    booked(salon, cut, "10:30", client_id=salon.bob.pk)
    carl = make_client("Carl")
    entry = waits(carl, colour)
    salon.delete({"id": booking.pk})
    entry.refresh_from_db()
    assert entry.status == "notified"
    taken = take_offer(token=WaitlistOffer.objects.get().token)
    assert (taken.client_id, busy()) == (carl.pk, [FIRST, GAP, LAST])


def test_amelia_ends_with_the_provider_and_gets_into_a_gap(
    salon: Salon, colour: Service, cut: Service
) -> None:
    own_minutes(salon.bea, colour, work(30), gap(45), work(60))
    desk = Desk()
    made = desk.made(amelia_order(salon, serviceId=colour.pk))
    assert (made["bookingStart"], made["bookingEnd"]) == (f"{TUESDAY} 10:00:00", f"{TUESDAY} 12:15:00")
    assert busy() == [FIRST, ("11:15", "12:15")]
    inside = amelia_order(salon, serviceId=cut.pk, bookings=[seat(salon.bob)])
    before = stored()
    refused(desk.post("/appointments", inside | {"bookingStart": f"{TUESDAY} 10:31"}), before)
    desk.made(inside | {"bookingStart": f"{TUESDAY} 10:30"})
    moved = desk.post(f"/appointments/{made['id']}", {"bookingStart": f"{TUESDAY} 13:00"})
    assert moved.status_code == 200, moved.content
    assert busy(Booking.objects.get(pk=made["id"])) == [("13:00", "13:30"), ("14:15", "15:15")]
    services = desk.get("/services").json()["data"]["services"]
    assert {each["name"]: each["duration"] for each in services}["Colour"] == 105 * 60


def test_amelia_length_of_its_own_fits_the_parts(salon: Salon, colour: Service) -> None:
    desk = Desk()
    desk.made(amelia_order(salon, serviceId=colour.pk, bookings=[seat(salon.alice, duration=7200)]))
    assert busy() == [FIRST, ("11:15", "12:00")]


def test_eagenda_ends_with_the_calendar_and_gets_into_a_gap(
    salon: Salon, colour: Service, cut: Service
) -> None:
    own_minutes(salon.bea, colour, work(30), gap(45), work(60))
    secret = make_key(dialect="eagenda")[1]

    def create(service: Service, time: str, client: Client) -> Any:
        body = {
            "calendar_key": str(salon.bea.key),
            "service_list": [str(service.key)],
            "start": {"dateTime": f"{TUESDAY}T{time}:00", "timeZone": "Europe/Amsterdam"},
            "attendees": [{"name": client.name, "email": client.email}],
        }
        return caller(secret).post("/api/v3/appointments/", body, format="json")

    made = create(colour, "10:00", salon.alice)
    assert made.status_code < 300, made.content
    assert busy() == [FIRST, ("11:15", "12:15")]
    before = stored()
    refused(create(cut, "10:31", salon.bob), before)
    assert create(cut, "10:30", salon.bob).status_code < 300
    assert busy() == [FIRST, GAP, ("11:15", "12:15")]


def test_simplespa_brings_one_back_around_its_gap_or_is_refused(
    salon: Salon, colour: Service, cut: Service
) -> None:
    secret = make_key(dialect="simplespa")[1]
    booking = booked(salon, colour, "10:00")

    def write(code: int) -> Any:
        body = {"appointment_id": str(booking.pk), "status": code}
        return caller(secret).post("/api/v1/write/appointment-status.php", body, format="json")

    assert (write(15).status_code, busy()) == (200, [])
    inside = booked(salon, cut, "10:30", client_id=salon.bob.pk)
    assert (write(20).status_code, busy()) == (200, [FIRST, GAP, LAST])
    write(15)
    salon.put({"id": inside.pk}, {"start_at": f"{TUESDAY} 10:31:00", "end_at": f"{TUESDAY} 11:16:00"})
    before = stored()
    refused(write(20), before)


def test_admin_ends_with_the_person_and_gets_into_a_gap(salon: Salon, colour: Service, cut: Service) -> None:
    own_minutes(salon.bea, colour, work(30), gap(45), work(60))
    browser = Browser()
    browser.force_login(salon.ada)

    def add(service: Service, time: str, client: Client) -> Any:
        form = {
            "client": client.pk,
            "staff": salon.bea.pk,
            "service": service.pk,
            "location": "",
            "start_at_0": TUESDAY,
            "start_at_1": time,
            "end_at_0": "",
            "end_at_1": "",
            "status": "scheduled",
            "persons": 1,
            "events-TOTAL_FORMS": 0,
            "events-INITIAL_FORMS": 0,
        }
        return browser.post("/admin/bookings/booking/add/", form)

    assert add(colour, "10:00", salon.alice).status_code == 302
    assert busy() == [FIRST, ("11:15", "12:15")]
    page = browser.get(f"/admin/bookings/booking/{Booking.objects.get().pk}/change/")
    assert "30, gap 45, 60" in page.content.decode()
    before = stored()
    refused(add(cut, "10:31", salon.bob), before, status=200)
    assert add(cut, "10:30", salon.bob).status_code == 302
    assert busy() == [FIRST, GAP, ("11:15", "12:15")]


def test_an_absence_or_other_hours_in_a_gap_touch_nobody(salon: Salon, colour: Service) -> None:
    booking = booked(salon, colour, "10:00")
    here = caller(salon.ada)
    absence = {"staff_id": salon.bea.pk, "start_at": f"{TUESDAY} 10:30", "end_at": f"{TUESDAY} 11:15"}
    assert here.post("/api/time-off", absence).json()["affected_bookings"] == []
    longer = here.post("/api/time-off", absence | {"end_at": f"{TUESDAY} 11:16"}).json()
    assert [each["booking_id"] for each in longer["affected_bookings"]] == [booking.pk]
    hours = [
        {"weekday": 1, "opens": opens, "closes": closes}
        for opens, closes in (("09:00", "10:30"), ("11:15", "17:00"))
    ]
    address = f"/api/working-hours?staff_id={salon.bea.pk}"
    assert here.put(address, {"hours": hours}).json()["affected_bookings"] == []
    hours[1]["opens"] = "11:20"
    touched = here.put(address, {"hours": hours}).json()["affected_bookings"]
    assert [each["booking_id"] for each in touched] == [booking.pk]
    closed = here.post("/api/holidays", {"date": TUESDAY}).json()["affected_bookings"]
    assert [each["booking_id"] for each in closed] == [booking.pk]


def test_an_expired_hold_of_parts_is_nobodys(salon: Salon, colour: Service, cut: Service, clock: Any) -> None:
    hold(salon, colour, "10:00", staff_id=salon.bea.pk)
    clock.shift(20 * 60)
    booked(salon, cut, "10:15")
    assert busy() == [("10:15", "11:00")]
    assert BusyTime.objects.filter(expires_at__lte=timezone.now()).count() == 0
