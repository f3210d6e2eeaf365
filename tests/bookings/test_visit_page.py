"""/v/<token>, the client's own page: what it shows; confirming, cancelling, a note (contract §8)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from icalendar import Calendar
from time_machine import Traveller

from bookings import lifecycle
from bookings.models import Booking, BookingEvent, BusyTime, Visit, WaitlistEntry, WaitlistOffer
from notifications.execution import run_due
from notifications.models import Job, Message, Notification, WebhookEndpoint
from staff.access.actor import SYSTEM
from tests.cast.factories import make_client, make_hours, make_salon, make_service
from tests.cast.pages import (
    NOW,
    START,
    Cast,
    browser,
    changed,
    everything,
    heading_of,
    make_cast,
    statements_of,
    text_of,
)
from tests.cast.visit_page import get_json, page_of, post_page, shown_at, twin_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

FOOT = "Questions? +31 20 123 4567 hello@salon.example"
FACTS = (
    "Date Tuesday 24 November 2026 Time 10:00 to 11:00 (Europe/Amsterdam, CET) "
    "Service Haircut With Bea Bakker Where Salon Zonne Price €40.00"
)
FREE = "You can move or cancel it free of charge until Monday 23 November at 10:00."
PARTS = ("", "move", "cancel", "confirm", "note", "calendar.ics")


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    make_hours(cast.bea)
    return cast


def test_the_page_says_what_a_mail_says_and_what_can_be_done(cast: Cast) -> None:
    booking = cast.booked(notes="No perfume, please", internal_notes="pays late")
    answer = browser().get(page_of(booking))
    assert answer.status_code == 200
    assert text_of(answer) == (
        "Salon Zonne Your appointment Hello Alice, "
        f"Your appointment is confirmed. We look forward to seeing you. {FACTS} "
        f"I will come Move Cancel the appointment {FREE} "
        "Add to your calendar Calendar file Google Outlook "
        f"Your note to us (optional) No perfume, please Keep the note {FOOT}"
    )
    assert 'href="tel:+31201234567"' in answer.content.decode()
    assert "pays late" not in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "script" not in answer.headers["Content-Security-Policy"]
    assert not answer.cookies


@pytest.mark.parametrize("method", ["get", "head"])
def test_whoever_only_reads_changes_nothing(cast: Cast, method: str) -> None:
    booking = cast.booked()
    pages = [page_of(booking, part) for part in PARTS]
    before = everything()
    assert [getattr(browser(), method)(page).status_code for page in pages] == [200] * len(PARTS)
    assert everything() == before


def test_the_page_costs_few_statements_however_many_services(cast: Cast) -> None:
    cut = make_service("Cut", duration_minutes=30)
    cast.bea.services.add(cut)
    wash = [lifecycle.ItemOrder(cut.pk, cast.bea.pk)] * 5
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=wash, start_at=START)
    several = lifecycle.book_visit(actor=SYSTEM, order=order).visit.items[0]
    later = START + timedelta(hours=4)
    alone = cast.booked(start_at=later, end_at=later + timedelta(hours=1))
    for booking in (alone, several):
        page = page_of(booking)
        assert len(statements_of(lambda page=page: browser().get(page))) == 3


@pytest.mark.parametrize("code", [code for code, _name in settings.LANGUAGES])
def test_every_language_has_every_page(cast: Cast, code: str) -> None:
    cast.alice.locale = code
    cast.alice.save()
    booking = cast.booked()
    for part in ("", "move", "cancel"):
        answer = browser().get(page_of(booking, part))
        assert answer.headers["Content-Language"] == code
        assert ("appointment" in text_of(answer)) == (code == "en")


def test_i_will_come_is_kept_once_and_mails_nobody(cast: Cast) -> None:
    booking = cast.booked()
    jobs = Job.objects.count()
    answer = post_page(booking, "confirm")
    assert "Thank you. We are looking forward to your visit." in text_of(answer)
    assert Visit.objects.get(pk=booking.visit_id).client_confirmed_at == NOW
    event = BookingEvent.objects.latest("id")
    assert (event.door, event.actor_type, event.actor_id) == ("page", "client", cast.alice.pk)
    assert event.changes == {"client_confirmed": [False, True]}
    before = everything()
    assert post_page(booking, "confirm").status_code == 200
    assert everything() == before
    assert Job.objects.count() == jobs
    answer = browser().get(page_of(booking))
    assert "You have told us that you will come." in text_of(answer)
    assert "I will come" not in text_of(answer)


def test_cancelling_asks_first_and_says_why_to_the_salon_alone(cast: Cast) -> None:
    booking = cast.booked()
    run_due(at_most=10)
    asked = browser().get(page_of(booking, "cancel"))
    assert heading_of(asked) == "Cancel your appointment?"
    answer = post_page(booking, "cancel", reason="My dog\r\nis ill")
    assert answer.status_code == 200
    assert "Your appointment is cancelled. You need do nothing more." in text_of(answer)
    booking.refresh_from_db()
    assert (booking.status, booking.status_detail) == ("cancelled", "client")
    assert not Visit.objects.get(pk=booking.visit_id).late
    assert not BusyTime.objects.exists()
    event = BookingEvent.objects.latest("id")
    assert (event.door, event.actor_type, event.reason) == ("page", "client", "My dog\nis ill")
    told = Notification.objects.filter(type="booking.cancelled_by_client")
    assert {each.staff_id for each in told} == {cast.bea.pk, cast.ada.pk}
    job = Job.objects.get(type="booking.cancelled")
    assert job.run_at == NOW
    run_due(at_most=10)
    mail = Message.objects.get(type="booking.cancelled")
    assert (mail.state, mail.ics_method) == ("kept", "CANCEL")
    assert "dog" not in mail.text


def test_a_reason_that_is_too_long_is_asked_for_again_and_cancels_nothing(cast: Cast) -> None:
    booking = cast.booked()
    page_of(booking)
    before = everything()
    long = "ill " * (BookingEvent.LONGEST_REASON // 4 + 1)
    answer = post_page(booking, "cancel", reason=long)
    assert answer.status_code == 400
    assert f"Please shorten your note to {BookingEvent.LONGEST_REASON} characters." in text_of(answer)
    assert long in answer.content.decode()
    assert everything() == before


def test_a_freed_slot_goes_to_the_waitlist_and_webhooks_say_it(cast: Cast) -> None:
    booking = cast.booked()
    bob = make_client("Bob", "Brown")
    WaitlistEntry.objects.create(client=bob, service=cast.service, date=START.date())
    WebhookEndpoint.objects.create(url="https://hooks.example", secret="whsec", events=["booking.cancelled"])
    post_page(booking, "cancel")
    assert WaitlistOffer.objects.get().entry.client == bob
    assert Job.objects.filter(type="webhook.deliver", booking_id=booking.pk).count() == 1


def test_a_visit_of_several_is_cancelled_as_a_whole_in_one_mail_and_one_line(cast: Cast) -> None:
    cut = make_service("Cut", duration_minutes=30)
    cast.bea.services.add(cut)
    items = [lifecycle.ItemOrder(cast.service.pk, cast.bea.pk), lifecycle.ItemOrder(cut.pk, cast.bea.pk)]
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=items, start_at=START)
    visit = lifecycle.book_visit(actor=SYSTEM, order=order).visit
    run_due(at_most=10)
    first = visit.items[0]
    assert "10:00 to 11:00 Haircut with Bea Bakker 11:00 to 11:30 Cut with Bea Bakker" in text_of(
        browser().get(page_of(first))
    )
    post_page(first, "cancel")
    assert set(Booking.objects.values_list("status", "status_detail")) == {("cancelled", "client")}
    assert Job.objects.filter(type="booking.cancelled").count() == 1
    assert Notification.objects.filter(type="booking.cancelled_by_client").count() == 2


def test_a_note_reaches_the_salon_and_mails_nobody(cast: Cast) -> None:
    booking = cast.booked(notes="old")
    jobs = Job.objects.count()
    assert "Your note is kept." in text_of(post_page(booking, "note", notes="Tea,\r\nplease "))
    booking.refresh_from_db()
    assert booking.notes == "Tea,\nplease"
    assert Job.objects.count() == jobs
    before = everything()
    for notes in ("x" * 1001, "a\x00b"):
        assert post_page(booking, "note", notes=notes).status_code == 400
    assert everything() == before


@pytest.mark.parametrize("part", ["confirm", "cancel", "note", "move"])
@pytest.mark.parametrize(
    "change",
    [
        {"start_at": START + timedelta(hours=1), "end_at": START + timedelta(hours=2)},
        {"price": Decimal(50)},
        {"status": "provisional"},
    ],
)
def test_what_has_changed_since_is_shown_again_and_nothing_is_done(
    cast: Cast, part: str, change: dict[str, object]
) -> None:
    booking = cast.booked()
    shown, page = shown_at(page_of(booking)), page_of(booking, part)
    changed(booking, **change)
    before = everything()
    for fields in ({"shown": shown}, {}):
        answer = browser().post(page, {**fields, "start": f"{(START + timedelta(hours=3)).isoformat()} 1"})
        assert answer.status_code == 409
        assert "The appointment has changed since you opened this page. Please look again." in text_of(answer)
    assert everything() == before


def test_internal_notes_are_no_reason_to_look_again(cast: Cast) -> None:
    booking = cast.booked()
    shown = shown_at(page_of(booking))
    changed(booking, internal_notes="regular")
    assert browser().post(page_of(booking, "confirm"), {"shown": shown}).status_code == 200


def test_in_two_tabs_only_the_first_click_counts(cast: Cast) -> None:
    booking = cast.booked()
    shown = shown_at(page_of(booking))
    page = page_of(booking, "cancel")
    assert browser().post(page, {"shown": shown}).status_code == 200
    before = everything()
    assert browser().post(page, {"shown": shown}).status_code == 409
    assert everything() == before


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("cancelled", "This appointment has been cancelled."),
        ("completed", "This appointment is over. Thank you for your visit."),
        ("no-show", "This appointment is over."),
    ],
)
@pytest.mark.parametrize("online", ["off", "instant"])
def test_what_is_over_says_so_and_offers_to_book_again(
    cast: Cast, status: str, says: str, online: str
) -> None:
    make_salon(online_booking=online)
    booking = changed(cast.booked(), status=status)
    answer = browser().get(page_of(booking))
    text = text_of(answer)
    assert says in text
    assert ("Book again" in text) == (online != "off")
    assert (f"/book?service={cast.service.key}" in answer.content.decode()) == (online != "off")
    assert not {"I will come", "Move", "Keep the note"} & {text[i : i + 13] for i in range(len(text))}
    before = everything()
    for part in ("confirm", "cancel", "note", "move"):
        assert post_page(booking, part, start=f"{START.isoformat()} {cast.bea.pk}").status_code == 409
    assert everything() == before


def test_a_request_is_answered_by_its_own_links_and_may_be_withdrawn_here(cast: Cast) -> None:
    booking = cast.requested()
    answer = browser().get(page_of(booking))
    assert "It is yours as soon as you confirm it." in text_of(answer)
    assert f"/provisional/{booking.provisional_token}/accept" in answer.content.decode()
    assert post_page(booking, "confirm").status_code == 409
    post_page(booking, "cancel")
    booking.refresh_from_db()
    assert (booking.status, booking.status_detail, booking.provisional_token) == ("cancelled", "client", None)
    assert Notification.objects.filter(type="booking.cancelled_by_client").count() == 2


def test_the_calendar_file_has_the_uid_of_the_mails_and_the_providers_get_no_link(cast: Cast) -> None:
    booking = cast.booked()
    page = page_of(booking)
    answer = browser().get(f"{page}/calendar.ics")
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    [event] = Calendar.from_ical(answer.content).events
    assert (str(event["UID"]), event["DTSTART"].dt, str(event["URL"])) == (
        f"{booking.key}@bookings",
        START,
        f"http://127.0.0.1:8000{page}",
    )
    body = browser().get(page).content.decode().replace("&amp;", "&")
    for host in ("https://calendar.google.com/", "https://outlook.live.com/"):
        link = next(part for part in body.split('"') if part.startswith(host))
        assert "/v/" not in link
        assert any(
            "Haircut" in value for values in parse_qs(urlsplit(link).query).values() for value in values
        )


def test_pages_behind_other_links_lead_here_once_a_mail_did(cast: Cast, clock: Traveller) -> None:
    request = cast.requested()
    accept = f"/provisional/{request.provisional_token}/accept"
    assert "/v/" not in browser().get(accept).content.decode()
    run_due(at_most=10)
    for answer in (browser().get(accept), browser().post(accept), browser().get(accept)):
        assert f"http://127.0.0.1:8000{page_of(request)}" in answer.content.decode()
    clock.move_to(START + timedelta(hours=2))
    done = changed(request, status="completed")
    assert f"{page_of(request)}" in browser().get(f"/feedback/{done.feedback_token}").content.decode()


def test_who_booked_online_and_proved_nothing_sees_what_they_typed_and_nothing_stored(cast: Cast) -> None:
    cast.alice.locale = "nl"
    cast.alice.save()
    booking = cast.booked(notes="Tea")
    typed = {"first_name": "Mallory", "locale": "de", "note": "Tea", "verified": False}
    Visit.objects.update(contact_typed=typed)
    for part in ("", "move", "cancel", "calendar.ics"):
        answer = browser().get(page_of(booking, part))
        assert "Alice" not in answer.content.decode()
        assert part == "calendar.ics" or answer.headers["Content-Language"] == "de"
    assert "Guten Tag Mallory," in text_of(browser().get(page_of(booking)))
    assert get_json(twin_of(booking))["client_first_name"] == "Mallory"
    Visit.objects.update(contact_typed={**typed, "verified": True})
    assert "Hallo Alice," in text_of(browser().get(page_of(booking)))
