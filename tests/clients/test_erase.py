"""A client gets what we hold about them; erased, they are found nowhere, and the books still add up."""

from __future__ import annotations

import io
import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import models
from django.utils import timezone

from bookings import waitlist
from bookings.models import Booking, BookingEvent, BusyTime, Feedback, NoShowFee, WaitlistEntry
from bookings.self_service.feedback import give_feedback
from clients.models import Client
from notifications import inapp, outbox
from notifications.execution import run_due
from notifications.models import Job, Message, Notification, WebhookDelivery, WebhookEndpoint
from staff.models import SalonSettings
from tests.cast.bookings import Salon, jobs, make_cast, stored
from tests.cast.factories import caller, make_client

MONDAY = "2026-03-23 09:00:00"

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MONDAY)]

PERSONAL = (
    "Zebulon",
    "Quist",
    "zebulon@",
    "+31655512345",
    "allergic to ammonia",
    "difficult about the fringe",
    "the best cut ever",
    "hates the radio",
)
"""Words that stand nowhere but about this client."""


@pytest.fixture
def salon() -> Salon:
    """Zebulon Quist has been, was missed, waits, is coming, and was mailed about most of it."""
    salon = make_cast(noshow_enabled=True, noshow_fee_value=10)
    salon.alice = zeb = make_client(
        "Zebulon",
        "Quist",
        email="zebulon@example.com",
        phone="+31655512345",
        notes="allergic to ammonia",
        alert="hates the radio",
    )
    been = _visit(
        salon, "2026-03-20", notes="allergic to ammonia", internal_notes="difficult about the fringe"
    )
    salon.put(been, {"notes": "allergic to ammonia!", "reason": "Zebulon called"})
    token = salon.put(been, {"status": "completed"}).json()["feedback_token"]
    give_feedback(token=token, rating=5, comment="the best cut ever")
    salon.put(_visit(salon, "2026-03-19"), {"status": "no-show"})
    asked = _visit(salon, "2026-03-25", provisional=True)
    accept = caller().post(f"/api/public/provisional/{asked['provisional_token']}/accept")
    assert accept.status_code == 200
    run_due(at_most=100)
    entry = waitlist.add(
        client_id=zeb.pk,
        service_id=salon.service.pk,
        date=timezone.now().date() + timedelta(days=4),
        notes="allergic to ammonia",
        salon=SalonSettings.load(),
        now=timezone.now(),
    )
    _visit(salon, "2026-03-26", waitlist_id=entry.pk)
    inapp.tell_admins(
        type="waitlist.offer", title="Offered", body="Zebulon Quist, Haircut", now=timezone.now()
    )
    LogEntry.objects.create(
        user=salon.ada,
        content_type=ContentType.objects.get_for_model(Client),
        object_id=str(zeb.pk),
        object_repr="Zebulon Quist",
        action_flag=CHANGE,
        change_message="Changed Phone.",
    )
    merged = make_client("Zebulon", "Quist", email="zebulon@example.org")
    Client.objects.filter(pk=merged.pk).update(merged_into=zeb, archived_at=timezone.now())
    return salon


def _visit(salon: Salon, day: str, **order: Any) -> dict[str, Any]:
    return salon.book(start_at=f"{day} 10:00:00", end_at=f"{day} 11:00:00", **order)


def _accepted() -> dict[str, Any]:
    """The request that Zebulon has accepted, on 25 March."""
    return {"id": Booking.objects.get(status="scheduled", waitlist=None).pk}


def _everything_stored() -> str:
    """Every row of every table of ours and of Django admin's log, as text."""
    tables = [
        table
        for table in apps.get_models()
        if table._meta.app_label in ("staff", "clients", "notifications", "bookings", "admin")
    ]
    return json.dumps([list(_rows(table)) for table in tables], default=str, ensure_ascii=False)


def _rows(table: type[models.Model]) -> Any:
    return table._default_manager.order_by("pk").values()


def _erase(salon: Salon, *, cancel: bool = True) -> str:
    said = io.StringIO()
    call_command("erase_client", str(salon.alice.pk), cancel=cancel, stdout=said)
    return said.getvalue()


