"""The six calls of the Amelia document, its own requests and answers key by key (contract §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from bookings.models import Booking
from tests.cast.amelia import CUSTOM_FIELDS, Desk, make_class, order, seat
from tests.cast.bookings import Salon
from tests.cast.dialects import assert_same_shape, example
from tests.cast.factories import make_location

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def salon() -> Iterator[Salon]:
    with time_machine.travel("2026-01-10T09:19:00Z", tick=False):
        yield make_class()


@pytest.fixture
def desk(salon: Salon) -> Desk:
    return Desk()


def documented(name: str) -> Any:
    """The example without what another product's calendars and meetings put there."""
    answer = example(name)
    for appointment in _appointments(answer["data"]):
        appointment["zoomMeeting"] = None
    return answer


def _appointments(data: Any) -> list[dict[str, Any]]:
    if "appointments" in data:
        return [each for day in data["appointments"].values() for each in day["appointments"]]
    return [data["appointment"]]


def request_of(name: str, salon: Salon, **changes: Any) -> dict[str, Any]:
    """The document's request for our rows, without a location."""
    body = example(name) | {"providerId": salon.bea.pk, "serviceId": salon.service.pk, "locationId": None}
    body["bookings"][0]["customerId"] = salon.alice.pk
    return body | changes


def booking_json(salon: Salon, appointment_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": appointment_id,
        "customerId": salon.alice.pk,
        "customer": None,
        "status": "approved",
        "extras": [],
        "couponId": None,
        "price": 23,
        "coupon": None,
        "customFields": CUSTOM_FIELDS,
        "info": None,
        "appointmentId": appointment_id,
        "persons": 1,
        "token": None,
        "payments": [],
        "utcOffset": None,
        "aggregatedPrice": True,
        "isChangedStatus": None,
        "isLastBooking": None,
        "packageCustomerService": None,
        "ticketsData": [],
        "duration": 1800,
        "created": "2026-01-10 10:19:00",
        "actionsCompleted": None,
        "isUpdated": None,
    } | changes


def payment_json(booking_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": booking_id,
        "customerBookingId": booking_id,
        "packageCustomerId": None,
        "parentId": None,
        "amount": 0,
        "gateway": "onSite",
        "gatewayTitle": "",
        "dateTime": "2026-01-14 13:00:00",
        "status": "pending",
        "data": "",
        "entity": None,
        "created": None,
        "actionsCompleted": None,
        "wcOrderId": None,
        "wcOrderUrl": None,
        "wcItemCouponValue": None,
        "wcItemTaxValue": None,
        "transactionId": None,
    } | changes


def appointment_json(salon: Salon, appointment_id: int, **changes: Any) -> dict[str, Any]:
    return {
        "id": appointment_id,
        "bookings": [],
        "notifyParticipants": 1,
        "internalNotes": "",
        "status": "approved",
        "serviceId": salon.service.pk,
        "parentId": None,
        "providerId": salon.bea.pk,
        "locationId": None,
        "provider": None,
        "service": None,
        "location": None,
        "googleCalendarEventId": None,
        "googleMeetUrl": None,
        "outlookCalendarEventId": None,
        "zoomMeeting": None,
        "lessonSpace": None,
        "bookingStart": "2026-01-14 13:00:00",
        "bookingEnd": "2026-01-14 13:30:00",
        "type": "appointment",
        "isRescheduled": None,
        "isFull": None,
        "resources": [],
    } | changes


def test_create(salon: Salon, desk: Desk) -> None:
    body = request_of("amelia_create_request", salon, locationId=make_location().pk)
    answer = desk.post("/appointments", body)
    assert answer.status_code == 200, answer.content
    assert_same_shape(answer.json(), documented("amelia_create"))
    booking = Booking.objects.get()
    token = answer.json()["data"]["appointment"]["bookings"][0]["token"]
    payment = payment_json(booking.pk, entity="appointment", actionsCompleted=True)
    seat_made = booking_json(
        salon, booking.pk, token=token, payments=[payment], isChangedStatus=True, actionsCompleted=True
    )
    assert answer.json() == {
        "message": "Successfully added new appointment",
        "data": {
            "appointment": appointment_json(
                salon, booking.pk, bookings=[seat_made], locationId=body["locationId"]
            ),
            "recurring": [],
        },
    }
    assert isinstance(token, str) and len(token) >= 22
    assert booking.source == "amelia"


