"""A TypedDict stands in the OpenAPI document as the answer it types (`staff.wire.answers`)."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from django.urls import path
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response

from staff.wire.answers import Count, Id, ListAnswer, When, between, one_of
from staff.wire.schema import documented
from staff.wire.views import GatedView


class ChairJson(TypedDict):
    """Where one sits."""

    id: Annotated[Id, "Of the chair."]
    free_from: When | None
    state: Annotated[str, one_of(["free", "taken"])]


class RoomJson(TypedDict):
    chairs: Annotated[list[ChairJson], "From the window."]
    best: ChairJson | None
    height: Annotated[float, between(0, 10)]
    counts: NotRequired[dict[str, Count]]
    anything: dict[str, Any]


class LargeRoomJson(RoomJson):
    doors: int


class RoomView(GatedView):
    @documented("A room", answer=RoomJson, answers={202: LargeRoomJson})
    def get(self, request: Request) -> Response:
        raise NotImplementedError

    @documented("Chairs", answer=ListAnswer(ChairJson))
    def post(self, request: Request) -> Response:
        raise NotImplementedError


def _document() -> dict[str, Any]:
    return SchemaGenerator(patterns=[path("api/room", RoomView.as_view())]).get_schema(
        request=None, public=True
    )


def test_a_typed_dict_is_a_component_with_its_keys_in_order_and_their_notes() -> None:
    forms = _document()["components"]["schemas"]
    assert forms["Chair"]["description"] == "Where one sits."
    assert forms["Chair"]["required"] == ["free_from", "id", "state"]
    assert list(forms["Chair"]["properties"]) == ["id", "free_from", "state"]
    assert forms["Chair"]["properties"]["id"] == {
        "type": "integer",
        "format": "int64",
        "minimum": 1,
        "maximum": 2**63 - 1,
        "description": "Of the chair.",
    }
    free_from = forms["Chair"]["properties"]["free_from"]
    assert (free_from["type"], free_from["nullable"]) == ("string", True)
    assert forms["StateEnum"]["enum"] == ["free", "taken"]


def test_what_may_be_absent_is_not_required_and_typed_dicts_are_referred_to() -> None:
    forms = _document()["components"]["schemas"]
    chair = {"$ref": "#/components/schemas/Chair"}
    assert forms["Room"] == {
        "type": "object",
        "properties": {
            "chairs": {"type": "array", "items": chair, "description": "From the window."},
            "best": {"allOf": [chair], "nullable": True},
            "height": {"type": "number", "format": "double", "minimum": 0, "maximum": 10},
            "counts": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
            "anything": {"type": "object", "additionalProperties": {}},
        },
        "required": ["anything", "best", "chairs", "height"],
    }
    assert list(forms["LargeRoom"]["properties"]) == [*forms["Room"]["properties"], "doors"]


def test_a_list_is_a_bare_array_or_a_page() -> None:
    document = _document()
    forms = document["components"]["schemas"]
    chairs = {"type": "array", "items": {"$ref": "#/components/schemas/Chair"}}
    assert document["paths"]["/api/room"]["post"]["operationId"] == "chair_list"
    assert forms["ChairList"] == {"oneOf": [chairs, {"$ref": "#/components/schemas/ChairPage"}]}
    assert forms["ChairPage"]["properties"]["items"] == chairs
    assert forms["ChairPage"]["required"] == ["items", "limit", "page", "pages", "total"]
