"""Visits that nobody has confirmed, and what confirms them (contract §10 "unconfirmed_action")."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from bookings import lifecycle
from bookings.lifecycle.by_reply import confirm_by_reply
from bookings.lifecycle.unconfirmed import look_after_unconfirmed
from bookings.models import BookingEvent, Reminded, Visit
from notifications.models import Job, Message, Notification
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING), pytest.mark.usefixtures("clock")]

START = datetime(2026, 3, 24, 9, tzinfo=UTC)
ASKED = datetime(2026, 3, 22, 17, 0, 5, tzinfo=UTC)
TWELVE_BEFORE = START - timedelta(hours=12)


@pytest.fixture
def salon() -> Salon:
    return make_cast(unconfirmed_action="release", policy_text={"en": "Confirm, or we give it away."})


def asked(salon: Salon, start_at: datetime = START, client: Any = None, *, online: bool = True) -> Visit:
    """A visit whose client was asked two days before, by a mail that went out."""
    acceptance = lifecycle.Acceptance(locale="en", ip="192.0.2.7", user_agent="B")
    item = lifecycle.ItemOrder(salon.service.pk, salon.bea.pk)
    order = lifecycle.VisitOrder(
        client_id=(client or salon.alice).pk,
        items=[item],
        start_at=start_at,
        accepted=acceptance if online else None,
        allow_overlap=True,
    )
    visit = lifecycle.book_visit(actor=SYSTEM, order=order).visit
    message = Message.objects.get(visit_id=visit.pk)
    Message.objects.filter(pk=message.pk).update(state="sent", sent_at=ASKED)
    Job.objects.filter(visit_id=visit.pk).update(state="done")
    Reminded.objects.create(
        visit=visit,
        message=message,
        rule_id=1,
        client_id=visit.client_id,
        start_at=visit.start_at,
        asks=True,
        due_at=ASKED,
        sent_at=ASKED,
    )
    return visit


def lines() -> list[tuple[str, int | None]]:
    found = Notification.objects.filter(type="visit.unconfirmed", staff__role="admin").order_by("id")
    return list(found.values_list("title", "booking_id"))


def sweep(clock: Any, at: datetime) -> int:
    clock.move_to(at)
    return look_after_unconfirmed(now=timezone.now())


def test_the_desk_is_told_once_twelve_hours_before(salon: Salon, clock: Any) -> None:
    SalonSettings.objects.update(unconfirmed_action="notify")
    visit = asked(salon)
    assert sweep(clock, TWELVE_BEFORE - timedelta(minutes=1)) == 0
    assert sweep(clock, TWELVE_BEFORE) == 1
    assert sweep(clock, TWELVE_BEFORE + timedelta(minutes=5)) == 0
    assert lines() == [("Not confirmed by the client", visit.items[0].pk)]
    assert Visit.objects.get(pk=visit.pk).status == "scheduled"


def test_nothing_happens_where_the_salon_wants_nothing_or_the_client_has_confirmed(
    salon: Salon, clock: Any
) -> None:
    visit = asked(salon)
    Visit.objects.filter(pk=visit.pk).update(client_confirmed_at=ASKED)
    assert sweep(clock, TWELVE_BEFORE) == 0
    Visit.objects.filter(pk=visit.pk).update(client_confirmed_at=None)
    SalonSettings.objects.update(unconfirmed_action="none")
    assert sweep(clock, TWELVE_BEFORE) == 0
    assert lines() == []


def test_what_the_client_accepted_is_released_and_they_are_told(salon: Salon, clock: Any) -> None:
    visit = asked(salon)
    assert sweep(clock, TWELVE_BEFORE) == 1
    released = Visit.objects.get(pk=visit.pk)
    assert (released.status, released.released_at) == ("cancelled", TWELVE_BEFORE)
    assert Job.objects.filter(type="booking.cancelled", state="pending").count() == 1
    assert BookingEvent.objects.latest("id").reason == "not confirmed in time"
    assert lines() == [("Not confirmed, and given to others", visit.items[0].pk)]
    assert sweep(clock, TWELVE_BEFORE + timedelta(minutes=5)) == 0


@pytest.mark.parametrize(
    "spoiled", ["staff", "kept", "uncertain", "asked late", "delayed", "stuck", "long ago", "moved"]
)
def test_without_every_condition_the_desk_is_told_instead(salon: Salon, clock: Any, spoiled: str) -> None:
    visit = asked(salon, online=spoiled != "staff")
    rows = Reminded.objects.filter(visit=visit)
    at = TWELVE_BEFORE
    match spoiled:
        case "kept":
            Message.objects.filter(pk__in=rows.values("message")).update(state="kept")
        case "asked late":
            rows.update(sent_at=TWELVE_BEFORE - timedelta(hours=23))
        case "delayed":
            rows.update(due_at=ASKED - timedelta(minutes=61))
        case "stuck":
            late = TWELVE_BEFORE - timedelta(hours=2)
            recipient = f"client:{salon.alice.pk}"
            Job.objects.create(
                type="visit.reminder",
                once_key="x",
                recipient=recipient,
                run_at=late,
                first_run_at=late,
                created_at=late,
            )
        case "long ago":
            at = TWELVE_BEFORE + timedelta(minutes=61)
        case "uncertain":
            Message.objects.filter(pk__in=rows.values("message")).update(state="uncertain")
        case "moved":
            body = {"start_at": "2026-03-24 10:30:00"}
            assert caller(salon.ada).put(f"/api/visits/{visit.pk}", body, format="json").status_code == 200
    untold = spoiled in ("uncertain", "moved")
    assert sweep(clock, at) == (0 if untold else 1)
    assert Visit.objects.get(pk=visit.pk).status == "scheduled"
    assert [title for title, _ in lines()] == ([] if untold else ["Not confirmed by the client"])


def test_of_a_day_only_a_few_are_released(salon: Salon, clock: Any) -> None:
    visits = [asked(salon, START + timedelta(hours=hour)) for hour in range(4)]
    for hour in range(4):
        sweep(clock, TWELVE_BEFORE + timedelta(hours=hour))
    assert [Visit.objects.get(pk=each.pk).status for each in visits] == ["cancelled"] * 3 + ["scheduled"]
    assert [title for title, _ in lines()] == ["Not confirmed, and given to others"] * 3 + [
        "Not confirmed by the client"
    ]


def test_a_yes_confirms_the_one_visit_that_asks(salon: Salon) -> None:
    salon.alice.mobile = "+31612345678"
    salon.alice.save()
    first = asked(salon)
    assert not confirm_by_reply(number="+31611111111", now=timezone.now())
    assert confirm_by_reply(number="+31612345678", now=timezone.now())
    assert Visit.objects.get(pk=first.pk).client_confirmed_at == MORNING
    event = BookingEvent.objects.latest("id")
    assert (event.door, event.actor_type, event.changes) == (
        "reply",
        "client",
        {"client_confirmed": [False, True]},
    )
    assert not confirm_by_reply(number="+31612345678", now=timezone.now())


def test_a_yes_confirms_nothing_where_two_visits_ask(salon: Salon) -> None:
    for client in (salon.alice, salon.bob):
        client.mobile = "+31612345678"
        client.save()
    visits = [asked(salon), asked(salon, START + timedelta(hours=2), salon.bob)]
    assert not confirm_by_reply(number="+31612345678", now=timezone.now())
    assert [Visit.objects.get(pk=each.pk).client_confirmed_at for each in visits] == [None, None]


@pytest.mark.parametrize(("hours", "confirmed"), [(23, True), (24, False), (-1, False)])
def test_who_books_for_so_soon_has_confirmed(salon: Salon, hours: int, confirmed: bool) -> None:
    order = lifecycle.VisitOrder(
        client_id=salon.alice.pk,
        items=[lifecycle.ItemOrder(salon.service.pk, salon.bea.pk)],
        start_at=MORNING + timedelta(hours=hours),
    )
    visit = lifecycle.book_visit(actor=SYSTEM, order=order).visit
    assert Visit.objects.get(pk=visit.pk).client_confirmed_at == (MORNING if confirmed else None)


def test_the_evidence_names_what_reminded(salon: Salon) -> None:
    visit = asked(salon)
    [told] = caller(salon.ada).get(f"/api/visits/{visit.pk}/evidence").json()["reminded"]
    assert told == {
        "message_id": Reminded.objects.get().message_id,
        "start_at": "2026-03-24 10:00:00",
        "asks": True,
        "due_at": "2026-03-22 18:00:05",
        "sent_at": "2026-03-22 18:00:05",
        "channel": "email",
        "state": "sent",
    }
