"""What has to be put right before Django builds its request object, and after it has answered.

Names: guard (config.wsgi: `application = guard(get_wsgi_application())`).
"""

import codecs
from collections.abc import Callable, Iterable
from typing import Any

from django.utils.http import parse_header_parameters

UNREADABLE = "application/x-unreadable"

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def guard(application: Application) -> Application:
    """`application`, never seeing a Content-Type whose parameters Django cannot read, and without a body
    where HEAD was asked: its headers are GET's, Content-Length too (RFC 9110).

    Django builds the request outside its own error handling, and reads queries and forms in the charset
    that Content-Type names: one that is unknown, or no text encoding, would be a 500. Such a header becomes
    a media type nobody accepts (415 where there is a body).
    """

    def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        content_type = environ.get("CONTENT_TYPE")
        if content_type and ";" in content_type and not _readable(content_type):
            environ["CONTENT_TYPE"] = UNREADABLE
        answer = application(environ, start_response)
        return _without_body(answer) if environ.get("REQUEST_METHOD") == "HEAD" else answer

    return guarded


def _without_body(answer: Iterable[bytes]) -> Iterable[bytes]:
    close = getattr(answer, "close", None)
    if close is not None:
        close()
    return []


def _readable(content_type: str) -> bool:
    try:
        _, parameters = parse_header_parameters(content_type)
        return codecs.lookup(parameters.get("charset", "utf-8")).name == "utf-8"
    except (ValueError, LookupError):
        return False
