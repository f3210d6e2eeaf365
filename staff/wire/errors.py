"""Errors on the wire (contract §0): every exception becomes a refusal, every refusal is printed in one form.

Names: exception_handler (REST framework's EXCEPTION_HANDLER), as_refused, native_error, error_response,
ErrorFormat, Crash.

The native form is `{"error", "code"}`, then `details` and `conflicts` where there are any. A dialect prints
its own: a view with an attribute `error_format` (make it a staticmethod) is asked for status and body,

    @staticmethod
    def error_format(problem: Refused) -> tuple[int, object]: ...

and `settings.EDGE_ERROR_FORMATS` ({path prefix: dotted path of such a function}) names it for what happens
before a view is found: an unknown path, a bad host, a body too large.
"""

import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from django.core import signals
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import (
    DisallowedHost,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    ValidationError,
)
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from staff.wire import refusals
from staff.wire.refusals import ProblemJson, Refused
from staff.wire.renderer import JSON, json_bytes

logger = logging.getLogger("staff.wire")

ErrorFormat = Callable[[Refused], tuple[int, Any]]

SECONDS_TO_COME_BACK = 5
NOT_OF_A_FIELD = ("non_field_errors", "__all__", "")


class Crash(Refused):
    """An exception nobody foresaw; its text stays in the log."""

    http_status = 500
    code = "internal_error"
    message = "Something went wrong on our side; it has been logged. Try again later."


class BadHost(refusals.BadRequest):
    code = "bad_host"
    message = "This host name is not served here; check the address."


class MethodNotAllowed(Refused):
    http_status = 405
    code = "method_not_allowed"
    message = "This method is not possible here; see the header Allow."


def exception_handler(exc: Exception, context: Mapping[str, Any]) -> Response:
    """The answer to whatever a view raised. Never None: nothing is left to a server's HTML page."""
    view = context.get("view")
    problem = as_refused(exc)
    if problem is None:
        problem = crash(exc, request=getattr(view, "request", None))
    else:
        _let_go(exc)
    if isinstance(exc, exceptions.MethodNotAllowed) and view is not None:
        allowed = ", ".join(view.allowed_methods)
        problem.message = f"{view.request.method} is not possible here; use {allowed}."
    set_rollback()
    error_format: ErrorFormat = getattr(view, "error_format", None) or native_error
    status, body = error_format(problem)
    return Response(body, status=status, headers=error_headers(problem, status))


def _let_go(exc: BaseException | None) -> None:
    """Of the way it came: its frames hold it in turn, with all that they know (docs/adr/0113)."""
    while exc is not None and exc.__traceback__ is not None:
        exc.__traceback__ = None
        exc = exc.__cause__ or exc.__context__


def native_error(problem: Refused) -> tuple[int, ProblemJson]:
    """Status and body in the native form."""
    body: ProblemJson = {"error": problem.message, "code": problem.code}
    if problem.details:
        body["details"] = problem.details
    if problem.conflicts is not None:
        body["conflicts"] = problem.conflicts
    if problem.more:
        body = {**body, **problem.more}
    return problem.http_status, body


def error_response(problem: Refused, error_format: ErrorFormat = native_error) -> HttpResponse:
    """The refusal as a plain response, for code outside REST framework's views."""
    status, body = error_format(problem)
    return HttpResponse(
        json_bytes(body), status=status, content_type=JSON, headers=error_headers(problem, status)
    )


def error_headers(problem: Refused, status: int) -> dict[str, str]:
    """Retry-After in seconds (always on 429 and 503), WWW-Authenticate on 401, and the refusal's own."""
    headers = {}
    retry_after = problem.retry_after
    if retry_after is None and status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        retry_after = SECONDS_TO_COME_BACK
    if retry_after is not None:
        headers["Retry-After"] = str(max(1, retry_after))
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return headers | problem.headers


def crash(exc: BaseException, *, request: Any) -> Crash:
    """Logs `exc` with its trace and tells Django's signal (the test client raises it again)."""
    logger.error("unforeseen exception in a request", exc_info=exc)
    signals.got_request_exception.send(sender=None, request=request)
    return Crash()


