"""/api/followup-sequences: everybody reads, administrators write (contract §1.5)."""

from __future__ import annotations

from typing import Any

import pytest

from notifications.models import FollowupSequence, FollowupStep
from tests.cast.factories import caller, make_ada, make_bea, make_key, make_service

pytestmark = pytest.mark.django_db

THANKS = {"delay_days": 1, "subject": "Thanks", "body": "See you soon"}
AGAIN = {"delay_days": 30, "subject": "Again?", "body": "It has been a month"}


@pytest.fixture
def ada() -> Any:
    return caller(make_ada())


def add(ada: Any, **fields: Any) -> dict[str, Any]:
    answer = ada.post("/api/followup-sequences", {"name": "After a visit", "steps": [AGAIN, THANKS]} | fields)
    assert answer.status_code == 201, answer.json()
    return dict(answer.json())


def stored() -> list[Any]:
    return [
        list(FollowupSequence.objects.values().order_by("id")),
        list(FollowupStep.objects.values().order_by("id")),
    ]


def test_a_sequence_needs_no_more_than_a_name(ada):
    answer = ada.post("/api/followup-sequences", {"name": "Bare"})
    assert answer.status_code == 201
    assert list(answer.json().items()) == [
        ("id", FollowupSequence.objects.get().pk),
        ("name", "Bare"),
        ("service_id", None),
        ("is_active", True),
        ("stop_on_rebook", True),
        ("steps", []),
    ]


def test_a_sequence_keeps_everything_that_was_sent_with_its_steps_in_order(ada):
    service = make_service()
    answer = add(ada, service_id=service.pk, is_active=False, stop_on_rebook=False)
    first, second = FollowupStep.objects.order_by("delay_days")
    assert answer == {
        "id": FollowupSequence.objects.get().pk,
        "name": "After a visit",
        "service_id": service.pk,
        "is_active": False,
        "stop_on_rebook": False,
        "steps": [{"id": first.pk, **THANKS}, {"id": second.pk, **AGAIN}],
    }
    assert ada.get(f"/api/followup-sequences/{answer['id']}").json() == answer
    assert ada.get("/api/followup-sequences").json() == [answer]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name"}),
        ({"name": "  "}, {"name"}),
        ({"name": "A\nB"}, {"name"}),
        ({"name": "A", "service_id": 900000999}, {"service_id"}),
        ({"name": "A", "service_id": "1"}, {"service_id"}),
        ({"name": "A", "is_active": "yes"}, {"is_active"}),
        ({"name": "A", "steps": None}, {"steps"}),
        ({"name": "A", "steps": {}}, {"steps"}),
        ({"name": "A", "steps": [5]}, {"steps.0"}),
        ({"name": "A", "steps": [THANKS, {}]}, {"steps.1.delay_days", "steps.1.subject", "steps.1.body"}),
        ({"name": "A", "steps": [{**THANKS, "delay_days": -1}]}, {"steps.0.delay_days"}),
        ({"name": "A", "steps": [{**THANKS, "delay_days": 1.0}]}, {"steps.0.delay_days"}),
        ({"name": "A", "steps": [{**THANKS, "delay_days": 3651}]}, {"steps.0.delay_days"}),
        ({"name": "A", "steps": [{**THANKS, "subject": "x\r\nBcc: y"}]}, {"steps.0.subject"}),
        ({"name": "A", "steps": [{**THANKS, "body": " "}]}, {"steps.0.body"}),
        ({"name": "A", "steps": [THANKS] * 51}, {"steps"}),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(ada, body, fields):
    answer = ada.post("/api/followup-sequences", body)
    assert answer.status_code == 400
    assert {name.removesuffix(".non_field_errors") for name in answer.json()["details"]} == fields
    assert stored() == [[], []]


def test_absent_keys_keep_their_value(ada):
    before = add(ada)
    answer = ada.put(f"/api/followup-sequences/{before['id']}", {"is_active": False})
    assert (answer.status_code, answer.json()) == (200, before | {"is_active": False})
    assert ada.patch(f"/api/followup-sequences/{before['id']}", {"name": "New"}).json()["name"] == "New"


