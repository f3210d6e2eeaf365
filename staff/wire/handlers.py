"""Django's error handlers: `handler400 = "staff.wire.handlers.bad_request"` and so on in config.urls.

JSON on JSON addresses, a plain page elsewhere. With DEBUG Django shows its own pages instead of calling
these; on JSON addresses `JsonEdgeMiddleware` turns those into JSON too.
"""

import sys

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from staff.wire import refusals
from staff.wire.errors import Crash, as_refused, error_headers, error_response
from staff.wire.middleware import error_format_of
from staff.wire.paths import is_json_path
from staff.wire.refusals import Refused


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_json_path(request.path_info):
        return _json(request, as_refused(exception) or refusals.BadRequest())
    if isinstance(problem := as_refused(exception), refusals.TooLarge):
        return _page(problem)
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_json_path(request.path_info):
        return _json(request, refusals.Forbidden())
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_json_path(request.path_info):
        return _json(request, refusals.NotFound())
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """503 with Retry-After while the database is away, else 500; Django has logged the exception."""
    problem = as_refused(exc) if (exc := sys.exc_info()[1]) else None
    if not isinstance(problem, refusals.Unavailable):
        problem = Crash()
    if is_json_path(request.path_info):
        return _json(request, problem)
    return _page(problem) if isinstance(problem, refusals.Unavailable) else defaults.server_error(request)


def _json(request: HttpRequest, problem: Refused) -> HttpResponse:
    return error_response(problem, error_format_of(request))


def _page(problem: Refused) -> HttpResponse:
    """One sentence: no template, no database."""
    return HttpResponse(
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{problem.message}</title>"
        f"<p>{problem.message}</p></html>",
        status=problem.http_status,
        headers=error_headers(problem, problem.http_status),
    )
