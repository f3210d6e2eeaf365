"""Logs: one structured line per event on standard error, with secrets and tokens taken out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from staff.wire.paths import TOKEN_FOLLOWS

HIDDEN = "[hidden]"
SECRET_NAMES = re.compile(
    r"token|secret|password|passwd|authorization|api_?key|cookie|signature", re.IGNORECASE
)
SECRET_TEXTS = (
    # A credential in a header or in running text.
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(sk|rk|whsec|pk|bkey)_[A-Za-z0-9_-]{6,}"), rf"\1_{HIDDEN}"),
    # The path of a public page carries its credential.
    (re.compile(rf"/({'|'.join(TOKEN_FOLLOWS)})/[A-Za-z0-9._~-]{{16,}}"), rf"/\1/{HIDDEN}"),
    # The page that tells a frame what was booked: /book/done?t=<signed>.
    (re.compile(r"([?&]t=)[^\s'\"&]{16,}"), rf"\1{HIDDEN}"),
    # user:password@ in the address of a server.
    (re.compile(r"(\w+://[^\s:/@]*):[^\s/@]+@"), rf"\1:{HIDDEN}@"),
    (
        re.compile(
            r"(?i)\b((?:\w*token|\w*secret|password|authorization|api_?key)['\"]?\s*[=:]\s*['\"]?)[^\s'\",&}]{6,}"
        ),
        rf"\1{HIDDEN}",
    ),
)


def hide_secrets(logger: WrappedLogger | None, method: str | None, event: EventDict) -> EventDict:
    """structlog processor: replace what a reader of the log must not be able to use."""
    return {name: HIDDEN if _is_secret(name, value) else _cleaned(value) for name, value in event.items()}


def _is_secret(name: str, value: Any) -> bool:
    return bool(value) and isinstance(value, str | bytes) and bool(SECRET_NAMES.search(name))


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, replacement in SECRET_TEXTS:
            value = pattern.sub(replacement, value)
        return value
    if isinstance(value, Mapping):
        return {key: HIDDEN if _is_secret(str(key), item) else _cleaned(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    # Such as the request that Django adds to a line: it is printed as its repr, which has the address.
    return _cleaned(repr(value))


def logging_settings(*, for_people: bool) -> dict[str, Any]:
    """Django's LOGGING: plain columns for a person at a terminal, JSON lines for a log collector.

    Also configures structlog itself, so `structlog.get_logger()` and the standard library end
    in the same lines.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    renderer: Processor = structlog.processors.JSONRenderer()
    if for_people:
        renderer = structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    # A traceback is text before it is searched for secrets.
    last: list[Processor] = [structlog.processors.format_exc_info, hide_secrets, renderer]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [*before, structlog.stdlib.ExtraAdder()],
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"level": "INFO", "propagate": True, "handlers": []},
            "django.server": {"level": "INFO", "propagate": True, "handlers": []},
            # A refused request is the caller's affair, and its address may carry a token.
            "django.request": {"level": "ERROR", "propagate": True, "handlers": []},
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "celery.beat": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
            "gunicorn.error": {"level": "INFO", "propagate": True, "handlers": []},
            # No line per request: addresses carry names that were searched for, and tokens.
            "gunicorn.access": {"level": "WARNING", "propagate": True, "handlers": []},
            "kombu": {"level": "ERROR"},
        },
    }
