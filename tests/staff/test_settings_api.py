"""GET and PUT /api/settings (contract §1.5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import call_command

from staff.models import SalonSettings, TimeOff
from tests.cast.factories import caller, make_ada, make_bea, make_client, make_key, make_salon, make_time_off

pytestmark = pytest.mark.django_db

DEFAULTS: dict[str, Any] = {
    "business_name": "",
    "business_address": "",
    "business_phone": "",
    "reply_to": "",
    "locale": "en",
    "timezone": "UTC",
    "country": None,
    "currency": "EUR",
    "staff_personal_agenda_enabled": False,
    "double_booking": "reject",
    "noshow_enabled": False,
    "noshow_fee_type": "fixed",
    "noshow_fee_value": "0.00",
    "noshow_fee_minimum": "0.00",
    "review_delay_hours": 2,
    "review_min_days": 30,
    "review_url": "",
    "provisional_hours": 72,
    "waitlist_hold_minutes": 0,
    "followup_hour": 10,
    "slot_step_minutes": 15,
    "min_notice_minutes": 0,
    "booking_horizon_days": 365,
    "visit_max_wait_minutes": 15,
    "brand_color": "",
    "imprint_url": "",
    "privacy_url": "",
    "online_booking": "off",
    "online_verify": "attack",
    "request_hours": 12,
    "embed_origins": [],
    "policy_text": {},
    "policy_version": 0,
    "client_cancel_minutes": 1440,
    "client_reschedule_minutes": 1440,
    "reschedule_limit": 3,
    "grace_minutes": 30,
    "client_may_change_staff": True,
    "late_cancel": "refuse",
    "quiet_from": "21:00",
    "quiet_to": "08:00",
    "unconfirmed_action": "none",
    "sms_when_no_mail": False,
    "agenda_step_minutes": 15,
}


def test_the_settings_of_a_fresh_salon():
    answer = caller(make_bea()).get("/api/settings")
    assert answer.status_code == 200
    assert list(answer.json().items()) == list(DEFAULTS.items())


def test_the_settings_answer_where_their_row_is_not_there_yet():
    ada = caller(make_ada())
    SalonSettings.objects.all().delete()
    first, second = ada.get("/api/settings"), ada.get("/api/settings")
    assert (first.status_code, first.json()) == (200, DEFAULTS)
    assert second.content == first.content
    assert SalonSettings.objects.count() == 1


def test_a_change_merges_and_everything_is_kept():
    ada = caller(make_ada())
    everything = {
        "business_name": "Salon Zonne",
        "business_address": "Dam 1\nAmsterdam",
        "business_phone": "020 123 45 67",
        "reply_to": "desk@salon.example",
        "locale": "nl",
        "timezone": "Europe/Amsterdam",
        "country": "NL",
        "currency": "KWD",
        "staff_personal_agenda_enabled": True,
        "double_booking": "allow",
        "noshow_enabled": True,
        "noshow_fee_type": "percent",
        "noshow_fee_value": "50.000",
        "noshow_fee_minimum": "1.250",
        "review_delay_hours": 3,
        "review_min_days": 60,
        "review_url": "https://reviews.example/zonne",
        "provisional_hours": 48,
        "waitlist_hold_minutes": 30,
        "followup_hour": 0,
        "slot_step_minutes": 5,
        "min_notice_minutes": 120,
        "booking_horizon_days": 90,
        "visit_max_wait_minutes": 0,
        "brand_color": "#8a1c4a",
        "imprint_url": "https://salon.example/imprint",
        "privacy_url": "https://salon.example/privacy",
        "online_booking": "request",
        "online_verify": "always",
        "request_hours": 6,
        "embed_origins": ["https://salon.example", "http://localhost:3000"],
        "policy_text": {"en": "A day before.", "nl": "Een dag van tevoren."},
        "policy_version": 1,
        "client_cancel_minutes": 0,
        "client_reschedule_minutes": 2880,
        "reschedule_limit": None,
        "grace_minutes": 0,
        "client_may_change_staff": False,
        "late_cancel": "allow",
        "quiet_from": "22:30",
        "quiet_to": "00:00",
        "unconfirmed_action": "release",
        "sms_when_no_mail": True,
        "agenda_step_minutes": 5,
    }
    answer = ada.put("/api/settings", everything)
    assert (answer.status_code, answer.json()) == (
        200,
        everything | {"numbers_became_e164": 0, "affected_bookings": []},
    )
    answer = ada.patch("/api/settings", {"currency": "EUR", "id": 7, "unheard_of": 1})
    changed = {**everything, "currency": "EUR", "noshow_fee_value": "50.00", "noshow_fee_minimum": "1.25"}
    assert (answer.status_code, answer.json()) == (200, changed)
    assert ada.get("/api/settings").json() == changed
    assert SalonSettings.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"timezone": "europe/amsterdam"}, "timezone"),
        ({"timezone": "localtime"}, "timezone"),
        ({"timezone": "Factory"}, "timezone"),
        ({"timezone": "../../etc/passwd"}, "timezone"),
        ({"timezone": ""}, "timezone"),
        ({"timezone": "+01:00"}, "timezone"),
        ({"currency": "XXX"}, "currency"),
        ({"currency": "eur"}, "currency"),
        ({"currency": ""}, "currency"),
        ({"locale": "xx"}, "locale"),
        ({"locale": ""}, "locale"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"business_name": "a\r\nb"}, "business_name"),
        ({"staff_personal_agenda_enabled": "true"}, "staff_personal_agenda_enabled"),
        ({"double_booking": "maybe"}, "double_booking"),
        ({"noshow_fee_type": "guess"}, "noshow_fee_type"),
        ({"noshow_fee_value": "-1"}, "noshow_fee_value"),
        ({"noshow_fee_type": "percent", "noshow_fee_value": "100.001"}, "noshow_fee_value"),
        ({"noshow_fee_minimum": None}, "noshow_fee_minimum"),
        ({"review_delay_hours": -1}, "review_delay_hours"),
        ({"review_min_days": 2**31}, "review_min_days"),
        ({"review_url": "javascript:alert(1)"}, "review_url"),
        ({"review_url": "reviews.example"}, "review_url"),
        ({"provisional_hours": 0}, "provisional_hours"),
        ({"waitlist_hold_minutes": "5"}, "waitlist_hold_minutes"),
        ({"followup_hour": 24}, "followup_hour"),
        ({"slot_step_minutes": 0}, "slot_step_minutes"),
        ({"min_notice_minutes": 1.5}, "min_notice_minutes"),
        ({"booking_horizon_days": 0}, "booking_horizon_days"),
        ({"visit_max_wait_minutes": -1}, "visit_max_wait_minutes"),
        ({"visit_max_wait_minutes": 721}, "visit_max_wait_minutes"),
        ({"brand_color": "red"}, "brand_color"),
        ({"brand_color": "#12345g"}, "brand_color"),
        ({"imprint_url": "ftp://salon.example"}, "imprint_url"),
        ({"privacy_url": "javascript:alert(1)"}, "privacy_url"),
        ({"online_booking": "on"}, "online_booking"),
        ({"online_verify": True}, "online_verify"),
        ({"request_hours": 0}, "request_hours"),
        ({"embed_origins": "https://salon.example"}, "embed_origins"),
        ({"policy_text": {"xx": "Text."}}, "policy_text"),
        ({"policy_text": {"en": 1}}, "policy_text.en"),
        ({"client_cancel_minutes": -1}, "client_cancel_minutes"),
        ({"client_reschedule_minutes": 365 * 1440 + 1}, "client_reschedule_minutes"),
        ({"reschedule_limit": -1}, "reschedule_limit"),
        ({"grace_minutes": 7 * 1440 + 1}, "grace_minutes"),
        ({"client_may_change_staff": None}, "client_may_change_staff"),
        ({"late_cancel": "maybe"}, "late_cancel"),
        ({"quiet_from": "24:00"}, "quiet_from"),
        ({"quiet_to": None}, "quiet_to"),
        ({"unconfirmed_action": "cancel"}, "unconfirmed_action"),
        ({"sms_when_no_mail": "yes"}, "sms_when_no_mail"),
        ({"agenda_step_minutes": 20}, "agenda_step_minutes"),
    ],
)
def test_a_wrong_setting_is_refused_and_none_of_the_call_is_stored(change, field):
    make_salon()
    ada = caller(make_ada())
    before = ada.get("/api/settings").json()
    answer = ada.put("/api/settings", {"business_phone": "1", **change})
    assert answer.status_code == 400
    assert set(answer.json()["details"]) == {field}
    assert ada.get("/api/settings").json() == before


def test_a_fee_over_a_hundred_does_not_become_a_percentage():
    make_salon(noshow_fee_value=150)
    answer = caller(make_ada()).put("/api/settings", {"noshow_fee_type": "percent"})
    assert (answer.status_code, set(answer.json()["details"])) == (400, {"noshow_fee_type"})
    assert SalonSettings.load().noshow_fee_type == "fixed"


def test_another_time_zone_moves_no_instant_but_shows_another_wall_clock():
    make_salon(timezone="Europe/Amsterdam")
    away = make_time_off(make_bea(), datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    ada = caller(make_ada())
    assert ada.get(f"/api/time-off/{away.pk}").json()["start_at"] == "2026-11-23 10:00:00"
    assert ada.put("/api/settings", {"timezone": "America/New_York"}).status_code == 200
    assert ada.get(f"/api/time-off/{away.pk}").json()["start_at"] == "2026-11-23 04:00:00"
    assert TimeOff.objects.get().start_at == away.start_at


def test_staff_and_keys_read_but_do_not_write():
    make_salon()
    for client, code in ((caller(make_bea()), "admin_only"), (caller(make_key()[1]), "not_for_keys")):
        assert client.get("/api/settings").status_code == 200
        for answer in (
            client.put("/api/settings", {"double_booking": "allow"}),
            client.patch("/api/settings", {"double_booking": "allow"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert SalonSettings.load().double_booking == "reject"


def test_settings_are_neither_made_nor_deleted():
    ada = caller(make_ada())
    for answer in (ada.post("/api/settings", {}), ada.delete("/api/settings")):
        assert answer.status_code == 405
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "PUT", "PATCH", "HEAD", "OPTIONS"}
    assert caller().get("/api/settings").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_the_row_is_there_after_a_flush():
    SalonSettings.objects.update(business_name="Studio Linden", noshow_fee_value="5.00")
    call_command("flush", interactive=False, verbosity=0)
    assert SalonSettings.objects.count() == 1
    assert caller(make_ada()).get("/api/settings").json() == DEFAULTS


def test_another_country_reads_stored_numbers_again_and_says_how_many():
    ada = caller(make_ada())
    salon = make_salon(country=None)
    typed = ["06-12345678", "+4915112345678", "06 12345678 (mama)", "1", ""]
    clients = [make_client(f"C{at}", phone=number, mobile=number) for at, number in enumerate(typed)]
    answer = ada.put("/api/settings", {"country": "NL"}).json()
    assert (answer["country"], answer["numbers_became_e164"]) == ("NL", 4)
    for client in clients:
        client.refresh_from_db()
    assert [client.phone for client in clients] == ["+31612345678", typed[1], "+31612345678", "1", ""]
    assert [client.notes for client in clients] == ["", "", "+31612345678: mama", "", ""]
    assert ada.put("/api/settings", {"country": "DE"}).json()["numbers_became_e164"] == 0
    assert "numbers_became_e164" not in ada.put("/api/settings", {"country": "DE"}).json()
    salon.refresh_from_db()
    assert salon.country == "DE"


def test_the_first_zone_brings_its_country_and_another_one_leaves_it():
    ada = caller(make_ada())
    assert ada.get("/api/settings").json()["country"] is None
    assert ada.put("/api/settings", {"timezone": "Europe/Berlin"}).json()["country"] == "DE"
    assert ada.put("/api/settings", {"timezone": "Europe/Paris"}).json()["country"] == "DE"
    assert ada.put("/api/settings", {"country": None}).json()["country"] is None
    assert ada.put("/api/settings", {"country": "nl"}).status_code == 400
    assert SalonSettings.load().country is None


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("HTTPS://WWW.Example.COM/", "https://www.example.com"),
        ("https://example.com:443", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://straße.example", "https://xn--strae-oqa.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://example.com", None),
        ("https://example.com/book", None),
        ("https://example.com?a=1", None),
        ("https://you@example.com", None),
        ("https://*.example.com", None),
        ("https://example.com;script-src *", None),
        ("https://example.com:99999", None),
        ("example.com", None),
        ("javascript:alert(1)", None),
        ("'self'", None),
    ],
)
def test_an_embed_origin_is_stored_as_browsers_name_it_or_refused(typed, stored):
    answer = caller(make_ada()).put("/api/settings", {"embed_origins": [typed, typed]})
    if stored is None:
        assert (answer.status_code, set(answer.json()["details"])) == (400, {"embed_origins"})
        assert typed in answer.json()["details"]["embed_origins"][0]
    else:
        assert (answer.status_code, answer.json()["embed_origins"]) == (200, [stored])


def test_the_version_of_the_policy_rises_with_its_text_only():
    ada = caller(make_ada())
    changes: list[dict[str, Any]] = [
        {"policy_text": {"en": "One day."}},
        {"policy_text": {"en": "One day.", "nl": ""}, "policy_version": 9},
        {"business_phone": "1"},
        {"policy_text": {"en": "Two days."}},
        {"policy_text": {}},
    ]
    versions = [ada.put("/api/settings", change).json()["policy_version"] for change in changes]
    assert versions == [1, 1, 1, 2, 3]
