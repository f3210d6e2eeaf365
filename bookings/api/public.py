"""JSON twins of the public pages, for front ends with pages of their own (contract §1.4).

The token in the address is the credential: no login, no cookie. Shown to whoever holds the link: first name,
service, staff member, time. 60 calls a minute for an address, together with the pages.

Beyond the contract's list: POST accept and decline take an optional `start_at`, the start as it was shown; if
the salon has moved the booking since, the answer is 409 request_changed and nothing happens. The codes of a
410 say what became of the link: link_accepted, link_declined, link_lapsed, link_expired; link_confirmed and
link_withdrawn when the salon decided itself; feedback_given, visit_not_completed; offer_taken, offer_passed.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated, Any, TypedDict

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import lifecycle
from bookings.models import Booking, coming_with
from bookings.pages.shell import check_token
from bookings.self_service.feedback import (
    HIGHEST,
    LONGEST_COMMENT,
    LOWEST,
    check_open,
    give_feedback,
    review_link,
    visit_of,
)
from bookings.self_service.offer import offer_of, take_offer
from bookings.self_service.unsubscribe import subscriber_of, unsubscribe
from clients.models import Client
from staff.access.auth import salon_of
from staff.access.throttles import PublicLinkThrottle
from staff.models import SalonSettings
from staff.wire.answers import When, between, one_of
from staff.wire.fields import StrictIntegerField, TextField, WallClockField
from staff.wire.reading import checked_body
from staff.wire.schema import documented
from staff.wire.times import print_when
from staff.wire.views import GatedView

TAGS = ["Public links"]


class AnswerSerializer(serializers.Serializer):
    """The start as the client was shown it."""

    start_at = WallClockField(required=False)


class FeedbackSerializer(serializers.Serializer):
    rating = StrictIntegerField(min_value=LOWEST, max_value=HIGHEST)
    comment = TextField(max_length=LONGEST_COMMENT, required=False, default="")


class AppointmentJson(TypedDict):
    """What a mailed request asks about; times are salon wall clock."""

    business_name: str
    client_first_name: str | None
    service_name: str
    staff_name: str
    start_at: When
    end_at: When
    timezone: Annotated[str, "The salon's, such as Europe/Amsterdam."]
    status: Annotated[str, one_of(Booking.Status.values)]
    expires_at: Annotated[When | None, "YYYY-MM-DD HH:MM:SS; null once answered."]


class OfferJson(TypedDict):
    """A time that came free; `held` says whether it is kept for this client until `expires_at`."""

    business_name: str
    client_first_name: str
    service_name: str
    staff_name: str
    start_at: When
    end_at: When
    timezone: str
    held: bool
    expires_at: When


class ReviewedVisitJson(TypedDict):
    """The visit that feedback is asked about."""

    business_name: str
    client_first_name: str
    service_name: str
    start_at: When
    end_at: When
    timezone: str


class FeedbackThanksJson(TypedDict):
    rating: Annotated[int, between(LOWEST, HIGHEST)]
    comment: str
    review_url: Annotated[str | None, "Where a happy client (4 or 5) may say it in public."]


class ConsentJson(TypedDict):
    business_name: str
    marketing_consent: bool


class Times(TypedDict):
    """Of a visit, as its front end shows them."""

    start_at: When
    end_at: When
    timezone: str


class PublicView(GatedView):
    """Open to whoever holds the link; credentials that come along are not looked at."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = [PublicLinkThrottle]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_token(kwargs["token"])


class RequestView(PublicView):
    @documented("A mailed request", answer=AppointmentJson, refused=[404, 410], public=True, tags=TAGS)
    def get(self, request: Request, token: str) -> Response:
        return Response(_appointment(lifecycle.request_of(token=token), salon=salon_of(request)))


answering = partial(
    documented,
    request=AnswerSerializer,
    answer=AppointmentJson,
    refused=[404, 409, 410],
    public=True,
    tags=TAGS,
)


class AnswerView(PublicView):
    def answer(self, request: Request, token: str, *, yes: bool) -> Response:
        salon = salon_of(request)
        seen = lifecycle.request_of(token=token)
        stored = min(each.start_at for each in coming_with(seen))
        shown = _shown(request, stored=stored, salon=salon)
        answer = lifecycle.accept if yes else lifecycle.decline
        booking = answer(token=token, shown=shown)
        booking.client, booking.service, booking.staff = seen.client, seen.service, seen.staff
        return Response(_appointment(booking, salon=salon))


class AcceptView(AnswerView):
    @answering("Accept a mailed request")
    def post(self, request: Request, token: str) -> Response:
        return self.answer(request, token, yes=True)


