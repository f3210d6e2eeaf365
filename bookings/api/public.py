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
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import lifecycle
from bookings.models import Booking
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
from staff.wire.fields import StrictIntegerField, TextField, WallClockField
from staff.wire.reading import checked_body
from staff.wire.schema import documented
from staff.wire.times import print_when
from staff.wire.views import GatedView

TAGS = ["Public links"]


class AppointmentSerializer(serializers.Serializer):
    """What a mailed request asks about; times are salon wall clock."""

    business_name = serializers.CharField()
    client_first_name = serializers.CharField(allow_null=True)
    service_name = serializers.CharField()
    staff_name = serializers.CharField()
    start_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS")
    end_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS")
    timezone = serializers.CharField(help_text="The salon's, such as Europe/Amsterdam.")
    status = serializers.ChoiceField(choices=Booking.Status.values)
    expires_at = serializers.CharField(allow_null=True, help_text="YYYY-MM-DD HH:MM:SS; null once answered.")


class AnswerSerializer(serializers.Serializer):
    """The start as the client was shown it."""

    start_at = WallClockField(required=False)


class OfferSerializer(serializers.Serializer):
    """A time that came free; `held` says whether it is kept for this client until `expires_at`."""

    business_name = serializers.CharField()
    client_first_name = serializers.CharField()
    service_name = serializers.CharField()
    staff_name = serializers.CharField()
    start_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS")
    end_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS")
    timezone = serializers.CharField()
    held = serializers.BooleanField()
    expires_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS")


class VisitSerializer(serializers.Serializer):
    """The visit that feedback is asked about."""

    business_name = serializers.CharField()
    client_first_name = serializers.CharField()
    service_name = serializers.CharField()
    start_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS")
    end_at = serializers.CharField(help_text="YYYY-MM-DD HH:MM:SS")
    timezone = serializers.CharField()


class FeedbackSerializer(serializers.Serializer):
    rating = StrictIntegerField(min_value=LOWEST, max_value=HIGHEST)
    comment = TextField(max_length=LONGEST_COMMENT, required=False, default="")


class FeedbackThanksSerializer(serializers.Serializer):
    rating = serializers.IntegerField(min_value=LOWEST, max_value=HIGHEST)
    comment = serializers.CharField(allow_blank=True)
    review_url = serializers.CharField(
        allow_null=True, help_text="Where a happy client (4 or 5) may say it in public."
    )


class ConsentSerializer(serializers.Serializer):
    business_name = serializers.CharField()
    marketing_consent = serializers.BooleanField()


class PublicView(GatedView):
    """Open to whoever holds the link; credentials that come along are not looked at."""

    authentication_classes = []
    permission_classes = []
    throttle_classes = [PublicLinkThrottle]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        check_token(kwargs["token"])


class RequestView(PublicView):
    @documented("A mailed request", answer=AppointmentSerializer, refused=[404, 410], public=True, tags=TAGS)
    def get(self, request: Request, token: str) -> Response:
        return Response(_appointment(lifecycle.request_of(token=token), salon=salon_of(request)))


answering = partial(
    documented,
    request=AnswerSerializer,
    answer=AppointmentSerializer,
    refused=[404, 409, 410],
    public=True,
    tags=TAGS,
)


class AnswerView(PublicView):
    def answer(self, request: Request, token: str, *, yes: bool) -> Response:
        salon = salon_of(request)
        seen = lifecycle.request_of(token=token)
        shown = _shown(request, stored=seen.start_at, salon=salon)
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
        answer=VisitSerializer,
        refused=[404, 410],
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request, token: str) -> Response:
        booking = visit_of(token)
        check_open(booking)
        salon = salon_of(request)
        return Response(
            {
                "business_name": salon.business_name,
                "client_first_name": _first_name(booking.client),
                "service_name": booking.service.name,
                **_times(booking.start_at, booking.end_at, salon=salon),
            }
        )

    @documented(
        "Give feedback, once",
        request=FeedbackSerializer,
        answer=FeedbackThanksSerializer,
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
        return Response(
            {"rating": feedback.rating, "comment": feedback.comment, "review_url": link}, status=201
        )


class WaitlistOfferView(PublicView):
    @documented(
        "A time offered from the waitlist",
        answer=OfferSerializer,
        refused=[404, 409, 410],
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request, token: str) -> Response:
        offer = offer_of(token=token)
        salon = salon_of(request)
        return Response(
            {
                "business_name": salon.business_name,
                "client_first_name": _first_name(offer.entry.client),
                "service_name": offer.entry.service.name,
                "staff_name": offer.staff.name,
                **_times(offer.start_at, offer.end_at, salon=salon),
                "held": offer.hold_id is not None,
                "expires_at": print_when(min(offer.expires_at, offer.start_at), zone=salon.zone),
            }
        )


class TakeOfferView(PublicView):
    @documented(
        "Take the time offered",
        answer=AppointmentSerializer,
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
        answer=ConsentSerializer,
        refused=[404],
        public=True,
        tags=TAGS,
    )
    def get(self, request: Request, token: str) -> Response:
        return self.consent(request, subscriber_of(token))

    @documented("Stop follow-up mails", answer=ConsentSerializer, refused=[404], public=True, tags=TAGS)
    def post(self, request: Request, token: str) -> Response:
        return self.consent(request, unsubscribe(token=token))

    def consent(self, request: Request, client: Client) -> Response:
        name = salon_of(request).business_name
        return Response({"business_name": name, "marketing_consent": client.marketing_consent})


def _shown(request: Request, *, stored: datetime, salon: SalonSettings) -> lifecycle.Shown | None:
    """The check that the booking still starts when the body says it was shown to start; None without it."""
    fields = checked_body(AnswerSerializer, request, zone=salon.zone, stored={"start_at": stored})
    if "start_at" not in fields:
        return None
    start_at = fields["start_at"]
    return lambda booking: booking.start_at == start_at


def _appointment(booking: Booking, *, salon: SalonSettings) -> dict[str, Any]:
    expires_at = booking.provisional_expires_at
    return {
        "business_name": salon.business_name,
        "client_first_name": _first_name(booking.client),
        "service_name": booking.service.name,
        "staff_name": booking.staff.name,
        **_times(booking.start_at, booking.end_at, salon=salon),
        "status": booking.status,
        "expires_at": None if expires_at is None else print_when(expires_at, zone=salon.zone),
    }


def _times(start_at: datetime, end_at: datetime, *, salon: SalonSettings) -> dict[str, str]:
    return {
        "start_at": print_when(start_at, zone=salon.zone),
        "end_at": print_when(end_at, zone=salon.zone),
        "timezone": salon.timezone,
    }


def _first_name(client: Client | None) -> str | None:
    return None if client is None else client.first_name
