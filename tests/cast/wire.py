"""Addresses of the wire's own tests, and requests to them as a WSGI server makes them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import Client
from django.urls import path, register_converter
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request
from rest_framework.response import Response

from staff.wire.paths import IdConverter
from staff.wire.refusals import Refused
from staff.wire.renderer import array_response, json_bytes
from staff.wire.views import GatedView
from staff.wire.wsgi import guard

register_converter(IdConverter, "wire_test_id")
seen: list[Any] = []
NOT_FOUND = {"error": "Not found; check the address and the id.", "code": "not_found"}


class Echo(GatedView):
    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []

    def get(self, request: Request) -> Response:
        seen.append(dict(request.query_params))
        return Response({"query": request.query_params, "cookies": request.COOKIES})

    def post(self, request: Request) -> Response:
        seen.append(request.data)
        return Response({"body": request.data, "raw": len(request.body)})

    put = post


class Blind(Echo):
    """Reads no field of its body."""

    def post(self, request: Request) -> Response:
        seen.append("blind")
        return Response({"done": True})

    delete = post


class One(Echo):
    def get(self, request: Request, thing_id: int = 0) -> Response:
        return Response({"id": thing_id})


class Long(Echo):
    def get(self, request: Request) -> StreamingHttpResponse:  # type: ignore[override]
        return array_response(self.chunks())

    def chunks(self) -> Iterator[list[dict[str, Any]]]:
        try:
            for number in range(3):
                seen.append(f"chunk {number}")
                yield [{"id": number}]
        finally:
            seen.append("closed")


def cookie(request: HttpRequest) -> HttpResponse:
    known = {name: hasattr(request, name) for name in ("session", "_messages", "csp_nonce")}
    response = HttpResponse(json_bytes(known), content_type="application/json")
    response.set_cookie("b", "2")
    return response


def language(request: HttpRequest) -> HttpResponse:
    return HttpResponse(json_bytes({"language": get_language()}), content_type="application/json")


@require_http_methods(["GET"])
def get_only(request: HttpRequest) -> HttpResponse:
    return HttpResponse("{}", content_type="application/json")


@csrf_exempt
def page(request: HttpRequest, token: str = "") -> HttpResponse:
    seen.append(request.GET.dict() | request.POST.dict())
    return HttpResponse(f"<p>{token}</p>")


def crash(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError("secret")


def foreign(problem: Refused) -> tuple[int, object]:
    return problem.http_status, {"detail": problem.message}


urlpatterns = [
    path("api/echo", Echo.as_view()),
    path("api/blind", Blind.as_view()),
    path("api/long", Long.as_view()),
    path("api/things/<wire_test_id:thing_id>", One.as_view()),
    path("api/cookie", cookie),
    path("api/language", language),
    path("api/crash", crash),
    path("api/getonly", get_only),
    path("api/v3/crash", crash),
    path("feedback/<str:token>", page),
    path("admin/", page),
]


def post(address: str, body: bytes | str, content_type: str = "application/json", **headers: Any) -> Any:
    return Client(raise_request_exception=False).generic("POST", address, body, content_type, **headers)


def wsgi(
    *,
    body: bytes = b"",
    stream: io.BytesIO | None = None,
    path_info: str = "/api/echo",
    method: str = "POST",
    **environ: Any,
) -> tuple[int, dict[str, str], bytes]:
    """A request as a WSGI server makes it, through the guard and the whole stack."""
    started: list[Any] = []
    response = guard(WSGIHandler())(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path_info,
            "QUERY_STRING": "",
            "SERVER_NAME": "testserver",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": stream or io.BytesIO(body),
            "CONTENT_TYPE": "application/json",
            **environ,
        },
        lambda status, headers: started.append((int(status[:3]), dict(headers))),
    )
    content = b"".join(response)
    close = getattr(response, "close", None)
    if close is not None:
        close()
    return *started[0], content


def filler(size: int) -> bytes:
    return b'{"a": 1' + b" " * (size - 8) + b"}"
