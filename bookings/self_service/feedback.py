"""What a client says about a visit, once, by the link in the review request (contract §1.4 "to completed").

Names: visit_of, give_feedback, review_link, FeedbackGiven, VisitNotCompleted.

A link is good while its booking is completed and nothing was said yet; it has no other end.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from bookings.errors import LinkSpent, LinkUnknown
from bookings.models import Booking, Feedback
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest

LOWEST, HIGHEST = 1, 5
HAPPY = 4
"""From this rating on a client is pointed to the salon's `review_url`."""
LONGEST_COMMENT = 2000


class FeedbackGiven(LinkSpent):
    code = "feedback_given"
    message = "Feedback on this visit has already been given; thank you."


class VisitNotCompleted(LinkSpent):
    code = "visit_not_completed"
    message = "This visit is not on the salon's books as completed; please contact the salon."


def visit_of(token: str) -> Booking:
    """The visit this link asks about, with its client and service, closed ones included.

    Raises LinkUnknown; `check_open` says whether something may still be said.
    """
    booking: Booking | None = (
        Booking.objects.filter(feedback_token=token, client__isnull=False)
        .select_related("client", "service", "visit")
        .first()
    )
    if booking is None:
        raise LinkUnknown
    return booking


def check_open(booking: Booking) -> None:
    """Raises FeedbackGiven or VisitNotCompleted (410)."""
    if Feedback.objects.filter(booking_id=booking.pk).exists():
        raise FeedbackGiven
    if booking.status != Booking.Status.COMPLETED:
        raise VisitNotCompleted


def give_feedback(*, token: str, rating: int, comment: str, now: datetime | None = None) -> Feedback:
    """Keep what the client says. Raises LinkUnknown (404), LinkSpent (410), BadRequest (400).

    Two clicks at once queue on the booking's row: one is kept, the other is told so.
    """
    if not LOWEST <= rating <= HIGHEST:
        raise BadRequest.field("rating", f"Send a whole number from {LOWEST} to {HIGHEST}.")
    if len(comment) > LONGEST_COMMENT:
        raise BadRequest.field("comment", f"Send at most {LONGEST_COMMENT} characters.")
    now = now or timezone.now()
    with transaction.atomic():
        booking = (
            Booking.objects.select_for_update(no_key=True, of=("self",)).filter(feedback_token=token).first()
        )
        if booking is None or booking.client_id is None:
            raise LinkUnknown
        check_open(booking)
        return Feedback.objects.create(booking=booking, rating=rating, comment=comment, created_at=now)


def review_link(rating: int, *, salon: SalonSettings) -> str | None:
    """Where a happy client may say it to everybody: `review_url` if it is http(s), else None."""
    if rating < HAPPY:
        return None
    parts = urlsplit(salon.review_url)
    return salon.review_url if parts.scheme in ("http", "https") and parts.netloc else None
