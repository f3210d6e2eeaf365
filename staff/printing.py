"""The salon's own rows as they stand on the wire (contract §1.5), one function each.

Names: user_json, staff_json, service_json, location_json, working_hours_json, time_off_json, holiday_json,
api_key_json, and the TypedDicts that answers are. Times are the salon's wall clock.
"""

from __future__ import annotations

from typing import Annotated, TypedDict
from zoneinfo import ZoneInfo

from django.conf import settings

from staff.models import (
    ApiKey,
    Holiday,
    Location,
    OpeningException,
    Service,
    ServiceDuration,
    Staff,
    TimeOff,
    WorkingHours,
)
from staff.salon.affected import AffectedBookingJson
from staff.salon.parts import Duration, PartJson
from staff.wire.answers import Amount, Clock, Count, Date, Id, Key, Number, When, between, one_of
from staff.wire.money import print_amount
from staff.wire.times import print_clock, print_date, print_when

LANGUAGE_CODES = [code for code, _ in settings.LANGUAGES]


class UserJson(TypedDict):
    """The person who is logged in; `staff_id` is null for who cannot be booked."""

    id: Id
    name: str
    email: str | None
    role: Annotated[str, one_of(Staff.Role.choices)]
    staff_id: Id | None


class LoggedInJson(TypedDict):
    token: Annotated[str, "For the header `Authorization: Bearer <token>`."]
    expires_at: When
    user: UserJson


class StaffJson(TypedDict):
    """A person who works in the salon; one without e-mail never logs in."""

    id: Id
    name: str
    email: str | None
    role: Annotated[str, one_of(Staff.Role.choices)]
    bookable: bool
    sees_all_bookings: bool
    phone: str
    color: str
    location_id: Id | None
    is_active: bool
    service_ids: list[Id]
    key: Key
    online: Annotated[bool, "Clients may choose this person online."]
    bio: str


class StaffAnswerJson(StaffJson):
    """A person as a change answers them, with the bookings it leaves without them."""

    affected_bookings: Annotated[
        list[AffectedBookingJson], "Filled when the person has just been deactivated."
    ]


class ServiceJson(TypedDict):
    """What a client books; minutes, and a price in the salon's currency."""

    id: Id
    name: str
    duration_minutes: Annotated[Number, "The sum of the parts."]
    price: Amount | None
    category: str
    buffer_before_minutes: Count
    buffer_after_minutes: Count
    min_capacity: Number
    max_capacity: Number
    is_active: bool
    key: Annotated[Key, "Its place in the address of the booking page."]
    parts: list[PartJson]
    description: str
    online: Annotated[bool, "Clients may book it themselves."]
    hidden: Annotated[bool, "Clients find it by its key only."]
    client_cancel_minutes: Annotated[Count | None, "null: the salon's."]
    client_reschedule_minutes: Annotated[Count | None, "null: the salon's."]
    client_may_change_staff: Annotated[bool | None, "null: the salon's."]


class ServiceDurationJson(TypedDict):
    """How long a service takes with one person who is quicker or slower than the others."""

    staff_id: Id
    duration_minutes: Annotated[Number, "The sum of the parts."]
    parts: list[PartJson]


class LocationJson(TypedDict):
    """A branch; `slug` is eAgenda's account_slug."""

    id: Id
    name: str
    slug: str
    address: str
    is_active: bool


class WorkingHoursJson(TypedDict):
    """One stretch of a weekday (0 = Monday); several rows a day make breaks, `closes` 00:00 is midnight."""

    id: Id
    staff_id: Id
    weekday: Annotated[int, between(0, 6)]
    opens: Clock
    closes: Clock
    valid_from: Date | None
    valid_until: Date | None


class TimeOffJson(TypedDict):
    id: Id
    staff_id: Id
    start_at: When
    end_at: When
    reason: str


class WorkingHoursAnswerJson(WorkingHoursJson):
    """A stretch of the week, with the bookings ahead that lie outside the hours."""

    affected_bookings: list[AffectedBookingJson]


class WeekAnswerJson(TypedDict):
    """A person's whole week, with the bookings ahead that lie outside of it."""

    hours: list[WorkingHoursJson]
    affected_bookings: list[AffectedBookingJson]


class OpeningStretchJson(TypedDict):
    opens: Clock
    closes: Clock


class OpeningExceptionJson(TypedDict):
    """Days on which other hours hold. For people these replace their own; else they only cut them."""

    id: Id
    staff_ids: Annotated[list[Id] | None, "Whose it is; null: of the location, or of the whole salon."]
    location_id: Id | None
    date_from: Date
    date_to: Date
    hours: Annotated[list[OpeningStretchJson], "None: closed."]
    every_year: bool
    name: str


class OpeningExceptionAnswerJson(OpeningExceptionJson):
    """An exception, with the bookings ahead that lie outside the hours it leaves."""

    affected_bookings: list[AffectedBookingJson]


