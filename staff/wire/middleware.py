"""The edge of the API: nothing but JSON leaves it, and nothing malformed gets past it (contract §0).

Everywhere path and query must be text. Outside Django admin and static files one trailing slash is dropped
before the address is resolved, so URL patterns are written without it. On JSON addresses and on the pages
behind mailed links no cookie is read, and the body is read here: at most 256 kB, chunked or not, and whole,
so that nothing is done for half a form. On JSON addresses further: the host must be ours, no cookie is set,
answers are in one language, and an error that is not JSON yet, Django's debug pages included, becomes JSON.
"""

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from io import BytesIO
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, RequestDataTooBig
from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.module_loading import import_string

from staff.wire import refusals
from staff.wire.errors import (
    BadHost,
    Crash,
    ErrorFormat,
    MethodNotAllowed,
    as_refused,
    crash,
    error_headers,
    error_response,
    native_error,
)
from staff.wire.gate import read_body
from staff.wire.paths import is_dry_run, is_json_path, is_public_page, keeps_its_slash
from staff.wire.refusals import Refused
from staff.wire.renderer import JSON, json_bytes
from staff.wire.text import LONGEST_STRING, BadText, check_text

DRY_RUN_ADDRESS = (
    "A dry run has an address of its own: send the same to /api/dry-run/ and the rest of the path. "
    "Nothing was done."
)
_OF_THE_OLD_BODY = ("Content-Length", "Content-Encoding", "Content-Language", "ETag")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
}
_BY_STATUS: dict[int, type[Refused]] = {
    each.http_status: each
    for each in (
        refusals.BadRequest,
        refusals.NotLoggedIn,
        refusals.Forbidden,
        refusals.NotFound,
        MethodNotAllowed,
        refusals.TooLarge,
        refusals.TooMany,
        refusals.Unavailable,
    )
}


class JsonEdgeMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: WSGIRequest) -> HttpResponseBase:
        if not keeps_its_slash(request.path_info) and len(request.path_info) > 1:
            request.path_info = request.path_info.removesuffix("/")
        request.answers_json = is_json_path(request.path_info)  # type: ignore[attr-defined]
        if not answers_json(request):
            return self._page(request)
        translation.activate(settings.LANGUAGE_CODE)
        try:
            admit(request)
        except Refused as problem:
            return finish(request, error_response(problem, error_format_of(request)))
        answer = finish(request, self.get_response(request))
        _let_go(answer)
        return answer

    def _page(self, request: WSGIRequest) -> HttpResponseBase:
        try:
            check_address(request)
            if is_public_page(request.path_info):
                request.META.pop("HTTP_COOKIE", None)
                keep_body(request)
        except refusals.NotFound as problem:
            raise Http404(problem.message) from None
        except refusals.BadRequest as problem:
            raise BadRequest(problem.message) from None
        except refusals.TooLarge as problem:
            raise RequestDataTooBig(problem.message) from None
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What a view outside REST framework raised; pages are left to Django's handlers."""
        if not answers_json(request):
            return None
        problem = as_refused(exception) or crash(exception, request=request)
        return error_response(problem, error_format_of(request))


def _let_go(answer: HttpResponseBase) -> None:
    """Of what REST framework ties together in a ring, request, view and an answer that is printed by now.

    Else all of it, the rows of a page too, would lie there until Python looks for garbage, which takes longer
    the more of it there is, and meanwhile keeps everybody waiting.
    """
    ring = getattr(answer, "renderer_context", None)
    if ring:
        vars(ring["view"]).clear()
        ring["request"].parser_context.clear()
        ring.clear()


def answers_json(request: HttpRequest) -> bool:
    """Whether this is no page. As JsonEdgeMiddleware found it, for whoever stands behind it."""
    found: bool = request.answers_json  # type: ignore[attr-defined]
    return found


