"""Which handler knows a job type (`settings.HANDLERS`), and what the sweep calls (`settings.PERIODIC`)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeGuard

from django.conf import settings
from django.utils.module_loading import import_string

from notifications.handlers import EffectHandler, MailHandler, TextHandler

Handler = MailHandler | TextHandler | EffectHandler


class UnknownJobType(LookupError):
    """No handler is named for this job type."""


class Periodic(Protocol):
    """Something the sweep calls every half minute; it may be called twice at once."""

    def __call__(self, *, now: datetime) -> Any: ...


def handler_of(job_type: str) -> Handler:
    """The handler of a job type. Raises UnknownJobType."""
    path = settings.HANDLERS.get(job_type)
    if path is None:
        raise UnknownJobType(f"No handler is named for {job_type}.")
    return handler_at(path)


def given_up_of(job_type: str) -> Callable[..., None] | None:
    """The handler's `given_up`, if it has one."""
    given_up: Callable[..., None] | None = said_by_handler(job_type, "given_up")
    return given_up


def is_mail(handler: Handler) -> TypeGuard[MailHandler]:
    return hasattr(handler, "compose")


def is_text(handler: Handler) -> TypeGuard[TextHandler]:
    return hasattr(handler, "compose_text")


def periodic_callables() -> list[tuple[str, Periodic]]:
    """What `settings.PERIODIC` names, with its path."""
    return [(path, import_string(path)) for path in settings.PERIODIC]


def said_by_handler(job_type: str, name: str) -> Any:
    """An attribute of the handler; None when it has none, or there is no such handler."""
    try:
        return getattr(handler_of(job_type), name, None)
    except (UnknownJobType, ImportError):
        return None


@functools.cache
def handler_at(path: str) -> Handler:
    """The one instance of the class that a dotted path leads to. Raises ImportError."""
    handler: Handler = import_string(path)()
    return handler
