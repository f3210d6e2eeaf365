"""gunicorn's thread worker, answering in JSON also where no request ever reaches Django."""

from __future__ import annotations

import json
import socket
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from gunicorn.http.errors import (
    InvalidResponseHeader,
    InvalidResponseHeaderName,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.workers.gthread import ThreadWorker

TOO_LONG = "The address of this request is too long."
HEADERS_TOO_LARGE = "The headers of this request are too large."
NOT_HTTP = "This is not a well-formed HTTP request."
CRASHED = "Something went wrong on our side. It has been logged."


class JsonThreadWorker(ThreadWorker):
    """Malformed HTTP gets the error object of contract §0 in place of gunicorn's HTML page."""

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        status, code, sentence = self._describe(exc)
        if status == 500:
            self.log.error("Error handling a request", exc_info=exc)
        else:
            self.log.info("Refused a malformed request: %s", code)
        body = json.dumps({"error": sentence, "code": code}).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
            f"Content-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\nDate: {formatdate(usegmt=True)}\r\n\r\n"
        )
        try:
            client.sendall(head.encode() + body)
        except OSError as error:
            self.log.debug("The client left before its error: %s", error)

    def _describe(self, exc: BaseException) -> tuple[int, str, str]:
        if isinstance(exc, LimitRequestLine):
            return 414, "uri_too_long", TOO_LONG
        if isinstance(exc, LimitRequestHeaders):
            return 431, "headers_too_large", HEADERS_TOO_LARGE
        if isinstance(exc, ParseException) and not isinstance(
            exc, InvalidResponseHeader | InvalidResponseHeaderName
        ):
            return 400, "malformed_request", NOT_HTTP
        return 500, "internal_error", CRASHED
