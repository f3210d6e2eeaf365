"""Query parameters, read by a Django form as strictly as bodies; each bad one is named (contract §1.2).

    class AvailabilityQuery(Query):
        service_id = QueryId(required=True)
        explain = QueryFlag(initial=False, help_text="1: also why the other starts are refused.")

    asked = AvailabilityQuery.of(request)        # {"service_id": 3, "explain": False}

Names: Query; QueryId, QueryNumber, QueryCount, QueryFlag, QueryDate, QueryChoice, QueryText,
openapi_parameters, and QueryField for one's own. Lists narrow their rows with `staff.wire.filters`.
An absent parameter is `initial` (None unless said); an empty one (`?staff_id=`) is a value, and a bad one but
for texts. One that comes twice is refused, as a key that comes twice in a body is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar, Self

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from staff.wire.refusals import BadRequest
from staff.wire.text import LARGEST_INTEGER, check_text, plain_line
from staff.wire.times import parse_date

LONGEST_QUERY_TEXT = 200
ONCE = "Send this parameter once."

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_WHOLE = re.compile(r"[0-9]+")
_FLAGS = {"1": True, "true": True, "0": False, "false": False}


class QueryField(forms.Field):
    """One parameter: `read` makes its value of the text that came, or raises BadRequest."""

    empty_values = [None]
    default_error_messages = {"required": "This parameter is required."}

    def __init__(self, *, required: bool = False, **kwargs: Any) -> None:
        super().__init__(required=required, **kwargs)

    @property
    def schema(self) -> dict[str, Any]:
        """Its type and bounds as OpenAPI says them."""
        return {"type": "string"}

    def __deepcopy__(self, memo: Any) -> Self:
        """Itself: a form would copy its fields for every call, and ours hold nothing of it."""
        return self

    def to_python(self, value: str | None) -> Any:
        if value is None:
            return self.initial
        try:
            return self.read(value)
        except BadRequest as refused:
            raise ValidationError(refused.message) from None

    def read(self, text: str) -> Any:
        raise NotImplementedError


class QueryNumber(QueryField):
    """A whole number within the bounds (inclusive), ASCII digits only."""

    def __init__(self, *, smallest: int = 0, largest: int = LARGEST_INTEGER, **kwargs: Any) -> None:
        self.smallest, self.largest = smallest, largest
        super().__init__(**kwargs)

    @property
    def schema(self) -> dict[str, Any]:
        bounds = {"type": "integer", "minimum": self.smallest, "maximum": self.largest}
        return bounds if self.initial is None else {**bounds, "default": self.initial}

    def read(self, text: str) -> int:
        value = int(text) if _INTEGER.fullmatch(text) else self.smallest - 1
        if not self.smallest <= value <= self.largest:
            raise BadRequest(f"Send a whole number from {self.smallest} to {self.largest}.")
        return value


class QueryId(QueryNumber):
    """An id, 1..2^63-1, ASCII digits only."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(smallest=1, **kwargs)


class QueryCount(QueryField):
    """A whole number from 1, ASCII digits only; more than `most` counts as `most`."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self.most = most
        super().__init__(**kwargs)

    @property
    def schema(self) -> dict[str, Any]:
        bounds = {"type": "integer", "minimum": 1}
        return bounds if self.initial is None else {**bounds, "default": self.initial}

    def read(self, text: str) -> int:
        digits = text.lstrip("0")
        if _WHOLE.fullmatch(text) is None or not digits:
            raise BadRequest("Send a whole number from 1.")
        return self.most if len(digits) > len(str(self.most)) else min(int(digits), self.most)


class QueryFlag(QueryField):
    """`1` or `true`, `0` or `false`."""

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": ["1", "0", "true", "false"]}

    def read(self, text: str) -> bool:
        if text not in _FLAGS:
            raise BadRequest("Send 1 or 0 (or true, false).")
        return _FLAGS[text]


class QueryDate(QueryField):
    """A calendar date `YYYY-MM-DD`."""

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date"}

    def read(self, text: str) -> date:
        return parse_date(text)


class QueryChoice(QueryField):
    """One of `choices`, as it stands; the refusal names them all."""

    def __init__(self, *, choices: Iterable[str], **kwargs: Any) -> None:
        self.choices = list(choices)
        super().__init__(**kwargs)

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": self.choices}

    def read(self, text: str) -> str:
        if text not in self.choices:
            raise BadRequest(f"Send one of: {', '.join(self.choices)}.")
        return text


class QueryText(QueryField):
    """A text of at most `longest` characters as it came, or with `strip` as what it is compared with."""

    def __init__(self, *, longest: int = LONGEST_QUERY_TEXT, strip: bool = False, **kwargs: Any) -> None:
        self.longest, self.strip = longest, strip
        super().__init__(**kwargs)

    @property
    def schema(self) -> dict[str, Any]:
        return {"type": "string", "maxLength": self.longest}

    def read(self, text: str) -> str:
        if len(text) > self.longest:
            raise BadRequest(f"Send at most {self.longest} characters.")
        return plain_line(check_text(text)) if self.strip else check_text(text)


class Query(forms.Form):
    """The parameters of a call. Unknown ones are ignored.

    `last_counts`: of one that comes twice, where a foreign format does not say that it may not.
    """

    last_counts: ClassVar[bool] = False

    def __init__(self, data: QueryDict, **kwargs: Any) -> None:
        # A field is dear to make, and most calls send few: only what came, or has to come, is read.
        declared = type(self).base_fields
        self.base_fields = {  # type: ignore[misc]
            name: field for name, field in declared.items() if name in data or field.required
        }
        self.absent = {name: field.initial for name, field in declared.items() if name not in data}
        self.sent = data
        super().__init__(data, **kwargs)

    @classmethod
    def of(cls, request: Request) -> dict[str, Any]:
        """What was asked, every name in it. Raises ValidationError naming each bad parameter."""
        return cls(request.query_params).values()

    @classmethod
    def parameters(cls) -> list[OpenApiParameter]:
        return openapi_parameters(cls.base_fields)

    def values(self) -> dict[str, Any]:
        """Raises ValidationError naming each bad parameter."""
        repeated = [] if self.last_counts else [name for name in self.base_fields if self._comes_twice(name)]
        for name in repeated:
            self.errors[name] = self.error_class([ONCE])
        if self.errors:
            raise ValidationError(self.errors.as_data())
        return {**self.absent, **self.cleaned_data}

    def _clean_fields(self) -> None:
        """Without Django's bound fields, which are there to be shown."""
        for name, field in self.fields.items():
            try:
                self.cleaned_data[name] = field.clean(self.data.get(name))
            except ValidationError as refused:
                self.add_error(name, refused)

    def _comes_twice(self, name: str) -> bool:
        return len(self.sent.getlist(name)) > 1


def openapi_parameters(fields: Mapping[str, Any]) -> list[OpenApiParameter]:
    """These fields as `documented(parameters=...)` takes them."""
    return [
        OpenApiParameter(name, field.schema, required=field.required, description=field.help_text)
        for name, field in fields.items()
    ]
