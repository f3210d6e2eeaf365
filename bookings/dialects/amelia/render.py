"""Appointments as Amelia prints them (contract §3). Times are the salon's wall clock; money is a JSON number.

The document's answers differ from call to call in which keys they have and which are null: `Form`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from bookings.dialects.amelia.appointments import Appointment, kept
from bookings.dialects.amelia.codes import LIVE, REJECTED, shown_as
from bookings.models import Booking
from clients.models import Client
from staff.wire.times import print_date, print_when

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Form:
    """What one of the document's answers has and another has not."""

    names_appointment: bool = True
    has_payments: bool = True
    payment_entity: str | None = None
    payment_created: bool = False
    has_transaction: bool = True
    aggregated: bool | None = True
    completed: bool | None = None
    has_updated: bool = True
    has_created: bool = True
    has_full: bool = True
    has_customer: bool = False


CREATED = Form(payment_entity="appointment", completed=True)
UPDATED = Form(names_appointment=False, has_payments=False, aggregated=None)
RETRIEVED = Form()
LISTED = Form(
    payment_created=True, has_transaction=False, has_updated=False, has_full=False, has_customer=True
)
DELETED = Form(has_transaction=False, has_updated=False, has_created=False, has_full=False)


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints appointments in one form for one salon's zone."""

    form: Form
    zone: ZoneInfo

    def appointment(
        self,
        appointment: Appointment,
        *,
        bookings: list[Json],
        status: str | None = None,
        provider: Json | None = None,
        service: Json | None = None,
    ) -> Json:
        lead = appointment.lead
        series = lead.series_id if lead.series_id != appointment.id else None
        return {
            "id": appointment.id,
            "bookings": bookings,
            "notifyParticipants": kept(lead).get("notifyParticipants", 1),
            "internalNotes": lead.internal_notes,
            "status": status or appointment.status,
            "serviceId": lead.service_id,
            "parentId": series,
            "providerId": lead.staff_id,
            "locationId": lead.location_id,
            "provider": provider,
            "service": service,
            "location": None,
            "googleCalendarEventId": None,
            "googleMeetUrl": None,
            "outlookCalendarEventId": None,
            "zoomMeeting": None,
            "lessonSpace": kept(lead).get("lessonSpace") or None,
            "bookingStart": print_when(lead.start_at, zone=self.zone),
            "bookingEnd": print_when(lead.end_at, zone=self.zone),
            "type": "appointment",
            "isRescheduled": None,
            **({"isFull": None} if self.form.has_full else {}),
            "resources": [],
        }

    def bookings(
        self,
        appointment: Appointment,
        *,
        changed: Collection[int] | None = None,
        updated: Collection[int] = (),
        tokens: Mapping[int, str] | None = None,
        status: str | None = None,
    ) -> list[Json]:
        """`changed` None: the answer does not say whose status changed."""
        durations = appointment.durations
        return [
            self.booking(
                each,
                appointment_id=appointment.id,
                duration=durations[each.pk],
                status=status or shown_as(each),
                is_changed=None if changed is None else each.pk in changed,
                is_updated=True if each.pk in updated else None,
                token=None if tokens is None else tokens[each.pk],
            )
            for each in appointment.bookings
        ]

    def booking(
        self,
        row: Booking,
        *,
        appointment_id: int,
        duration: int,
        status: str,
        is_changed: bool | None,
        is_updated: bool | None,
        token: str | None,
    ) -> Json:
        form, echo = self.form, kept(row)
        return {
            "id": row.pk,
            "customerId": row.client_id,
            "customer": customer(row.client) if form.has_customer and row.client is not None else None,
            "status": status,
            "extras": json.loads(echo.get("extras") or "[]"),
            "couponId": None,
            "price": number(row.price),
            "coupon": None,
            "customFields": echo.get("customFields"),
            "info": echo.get("info"),
            "appointmentId": appointment_id if form.names_appointment else None,
            "persons": row.persons,
            "token": token,
            "payments": [self._payment(row)] if form.has_payments else [],
            "utcOffset": None,
            "aggregatedPrice": form.aggregated,
            "isChangedStatus": is_changed,
            "isLastBooking": None,
            "packageCustomerService": None,
            "ticketsData": [],
            "duration": duration,
            "created": print_when(row.created_at, zone=self.zone) if form.has_created else None,
            "actionsCompleted": form.completed,
            **({"isUpdated": is_updated} if form.has_updated else {}),
        }

    def _payment(self, row: Booking) -> Json:
        """The one payment every booking has: to be made in the salon. Its id is the booking's."""
        form = self.form
        return {
            "id": row.pk,
            "customerBookingId": row.pk,
            "packageCustomerId": kept(row).get("packageCustomerId"),
            "parentId": None,
            "amount": 0,
            "gateway": "onSite",
            "gatewayTitle": "",
            "dateTime": print_when(row.start_at, zone=self.zone),
            "status": "pending",
            "data": "",
            "entity": form.payment_entity,
            "created": print_when(row.created_at, zone=self.zone) if form.payment_created else None,
            "actionsCompleted": form.completed,
            "wcOrderId": None,
            "wcOrderUrl": None,
            "wcItemCouponValue": None,
            "wcItemTaxValue": None,
            **({"transactionId": None} if form.has_transaction else {}),
        }

    def deleted(self, appointment: Appointment, *, changed: Collection[int]) -> Json:
        """The appointment that is no more: everything rejected."""
        bookings = self.bookings(appointment, changed=changed, status=REJECTED)
        return self.appointment(appointment, bookings=bookings, status=REJECTED)

    def initial_times(self, appointment: Appointment) -> Json:
        return {
            "bookingStart": print_when(appointment.start_at, zone=self.zone),
            "bookingEnd": print_when(appointment.lead.end_at, zone=self.zone),
        }


def by_date(appointments: Collection[Json]) -> Any:
    """{date: {date, appointments}} in the order given; an empty list when there is none."""
    days: dict[str, Json] = {}
    for each in appointments:
        day = each["bookingStart"][:10]
        days.setdefault(day, {"date": day, "appointments": []})["appointments"].append(each)
    return days or []


def may_still_change(appointment: Appointment, *, past: bool) -> bool:
    return not past and appointment.status in LIVE


def customer(client: Client) -> Json:
    return user(
        client.pk,
        first_name=client.first_name,
        last_name=client.last_name,
        email=client.email,
        kind="customer",
        birthday=None if client.birthday is None else print_date(client.birthday),
        phone=client.phone or client.mobile or None,
        is_visible=client.archived_at is None,
        note=client.notes or None,
    ) | {"gender": None}


def user(
    user_id: int | None,
    *,
    first_name: str,
    last_name: str,
    email: str,
    kind: str,
    birthday: str | None = None,
    phone: str | None = None,
    is_visible: bool = True,
    note: str | None = None,
) -> Json:
    return {
        "id": user_id,
        "firstName": first_name,
        "lastName": last_name,
        "birthday": birthday,
        "email": email,
        "phone": phone,
        "type": kind,
        "status": "visible" if is_visible else "hidden",
        "note": note,
        "zoomUserId": None,
        "countryPhoneIso": None,
        "externalId": None,
        "pictureFullPath": None,
        "pictureThumbPath": None,
        "translations": None,
    }


def number(amount: Decimal | None) -> int | float:
    """A JSON number, whole where it is whole; no price is 0."""
    if amount is None:
        return 0
    return int(amount) if amount == amount.to_integral_value() else float(amount)