def test_a_step_named_by_its_id_is_changed(ada):
    before = add(ada)
    thanks, again = before["steps"]
    answer = ada.put(
        f"/api/followup-sequences/{before['id']}",
        {"steps": [{"id": again["id"], "delay_days": 60}, thanks]},
    )
    assert answer.json()["steps"] == [thanks, again | {"delay_days": 60}]


def test_the_same_steps_again_stay_the_same_rows(ada):
    before = add(ada)
    answer = ada.put(f"/api/followup-sequences/{before['id']}", {"steps": [AGAIN, {**THANKS, "body": "new"}]})
    assert [step["id"] for step in answer.json()["steps"]] == [step["id"] for step in before["steps"]]
    assert answer.json()["steps"][0]["body"] == "new"


def test_steps_left_out_are_removed_and_new_ones_added(ada):
    before = add(ada)
    week = {"delay_days": 7, "subject": "A week", "body": "Already"}
    answer = ada.put(f"/api/followup-sequences/{before['id']}", {"steps": [before["steps"][1], week]})
    assert [{name: step[name] for name in week} for step in answer.json()["steps"]] == [week, AGAIN]
    assert answer.json()["steps"][1]["id"] == before["steps"][1]["id"]
    assert FollowupStep.objects.count() == 2


def test_two_steps_may_fall_on_one_day(ada):
    before = add(ada, steps=[THANKS, THANKS])
    answer = ada.put(f"/api/followup-sequences/{before['id']}", {"steps": [THANKS, THANKS, THANKS]})
    assert len({step["id"] for step in answer.json()["steps"]}) == 3


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"id": 999_999, **THANKS}], "steps.0.id"),
        ([{"id": "own"}, {"id": "own"}], "steps.1.id"),
        ([{"id": "others", **THANKS}], "steps.0.id"),
        ([{"id": "own"}, {"delay_days": 2, "subject": "x"}], "steps.1.body"),
    ],
)
def test_steps_that_are_not_its_own_change_nothing(ada, steps, field):
    others, own = add(ada, name="Other"), add(ada)
    ids = {"own": own["steps"][0]["id"], "others": others["steps"][0]["id"]}
    before = stored()
    answer = ada.put(
        f"/api/followup-sequences/{own['id']}",
        {
            "name": "New",
            "steps": [
                {**step, **({"id": ids.get(step["id"], step["id"])} if "id" in step else {})}
                for step in steps
            ],
        },
    )
    assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert stored() == before


def test_a_sequence_is_removed_with_its_steps(ada):
    sequence = add(ada)
    answer = ada.delete(f"/api/followup-sequences/{sequence['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert stored() == [[], []]


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_what_is_not_there_is_not_found(ada, method):
    assert getattr(ada, method)("/api/followup-sequences/99", {"name": "x"}).status_code == 404


def test_filters_and_order(ada):
    service = make_service()
    b = add(ada, name="Beta", service_id=service.pk)
    a = add(ada, name="Alpha", is_active=False)
    found = {
        query: [each["id"] for each in ada.get(f"/api/followup-sequences?{query}").json()]
        for query in (
            "",
            "order=-name",
            "is_active=1",
            "is_active=0",
            f"service_id={service.pk}",
            "search=ALP",
        )
    }
    assert found == {
        "": [a["id"], b["id"]],
        "order=-name": [b["id"], a["id"]],
        "is_active=1": [b["id"]],
        "is_active=0": [a["id"]],
        f"service_id={service.pk}": [b["id"]],
        "search=ALP": [a["id"]],
    }
    assert ada.get("/api/followup-sequences?service_id=x").status_code == 400


def test_only_an_administrator_in_person_writes(ada):
    sequence = add(ada)
    before = stored()
    _, secret = make_key()
    for who, read, write in [
        (caller(), 401, 401),
        (caller(make_bea()), 200, 403),
        (caller(secret), 200, 403),
    ]:
        one = f"/api/followup-sequences/{sequence['id']}"
        assert who.get("/api/followup-sequences").status_code == who.get(one).status_code == read
        assert who.post("/api/followup-sequences", {"name": "x"}).status_code == write
        assert who.put(one, {"name": "x"}).status_code == who.delete(one).status_code == write
    assert stored() == before
