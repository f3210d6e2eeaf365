"""/api/schema and /api/docs: the API described for programs and for people, without any outside resource.

Public: the description holds no data. It is made once per process, because making it takes a second.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from config.health import TAGS, OpenView
from staff.wire.query import Query, QueryChoice
from staff.wire.renderer import JSON, json_bytes
from staff.wire.schema import WITHOUT_LOGIN, problems

YAML = "application/yaml"


class SchemaQuery(Query):
    format = QueryChoice(choices=("json", "yaml"), initial="json", help_text="`json` unless asked.")


class SchemaView(OpenView):
    @extend_schema(
        summary="This description, in OpenAPI 3",
        description="The document behind /api/docs.",
        parameters=SchemaQuery.parameters(),
        responses={
            (200, JSON): OpenApiTypes.OBJECT,
            (200, YAML): OpenApiTypes.STR,
            **problems(400),
        },
        auth=WITHOUT_LOGIN,
        tags=TAGS,
    )
    def get(self, request: Request) -> HttpResponse:
        if SchemaQuery.of(request)["format"] == "yaml":
            return HttpResponse(as_yaml(), content_type=YAML)
        return HttpResponse(as_json(), JSON)


class DocsView(TemplateView):
    """Swagger UI from our own files; nothing inline, so it works under the strict policy of every page."""

    template_name = "docs/swagger.html"


@lru_cache
def schema() -> dict[str, Any]:
    """The OpenAPI document of the native API."""
    return SchemaGenerator().get_schema(request=None, public=True)


@lru_cache
def as_json() -> bytes:
    return json_bytes(schema())


@lru_cache
def as_yaml() -> bytes:
    return OpenApiYamlRenderer().render(schema(), renderer_context={})
