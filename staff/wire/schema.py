"""What the OpenAPI schema says of operations, errors and lists, the same words everywhere.

Names: documented, problems, ID_IN_PATH. Query parameters describe themselves: `Query.parameters()`,
`ListFilter.parameters()`.

    @documented("Add a holiday", request=Holiday, answer=Holiday, status=201, refused=[409])
    def post(self, request): ...

`documented` adds the refusals every call can meet, so an operation names only its own. Beneath it:

    @extend_schema(responses={200: ListAnswer(RowJson), **problems(400)}, parameters=[ID_IN_PATH])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from inspect import cleandoc
from types import GenericAlias, NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypedDict,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import (
    append_meta,
    build_array_type,
    build_choice_field,
    build_object_type,
    is_serializer,
    resolve_type_hint,
)
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers

from staff.wire.answers import EitherAnswer, Form, ListAnswer
from staff.wire.paging import PageJson
from staff.wire.refusals import ProblemJson

READS = frozenset({"get", "head", "options"})
ALWAYS = (400, 429, 503)
LOGGED_IN = (401, 403)
WITH_BODY = (413, 415)
WITHOUT_LOGIN: Any = [{}]

Direction = Literal["request", "response"]

_MEANINGS = {
    400: "Malformed, or refused by a rule of the request; `details` names the fields.",
    401: "Not logged in, or the token is unknown or expired.",
    403: "Visible, but not allowed.",
    404: "Absent, or not visible to you.",
    405: "Not possible here; see the header Allow.",
    409: "Conflicts with the state of the salon.",
    410: "The link was used or has expired.",
    412: "Changed since it was read (`If-Match`).",
    413: "The body is over 256 kB.",
    415: "The body is not application/json in UTF-8.",
    422: "The Idempotency-Key was used with another body.",
    429: "Too many requests; wait as long as Retry-After says (seconds).",
    503: "The database is away; try again after Retry-After seconds.",
}


class NativeSchema(AutoSchema):
    """Says of an operation what `documented` says of it, and nothing of how its view is made."""

    def get_description(self) -> str:  # type: ignore[override]
        return ""


ID_IN_PATH = OpenApiParameter(
    "id", {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, OpenApiParameter.PATH, required=True
)

Answer = type | ListAnswer | EitherAnswer | OpenApiResponse | dict[str, Any] | None


def documented(
    summary: str,
    *,
    answer: Answer = None,
    status: int = 200,
    request: Any = None,
    refused: Iterable[int] = (),
    parameters: Sequence[OpenApiParameter] = (),
    description: str | None = None,
    public: bool = False,
    tags: Sequence[str] | None = None,
    examples: Sequence[OpenApiExample] | None = None,
    answers: dict[int, Answer] | None = None,
    operation: str | None = None,
) -> Callable[[Any], Any]:
    """Decorates a view's method. `answer` None is an empty answer; `answers` adds others by status.

    `operation` names it where its address and method would name another one too.
    `public` operations need no login. `examples` go to extend_schema as they are.
    """

    def decorate(method: Any) -> Any:
        statuses = {*ALWAYS, *(() if public else LOGGED_IN), *refused}
        if method.__name__ not in READS:
            statuses |= {*WITH_BODY}
        return extend_schema(
            operation_id=operation or _list_operation(answer),
            summary=summary,
            description=description,
            request=request,
            responses={
                status: answer if answer is not None else OpenApiResponse(description="Done."),
                **(answers or {}),
                **problems(*sorted(statuses)),
            },
            parameters=list(parameters),
            auth=WITHOUT_LOGIN if public else None,
            tags=list(tags) if tags else None,
            examples=list(examples) if examples else None,
        )(method)

    return decorate


def problems(*statuses: int) -> dict[int, OpenApiResponse]:
    """The error answers of an operation, for `extend_schema(responses=...)`."""
    return {status: OpenApiResponse(ProblemJson, description=_MEANINGS[status]) for status in statuses}


def _list_operation(answer: Answer) -> str | None:
    """The operation id of a list; the generator takes our two-formed lists for single rows."""
    if not isinstance(answer, ListAnswer):
        return None
    return re.sub(r"(?<!^)(?=[A-Z])", "_", f"{_component(answer.item)}List").lower()


def require_bodies(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Generator hook: PUT and PATCH refuse an empty body, though every key in it may be absent."""
    for operations in result["paths"].values():
        for method in ("put", "patch"):
            if "requestBody" in operations.get(method, {}):
                operations[method]["requestBody"]["required"] = True
    return result


class TypedDictForm(OpenApiSerializerExtension):
    """Lets a TypedDict stand wherever drf-spectacular takes a serializer (`staff.wire.answers`)."""

    @classmethod
    def _matches(cls, target: Any) -> bool:
        return is_typeddict(target)

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        return _component(self.target)

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        hints = get_type_hints(self.target, include_extras=True)
        # `__required_keys__` does not know of NotRequired where annotations are strings.
        needed = [key for key, hint in hints.items() if get_origin(hint) is not NotRequired]
        return build_object_type(
            properties={key: _form(hint, auto_schema) for key, hint in hints.items()},
            required=needed,
            description=cleandoc(self.target.__doc__ or ""),
        )


class ListForm(OpenApiSerializerExtension):
    target_class = ListAnswer

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        return f"{_component(self.target.item)}List"

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        name, items = _component(self.target.item), GenericAlias(list, self.target.item)
        hints = {**get_type_hints(PageJson, include_extras=True), "items": items}
        page: Any = TypedDict(f"{name}Page", hints)  # type: ignore[misc]
        return {"oneOf": [_form(items, auto_schema), _form(page, auto_schema)]}


class EitherForm(OpenApiSerializerExtension):
    target_class = EitherAnswer

    def get_name(self, auto_schema: AutoSchema, direction: Direction) -> str:
        name: str = self.target.name
        return name

    def map_serializer(self, auto_schema: AutoSchema, direction: Direction) -> dict[str, Any]:
        return {"oneOf": [_form(each, auto_schema) for each in self.target.of]}


def _component(answer: Any) -> str:
    name: str = answer.__name__
    return name.removesuffix("Json").removesuffix("Serializer")


def _form(hint: Any, auto_schema: AutoSchema) -> dict[str, Any]:
    """The schema of one type; a TypedDict is referred to."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return reduce(_noted, hint.__metadata__, _form(args[0], auto_schema))
    if origin is NotRequired:
        return _form(args[0], auto_schema)
    if origin in (Union, UnionType):
        [of] = set(args) - {NoneType}
        return append_meta(_form(of, auto_schema), {"nullable": True})
    if origin is list:
        return build_array_type(_form(args[0], auto_schema))
    if origin is dict:
        return {"type": "object", "additionalProperties": _form(args[1], auto_schema)}
    if hint is Any:
        return {}
    if is_serializer(hint):
        return auto_schema.resolve_serializer(hint, "response").ref
    return resolve_type_hint(hint)


def _noted(form: dict[str, Any], note: str | Form) -> dict[str, Any]:
    if isinstance(note, str):
        return append_meta(form, {"description": note})
    if note.choices:
        form = append_meta(form, build_choice_field(serializers.ChoiceField(choices=note.choices)))
    said = {key: value for key, value in vars(note).items() if key != "choices" and value is not None}
    return append_meta(form, said)


class StaffTokenScheme(OpenApiAuthenticationExtension):
    target_class = "staff.access.auth.StaffTokenAuthentication"
    name = "staffToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The `token` of POST /api/auth/login, valid for 8 hours.",
        }


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = "staff.access.auth.ApiKeyAuthentication"
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key of dialect `native`, made at POST /api/api-keys.",
        }