def test_update(salon: Salon, desk: Desk) -> None:
    made = desk.made(request_of("amelia_create_request", salon))
    body = request_of("amelia_update_request", salon, locationId=make_location().pk)
    body["bookings"][0]["id"] = made["bookings"][0]["id"]
    answer = desk.post(f"/appointments/{made['id']}", body)
    assert answer.status_code == 200, answer.content
    assert_same_shape(answer.json(), documented("amelia_update"))
    seat_now = booking_json(
        salon,
        made["id"],
        appointmentId=None,
        persons=2,
        aggregatedPrice=None,
        isChangedStatus=False,
        isUpdated=True,
    )
    assert answer.json() == {
        "message": "Successfully updated appointment",
        "data": {
            "appointment": appointment_json(
                salon,
                made["id"],
                bookings=[seat_now],
                locationId=body["locationId"],
                bookingStart="2026-02-06 11:00:00",
                bookingEnd="2026-02-06 11:30:00",
            ),
            "appointmentStatusChanged": False,
            "appointmentRescheduled": True,
            "initialAppointmentDateTime": {
                "bookingStart": "2026-01-14 13:00:00",
                "bookingEnd": "2026-01-14 13:30:00",
            },
            "bookingsWithChangedStatus": [],
            "appointmentEmployeeChanged": None,
            "appointmentZoomUserChanged": False,
            "bookingAdded": False,
            "appointmentZoomUsersLicenced": False,
            "createPaymentLinks": None,
        },
    }


def test_status(salon: Salon, desk: Desk) -> None:
    made = desk.made(request_of("amelia_create_request", salon))
    answer = desk.post(f"/appointments/status/{made['id']}", example("amelia_status_request"))
    assert answer.status_code == 200, answer.content
    assert_same_shape(answer.json(), documented("amelia_status"))
    seat_now = booking_json(
        salon,
        made["id"],
        status="pending",
        payments=[payment_json(made["id"])],
        isChangedStatus=True,
    )
    assert answer.json() == {
        "message": "Successfully updated appointment status",
        "data": {
            "appointment": appointment_json(salon, made["id"], bookings=[seat_now], status="pending"),
            "bookingsWithChangedStatus": [seat_now],
            "status": "pending",
            "oldStatus": "approved",
            "message": "Appointment status has been changed to pending",
        },
    }


def test_retrieve(salon: Salon, desk: Desk) -> None:
    made = desk.made(request_of("amelia_create_request", salon))
    answer = desk.get(f"/appointments/{made['id']}")
    assert answer.status_code == 200, answer.content
    assert_same_shape(answer.json(), documented("amelia_retrieve"))
    seat_now = booking_json(salon, made["id"], payments=[payment_json(made["id"])])
    assert answer.json() == {
        "message": "Successfully retrieved appointment",
        "data": {"appointment": appointment_json(salon, made["id"], bookings=[seat_now]), "recurring": []},
    }


def test_list(salon: Salon, desk: Desk) -> None:
    salon.service.min_capacity = 2
    salon.service.save()
    both = [seat(salon.alice, customFields=CUSTOM_FIELDS), seat(salon.bob, customFields=CUSTOM_FIELDS)]
    first = desk.made(order(salon, bookingStart="2026-03-10 11:00", bookings=both))
    second = desk.made(order(salon, bookingStart="2026-03-11 11:00", bookings=both[:1]))
    answer = desk.get("/appointments", dates="2026-03-10,2026-03-11", page=1, skipServices=1, skipProviders=1)
    assert answer.status_code == 200, answer.content
    assert_same_shape(answer.json(), documented("amelia_list"))
    data = answer.json()["data"]
    assert (data["total"], data["totalApproved"], data["totalPending"]) == (2, 1, 1)
    assert list(data["appointments"]) == ["2026-03-10", "2026-03-11"]
    (shown,) = data["appointments"]["2026-03-10"]["appointments"]
    assert (shown["id"], shown["cancelable"], shown["reschedulable"], shown["past"]) == (
        first["id"],
        True,
        True,
        False,
    )
    assert shown["bookings"][1]["customer"] == {
        "id": salon.bob.pk,
        "firstName": "Bob",
        "lastName": "Brown",
        "birthday": None,
        "email": "bob@example.com",
        "phone": None,
        "type": "customer",
        "status": "visible",
        "note": None,
        "zoomUserId": None,
        "countryPhoneIso": None,
        "externalId": None,
        "pictureFullPath": None,
        "pictureThumbPath": None,
        "translations": None,
        "gender": None,
    }
    (pending,) = data["appointments"]["2026-03-11"]["appointments"]
    assert (pending["id"], pending["status"]) == (second["id"], "pending")


def test_delete(salon: Salon, desk: Desk) -> None:
    made = desk.made(request_of("amelia_create_request", salon))
    answer = desk.post(f"/appointments/delete/{made['id']}")
    assert answer.status_code == 200, answer.content
    assert_same_shape(answer.json(), documented("amelia_delete"))
    payment = payment_json(made["id"])
    del payment["transactionId"]
    gone = booking_json(
        salon, made["id"], status="rejected", payments=[payment], isChangedStatus=True, created=None
    )
    del gone["isUpdated"]
    appointment = appointment_json(salon, made["id"], bookings=[gone], status="rejected")
    del appointment["isFull"]
    assert answer.json() == {
        "message": "Successfully deleted appointment",
        "data": {
            "appointment": appointment,
            "bookingsWithChangedStatus": [gone | {"status": "approved"}],
        },
    }
    assert desk.get(f"/appointments/{made['id']}").status_code == 404
