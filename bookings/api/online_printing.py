"""Online booking on the wire: what goes out (contract §9 "API twin")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypedDict
from zoneinfo import ZoneInfo

from bookings.models import Booking, Visit, price_of
from bookings.online import Booked, Catalogue, CodeAsked, Offer, OnlineDay, OnlineStart, Person
from bookings.online.holding import Held
from bookings.self_service.visit_link import page_url
from staff.models import SalonSettings, Service, Staff
from staff.wire.answers import Amount, Count, Date, Key, Number, When, one_of
from staff.wire.money import print_amount
from staff.wire.times import print_date, print_when

STATES = ("booked", "requested", "cancelled")


class OnlinePersonJson(TypedDict):
    key: Key
    name: str
    bio: str
    location: Annotated[str, "The slug of their branch; empty without one."]


class OnlineServiceJson(TypedDict):
    key: Annotated[Key, "Names it in every call; ids mean nothing here."]
    name: str
    description: str
    price: Annotated[Amount | None, "For one person, in the salon's currency; null: not told."]
    shortest_minutes: Number
    longest_minutes: Annotated[Number, "It depends on who does it."]
    seats: Annotated[Number, "Over 1: a class, which is booked by itself."]
    people: list[OnlinePersonJson]


class CategoryJson(TypedDict):
    name: Annotated[str, "Empty for what has none; that comes last."]
    services: list[OnlineServiceJson]


class BranchJson(TypedDict):
    slug: str
    name: str
    address: str


class CatalogueJson(TypedDict):
    business_name: str
    timezone: str
    currency: str
    online_booking: Annotated[str, "off, instant (it stands at once) or request (the salon answers)."]
    policy_version: Annotated[Count, "Send it back with a booking where policy_text is not empty."]
    policy_text: Annotated[dict[str, str], "By language; empty where there is none to accept."]
    locations: list[BranchJson]
    categories: list[CategoryJson]


class OnlineItemJson(TypedDict):
    service: Key
    service_name: str
    staff: Key
    staff_name: str
    start_at: When
    end_at: When


class OnlineStartJson(TypedDict):
    start_at: When
    end_at: When
    seats_left: Annotated[Count | None, "In a class that stands there."]
    items: list[OnlineItemJson]


class OnlineDayJson(TypedDict):
    date: Date
    starts: list[OnlineStartJson]


class OnlineAvailabilityJson(TypedDict):
    timezone: str
    days: list[OnlineDayJson]


class ChallengeJson(TypedDict):
    """Find the number from 0 to maxnumber for which SHA-256 of salt and number is the challenge."""

    algorithm: Annotated[str, one_of(["SHA-256"])]
    challenge: str
    maxnumber: Number
    salt: str
    signature: str


class PublicHoldItemJson(TypedDict):
    service_name: str
    staff_name: str
    start_at: When
    end_at: When


class PublicHoldJson(TypedDict):
    hold_token: Annotated[str, "Send it with the booking."]
    expires_at: When
    items: list[PublicHoldItemJson]


class BookedJson(TypedDict):
    """What was booked, or asked for; name and address as they were typed."""

    state: Annotated[str, one_of(STATES), "requested: the salon will answer by mail."]
    business_name: str
    first_name: str
    email: str
    timezone: str
    start_at: When
    end_at: When
    total_price: Amount | None
    items: list[PublicHoldItemJson]
    url: Annotated[str, "The client's page of the visit; it is in the mail too."]


class CodeAskedJson(TypedDict):
    """Nothing is booked yet: send the same again, same key, with the six digits that were mailed."""

    state: Annotated[str, one_of(["code_asked"])]
    email: Annotated[str, "As it was typed."]
    expires_at: When
    held: Annotated[bool, "The time is kept until then."]
    wrong_code: bool
    tries_left: Count


def catalogue_json(found: Catalogue, *, salon: SalonSettings) -> CatalogueJson:
    return {
        "business_name": salon.business_name,
        "timezone": salon.timezone,
        "currency": salon.currency,
        "online_booking": salon.online_booking,
        "policy_version": salon.policy_version,
        "policy_text": dict(salon.policy_text),
        "locations": [
            {"slug": each.slug, "name": each.name, "address": each.address} for each in found.locations
        ],
        "categories": [
            {
                "name": category.name,
                "services": [_offer(each, currency=salon.currency) for each in category.offers],
            }
            for category in found.categories
        ],
    }


def availability_json(days: Sequence[OnlineDay], *, salon: SalonSettings) -> OnlineAvailabilityJson:
    return {
        "timezone": salon.timezone,
        "days": [
            {
                "date": print_date(day.date),
                "starts": [start_json(each, zone=salon.zone) for each in day.starts],
            }
            for day in days
        ],
    }


def start_json(start: OnlineStart, *, zone: ZoneInfo) -> OnlineStartJson:
    return {
        "start_at": print_when(start.start_at, zone=zone),
        "end_at": print_when(start.end_at, zone=zone),
        "seats_left": start.seats_left,
        "items": [
            {
                "service": each.service_key,
                "service_name": each.service_name,
                "staff": each.staff_key,
                "staff_name": each.staff_name,
                "start_at": print_when(each.start_at, zone=zone),
                "end_at": print_when(each.end_at, zone=zone),
            }
            for each in start.items
        ],
    }


def challenge_json(made: Mapping[str, Any]) -> ChallengeJson:
    return {
        "algorithm": made["algorithm"],
        "challenge": made["challenge"],
        "maxnumber": made["maxnumber"],
        "salt": made["salt"],
        "signature": made["signature"],
    }


def public_hold_json(held: Held, *, zone: ZoneInfo) -> PublicHoldJson:
    names = dict(
        Staff.objects.filter(pk__in={each.staff_id for each in held.items}).values_list("pk", "name")
    )
    services = dict(
        Service.objects.filter(pk__in={each.service_id for each in held.items}).values_list("pk", "name")
    )
    return {
        "hold_token": held.token,
        "expires_at": print_when(held.expires_at, zone=zone),
        "items": [
            {
                "service_name": services[each.service_id],
                "staff_name": names[each.staff_id],
                "start_at": print_when(each.start_at, zone=zone),
                "end_at": print_when(each.end_at, zone=zone),
            }
            for each in held.items
        ],
    }


def booked_json(booked: Booked, *, salon: SalonSettings) -> BookedJson:
    """As the visit is now."""
    visit, zone = booked.visit, salon.zone
    rows = visit.bookings.select_related("service", "staff").order_by("position", "pk")
    items = [each for each in rows if each.status != Booking.Status.CANCELLED]
    price = price_of(items)
    return {
        "state": _state(visit),
        "business_name": salon.business_name,
        "first_name": booked.first_name,
        "email": booked.email,
        "timezone": salon.timezone,
        "start_at": print_when(visit.start_at, zone=zone),
        "end_at": print_when(visit.end_at, zone=zone),
        "total_price": None if price is None else print_amount(price, currency=salon.currency),
        "items": [
            {
                "service_name": each.service.name,
                "staff_name": each.staff.name,
                "start_at": print_when(each.start_at, zone=zone),
                "end_at": print_when(each.end_at, zone=zone),
            }
            for each in items
        ],
        "url": page_url(visit),
    }


def code_asked_json(asked: CodeAsked, *, zone: ZoneInfo) -> CodeAskedJson:
    return {
        "state": "code_asked",
        "email": asked.email,
        "expires_at": print_when(asked.expires_at, zone=zone),
        "held": asked.held,
        "wrong_code": asked.wrong,
        "tries_left": asked.tries_left,
    }


def _state(visit: Visit) -> str:
    if visit.status == Booking.Status.CANCELLED:
        return "cancelled"
    return "requested" if visit.status == Booking.Status.PROVISIONAL else "booked"


def _offer(offer: Offer, *, currency: str) -> OnlineServiceJson:
    return {
        "key": str(offer.key),
        "name": offer.name,
        "description": offer.description,
        "price": None if offer.price is None else print_amount(offer.price, currency=currency),
        "shortest_minutes": offer.shortest,
        "longest_minutes": offer.longest,
        "seats": offer.seats,
        "people": [_person(each) for each in offer.people],
    }


def _person(person: Person) -> OnlinePersonJson:
    return {"key": str(person.key), "name": person.name, "bio": person.bio, "location": person.location}