class DeclineView(AnswerView):
    @answering("Decline a mailed request")
    def post(self, request: Request, token: str) -> Response:
        return self.answer(request, token, yes=False)


class FeedbackView(PublicView):
    @documented(
        "The visit a review request asks about",
        answer=ReviewedVisitJson,
        refused=[404, 410],
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request, token: str) -> Response:
        booking = visit_of(token)
        check_open(booking)
        salon = salon_of(request)
        visit: ReviewedVisitJson = {
            "business_name": salon.business_name,
            "client_first_name": booking.client.first_name if booking.client else "",
            "service_name": booking.service.name,
            **_times(booking.start_at, booking.end_at, salon=salon),
        }
        return Response(visit)

    @documented(
        "Give feedback, once",
        request=FeedbackSerializer,
        answer=FeedbackThanksJson,
        status=201,
        refused=[404, 410],
        public=True,
        tags=TAGS,
    )
    def post(self, request: Request, token: str) -> Response:
        check_open(visit_of(token))
        fields = checked_body(FeedbackSerializer, request)
        feedback = give_feedback(token=token, rating=fields["rating"], comment=fields["comment"])
        link = review_link(feedback.rating, salon=salon_of(request))
        thanks: FeedbackThanksJson = {
            "rating": feedback.rating,
            "comment": feedback.comment,
            "review_url": link,
        }
        return Response(thanks, status=201)


class WaitlistOfferView(PublicView):
    @documented(
        "A time offered from the waitlist",
        answer=OfferJson,
        refused=[404, 409, 410],
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request, token: str) -> Response:
        offer = offer_of(token=token)
        salon = salon_of(request)
        shown: OfferJson = {
            "business_name": salon.business_name,
            "client_first_name": offer.entry.client.first_name,
            "service_name": offer.entry.service.name,
            "staff_name": offer.staff.name,
            **_times(offer.start_at, offer.end_at, salon=salon),
            "held": offer.hold_id is not None,
            "expires_at": print_when(min(offer.expires_at, offer.start_at), zone=salon.zone),
        }
        return Response(shown)


class TakeOfferView(PublicView):
    @documented(
        "Take the time offered",
        answer=AppointmentJson,
        refused=[404, 409, 410],
        public=True,
        tags=TAGS,
    )
    def post(self, request: Request, token: str) -> Response:
        salon = salon_of(request)
        return Response(_appointment(take_offer(token=token, salon=salon), salon=salon))


class UnsubscribeView(PublicView):
    @documented(
        "Whether follow-up mails are wanted",
        answer=ConsentJson,
        refused=[404],
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request, token: str) -> Response:
        return self.consent(request, subscriber_of(token))

    @documented("Stop follow-up mails", answer=ConsentJson, refused=[404], public=True, tags=TAGS)
    def post(self, request: Request, token: str) -> Response:
        return self.consent(request, unsubscribe(token=token))

    def consent(self, request: Request, client: Client) -> Response:
        consent: ConsentJson = {
            "business_name": salon_of(request).business_name,
            "marketing_consent": client.marketing_consent,
        }
        return Response(consent)


def _shown(request: Request, *, stored: datetime, salon: SalonSettings) -> lifecycle.Shown | None:
    """The check that the booking still starts when the body says it was shown to start; None without it."""
    fields = checked_body(AnswerSerializer, request, zone=salon.zone, stored={"start_at": stored})
    if "start_at" not in fields:
        return None
    start_at = fields["start_at"]
    return lambda booking: min(each.start_at for each in coming_with(booking)) == start_at


def _appointment(booking: Booking, *, salon: SalonSettings) -> AppointmentJson:
    """Of a visit of several bookings all services and people, from the first start to the last end."""
    items = coming_with(booking)
    deadlines = [each.provisional_expires_at for each in items if each.provisional_expires_at is not None]
    return {
        "business_name": salon.business_name,
        "client_first_name": _first_name(booking.client),
        "service_name": ", ".join(dict.fromkeys(each.service.name for each in items)),
        "staff_name": ", ".join(dict.fromkeys(each.staff.name for each in items)),
        **_times(min(each.start_at for each in items), max(each.end_at for each in items), salon=salon),
        "status": booking.status,
        "expires_at": print_when(min(deadlines, default=None), zone=salon.zone),
    }


def _times(start_at: datetime, end_at: datetime, *, salon: SalonSettings) -> Times:
    return {
        "start_at": print_when(start_at, zone=salon.zone),
        "end_at": print_when(end_at, zone=salon.zone),
        "timezone": salon.timezone,
    }


def _first_name(client: Client | None) -> str | None:
    return None if client is None else client.first_name
