"""/api/reminder-rules: what an administrator writes, whole (contract §10 "rules")."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.models import ReminderRule
from tests.cast.factories import caller, make_ada, make_location, make_salon, make_service

pytestmark = pytest.mark.django_db

RULES = "/api/reminder-rules"


@pytest.fixture
def ada() -> Any:
    make_salon()
    return caller(make_ada())


def test_a_rule_is_answered_whole_and_changed_in_part(ada: Any) -> None:
    service, place = make_service(), make_location()
    made = ada.post(
        RULES,
        {
            "name": "A day before",
            "when": {"days_before": 1, "at": "09:30"},
            "channel": "sms",
            "asks_confirmation": True,
            "skip_if_confirmed": True,
            "service_id": service.pk,
            "location_id": place.pk,
            "first_visit_only": True,
            "is_active": False,
        },
        format="json",
    )
    assert made.status_code == 201
    whole = {
        "id": made.json()["id"],
        "name": "A day before",
        "when": {"days_before": 1, "at": "09:30"},
        "channel": "sms",
        "asks_confirmation": True,
        "skip_if_confirmed": True,
        "service_id": service.pk,
        "location_id": place.pk,
        "first_visit_only": True,
        "is_active": False,
    }
    assert made.json() == whole
    path = f"{RULES}/{whole['id']}"
    assert ada.get(path).json() == whole
    changed = ada.put(path, {"when": {"minutes_before": 90}, "service_id": None}, format="json")
    assert changed.json() == {**whole, "when": {"minutes_before": 90}, "service_id": None}
    assert ada.get(RULES).json() == [changed.json()]
    assert ada.delete(path).status_code == 204
    assert ada.get(path).status_code == 404


def test_what_is_left_out_is_a_plain_mail(ada: Any) -> None:
    made = ada.post(RULES, {"name": "Soon", "when": {"minutes_before": 180}}, format="json").json()
    assert {name: made[name] for name in ("channel", "asks_confirmation", "is_active")} == {
        "channel": "mail",
        "asks_confirmation": False,
        "is_active": True,
    }


@pytest.mark.parametrize(
    ("when", "field"),
    [
        ({}, "when"),
        ({"minutes_before": 10, "days_before": 1, "at": "10:00"}, "when"),
        ({"minutes_before": 10, "at": "10:00"}, "when"),
        ({"days_before": 1}, "when.at"),
        ({"at": "10:00"}, "when.days_before"),
        ({"minutes_before": 0}, "when.minutes_before"),
        ({"minutes_before": 20161}, "when.minutes_before"),
        ({"days_before": 15, "at": "10:00"}, "when.days_before"),
        ({"days_before": 1, "at": "25:00"}, "when.at"),
    ],
)
def test_one_time_and_no_other(ada: Any, when: Any, field: str) -> None:
    refused = ada.post(RULES, {"name": "x", "when": when}, format="json")
    assert (refused.status_code, list(refused.json()["details"])) == (400, [field])
    assert not ReminderRule.objects.exists()


def test_there_are_at_most_five(ada: Any) -> None:
    body = {"name": "x", "when": {"minutes_before": 10}}
    for _ in range(5):
        assert ada.post(RULES, body, format="json").status_code == 201
    refused = ada.post(RULES, body, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_rules")
    assert ReminderRule.objects.count() == 5
