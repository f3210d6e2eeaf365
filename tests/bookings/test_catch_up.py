"""`manage.py catch_up`: what an older release wrote beside this one is made whole (docs/adr/0107)."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from bookings import lifecycle
from bookings.models import Booking, Visit, WaitlistEntry
from clients.models import Client
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import make_booking

pytestmark = pytest.mark.django_db


@pytest.fixture
def cast() -> Salon:
    return make_cast()


def _book(cast: Salon, *, hours: int = 0) -> Booking:
    day = timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=3, hours=hours)
    return make_booking(client=cast.alice, staff=cast.bea, service=cast.service, start_at=day)


def _as_the_older_release_wrote(booking: Booking, **changes: object) -> None:
    """It writes the booking alone, with another version."""
    rows = Booking.objects.filter(pk=booking.pk)
    rows.update(version=booking.version + 1, updated_at=timezone.now(), **changes)


def test_a_booking_without_a_visit_gets_its_own(cast: Salon) -> None:
    booking = _book(cast)
    _as_the_older_release_wrote(booking, visit=None, announced_as="scheduled", announced_staff_id=None)
    Visit.objects.all().delete()
    assert _caught_up().visits == 1
    booking.refresh_from_db()
    visit = Visit.objects.get()
    assert (visit.pk, visit.key, visit.version) == (booking.visit_id, booking.key, booking.version)
    assert (visit.start_at, visit.end_at, visit.status) == (booking.start_at, booking.end_at, "scheduled")
    assert booking.announced_staff_id == cast.bea.pk


def test_who_polls_is_shown_the_visit_and_the_series(cast: Salon) -> None:
    alone, given, one = _book(cast), _book(cast, hours=2), _book(cast, hours=4)
    Booking.objects.filter(pk=given.pk).update(visit=one.visit_id, position=2)
    _as_the_older_release_wrote(alone, visit=None, series_id=one.pk)
    _as_the_older_release_wrote(given, client=cast.bob)
    before = {each.pk: each.version for each in Booking.objects.all()}
    polled = timezone.now()
    Booking.objects.update(updated_at=polled - timedelta(minutes=1))
    assert _caught_up() == lifecycle.CaughtUp(visits=1, corrected=1, series=1)
    shown = Booking.objects.filter(updated_at__gte=polled)
    assert {each.pk: each.version for each in shown} == {pk: seen + 1 for pk, seen in before.items()}


def test_a_visit_says_again_what_its_booking_says(cast: Salon) -> None:
    booking = _book(cast)
    later = {"start_at": booking.start_at + timedelta(days=1), "end_at": booking.end_at + timedelta(days=1)}
    _as_the_older_release_wrote(booking, status="cancelled", **later)
    before = Visit.objects.get()
    assert _caught_up().corrected == 1
    visit = Visit.objects.get()
    assert (visit.start_at, visit.end_at, visit.status) == (*later.values(), "cancelled")
    assert visit.version == before.version + 1


def test_who_was_given_to_another_client_alone_takes_the_visit_along(cast: Salon) -> None:
    booking = _book(cast)
    _as_the_older_release_wrote(booking, client=cast.bob)
    assert _caught_up().corrected == 1
    visit = Visit.objects.get()
    assert (visit.client_id, visit.link_nonce) == (cast.bob.pk, 1)


def test_one_of_two_that_was_given_to_another_client_leaves(cast: Salon) -> None:
    first, second = _book(cast), _book(cast, hours=2)
    Booking.objects.filter(pk=second.pk).update(visit=first.visit_id, position=2)
    Visit.objects.filter(pk=second.visit_id).delete()
    assert _caught_up().corrected == 1, "the visit ends with its second booking"
    _as_the_older_release_wrote(second, client=cast.bob)
    assert _caught_up().corrected == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert second.visit_id != first.visit_id
    assert [first.visit.client_id, second.visit.client_id] == [cast.alice.pk, cast.bob.pk]
    assert first.visit.end_at == first.end_at


def test_the_first_of_a_series_has_its_id(cast: Salon) -> None:
    first, second = _book(cast), _book(cast, hours=2)
    _as_the_older_release_wrote(second, series_id=first.pk)
    assert _caught_up().series == 1
    first.refresh_from_db()
    assert first.series_id == first.pk


def test_who_was_entered_by_it_is_found(cast: Salon) -> None:
    now = timezone.now()
    WaitlistEntry.objects.create(client=cast.bob, service=cast.service, date=now.date(), notes="Ünder")
    Client.objects.all().update(searched="", updated_at=now)
    WaitlistEntry.objects.all().update(searched="", updated_at=now)
    said = io.StringIO()
    call_command("catch_up", stdout=said)
    assert f"{Client.objects.count()} clients and 1 waitlist entries" in said.getvalue()
    assert WaitlistEntry.objects.get().searched == "under"
    assert Client.objects.filter(searched="").count() == 0


def test_what_it_left_out_is_said_and_had_with_more_days(cast: Salon) -> None:
    early = timezone.now() - timedelta(days=9)
    Client.objects.filter(pk=cast.bob.pk).update(searched="", updated_at=early)
    booking = _book(cast)
    _as_the_older_release_wrote(booking, status="cancelled")
    Booking.objects.update(updated_at=early)
    said = io.StringIO()
    call_command("catch_up", stdout=said)
    assert "Left out: 1 bookings, 1 clients, 0 waitlist entries" in said.getvalue()
    assert Visit.objects.get().status == "scheduled"
    said = io.StringIO()
    call_command("catch_up", days=10, stdout=said)
    assert "1 visits what their bookings say" in said.getvalue()
    assert "Left out" not in said.getvalue()
    assert Client.objects.get(pk=cast.bob.pk).searched != ""


def test_a_second_time_there_is_nothing_to_do(cast: Salon) -> None:
    booking = _book(cast)
    _as_the_older_release_wrote(booking, visit=None)
    _caught_up()
    version = Visit.objects.get(pk=Booking.objects.get().visit_id).version
    assert _caught_up() == lifecycle.CaughtUp(visits=0, corrected=0, series=0)
    assert Visit.objects.get(pk=Booking.objects.get().visit_id).version == version


def _caught_up() -> lifecycle.CaughtUp:
    now = timezone.now()
    return lifecycle.catch_up(since=now - timedelta(days=1), now=now)
