"""Which handler knows a job type: `settings.HANDLERS`, and the check that all of them can be found."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeGuard

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from notifications.handlers import EffectHandler, MailHandler

Handler = MailHandler | EffectHandler

_MAIL_NEEDS = ("client_counts_on_it", "compose", "sent")
_EFFECT_NEEDS = ("client_counts_on_it", "prepare", "call", "done")


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
    found: Handler = _imported(path)
    return found


def is_mail(handler: Handler) -> TypeGuard[MailHandler]:
    return hasattr(handler, "compose")


def periodic_callables() -> list[tuple[str, Periodic]]:
    """What `settings.PERIODIC` names, with its path."""
    return [(path, _imported(path)) for path in settings.PERIODIC]


def check_handlers(**kwargs: Any) -> list[CheckMessage]:
    """System check: every path of `HANDLERS` and `PERIODIC` leads to what it should."""
    found: list[CheckMessage] = []
    for job_type, path in settings.HANDLERS.items():
        found += _check(path, "notifications.E001", f"HANDLERS[{job_type!r}]", _missing_of_handler)
    for path in settings.PERIODIC:
        found += _check(path, "notifications.E002", "PERIODIC", _missing_of_callable)
    return found


def _check(path: str, id: str, setting: str, missing_of: Callable[[Any], list[str]]) -> list[CheckMessage]:
    try:
        target = _imported(path)
    except ImportError as error:
        return [Error(f"{setting} names {path}, which cannot be imported: {error}", id=id)]
    missing = missing_of(target)
    return [Error(f"{setting} names {path}, which lacks {', '.join(missing)}.", id=id)] if missing else []


def _missing_of_handler(target: Any) -> list[str]:
    needs = _MAIL_NEEDS if hasattr(target, "compose") else _EFFECT_NEEDS
    return [name for name in needs if not hasattr(target, name)]


def _missing_of_callable(target: Any) -> list[str]:
    return [] if callable(target) else ["a call"]


@functools.cache
def _imported(path: str) -> Any:
    return import_string(path)