def as_refused(exc: BaseException) -> Refused | None:
    """The refusal that `exc` amounts to, None when nobody foresaw it.

    A database that is away is 503. A value that only the database refused (DataError, IntegrityError) should
    have been refused before: it is logged, and answered as the caller's error.
    """
    match exc:
        case Refused():
            return exc
        case exceptions.APIException():
            return _from_rest_framework(exc)
        case Http404():
            return refusals.NotFound()
        case PermissionDenied():
            return refusals.Forbidden()
        case DisallowedHost():
            return BadHost()
        case RequestDataTooBig():
            return refusals.TooLarge()
        case ValidationError():
            return _invalid(exc.message_dict if hasattr(exc, "error_dict") else exc.messages)
        case UnreadablePostError():
            return refusals.BadRequest("The body was cut off; send it again.", code="incomplete_body")
        case SuspiciousOperation() | DjangoBadRequest():
            return refusals.BadRequest("The request is malformed; check its address and parameters.")
        case OperationalError() | InterfaceError():
            logger.error("the database did not answer", exc_info=exc)
            return refusals.Unavailable(retry_after=SECONDS_TO_COME_BACK)
        case DataError():
            logger.error("a value reached the database that it cannot hold", exc_info=exc)
            return refusals.BadRequest("A value is out of range; check numbers, dates and texts.")
        case IntegrityError():
            logger.error("a write reached the database that its constraints refuse", exc_info=exc)
            return refusals.Conflict()
    return None


def _from_rest_framework(exc: exceptions.APIException) -> Refused:
    match exc:
        case exceptions.ValidationError():
            return _invalid(exc.detail)
        case exceptions.NotAuthenticated():
            return refusals.NotLoggedIn(headers=_challenge(exc))
        case exceptions.AuthenticationFailed():
            return refusals.NotLoggedIn(str(exc.detail), code=_code(exc), headers=_challenge(exc))
        case exceptions.PermissionDenied():
            plain = str(exc.detail) == str(exceptions.PermissionDenied.default_detail)
            return refusals.Forbidden(None if plain else str(exc.detail), code=_code(exc))
        case exceptions.NotFound():
            plain = str(exc.detail) == str(exceptions.NotFound.default_detail)
            return refusals.NotFound(None if plain else str(exc.detail), code=_code(exc))
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed()
        case exceptions.UnsupportedMediaType():
            return refusals.UnsupportedMedia()
        case exceptions.Throttled():
            wait: int | None = getattr(exc, "wait", None)
            pause = f"{wait} seconds" if wait else "a while"
            return refusals.TooMany(f"Too many requests; try again in {pause}.", retry_after=wait)
    problem = Refused(str(exc.detail), code=_code(exc))
    problem.http_status = exc.status_code
    return problem


def _challenge(exc: exceptions.APIException) -> dict[str, str]:
    header = getattr(exc, "auth_header", None)
    return {"WWW-Authenticate": header} if header else {}


def _code(exc: exceptions.APIException) -> str:
    codes = exc.get_codes()
    return codes if isinstance(codes, str) else str(exc.default_code)


def _invalid(detail: Any) -> refusals.BadRequest:
    """The 400 with every sentence in `details` and the first of them in `error`."""
    found: dict[str, list[str]] = {}
    _collect(detail, "", found)
    if not found:
        return refusals.BadRequest()
    (field, sentences), *others = found.items()
    sentence = sentences[0] if field in NOT_OF_A_FIELD else f"{field}: {sentences[0]}"
    if others:
        sentence += f" ({len(others)} more in details)"
    return refusals.BadRequest(
        sentence,
        details={NOT_OF_A_FIELD[0] if name in NOT_OF_A_FIELD else name: found[name] for name in found},
    )


def _collect(detail: Any, path: str, found: dict[str, list[str]]) -> None:
    """Flattens nested errors into `found`: {"steps.0.subject": [sentences]}."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            _collect(inner, f"{path}.{name}" if path else str(name), found)
    elif isinstance(detail, list | tuple):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list | tuple)
            _collect(inner, f"{path}.{index}" if path and nested else path, found)
    else:
        found.setdefault(path, []).append(str(detail))
