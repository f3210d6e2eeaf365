"""System checks: every handler and periodic function that the settings name is there (docs/adr/0001)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

_MAIL_NEEDS = ("type", "client_counts_on_it", "compose", "sent")
_TEXT_NEEDS = ("type", "client_counts_on_it", "compose_text", "sent")
_EFFECT_NEEDS = ("type", "client_counts_on_it", "prepare", "call", "done")


def check_handlers(**kwargs: Any) -> list[CheckMessage]:
    """System check: every path of `HANDLERS` and `PERIODIC` leads to what it should."""
    found: list[CheckMessage] = []
    for job_type, path in settings.HANDLERS.items():
        missing_of = partial(_missing_of_handler, job_type)
        found += _check(path, "notifications.E001", f"HANDLERS[{job_type!r}]", missing_of)
    for path in settings.PERIODIC:
        found += _check(path, "notifications.E002", "PERIODIC", _missing_of_callable)
    return found


def _check(path: str, id: str, setting: str, missing_of: Callable[[Any], list[str]]) -> list[CheckMessage]:
    try:
        target = import_string(path)
    except ImportError as error:
        return [Error(f"{setting} names {path}, which cannot be imported: {error}", id=id)]
    missing = missing_of(target)
    return [Error(f"{setting} names {path}, which lacks {', '.join(missing)}.", id=id)] if missing else []


def _missing_of_handler(job_type: str, target: Any) -> list[str]:
    if not isinstance(target, type):
        return ["a class"]
    needs: tuple[str, ...] = _EFFECT_NEEDS
    if hasattr(target, "compose"):
        needs = _MAIL_NEEDS
    elif hasattr(target, "compose_text"):
        needs = _TEXT_NEEDS
    missing = [name for name in needs if not hasattr(target, name)]
    return missing or ([] if getattr(target, "type", None) == job_type else [f"the type {job_type!r}"])


def _missing_of_callable(target: Any) -> list[str]:
    return [] if callable(target) else ["a call"]