class TimeOffAnswerJson(TimeOffJson):
    """Time off, with the bookings that still stand in it."""

    affected_bookings: list[AffectedBookingJson]


class HolidayJson(TypedDict):
    """A date on which the salon is shut."""

    id: Id
    date: Date
    name: str


class HolidayAnswerJson(HolidayJson):
    """A date on which the salon is shut, with the bookings that still stand on it."""

    affected_bookings: list[AffectedBookingJson]


class ApiKeyJson(TypedDict):
    """A key of one dialect; its secret is shown once, when it is made."""

    id: Id
    name: str
    dialect: Annotated[str, one_of(ApiKey.Dialect.choices)]
    mode: Annotated[str, one_of(ApiKey.Mode.labels)]
    expires_at: When | None
    prefix: str
    last_used_at: When | None
    revoked_at: When | None
    created_at: When


class ApiKeyMadeJson(ApiKeyJson):
    """A key as it is shown once, with its secret."""

    key: Annotated[str, "The secret; it is not shown again."]


def user_json(person: Staff) -> UserJson:
    """Who is logged in."""
    return {
        "id": person.pk,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "staff_id": person.pk if person.bookable else None,
    }


def staff_json(person: Staff) -> StaffJson:
    """`service_ids` come from the prefetched `services`."""
    return {
        "id": person.pk,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "bookable": person.bookable,
        "sees_all_bookings": person.sees_all_bookings,
        "phone": person.phone,
        "color": person.color,
        "location_id": person.location_id,
        "is_active": person.is_active,
        "service_ids": sorted(service.pk for service in person.services.all()),
        "key": str(person.key),
        "online": person.online,
        "bio": person.bio,
    }


def service_json(service: Service, *, currency: str) -> ServiceJson:
    return {
        "id": service.pk,
        "name": service.name,
        "duration_minutes": service.duration_minutes,
        "price": None if service.price is None else print_amount(service.price, currency=currency),
        "category": service.category,
        "buffer_before_minutes": service.buffer_before_minutes,
        "buffer_after_minutes": service.buffer_after_minutes,
        "min_capacity": service.min_capacity,
        "max_capacity": service.max_capacity,
        "is_active": service.is_active,
        "key": str(service.key),
        "parts": Duration.of(service).in_full,
        "description": service.description,
        "online": service.online,
        "hidden": service.hidden,
        "client_cancel_minutes": service.client_cancel_minutes,
        "client_reschedule_minutes": service.client_reschedule_minutes,
        "client_may_change_staff": service.client_may_change_staff,
    }


def service_duration_json(own: ServiceDuration) -> ServiceDurationJson:
    return {
        "staff_id": own.staff_id,
        "duration_minutes": own.duration_minutes,
        "parts": Duration.of(own).in_full,
    }


def location_json(location: Location) -> LocationJson:
    return {
        "id": location.pk,
        "name": location.name,
        "slug": location.slug,
        "address": location.address,
        "is_active": location.is_active,
    }


def working_hours_json(hours: WorkingHours) -> WorkingHoursJson:
    return {
        "id": hours.pk,
        "staff_id": hours.staff_id,
        "weekday": hours.weekday,
        "opens": print_clock(hours.opens),
        "closes": print_clock(hours.closes),
        "valid_from": None if hours.valid_from is None else print_date(hours.valid_from),
        "valid_until": None if hours.valid_until is None else print_date(hours.valid_until),
    }


def opening_exception_json(exception: OpeningException) -> OpeningExceptionJson:
    """`people` are prefetched."""
    to_people = exception.scope == OpeningException.Scope.STAFF
    return {
        "id": exception.pk,
        "staff_ids": sorted(person.pk for person in exception.people.all()) if to_people else None,
        "location_id": exception.location_id,
        "date_from": print_date(exception.date_from),
        "date_to": print_date(exception.date_to),
        "hours": [{"opens": opens, "closes": closes} for opens, closes in exception.hours],
        "every_year": exception.every_year,
        "name": exception.name,
    }


def time_off_json(away: TimeOff, *, zone: ZoneInfo) -> TimeOffJson:
    return {
        "id": away.pk,
        "staff_id": away.staff_id,
        "start_at": print_when(away.start_at, zone=zone),
        "end_at": print_when(away.end_at, zone=zone),
        "reason": away.reason,
    }


def holiday_json(holiday: Holiday) -> HolidayJson:
    return {"id": holiday.pk, "date": print_date(holiday.date), "name": holiday.name}


def api_key_json(key: ApiKey, *, zone: ZoneInfo) -> ApiKeyJson:
    return {
        "id": key.pk,
        "name": key.name,
        "dialect": key.dialect,
        "mode": str(ApiKey.Mode(key.mode).label),
        "expires_at": print_when(key.expires_at, zone=zone),
        "prefix": key.prefix,
        "last_used_at": print_when(key.last_used_at, zone=zone),
        "revoked_at": print_when(key.revoked_at, zone=zone),
        "created_at": print_when(key.created_at, zone=zone),
    }
