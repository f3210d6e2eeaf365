"""GET /api/clients/:id/card: who the client is to the salon, at one glance (contract §11 "the desk")."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, TypedDict

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings.api.serializers import Printer
from bookings.api.visit_serializers import VisitJson, VisitPrinter
from bookings.models import Booking, Visit, VisitQuerySet
from clients.models import Client
from clients.printing import ClientJson, client_json
from notifications.models import Message
from staff.access.actor import Actor
from staff.access.auth import actor_of, salon_of
from staff.storage.storing import found
from staff.wire.answers import Count as CountJson
from staff.wire.answers import Id, When, one_of
from staff.wire.schema import ID_IN_PATH, documented

MOST_VISITS = 10
MOST_MESSAGES = 20


class CardCountsJson(TypedDict):
    visits: Annotated[CountJson, "Completed ones."]
    no_shows: CountJson
    late_cancels: Annotated[CountJson, "Cancelled after the time for it."]


class CardMessageJson(TypedDict):
    """A message of the log, without its text; `GET /api/bookings/:id/messages` has that."""

    id: Id
    type: str
    to: str
    channel: str
    state: Annotated[str, one_of(Message.State.values)]
    reason: Annotated[str, "Why it was not sent."]
    subject: str
    booking_id: Id | None
    visit_id: Id | None
    created_at: When
    sent_at: When | None


class ClientCardJson(TypedDict):
    """A client with what the caller may see of their visits and messages."""

    client: ClientJson
    counts: CardCountsJson
    next: Annotated[list[VisitJson], "Those to come, and one that goes on; soonest first, at most 10."]
    last: Annotated[list[VisitJson], "All others; latest first, at most 10."]
    messages: Annotated[list[CardMessageJson], "Newest first, at most 20."]


class ClientCardView(APIView):
    @documented(
        "One client at a glance",
        description="Counts, visits and messages are of what the caller may see.",
        answer=ClientCardJson,
        refused=[404],
        parameters=[ID_IN_PATH],
        tags=["clients"],
    )
    def get(self, request: Request, id: int) -> Response:
        actor, salon = actor_of(request), salon_of(request)
        client = found(Client.objects.all(), id)
        printer = Printer(salon)
        visits = Visit.objects.visible_to(actor).filter(client_id=client.pk)
        ahead, behind = _ahead_and_behind(visits, now=timezone.now())
        printed = VisitPrinter(printer, to=actor).all([*ahead, *behind])
        card: ClientCardJson = {
            "client": client_json(client, zone=salon.zone),
            "counts": _counts(visits),
            "next": printed[: len(ahead)],
            "last": printed[len(ahead) :],
            "messages": [_message(each, printer) for each in _messages(client, visits, actor=actor)],
        }
        return Response(card)


def _counts(visits: VisitQuerySet) -> CardCountsJson:
    """One statement."""
    late = Q(status=Booking.Status.CANCELLED, late=True)
    counts: dict[str, int] = visits.order_by().aggregate(
        visits=Count("pk", filter=Q(status=Booking.Status.COMPLETED)),
        no_shows=Count("pk", filter=Q(status=Booking.Status.NO_SHOW)),
        late_cancels=Count("pk", filter=late),
    )
    return {
        "visits": counts["visits"],
        "no_shows": counts["no_shows"],
        "late_cancels": counts["late_cancels"],
    }


def _ahead_and_behind(visits: VisitQuerySet, *, now: datetime) -> tuple[Sequence[Visit], Sequence[Visit]]:
    """Two statements."""
    to_come = Q(status__in=Booking.OCCUPYING, end_at__gt=now)
    ahead = list(visits.filter(to_come).order_by("start_at", "pk")[:MOST_VISITS])
    behind = list(visits.exclude(to_come).order_by("-start_at", "-pk")[:MOST_VISITS])
    return ahead, behind


def _messages(client: Client, visits: VisitQuerySet, *, actor: Actor) -> QuerySet[Message]:
    """To the client; for who sees their own agenda alone, about what is on it. One statement."""
    told = Message.objects.filter(client_id=client.pk).order_by("-pk")
    if actor.agenda_of is not None:
        theirs = Booking.objects.visible_to(actor).filter(client_id=client.pk).order_by()
        told = told.filter(
            Q(booking_id__in=theirs.values("pk")) | Q(visit_id__in=visits.order_by().values("pk"))
        )
    return told.defer("html", "text", "ics", "headers", "facts")[:MOST_MESSAGES]


def _message(message: Message, printer: Printer) -> CardMessageJson:
    return {
        "id": message.pk,
        "type": message.type,
        "to": message.to,
        "channel": message.channel,
        "state": message.state,
        "reason": message.reason,
        "subject": message.subject,
        "booking_id": message.booking_id,
        "visit_id": message.visit_id,
        "created_at": printer.when(message.created_at),
        "sent_at": None if message.sent_at is None else printer.when(message.sent_at),
    }
