"""POST /api/clients/:id/merge (contract §1.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bookings.models import Booking, BookingEvent, WaitlistEntry
from clients.models import Client
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from tests.cast.factories import (
    caller,
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_client,
    make_key,
    make_salon,
    make_service,
)

pytestmark = pytest.mark.django_db

NEXT_YEAR = datetime.now(UTC).year + 1
NINE = datetime(NEXT_YEAR, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def ada():
    make_salon()
    return caller(make_ada())


def merge(client, goes, stays):
    return client.post(f"/api/clients/{goes.pk}/merge", {"into": stays.pk})


def test_everything_of_the_one_becomes_the_others(ada):
    goes = make_alice(notes="likes tea", birthday="1990-02-28", marketing_consent=True, no_show_count=2)
    stays = make_client("Alicia", "", email="", notes="likes coffee", no_show_count=1)
    bea, cut = make_bea(), make_service()
    first = make_booking(client=goes, staff=bea, service=cut, start_at=NINE)
    other = make_booking(client=stays, staff=bea, service=cut, start_at=NINE + timedelta(hours=1))
    entry = WaitlistEntry.objects.create(client=goes, service=cut, date=NINE.date())
    before = (Job.objects.count(), Message.objects.count(), Notification.objects.count())
    answer = merge(ada, goes, stays)
    assert answer.status_code == 200
    stays.refresh_from_db()
    assert answer.json() == ada.get(f"/api/clients/{stays.pk}").json()
    assert (stays.first_name, stays.last_name, stays.email, stays.phone) == (
        "Alicia",
        "Adams",
        "alice@example.com",
        "+31201234567",
    )
    assert (str(stays.birthday), stays.notes) == ("1990-02-28", "likes coffee\nlikes tea")
    assert (stays.no_show_count, stays.marketing_consent) == (3, False)
    goes.refresh_from_db()
    assert (goes.merged_into, goes.archived_at is None, goes.no_show_count) == (stays, False, 0)
    first.refresh_from_db()
    entry.refresh_from_db()
    assert (first.client, first.version, first.status) == (stays, 2, "scheduled")
    assert entry.client == stays
    assert Booking.objects.get(pk=other.pk).version == 1
    event = BookingEvent.objects.filter(booking=first).latest("id")
    assert (event.from_status, event.to_status, event.door, event.actor_name) == (
        "scheduled",
        "scheduled",
        "api",
        "Ada Admin",
    )
    assert event.changes == {"client_id": [goes.pk, stays.pk]}
    assert event.reason == "The client was merged into another record of the same person."
    assert (Job.objects.count(), Message.objects.count(), Notification.objects.count()) == before
    assert set(Message.objects.values_list("client_id", flat=True)) == {stays.pk}
    assert set(Job.objects.exclude(recipient="").values_list("recipient", flat=True)) == {
        f"client:{stays.pk}"
    }


def test_a_mail_that_was_waiting_goes_to_who_stays(ada):
    goes = make_alice()
    stays = make_client("Alicia", "Adams", email="alicia@example.com")
    make_booking(client=goes, staff=make_bea(), service=make_service(), start_at=NINE)
    merge(ada, goes, stays)
    run_due(at_most=10)
    message = Message.objects.get(type="booking.created")
    assert (message.to, message.state) == ("alicia@example.com", "kept")
    assert "Hello Alicia," in message.text


def test_who_was_merged_is_out_of_the_lists_for_good(ada):
    goes, stays = make_alice(), make_client("Bob", "Brown")
    merge(ada, goes, stays)
    assert [each["id"] for each in ada.get("/api/clients").json()] == [stays.pk]
    assert ada.get(f"/api/clients/{goes.pk}").json()["is_archived"] is True
    for answer in (merge(ada, goes, stays), ada.put(f"/api/clients/{goes.pk}", {"is_archived": False})):
        assert (answer.status_code, answer.json()["code"]) == (409, "client_merged")


def test_a_chain_of_merges_ends_at_the_last(ada):
    first, second, third = make_alice(), make_client("Bob"), make_client("Cleo")
    merge(ada, first, second)
    merge(ada, second, third)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.merged_into, second.merged_into) == (third, third)


@pytest.mark.parametrize("into", [None, 0, -1, "2", 900000999, 2**63, True, 1.5])
def test_a_wrong_target_is_refused(ada, into):
    alice = make_alice()
    answer = ada.post(f"/api/clients/{alice.pk}/merge", {"into": into})
    assert answer.status_code == 400
    alice.refresh_from_db()
    assert alice.archived_at is None


def test_neither_itself_nor_an_archived_one_is_a_target(ada):
    alice, gone = make_alice(), make_client("Gone", archived_at=NINE)
    for target in (alice, gone):
        answer = merge(ada, alice, target)
        assert (answer.status_code, set(answer.json()["details"])) == (400, {"into"})
    assert ada.post(f"/api/clients/{alice.pk}/merge", {}).status_code == 400
    assert ada.post("/api/clients/900000999/merge", {"into": alice.pk}).json() == {
        "error": "Client not found",
        "code": "not_found",
    }
    assert Client.objects.filter(merged_into__isnull=False).count() == 0


def test_only_an_administrator_or_a_key_merges():
    make_salon()
    goes, stays = make_alice(), make_client("Bob")
    answer = merge(caller(make_bea()), goes, stays)
    assert (answer.status_code, answer.json()["code"]) == (403, "admin_only")
    assert merge(caller(make_key(mode=1)[1]), goes, stays).status_code == 403
    assert merge(caller(), goes, stays).status_code == 401
    goes.refresh_from_db()
    assert goes.merged_into is None
    assert merge(caller(make_key()[1]), goes, stays).status_code == 200


@pytest.mark.parametrize("number", [1, 30])
def test_a_merge_costs_the_same_however_many_bookings(ada, django_assert_max_num_queries, number):
    goes, stays, bea, cut = make_alice(), make_client("Bob"), make_bea(), make_service()
    for hour in range(number):
        make_booking(client=goes, staff=bea, service=cut, start_at=NINE + timedelta(hours=hour))
    with django_assert_max_num_queries(24):
        assert merge(ada, goes, stays).status_code == 200
    assert Booking.objects.filter(client=stays).count() == number