def test_an_erased_client_is_found_nowhere(salon: Salon) -> None:
    before = _everything_stored()
    assert [word for word in PERSONAL if word not in before] == []
    _erase(salon)
    after = _everything_stored()
    assert [word for word in PERSONAL if word in after] == []


def test_the_books_still_add_up(salon: Salon) -> None:
    kept = ("id", "staff_id", "service_id", "start_at", "end_at", "price", "created_at", "key")
    before = list(Booking.objects.order_by("pk").values(*kept))
    history = list(BookingEvent.objects.order_by("pk").values("id", "at", "door", "from_status", "to_status"))
    sent = Message.objects.filter(state="kept").count()
    said = _erase(salon)
    assert said == (
        f"Client {salon.alice.pk} is erased: 4 bookings kept without the person (2 of them cancelled now), "
        f"{Message.objects.count()} messages emptied.\n"
    )
    assert list(Booking.objects.order_by("pk").values(*kept)) == before
    assert not Booking.objects.exclude(client=None, waitlist=None).exists()
    assert list(Booking.objects.order_by("start_at").values_list("status", flat=True)) == [
        "no-show",
        "completed",
        "cancelled",
        "cancelled",
    ]
    events = BookingEvent.objects.order_by("pk").values("id", "at", "door", "from_status", "to_status")
    assert list(events)[: len(history)] == history
    assert Feedback.objects.get().rating == 5
    assert Message.objects.filter(state="kept").count() == sent
    assert WaitlistEntry.objects.count() == 0
    assert Client.objects.filter(first_name="Zebulon").count() == 0
    assert NoShowFee.objects.get().state == "waived"
    assert BusyTime.objects.count() == 0


def test_every_erased_booking_tells_who_polls_and_keeps_an_audit_row(salon: Salon) -> None:
    versions = dict(Booking.objects.values_list("id", "version"))
    _erase(salon)
    for booking in Booking.objects.all():
        assert booking.version > versions[booking.pk]
        last = BookingEvent.objects.filter(booking=booking).latest("id")
        assert last.changes == {"client_id": [salon.alice.pk, None]}
        assert (last.door, last.actor_type) == ("command", "system")
    listed = caller(salon.ada).get("/api/bookings?status=completed").json()[0]
    assert (listed["client_id"], listed["client_name"], listed["client_phone"]) == (None, None, None)
    assert (listed["notes"], listed["internal_notes"]) == ("", "")


def test_apps_that_keep_a_copy_are_told_and_nothing_old_is_delivered_again(salon: Salon) -> None:
    endpoint = WebhookEndpoint.objects.create(url="https://app.example/hook", secret="whsec_c2VjcmV0")
    salon.put(_accepted(), {"notes": "allergic to ammonia"})
    WebhookDelivery.objects.update(body='{"notes": "allergic to ammonia"}')
    _erase(salon)
    told = WebhookDelivery.objects.filter(endpoint=endpoint).order_by("id")
    assert [each.event_type for each in told][-4:] == ["booking.updated"] * 4
    assert {each.body for each in told} == {""}


def test_bookings_to_come_are_only_cancelled_when_it_is_said_and_then_silently(salon: Salon) -> None:
    before = stored()
    coming = Booking.objects.filter(status="scheduled").order_by("pk").values_list("pk", flat=True)
    ids = ", ".join(map(str, coming))
    with pytest.raises(CommandError, match=rf"still has bookings to come \({ids}\); cancel them first"):
        _erase(salon, cancel=False)
    assert stored() == before
    mails = Message.objects.filter(type="booking.cancelled").count()
    _erase(salon)
    assert Message.objects.filter(type="booking.cancelled").count() == mails == 0
    assert run_due(at_most=100) == 0
    assert Job.objects.filter(state__in=["pending", "claimed"]).count() == 0


