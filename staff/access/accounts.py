"""Logging in and out, and passwords (contract §1.5, /api/auth).

Names: log_in, Login, log_out, log_out_everywhere, change_password, set_password, check_new_password,
account_name.

Failures are counted by axes for the account as it is written in lower case, whether it exists or not: after
10 in 15 minutes every attempt on it is refused, the right password included. The hasher runs for unknown
accounts too, so that the time of the answer tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.contrib.auth.signals import user_logged_in
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max
from django.http import HttpRequest
from knox.models import AuthToken

from staff.models import Staff
from staff.wire.addresses import login_address
from staff.wire.refusals import BadRequest, NotLoggedIn, TooMany

LONGEST_PASSWORD = 500


@dataclass(frozen=True, slots=True)
class Login:
    """A fresh login: `token` is shown once and stored hashed; `expires_at` is UTC."""

    person: Staff
    token: str
    expires_at: datetime


def log_in(request: HttpRequest, *, email: str, password: str, now: datetime) -> Login:
    """Raises NotLoggedIn (one sentence for every reason) and TooMany after 10 failures in 15 minutes."""
    account = account_name(None, {"username": email})
    if not AxesProxyHandler.is_allowed(request, {"username": account}):
        raise _locked_out(account, now=now)
    person = authenticate(request=request, username=account, password=password)
    # The tenth failure sets it, and axes' middleware would replace our answer.
    request.axes_locked_out = False  # type: ignore[attr-defined]
    if not isinstance(person, Staff):
        raise NotLoggedIn(
            "The e-mail address or the password is not right; try again or reset the password.",
            code="invalid_credentials",
        )
    user_logged_in.send(sender=Staff, request=request, user=person)
    AuthToken.objects.filter(user=person, expiry__lte=now).delete()
    row, token = AuthToken.objects.create(person)
    return Login(person=person, token=token, expires_at=row.expiry)


def log_out(token: AuthToken) -> None:
    token.delete()


def log_out_everywhere(person: Staff, *, but: AuthToken | None = None) -> None:
    """Every token of this person is gone, save the one given."""
    tokens = AuthToken.objects.filter(user=person)
    if but is not None:
        tokens = tokens.exclude(pk=but.pk)
    tokens.delete()


def change_password(person: Staff, *, old: str, new: str, keep: AuthToken | None) -> None:
    """Raises BadRequest for a wrong old or a weak new password. Other tokens than `keep` are gone."""
    if not person.check_password(old):
        raise BadRequest.field("old", "This is not your present password.")
    set_password(person, new, field="new", keep=keep)


def set_password(person: Staff, new: str, *, field: str, keep: AuthToken | None = None) -> None:
    """Sets a password that passes the rules; ends all other logins. Raises BadRequest on `field`."""
    check_new_password(new, person=person, field=field)
    with transaction.atomic():
        person.set_password(new)
        person.save(update_fields=["password"])
        log_out_everywhere(person, but=keep)


def check_new_password(new: str, *, person: Staff | None, field: str) -> None:
    """Raises BadRequest on `field` with every rule the password breaks."""
    try:
        validate_password(new, user=person)
    except ValidationError as weak:
        raise BadRequest(f"{field}: {weak.messages[0]}", details={field: weak.messages}) from None


def account_name(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The account a login is counted on (AXES_USERNAME_CALLABLE): one, however the address is written."""
    given = (credentials or {}).get("username") or (request.POST.get("username") if request else "")
    return login_address(str(given or ""))


def _locked_out(account: str, *, now: datetime) -> TooMany:
    pause: timedelta = settings.AXES_COOLOFF_TIME
    newest = AccessAttempt.objects.filter(username=account).aggregate(newest=Max("attempt_time"))["newest"]
    left = (newest or now) + pause - now
    seconds = max(1, round(left.total_seconds()))
    return TooMany(
        "Too many failed logins for this account; wait a quarter of an hour.",
        code="account_locked",
        retry_after=seconds,
    )
