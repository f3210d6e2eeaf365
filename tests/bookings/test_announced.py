"""What the message log knows of what a client was told: here, of their calendar."""

from __future__ import annotations

import pytest

from bookings.models import Booking
from tests.cast.factories import make_client
from tests.cast.letters import END, NOW, START, compose, furnish, make_booking, make_job, mark_sent, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _salon():
    furnish()


@pytest.mark.parametrize(
    ("earlier", "method"),
    [
        ([], ""),
        ([("booking.provisional", "sent", "")], ""),
        ([("booking.updated", "sent", "REQUEST")], "CANCEL"),
        ([("booking.created", "kept", "REQUEST"), ("booking.provisional", "sent", "")], "CANCEL"),
        ([("booking.updated", "not_sent", "REQUEST")], ""),
        ([("booking.created", "sent", "REQUEST"), ("booking.cancelled", "sent", "CANCEL")], ""),
    ],
)
def test_what_lapsed_is_taken_out_of_a_calendar_only_if_it_was_put_there(
    earlier: list[tuple[str, str, str]], method: str
):
    booking = make_booking(status="cancelled", **told("provisional"))
    for type, state, ics_method in earlier:
        job = make_job(type, booking)
        mark_sent(job, state=state, client_id=booking.client_id, ics_method=ics_method)
    mail = compose(make_job("booking.lapsed", booking), now=NOW)
    assert (mail.ics_method, "METHOD:CANCEL" in mail.ics) == (method, bool(method))
    assert ("removes the appointment from your calendar" in mail.text) == bool(method)


ANNOUNCED = {"as": "scheduled", "start_at": START.isoformat(), "end_at": END.isoformat()}


def test_a_date_of_a_series_that_lapsed_is_taken_out_of_the_calendar():
    first, later = make_booking(), make_booking(status="cancelled", **told("provisional"))
    Booking.objects.filter(pk__in=[first.pk, later.pk]).update(series_id=first.pk)
    facts: dict[str, object] = {"announces_each": {str(each.pk): ANNOUNCED for each in (first, later)}}
    mark_sent(
        make_job("booking.created", first), client_id=first.client_id, ics_method="PUBLISH", facts=facts
    )
    mail = compose(make_job("booking.lapsed", later), now=NOW)
    assert mail.ics_method == "CANCEL"
    Booking.objects.filter(pk=later.pk).update(client=make_client("Bob", "Brown"))
    later.refresh_from_db()
    mail = compose(make_job("booking.lapsed", later), now=NOW)
    assert mail.ics_method == ""
