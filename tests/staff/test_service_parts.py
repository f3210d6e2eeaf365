"""Parts of services with gaps, and people's own minutes (contract §7 "parts of a service")."""

from __future__ import annotations

from typing import Any

import pytest

from staff.models import Service, ServiceDuration
from tests.cast.factories import Caller, caller, make_ada, make_bea, make_cora, make_salon, make_service

pytestmark = pytest.mark.django_db

COLOUR = [
    {"kind": "work", "minutes": 30},
    {"kind": "gap", "minutes": 45},
    {"kind": "work", "minutes": 30},
]


def work(minutes: int) -> dict[str, Any]:
    return {"kind": "work", "minutes": minutes}


def gap(minutes: int) -> dict[str, Any]:
    return {"kind": "gap", "minutes": minutes}


@pytest.fixture
def ada() -> Caller:
    make_salon()
    return caller(make_ada())


@pytest.fixture
def colour(ada: Caller) -> dict[str, Any]:
    answer = ada.post("/api/services", {"name": "Colour", "parts": COLOUR})
    assert answer.status_code == 201, answer.content
    body: dict[str, Any] = answer.json()
    return body


def refused(answer: Any, field: str) -> str:
    """The sentence of a refusal of this one field."""
    body = answer.json()
    assert (answer.status_code, body["code"], list(body["details"])) == (400, "invalid", [field]), body
    (sentence,) = body["details"][field]
    return str(sentence)


def test_a_service_with_parts_takes_their_sum(ada: Caller, colour: dict[str, Any]) -> None:
    assert (colour["duration_minutes"], colour["parts"]) == (105, COLOUR)
    assert ada.get(f"/api/services/{colour['id']}").json() == colour
    assert Service.objects.values_list("duration_minutes", "parts").get() == (105, COLOUR)


def test_one_part_is_kept_as_none_and_printed_in_full(ada: Caller) -> None:
    sent = ada.post("/api/services", {"name": "Cut", "parts": [work(45)]}).json()
    plain = ada.post("/api/services", {"name": "Cut", "duration_minutes": 45}).json()
    assert (sent["duration_minutes"], sent["parts"]) == (45, [work(45)])
    assert (plain["duration_minutes"], plain["parts"]) == (45, [work(45)])
    assert list(Service.objects.values_list("parts", flat=True)) == [[], []]


def test_adjacent_work_parts_stay_as_they_were_sent(ada: Caller) -> None:
    parts = [work(10), work(20), gap(5), gap(15), work(1)]
    answer = ada.post("/api/services", {"name": "Perm", "parts": parts}).json()
    assert (answer["duration_minutes"], answer["parts"]) == (51, parts)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ([], "Send 1 to 5 parts."),
        ([work(10)] * 6, "Send 1 to 5 parts."),
        ([gap(10), work(10)], "the first and the last part must be work."),
        ([work(10), gap(10)], "the first and the last part must be work."),
        ([work(10), gap(4), work(10)], "a gap takes 5 to 480 minutes."),
        ([work(10), gap(481), work(10)], "a gap takes 5 to 480 minutes."),
        ([work(1000), work(441)], "together the parts take at most 1440 minutes."),
    ],
)
def test_parts_that_break_a_rule_are_refused_in_words(ada: Caller, parts: Any, sentence: str) -> None:
    cut = make_service()
    own = {"staff_id": make_bea().pk, "parts": parts}
    assert refused(ada.post("/api/services", {"name": "X", "parts": parts}), "parts") == sentence
    assert refused(ada.put(f"/api/services/{cut.pk}", {"parts": parts}), "parts") == sentence
    assert refused(ada.put(f"/api/services/{cut.pk}/durations", own), "parts") == sentence
    assert Service.objects.values_list("duration_minutes", "parts").get() == (60, [])
    assert ServiceDuration.objects.count() == 0


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ("30, 45", "parts"),
        (None, "parts"),
        ([work(0)], "parts.0.minutes"),
        ([work(1441)], "parts.0.minutes"),
        ([{"kind": "work", "minutes": "30"}], "parts.0.minutes"),
        ([{"kind": "pause", "minutes": 30}], "parts.0.kind"),
        ([{"minutes": 30}], "parts.0.kind"),
        ([work(30), {"kind": "work"}], "parts.1.minutes"),
        ([30], "parts.0.non_field_errors"),
    ],
)
def test_parts_that_are_none_are_refused(ada: Caller, colour: dict[str, Any], parts: Any, field: str) -> None:
    address = f"/api/services/{colour['id']}"
    for answer in (
        ada.post("/api/services", {"name": "X", "parts": parts}),
        ada.put(address, {"parts": parts}),
    ):
        assert (answer.status_code, list(answer.json()["details"])) == (400, [field])
    assert Service.objects.count() == 1
    assert ada.get(address).json() == colour


