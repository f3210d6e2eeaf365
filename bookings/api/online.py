"""Online booking for front ends with pages of their own (contract §9 "API twin").

Open to everybody: no login, no cookie; services and people are named by their keys. What the page does and
refuses, this does and refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.api.online_printing import (
    BookedJson,
    CatalogueJson,
    ChallengeJson,
    CodeAskedJson,
    OnlineAvailabilityJson,
    PublicHoldJson,
    availability_json,
    booked_json,
    catalogue_json,
    challenge_json,
    code_asked_json,
    public_hold_json,
)
from bookings.links import checked_base_url
from bookings.online import (
    Booked,
    Submission,
    Wanted,
    catalogue,
    challenge,
    chosen,
    holding,
    keys_in,
    limits,
    proof,
    starts,
    submit,
)
from bookings.online.starts import MOST_DAYS, PAGE_DAYS
from bookings.online.submission import OnlineBookingOff, TooManySubmissions
from bookings.slots.availability.wishes import MOST_ITEMS
from staff.access.auth import salon_of
from staff.models import SalonSettings
from staff.storage.may_lag import may_lag
from staff.wire.answers import EitherAnswer
from staff.wire.conditional import IF_NONE_MATCH, answer_if_new
from staff.wire.fields import (
    ChoiceTextField,
    StrictBooleanField,
    StrictIntegerField,
    TextField,
    WallClockField,
)
from staff.wire.query import Query, QueryDate, QueryNumber, QueryText
from staff.wire.reading import checked_body
from staff.wire.refusals import BadRequest
from staff.wire.schema import documented
from staff.wire.times import local_date
from staff.wire.views import GatedView

TAGS = ["Online booking"]
AFTER = ("previous", "same_start")
ANYBODY = "any"
LONGEST_KEY = 40
LONGEST_LIST = 600
"""Six services, each with a person and `:same`, and what that takes."""

KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 22, "maxLength": 255, "pattern": "^[!-~]+$"},
    OpenApiParameter.HEADER,
    required=True,
    description="Random, and the same in a retry: it books once, and the answer is given anew.",
)


class CatalogueQuery(Query):
    location = QueryText(initial="", help_text="The slug of a branch: only what is done there.")
    service = QueryText(
        initial="",
        longest=LONGEST_LIST,
        help_text="Keys that you have, with commas: hidden ones among them too.",
    )


class OnlineAvailabilityQuery(Query):
    items = QueryText(
        required=True,
        longest=LONGEST_LIST,
        help_text=f"1 to {MOST_ITEMS} services at one go: key:key of a person, or any, [:same].",
    )
    date_from = QueryDate(help_text="The first salon date; today if it is left out.")
    days = QueryNumber(smallest=1, largest=MOST_DAYS, initial=PAGE_DAYS, help_text="How many dates.")
    location = QueryText(initial="", help_text="The slug of a branch.")


class OnlineItemSerializer(serializers.Serializer[Any]):
    service = TextField(max_length=LONGEST_KEY, single_line=True, allow_blank=False, help_text="Its key.")
    staff = TextField(
        max_length=LONGEST_KEY, single_line=True, required=False, help_text="A key; absent: anybody."
    )
    after = ChoiceTextField(
        choices=AFTER, default="previous", help_text="same_start: together with the one before it."
    )


class PublicHoldSerializer(serializers.Serializer[Any]):
    items = serializers.ListField(child=OnlineItemSerializer(), min_length=1, max_length=MOST_ITEMS)
    start_at = WallClockField()
    location = TextField(max_length=100, required=False, default="")
    proof = TextField(max_length=proof.LONGEST_PROOF, as_sent=True, help_text="The solved challenge.")


class OnlineBookingSerializer(serializers.Serializer[Any]):
    items = serializers.ListField(child=OnlineItemSerializer(), min_length=1, max_length=MOST_ITEMS)
    start_at = WallClockField()
    first_name = TextField(default="")
    last_name = TextField(default="")
    email = TextField(default="")
    phone = TextField(default="", help_text="Best a mobile, with its country code.")
    note = TextField(default="")
    marketing_consent = StrictBooleanField(default=False)
    policy_version = StrictIntegerField(
        required=False, allow_null=True, min_value=0, default=None, help_text="Of the text that was accepted."
    )
    locale = TextField(default="", max_length=10, help_text="The language of the page.")
    location = TextField(default="", max_length=100)
    hold_token = TextField(default="", max_length=64, as_sent=True, help_text="Of POST /api/public/holds.")
    proof = TextField(
        default="", max_length=proof.LONGEST_PROOF, as_sent=True, help_text="Without it the code is asked."
    )
    code = TextField(default="", max_length=20, help_text="The six digits that were mailed.")
    base_url = TextField(default="", help_text="Where your own pages are, for the links in mails.")


EXAMPLE_ONLINE_BOOKING = OpenApiExample(
    "A cut with anybody",
    description="Keys are each installation's own: take them from GET /api/public/catalogue.",
    value={
        "items": [{"service": "6f2d3f6e-5f0c-4c63-9b0b-0d8f5a5c9b11"}],
        "start_at": "2026-03-24 10:00:00",
        "first_name": "Noor",
        "last_name": "Visser",
        "email": "noor@example.com",
        "phone": "+31612345678",
        "note": "First time here",
    },
    request_only=True,
)


class PublicDoor(GatedView):
    """Open to everybody; credentials that come along are not looked at."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = [limits.PageThrottle]


