"""Who has no mail address is told by a text, where the salon wants it so (contract §10 "all messages")."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from bookings.models import Booking
from bookings.personal_data.erasure import StillSending, erase_client
from bookings.quiet_hours import out_of_quiet_hours
from notifications import outbox
from notifications.models import Channel, InboundText, Job, Message, MessageText, Notification, OptOut
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller
from tests.cast.reminders import hours_before
from tests.cast.text_server import TextServer
from tests.cast.texts import NUMBER, OTHER, make_channel, provider_for, receipt, send_due, write_back

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(MORNING)]

LATER = timedelta(minutes=31)


@pytest.fixture
def provider(settings: Any) -> Iterator[TextServer]:
    with provider_for(settings) as running:
        yield running


@pytest.fixture
def salon() -> Salon:
    made = make_cast(sms_when_no_mail=True)
    made.alice.email, made.alice.mobile = "", NUMBER
    made.alice.save()
    make_channel()
    return made


def said(provider: TextServer) -> list[str]:
    return [re.sub(r"/v/[A-Za-z0-9_-]{22}", "/v/PAGE", each.text) for each in provider.taken]


def waiting() -> list[tuple[str, str, str]]:
    return list(Message.objects.order_by("id").values_list("type", "channel", "to"))


LINK = "http://127.0.0.1:8000/v/PAGE"


def test_a_booking_a_move_and_a_cancellation(salon: Salon, provider: TextServer, clock: Any) -> None:
    booking = salon.book()
    send_due()
    salon.put(booking, {"start_at": "2026-03-24 14:00:00", "end_at": "2026-03-24 15:00:00"})
    clock.shift(LATER)
    send_due()
    salon.delete(booking)
    send_due()
    assert said(provider) == [
        f"Salon Zonne: Your appointment on Tuesday 24 March at 10:00 is confirmed {LINK}",
        f"Salon Zonne: Your appointment has been moved to Tuesday 24 March at 14:00 {LINK}",
        f"Salon Zonne: Your appointment on Tuesday 24 March at 14:00 has been cancelled {LINK}",
    ]
    assert set(Message.objects.values_list("channel", "state", "to", "segments")) == {
        ("sms", "sent", NUMBER, 1)
    }
    assert Booking.objects.get().announced_as == ""


def test_what_was_announced_by_a_text_is_known(salon: Salon, provider: TextServer) -> None:
    salon.book()
    send_due()
    row = Booking.objects.get()
    assert (row.announced_as, row.announced_start_at) == ("scheduled", row.start_at)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("nl", "Je afspraak op dinsdag 24 maart om 10:00 is bevestigd"),
        ("de", "Ihr Termin am Dienstag, 24. März um 10:00 Uhr ist bestätigt"),
        ("fr", "Votre rendez-vous du mardi 24 mars à 10:00 est confirmé"),
        ("es", "Tu cita del martes, 24 de marzo a las 10:00 está confirmada"),
    ],
)
def test_in_their_language(salon: Salon, provider: TextServer, language: str, words: str) -> None:
    salon.alice.locale = language
    salon.alice.save()
    salon.book()
    send_due()
    assert said(provider) == [f"Salon Zonne: {words} {LINK}"]


def test_in_the_salons_own_words(salon: Salon, provider: TextServer) -> None:
    MessageText.objects.create(type="booking.created", locale="en", text="Hi! {text}. Bye, {salon}")
    MessageText.objects.create(type="booking.created", locale="nl", text="Nederlands")
    salon.book()
    send_due()
    assert said(provider) == [
        f"Hi! Your appointment on Tuesday 24 March at 10:00 is confirmed. Bye, Salon Zonne {LINK}"
    ]


def test_a_name_cannot_put_a_placeholder_in(salon: Salon, provider: TextServer) -> None:
    SalonSettings.objects.update(business_name="{link} {text}")
    MessageText.objects.create(type="booking.created", locale="en", text="{salon} {link} {text}")
    salon.book()
    send_due()
    assert said(provider) == [
        f"{{link}} {{text}} {LINK} Your appointment on Tuesday 24 March at 10:00 is confirmed"
    ]


def test_who_has_a_mail_address_gets_mail(salon: Salon) -> None:
    salon.alice.email = "alice@example.com"
    salon.alice.save()
    salon.book()
    assert waiting() == [("booking.created", "email", "alice@example.com")]


@pytest.mark.parametrize("without", ["setting", "channel"])
def test_without_the_setting_or_a_channel_it_stays_a_mail(salon: Salon, without: str) -> None:
    if without == "setting":
        SalonSettings.objects.update(sms_when_no_mail=False)
    else:
        Channel.objects.update(is_active=False)
    salon.book()
    send_due()
    assert Message.objects.values_list("channel", "state", "reason").get() == (
        "email",
        "not_sent",
        "no_address",
    )


@pytest.mark.parametrize(
    ("mobile", "phone", "to"),
    [
        (NUMBER, OTHER, NUMBER),
        ("", OTHER, OTHER),
        ("", "+31201234567", ""),
        ("0612345678", "", ""),
        ("ask her mother", "", ""),
        ("", "", ""),
    ],
)
def test_which_number(salon: Salon, provider: TextServer, mobile: str, phone: str, to: str) -> None:
    """A landline takes no texts."""
    type(salon.alice).objects.filter(pk=salon.alice.pk).update(mobile=mobile, phone=phone)
    salon.book()
    send_due()
    assert [each.to for each in provider.taken] == ([to] if to else [])
    assert Message.objects.values_list("state", "reason").get() == (
        ("sent", "") if to else ("not_sent", "no_number")
    )


def test_simplespas_22_asked_for_no_texts(salon: Salon, provider: TextServer) -> None:
    salon.book()
    Booking.objects.update(status_detail="confirmed_no_sms")
    send_due()
    assert provider.taken == []
    assert Message.objects.values_list("state", "reason").get() == ("not_sent", "asked_not_to")


def test_a_number_that_opted_out_gets_nothing(salon: Salon, provider: TextServer) -> None:
    write_back(Channel.objects.get(), "STOP")
    send_due()
    salon.book()
    send_due()
    assert len(provider.taken) == 1, "the answer to the STOP"
    assert Message.objects.values_list("state", "reason").latest("id") == ("not_sent", "opted_out")


def test_the_messages_of_a_booking_list_its_texts(salon: Salon, provider: TextServer) -> None:
    booking = salon.book()
    send_due()
    channel = Channel.objects.get()
    receipt(channel, id=provider.taken[0].id, state="delivered")
    [row] = caller(salon.ada).get(f"/api/bookings/{booking['id']}/messages").json()
    assert {name: row[name] for name in ("type", "to", "channel", "state", "subject", "html")} == {
        "type": "booking.created",
        "to": NUMBER,
        "channel": "sms",
        "state": "delivered",
        "subject": "",
        "html": "",
    }
    assert row["text"] == provider.taken[0].text


def test_it_is_sent_again_by_text(salon: Salon, provider: TextServer, clock: Any) -> None:
    booking = salon.book()
    send_due()
    clock.shift(3600)
    path = f"/api/bookings/{booking['id']}/messages"
    answer = caller(salon.ada).post(path, {"type": "confirmation"}, format="json")
    assert (answer.status_code, answer.json()["channel"], answer.json()["to"]) == (201, "sms", NUMBER)
    send_due()
    [first, second] = said(provider)
    assert first == second


def test_a_text_that_nobody_knows_of_holds_up_no_mail(salon: Salon, provider: TextServer) -> None:
    provider.fail_next("dropped", times=2)
    salon.book()
    salon.book(client_id=salon.bob.pk, start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    send_due()
    assert set(Job.objects.values_list("channel", "state")) == {("sms", "uncertain"), ("email", "done")}


# --- Quiet hours: 21:00 to 8:00 -----------------------------------------------------------------

NIGHT = datetime(2026, 3, 22, 22, 30, tzinfo=UTC)
"""Half past eleven in the evening in Amsterdam."""
MORNING_AFTER = datetime(2026, 3, 23, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "run_at"),
    [
        ("2026-03-24 10:00:00", MORNING_AFTER),
        ("2026-03-23 10:30:00", MORNING_AFTER),
        ("2026-03-23 10:00:00", NIGHT),
        ("2026-03-23 09:00:00", NIGHT),
    ],
)
def test_the_salons_cancellation_at_night_waits_where_it_can(
    salon: Salon, provider: TextServer, clock: Any, start: str, run_at: datetime
) -> None:
    end = str(datetime.fromisoformat(start) + timedelta(hours=1))
    booking = salon.book(start_at=start, end_at=end)
    send_due()
    clock.move_to(NIGHT)
    salon.delete(booking)
    assert Job.objects.get(type="booking.cancelled").run_at == run_at


def test_a_move_at_night_waits_by_the_earlier_start(salon: Salon, provider: TextServer, clock: Any) -> None:
    booking = salon.book(start_at="2026-03-23 09:00:00", end_at="2026-03-23 10:00:00")
    send_due()
    clock.move_to(NIGHT)
    salon.put(booking, {"start_at": "2026-03-26 14:00:00", "end_at": "2026-03-26 15:00:00"})
    assert Job.objects.get(type="booking.updated").run_at < MORNING_AFTER


def test_a_confirmation_at_night_answers_at_once(salon: Salon, clock: Any) -> None:
    clock.move_to(NIGHT)
    salon.book()
    assert Job.objects.get().run_at == NIGHT


@pytest.mark.parametrize(
    ("quiet_from", "quiet_to", "at", "until"),
    [
        ("21:00", "08:00", "20:59", "20:59"),
        ("21:00", "08:00", "21:00", "08:00"),
        ("21:00", "08:00", "07:59", "08:00"),
        ("21:00", "08:00", "08:00", "08:00"),
        ("13:00", "14:00", "13:30", "14:00"),
        ("13:00", "14:00", "15:00", "15:00"),
        ("00:00", "00:00", "03:00", "03:00"),
    ],
)
def test_quiet_hours(quiet_from: str, quiet_to: str, at: str, until: str) -> None:
    salon = SalonSettings(timezone="Europe/Amsterdam")
    salon.quiet_from = datetime.strptime(quiet_from, "%H:%M").time()
    salon.quiet_to = datetime.strptime(quiet_to, "%H:%M").time()
    hour = datetime.strptime(at, "%H:%M").time()
    moment = datetime.combine(MORNING.date(), hour, salon.zone).astimezone(UTC)
    out = out_of_quiet_hours(moment, salon=salon)
    assert f"{out.astimezone(salon.zone):%H:%M}" == until
    assert timedelta(0) <= out - moment < timedelta(hours=12)


# --- People's data -----------------------------------------------------------------------------


def erase(salon: Salon) -> None:
    erase_client(client_id=salon.alice.pk, cancel_upcoming=True, actor=SYSTEM, now=timezone.now())


def test_after_an_erasure_nothing_has_the_number(salon: Salon, provider: TextServer, clock: Any) -> None:
    channel = Channel.objects.get()
    booking = salon.book()
    send_due()
    write_back(channel, "May I bring my dog?")
    write_back(channel, "STOP", id="2")
    send_due()
    salon.delete(booking)
    send_due()
    erase(salon)
    digits = NUMBER.removeprefix("+")
    for model in (InboundText, Job, Message, Notification, OptOut):
        assert not any(digits in str(row) for row in model.objects.values()), model
    assert not InboundText.objects.exists()
    assert OptOut.objects.values_list("number").get() == ("",)
    again = type(salon.alice).objects.create(first_name="New", mobile=NUMBER)
    salon.book(client_id=again.pk)
    send_due()
    assert Message.objects.values_list("reason").latest("id") == ("opted_out",)


def test_an_erasure_leaves_a_number_to_who_has_it_as_well(
    salon: Salon, provider: TextServer, clock: Any
) -> None:
    """A mother and her child: her texts stay in the log, and her STOP can be found and lifted."""
    channel = Channel.objects.get()
    mother = type(salon.alice).objects.create(first_name="Mother", phone=NUMBER)
    for each in (salon.alice, mother):
        booking = salon.book(client_id=each.pk)
        send_due()
        salon.delete(booking)
        send_due()
    write_back(channel, "Which of us?")
    write_back(channel, "STOP", id="2")
    send_due()
    erase(salon)
    assert set(Message.objects.filter(client_id=salon.alice.pk).values_list("to", "text")) == {("", "")}
    hers = Message.objects.filter(client_id=mother.pk)
    assert hers.count() == 2
    assert all(each.to == NUMBER and each.text for each in hers)
    assert OptOut.objects.get().number == NUMBER
    assert not InboundText.objects.exists()
    erase_client(client_id=mother.pk, cancel_upcoming=True, actor=SYSTEM, now=timezone.now())
    assert OptOut.objects.get().number == ""
    assert not Message.objects.exclude(to="").exists()


def test_no_erasure_while_a_text_is_on_its_way(salon: Salon) -> None:
    write_back(Channel.objects.get(), "STOP")
    assert outbox.claim(now=timezone.now()) is not None
    with pytest.raises(StillSending):
        erase(salon)
    assert InboundText.objects.get().number == NUMBER


def test_a_merge_keeps_what_was_written_back(salon: Salon) -> None:
    write_back(Channel.objects.get(), "Hello")
    path = f"/api/clients/{salon.alice.pk}/merge"
    assert caller(salon.ada).post(path, {"into": salon.bob.pk}, format="json").status_code == 200
    assert InboundText.objects.get().client_id == salon.bob.pk


# --- Admin -------------------------------------------------------------------------------------


@pytest.fixture
def browser(salon: Salon) -> Browser:
    browser = Browser()
    browser.force_login(salon.ada, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def page_of(row: Any) -> str:
    return reverse(f"admin:notifications_{row._meta.model_name}_change", args=[row.pk])


def test_admin_never_shows_what_a_channel_logs_in_with(browser: Browser, salon: Salon) -> None:
    form = {
        "provider": "twilio",
        "name": "Texts",
        "sender": "+15005550006",
        "is_active": "on",
        "daily_cap": "50",
        "account_sid": "AC-of-the-salon",
        "auth_token": "token-of-the-salon",
    }
    add = reverse("admin:notifications_channel_add")
    assert browser.post(add, form | {"auth_token": ""}).status_code == 200, "one is missing"
    assert browser.post(add, form).status_code == 302
    channel = Channel.objects.get(name="Texts")
    shown = browser.get(page_of(channel)).content.decode()
    assert "token-of-the-salon" not in shown
    assert "AC-of-the-salon" not in shown
    assert f"/receipts/{channel.secret}" in shown
    kept = form | {"name": "Other", "account_sid": "", "auth_token": ""}
    assert browser.post(page_of(channel), kept).status_code == 302
    changed = Channel.objects.get(pk=channel.pk)
    assert (changed.name, changed.credentials, changed.secret) == (
        *("Other", channel.credentials),
        channel.secret,
    )
    written = str(list(LogEntry.objects.values("object_repr", "change_message")))
    assert "of-the-salon" not in written


def test_admin_sends_a_test(browser: Browser, provider: TextServer) -> None:
    channel = Channel.objects.get()
    address = reverse("admin:notifications_channel_test", args=[channel.pk])
    assert browser.get(address).status_code == 405
    browser.post(address, {"to": "nobody"})
    assert not Job.objects.exists()
    browser.post(address, {"to": NUMBER})
    send_due()
    assert [each.to for each in provider.taken] == [NUMBER]


def test_admin_lifts_an_opt_out_with_a_reason(browser: Browser, salon: Salon) -> None:
    write_back(Channel.objects.get(), "STOP")
    row = OptOut.objects.get()
    assert browser.get(page_of(row)).status_code == 200
    address = reverse("admin:notifications_optout_lift", args=[row.pk])
    browser.post(address, {"reason": " "})
    assert OptOut.objects.get().lifted_at is None
    browser.post(address, {"reason": "At the desk"})
    row = OptOut.objects.get()
    assert (row.lifted_because, row.lifted_by) == ("At the desk", salon.ada.pk)


def test_admin_shows_how_long_a_text_is(browser: Browser) -> None:
    own = MessageText.objects.create(type="booking.created", locale="en", text="{text} ê {link}")
    shown = browser.get(page_of(own)).content.decode()
    assert "Segments: 2" in shown
    assert "UCS-2" in shown
    for page in ("inboundtext", "optout", "channel", "message"):
        assert browser.get(reverse(f"admin:notifications_{page}_changelist")).status_code == 200


def test_staff_do_not_see_channels(salon: Salon) -> None:
    browser = Browser()
    browser.force_login(salon.bea, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(page_of(Channel.objects.get()))
    assert answer.status_code in (302, 403)


# --- Replies -----------------------------------------------------------------------------------


def test_yes_confirms_the_visit_that_a_text_asked_about(
    salon: Salon, provider: TextServer, clock: Any
) -> None:
    """By the door "reply"; once, and only while exactly one visit asks."""
    hours_before(3, channel="sms", asks_confirmation=True, skip_if_confirmed=False)
    booking = salon.book()
    send_due()
    clock.move_to(datetime(2026, 3, 24, 6, 0, tzinfo=UTC))
    clock.shift(timedelta(hours=1))
    send_due()
    assert "/v/" in provider.taken[-1].text
    channel = Channel.objects.get()
    assert write_back(channel, "Ja!", id="1") == 204
    who = caller(salon.ada)
    events = who.get(f"/api/bookings/{booking['id']}/events").json()
    assert (events[-1]["door"], events[-1]["changes"]) == ("reply", {"client_confirmed": [False, True]})
    assert Booking.objects.get().visit.client_confirmed_at == timezone.now()
    assert not Notification.objects.filter(type="message.inbound").exists()
    assert write_back(channel, "Ja!", id="2") == 204
    assert Notification.objects.filter(type="message.inbound").count() == 1, "nothing asks any more"
    assert list(InboundText.objects.order_by("id").values_list("meaning", flat=True)) == ["yes", "other"]