def test_somebody_else_gets_the_slot_that_comes_free(salon: Salon) -> None:
    waitlist.add(
        client_id=salon.bob.pk,
        service_id=salon.service.pk,
        date=timezone.now().date() + timedelta(days=2),
        salon=SalonSettings.load(),
        now=timezone.now(),
    )
    _erase(salon)
    assert WaitlistEntry.objects.get().status == "notified"
    assert Message.objects.filter(type="waitlist.offer", client_id=salon.bob.pk).count() == 1


def test_a_mail_that_is_being_sent_is_waited_for(salon: Salon) -> None:
    salon.put(_accepted(), {"start_at": "2026-03-25 12:00:00", "end_at": "2026-03-25 13:00:00"})
    Job.objects.filter(state="pending").update(run_at=timezone.now())
    assert outbox.claim(now=timezone.now()) is not None
    before = stored()
    with pytest.raises(CommandError, match="being sent at this moment"):
        _erase(salon)
    assert stored() == before


def test_a_mail_cut_off_in_mid_sending_is_not_sent_again(salon: Salon) -> None:
    salon.put(_accepted(), {"start_at": "2026-03-25 12:00:00", "end_at": "2026-03-25 13:00:00"})
    job = Job.objects.get(booking_id=_accepted()["id"], type="booking.updated")
    Job.objects.filter(pk=job.pk).update(sending_at=timezone.now(), sends=1)
    booking = _accepted()
    _erase(salon)
    assert ("booking.updated", "uncertain") in jobs(booking)
    with time_machine.travel("2026-04-01", tick=False):
        assert run_due(at_most=100) == 0


def test_other_clients_keep_everything(salon: Salon) -> None:
    booking = _visit(salon, "2026-03-27", client_id=salon.bob.pk, notes="Rather short")
    run_due(at_most=100)
    message = Message.objects.get(client_id=salon.bob.pk)
    line = Notification.objects.filter(booking_id=booking["id"]).first()
    _erase(salon)
    assert Booking.objects.get(pk=booking["id"]).notes == "Rather short"
    assert Message.objects.get(pk=message.pk).text == message.text != ""
    assert line is not None
    assert Notification.objects.get(pk=line.pk).body == line.body != ""
    assert BookingEvent.objects.filter(booking_id=booking["id"]).count() == 1


def test_an_unknown_client_and_one_who_was_merged_away_are_refused(salon: Salon) -> None:
    merged = Client.objects.get(merged_into=salon.alice)
    with pytest.raises(CommandError, match=f"merged into client {salon.alice.pk}; erase that one"):
        call_command("erase_client", str(merged.pk))
    with pytest.raises(CommandError, match="Client not found"):
        call_command("erase_client", "987654")
    with pytest.raises(CommandError, match="Client not found"):
        call_command("export_client", "987654")


def test_the_export_holds_what_is_personal(salon: Salon, tmp_path: Path) -> None:
    file = tmp_path / "zebulon.json"
    said = io.StringIO()
    call_command("export_client", str(salon.alice.pk), str(file), stdout=said)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert [word for word in PERSONAL if word not in text] == []
    found = json.loads(text)
    assert list(found) == [
        "exported_at",
        "timezone",
        "client",
        "merged_records",
        "bookings",
        "accepted_terms",
        "typed_online",
        "messages",
        "inbound_texts",
        "waitlist",
        "feedback",
        "noshow_fees",
    ]
    assert said.getvalue() == f"{file}: 4 bookings, {len(found['messages'])} messages.\n"
    assert found["exported_at"] == "2026-03-23 10:00:00"
    assert [row["email"] for row in found["merged_records"]] == ["zebulon@example.org"]
    assert [(row["status"], len(row["events"])) for row in found["bookings"]] == [
        ("no-show", 2),
        ("completed", 3),
        ("scheduled", 2),
        ("scheduled", 1),
    ]
    assert found["feedback"][0]["comment"] == "the best cut ever"
    assert (found["noshow_fees"][0]["amount"], found["noshow_fees"][0]["currency"]) == ("10.00", "EUR")
    assert any("Hello Zebulon" in message["text"] for message in found["messages"])
    with pytest.raises(CommandError, match="File exists"):
        call_command("export_client", str(salon.alice.pk), str(file))