class CatalogueView(PublicDoor):
    @documented(
        "What can be booked online",
        answer=CatalogueJson,
        refused=[404],
        parameters=[*CatalogueQuery.parameters(), IF_NONE_MATCH],
        public=True,
        tags=TAGS,
    )
    @may_lag
    def get(self, request: Request) -> Response:
        asked = CatalogueQuery.of(request)
        found = catalogue(location=asked["location"], also=keys_in(asked["service"].split(",")))
        printed = catalogue_json(found, salon=salon_of(request))
        return answer_if_new(request, printed)


class OnlineAvailabilityView(PublicDoor):
    @documented(
        "When it can begin",
        description="The starts that a client can book, each with who does what. What is kept for somebody "
        "shows as taken.",
        answer=OnlineAvailabilityJson,
        refused=[409],
        parameters=OnlineAvailabilityQuery.parameters(),
        public=True,
        tags=TAGS,
        operation="public_availability",
    )
    @may_lag
    def get(self, request: Request) -> Response:
        asked, salon, now = OnlineAvailabilityQuery.of(request), salon_of(request), timezone.now()
        _require_on(salon)
        today = local_date(now, zone=salon.zone)
        days = starts(
            chosen(_wanted_in(asked["items"]), location=asked["location"]),
            first=asked["date_from"] or today,
            days=asked["days"],
            salon=salon,
            now=now,
        )
        return Response(availability_json(days, salon=salon))


class ChallengeView(PublicDoor):
    @documented(
        "A challenge against programs",
        description="For the ALTCHA widget. Its solution is the `proof` of a hold or a booking, once, within "
        "20 minutes.",
        answer=ChallengeJson,
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request) -> Response:
        printed = challenge_json(challenge(now=timezone.now()))
        return Response(printed, headers={"Cache-Control": "no-store"})


class PublicHoldsView(PublicDoor):
    @documented(
        "Hold a time for five minutes",
        description="One at a time for an address: a new one gives the one before it free. It counts like a "
        "booking that is sent.",
        request=PublicHoldSerializer,
        answer=PublicHoldJson,
        status=201,
        refused=[409],
        public=True,
        tags=TAGS,
        operation="public_holds",
    )
    def post(self, request: Request) -> Response:
        salon, now = salon_of(request), timezone.now()
        wanted = checked_body(PublicHoldSerializer, request, zone=salon.zone, now=now)
        _require_on(salon)
        choices = chosen(_wanted(wanted["items"]), location=wanted["location"])
        if not proof.is_solved(wanted["proof"], now=now):
            raise holding.ProofNeeded
        address = limits.address_of(request)
        # No code can be asked here: what would need one is refused.
        if limits.count_submission(address=address, contacts=(), now=now) != limits.Verdict.PASS:
            raise TooManySubmissions(retry_after=600)
        with transaction.atomic():
            holding.take_turn()
            if not proof.spend(wanted["proof"]):
                raise holding.ProofNeeded
            held = holding.keep_for_address(
                choices,
                start_at=wanted["start_at"],
                address=address,
                salon=salon,
                now=now,
            )
        return Response(public_hold_json(held, zone=salon.zone), status=201)


class OnlineBookingsView(PublicDoor):
    @documented(
        "Book online",
        description="`state` says whether it is booked, asked for (the salon answers by mail), or whether "
        "six digits went to the address: then send the same once more, with `code`.",
        request=OnlineBookingSerializer,
        answer=EitherAnswer("OnlineBooking", (BookedJson, CodeAskedJson)),
        refused=[409, 422],
        parameters=[KEY_HEADER],
        examples=[EXAMPLE_ONLINE_BOOKING],
        public=True,
        tags=TAGS,
    )
    def post(self, request: Request) -> Response:
        salon, now = salon_of(request), timezone.now()
        sent = checked_body(OnlineBookingSerializer, request, zone=salon.zone, now=now)
        items, base_url = _wanted(sent.pop("items")), sent.pop("base_url")
        submission = Submission(
            items=items,
            base_url=checked_base_url(base_url) if base_url else "",
            idempotency_key=request.headers.get("Idempotency-Key", ""),
            **sent,
        )
        result = submit(
            submission,
            address=limits.address_of(request),
            user_agent=request.headers.get("User-Agent", ""),
            door="public",
            salon=salon,
            now=now,
        )
        if isinstance(result, Booked):
            headers = {"Idempotency-Replayed": "true"} if result.replayed else {}
            return Response(booked_json(result, salon=salon), headers=headers)
        return Response(code_asked_json(result, zone=salon.zone))


def _require_on(salon: SalonSettings) -> None:
    """Raises OnlineBookingOff (409)."""
    if salon.online_booking == SalonSettings.OnlineBooking.OFF:
        raise OnlineBookingOff


def _wanted(items: Sequence[dict[str, Any]]) -> list[Wanted]:
    return [
        Wanted(each["service"], each.get("staff") or None, each["after"] == "same_start") for each in items
    ]


def _wanted_in(text: str) -> list[Wanted]:
    """`key:any,key:key:same`. Raises BadRequest."""
    found: list[Wanted] = []
    for item in text.split(","):
        service, _, rest = item.partition(":")
        person, _, more = rest.partition(":")
        if more not in ("", "same"):
            raise BadRequest.field("items", "Send key:key of a person or any, and :same for one at a time.")
        found.append(Wanted(service, None if person in ("", ANYBODY) else person, more == "same"))
    return found