def test_the_minutes_of_a_service_with_parts_follow_from_them(ada: Caller, colour: dict[str, Any]) -> None:
    address = f"/api/services/{colour['id']}"
    assert "sum" in refused(ada.put(address, {"duration_minutes": 100}), "duration_minutes")
    assert "105" in refused(
        ada.post("/api/services", {"name": "X", "parts": COLOUR, "duration_minutes": 100}), "duration_minutes"
    )
    assert ada.put(address, {"duration_minutes": 105}).json() == colour
    together = ada.put(address, {"parts": [work(40), gap(30), work(20)], "duration_minutes": 90}).json()
    assert (together["duration_minutes"], len(together["parts"])) == (90, 3)
    plain = ada.put(address, {"parts": [work(50)]}).json()
    assert (plain["duration_minutes"], plain["parts"]) == (50, [work(50)])
    longer = ada.put(address, {"duration_minutes": 55}).json()
    assert (longer["duration_minutes"], longer["parts"]) == (55, [work(55)])


def test_who_sends_back_what_they_read_may_change_the_minutes_of_one_part(ada: Caller) -> None:
    cut = ada.post("/api/services", {"name": "Cut", "duration_minutes": 45}).json()
    answer = ada.put(f"/api/services/{cut['id']}", cut | {"duration_minutes": 60})
    assert answer.json() == cut | {"duration_minutes": 60, "parts": [work(60)]}


def test_minutes_or_parts_must_be_sent(ada: Caller) -> None:
    assert refused(ada.post("/api/services", {"name": "X"}), "duration_minutes") == "This field is required."


def test_a_class_has_one_part(ada: Caller, colour: dict[str, Any]) -> None:
    said = "only a service for one person (max_capacity 1) has several parts."
    address = f"/api/services/{colour['id']}"
    assert (
        refused(ada.post("/api/services", {"name": "X", "parts": COLOUR, "max_capacity": 2}), "parts") == said
    )
    assert refused(ada.put(address, {"max_capacity": 2}), "max_capacity") == said
    assert ada.put(address, {"max_capacity": 6, "parts": [work(60)]}).json()["max_capacity"] == 6
    assert refused(ada.put(address, {"parts": COLOUR}), "parts") == said
    bea = make_bea()
    own = {"staff_id": bea.pk, "parts": COLOUR}
    assert refused(ada.put(f"{address}/durations", own), "parts") == said
    assert ada.put(address, {"max_capacity": 1}).status_code == 200
    assert ada.put(f"{address}/durations", own).status_code == 200
    assert "own minutes" in refused(ada.put(address, {"max_capacity": 2}), "max_capacity")
    assert Service.objects.get().max_capacity == 1


def test_a_person_has_minutes_of_their_own(ada: Caller, colour: dict[str, Any]) -> None:
    bea, cora = make_bea(), make_cora()
    address = f"/api/services/{colour['id']}/durations"
    slower = [work(40), gap(50), work(40)]
    set_one = ada.put(address, {"staff_id": bea.pk, "parts": slower})
    assert (set_one.status_code, set_one.json()) == (
        200,
        {"staff_id": bea.pk, "duration_minutes": 130, "parts": slower},
    )
    plain = ada.put(address, {"staff_id": cora.pk, "duration_minutes": 80}).json()
    assert plain == {"staff_id": cora.pk, "duration_minutes": 80, "parts": [work(80)]}
    assert caller(bea).get(address).json() == [set_one.json(), plain]
    assert ada.get(address, {"page": 1, "limit": 1}).json()["total"] == 2
    again = ada.put(address, {"staff_id": bea.pk, "parts": [work(60)]}).json()
    assert ada.get(address).json() == [again, plain]
    assert again == {"staff_id": bea.pk, "duration_minutes": 60, "parts": [work(60)]}
    assert ada.get(f"/api/services/{colour['id']}").json() == colour
    assert ada.delete(f"{address}?staff_id={bea.pk}").status_code == 204
    assert ada.get(address).json() == [plain]
    assert ada.delete(f"{address}?staff_id={bea.pk}").status_code == 404
    assert ada.delete(address).status_code == 400


def test_own_minutes_are_refused_in_words_and_for_strangers(ada: Caller, colour: dict[str, Any]) -> None:
    bea = make_bea()
    address = f"/api/services/{colour['id']}/durations"
    assert "send the parts" in refused(ada.put(address, {"staff_id": bea.pk}), "parts")
    assert refused(ada.put(address, {"staff_id": 999, "duration_minutes": 5}), "staff_id")
    assert refused(ada.put(address, {"duration_minutes": 5}), "staff_id")
    assert caller(bea).put(address, {"staff_id": bea.pk, "duration_minutes": 5}).status_code == 403
    assert caller(bea).delete(f"{address}?staff_id={bea.pk}").status_code == 403
    for method in ("get", "put", "delete"):
        answer = getattr(ada, method)
        elsewhere = "/api/services/999/durations"
        body = {"staff_id": bea.pk, "duration_minutes": 5} if method == "put" else None
        address = f"{elsewhere}?staff_id={bea.pk}" if method == "delete" else elsewhere
        assert answer(address, body).status_code == 404
    assert ServiceDuration.objects.count() == 0