def check_address(request: WSGIRequest) -> None:
    """Raises NotFound for a path with NUL, BadRequest for a query that is no text."""
    if "\0" in request.path_info:
        raise refusals.NotFound()
    raw = request.META.get("QUERY_STRING", "")
    if "%" not in raw and raw.isascii() and len(raw) <= LONGEST_STRING:
        return
    try:
        check_text(unquote_to_bytes(raw.encode("iso-8859-1")).decode("utf-8"))
    except UnicodeDecodeError:
        raise refusals.BadRequest("The query string is not valid UTF-8.", code="invalid_query") from None
    except BadText as refused:
        raise refusals.BadRequest(f"The query string: {refused.message}", code="invalid_query") from None


def check_dry_run(request: WSGIRequest) -> None:
    """Raises BadRequest for `?dry_run` at an address that would do it all the same (contract §11)."""
    raw = request.META.get("QUERY_STRING", "")
    asked = ("%" in raw or "dry_run" in raw) and "dry_run" in request.GET
    if asked and not is_dry_run(request.path_info):
        raise refusals.BadRequest(DRY_RUN_ADDRESS, code="dry_run_address")


def admit(request: WSGIRequest) -> None:
    """Lets a request in, its body read and its cookies forgotten. Raises Refused."""
    check_address(request)
    check_dry_run(request)
    try:
        request.get_host()
    except DisallowedHost:
        raise BadHost() from None
    request.META.pop("HTTP_COOKIE", None)
    request.META.pop("HTTP_ACCEPT_LANGUAGE", None)
    keep_body(request)


def keep_body(request: WSGIRequest) -> None:
    """Reads the body, whole or not at all, for whoever asks for it later. Raises TooLarge, IncompleteBody."""
    body = read_body(request)
    request._stream = BytesIO(body)
    request.META["CONTENT_LENGTH"] = str(len(body))
    request.body  # noqa: B018 - kept by Django from here on, for signatures and idempotency


def finish(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """The answer as it leaves: JSON if it is an error, without cookies, not to be kept by caches."""
    is_error = response.status_code >= HTTPStatus.BAD_REQUEST
    if is_error and isinstance(response, HttpResponse) and not is_json(response):
        _become_json(request, response)
    response.cookies.clear()
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if isinstance(response, HttpResponse):
        response.headers.setdefault("Content-Length", str(len(response.content)))
    if request.method == "HEAD":
        _drop_body(response)
    return response


def is_json(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == JSON


def error_format_of(request: HttpRequest) -> ErrorFormat:
    """The form of errors at an address whose view is not known: `settings.EDGE_ERROR_FORMATS`, or native."""
    formats: dict[str, str] = getattr(settings, "EDGE_ERROR_FORMATS", {})
    for prefix, dotted_path in formats.items():
        if request.path_info.startswith(prefix):
            return _load(dotted_path)
    return native_error


@lru_cache
def _load(dotted_path: str) -> ErrorFormat:
    return import_string(dotted_path)


def _drop_body(response: HttpResponseBase) -> None:
    """Spares a HEAD the rows of a list: the server would fetch them all and throw them away."""
    if isinstance(response, StreamingHttpResponse):
        response.streaming_content = []
    elif isinstance(response, HttpResponse):
        response.content = b""


def _become_json(request: HttpRequest, response: HttpResponse) -> None:
    """Gives an error its JSON body in place: its other headers (Allow, Retry-After) and its status stay."""
    kind = _BY_STATUS.get(response.status_code)
    if kind is None:
        kind = Crash if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else refusals.BadRequest
    problem = kind()
    status, body = error_format_of(request)(problem)
    if response.status_code == problem.http_status:
        response.status_code = status
    for name in _OF_THE_OLD_BODY:
        response.headers.pop(name, None)
    response.headers["Content-Type"] = JSON
    response.content = json_bytes(body)
    for name, value in error_headers(problem, response.status_code).items():
        response.headers.setdefault(name, value)
