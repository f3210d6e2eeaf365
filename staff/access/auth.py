"""Who is asking, and what they may do: contract §0, §1.3 "who" and §1.5 (auth, api-keys).

Names: ApiKeyAuthentication, StaffTokenAuthentication; find_key, make_key_secret, KEY_PREFIX;
IsLoggedIn, IsPerson, IsAdmin, IsAdminOrKey, PersonWrites, AdminWrites, AnyoneButKeys;
actor_of, actor_for, person_of, salon_of.

Two credentials come as `Authorization: Bearer <...>`: a staff member's token (knox, stored hashed) and an
API key, told apart by `KEY_PREFIX`. Both are looked up by the hash of the whole secret, in one statement.
`request.auth` is the `AuthToken` or the `ApiKey`; `request.user` is the `Staff`, None for a key.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db.models import CharField, DateTimeField, Q
from django.http import HttpRequest
from django.utils import timezone
from knox.crypto import hash_token
from knox.models import AuthToken
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from staff.access.actor import Actor
from staff.models import ApiKey, SalonSettings, Staff
from staff.storage.prepared_statements import Blank, Prepared, PreparedRows, columns_of, row_of
from staff.wire.refusals import Forbidden, NotLoggedIn

KEY_PREFIX = "bkey_"
"""Every API key starts with it, whatever its dialect; a staff token never does (it is hexadecimal)."""
SHOWN_KEY_LENGTH = len(KEY_PREFIX) + 8
SECRET_BYTES = 32
LAST_USED_STEP = timedelta(minutes=1)
SCHEME = "Bearer"


def make_key_secret() -> tuple[str, str, str]:
    """A fresh API key: the secret (256 random bits), the prefix people recognise it by, and its hash."""
    secret = KEY_PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    return secret, secret[:SHOWN_KEY_LENGTH], hash_key(secret)


def hash_key(secret: str) -> str:
    """sha256 of a key, hexadecimal: what `ApiKey.secret_hash` holds."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def find_key(secret: str, dialect: str, *, now: datetime | None = None) -> ApiKey | None:
    """The live key of this dialect with this secret; None when unknown, foreign, revoked or expired.

    Its `mode` is for the caller to judge: every dialect words that refusal its own way. Writes
    `last_used_at` at most once a minute.
    """
    now = now or timezone.now()
    key = _LIVE_KEY.first(digest=hash_key(secret), dialect=dialect, now=now)
    if key is not None:
        _note_use(key, now=now)
    return key


_LIVE_KEY = PreparedRows(
    ApiKey,
    lambda: ApiKey.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=Blank("now", DateTimeField())),
        secret_hash=Blank("digest", CharField()),
        dialect=Blank("dialect", CharField()),
        revoked_at__isnull=True,
    ).order_by(),
)
"""A key that is valid now; no two have one hash."""


def bearer_of(request: Request) -> str | None:
    """The secret after `Authorization: Bearer`, None when there is none."""
    parts = get_authorization_header(request).split()
    if len(parts) != 2 or parts[0].lower() != SCHEME.lower().encode():
        return None
    return parts[1].decode("utf-8", "replace")


class ApiKeyAuthentication(BaseAuthentication):
    """A native API key. Takes only secrets that start with `KEY_PREFIX`, so it stands before the tokens."""

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        secret = bearer_of(request)
        if secret is None or not secret.startswith(KEY_PREFIX):
            return None
        key = find_key(secret, ApiKey.Dialect.NATIVE)
        if key is None:
            raise _unknown(
                "This API key is unknown here, revoked or expired; ask an administrator for another."
            )
        return None, key

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class StaffTokenAuthentication(BaseAuthentication):
    """A staff member's token. Looked up by its hash in one statement that brings the person along.

    Knox's own class reads all tokens of the person, deletes on GET and fails on a header that is not UTF-8.
    """

    def authenticate(self, request: Request) -> tuple[Staff, AuthToken] | None:
        secret = bearer_of(request)
        if secret is None:
            return None
        found = _LIVE_TOKEN.rows(digest=hash_token(secret), now=timezone.now())
        if not found:
            raise _unknown("This token is unknown or has expired; log in again.")
        token = row_of(AuthToken, found[0][: len(_TOKEN_COLUMNS)])
        token.user = row_of(Staff, found[0][len(_TOKEN_COLUMNS) : len(_TOKEN_COLUMNS) + len(_STAFF_COLUMNS)])
        settings_row = found[0][len(_TOKEN_COLUMNS) + len(_STAFF_COLUMNS) :]
        if settings_row[0] is not None:
            _keep_salon(request, row_of(SalonSettings, settings_row))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


_TOKEN_COLUMNS = columns_of(AuthToken)
_STAFF_COLUMNS = columns_of(Staff)
_LIVE_TOKEN = Prepared(
    lambda: (
        AuthToken.objects.filter(
            Q(expiry__isnull=True) | Q(expiry__gt=Blank("now", DateTimeField())),
            digest=Blank("digest", CharField()),
            user__is_active=True,
        )
        .order_by()
        .values_list(*_TOKEN_COLUMNS, *(f"user__{name}" for name in _STAFF_COLUMNS))
    ),
    beside=SalonSettings.the_row,
)
"""A token that is valid now, whose it is, and the salon's settings, which nearly every call needs."""


class IsLoggedIn(BasePermission):
    """A staff member, or a native key within its mode (read = GET, write = the rest)."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.auth is None:
            raise NotLoggedIn
        if isinstance(request.auth, ApiKey):
            self.check_key(request, request.auth)
        else:
            self.check_person(request, person_of(request))
        return True

    def check_key(self, request: Request, key: ApiKey) -> None:
        reads = request.method in SAFE_METHODS
        needed = ApiKey.Mode.READ if reads else ApiKey.Mode.WRITE
        if not key.mode & needed:
            verb = "read" if reads else "write"
            raise Forbidden(f"This API key may not {verb}; use one whose mode allows it.", code="key_mode")

    def check_person(self, request: Request, person: Staff) -> None:
        """Every staff member may; subclasses say who may not (raise Forbidden)."""


class IsPerson(IsLoggedIn):
    """A staff member; never an API key."""

    def check_key(self, request: Request, key: ApiKey) -> None:
        raise Forbidden("An API key may not do this; log in as a person.", code="not_for_keys")


class IsAdmin(IsPerson):
    """An administrator in person; never an API key."""

    def check_person(self, request: Request, person: Staff) -> None:
        if not person.is_admin:
            raise Forbidden("Only an administrator may do this.", code="admin_only")


class IsAdminOrKey(IsLoggedIn):
    """An administrator, or a native key within its mode: it acts as one on bookings, clients and the like."""

    def check_person(self, request: Request, person: Staff) -> None:
        IsAdmin().check_person(request, person)


class PersonWrites(IsLoggedIn):
    """Every staff member and key that may read reads; only a person writes (whose rows: the domain says)."""

    def check_key(self, request: Request, key: ApiKey) -> None:
        if request.method not in SAFE_METHODS:
            IsPerson().check_key(request, key)
        super().check_key(request, key)


class AdminWrites(PersonWrites):
    """Every staff member and key that may read reads; only an administrator in person writes."""

    def check_person(self, request: Request, person: Staff) -> None:
        if request.method not in SAFE_METHODS:
            IsAdmin().check_person(request, person)


class AnyoneButKeys(BasePermission):
    """Open to people who are not logged in (login, password reset); an API key has no business there."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if isinstance(request.auth, ApiKey):
            IsPerson().check_key(request, request.auth)
        return True


def salon_of(request: Request | HttpRequest) -> SalonSettings:
    """The salon's settings, read once per request (docs/adr/0013)."""
    http_request = request._request if isinstance(request, Request) else request
    salon: SalonSettings | None = getattr(http_request, "_salon", None)
    if salon is None:
        salon = SalonSettings.load()
        _keep_salon(http_request, salon)
    return salon


def _keep_salon(request: Request | HttpRequest, salon: SalonSettings) -> None:
    http_request = request._request if isinstance(request, Request) else request
    http_request._salon = salon  # type: ignore[attr-defined]


def actor_of(request: Request) -> Actor:
    """Who acts in this native API call. Raises NotLoggedIn. Reads the settings only for a limited person."""
    actor: Actor | None = getattr(request._request, "_actor", None)
    if actor is None:
        actor = _key_actor(request.auth) if isinstance(request.auth, ApiKey) else _person_actor(request)
        request._request._actor = actor  # type: ignore[attr-defined]
    return actor


def actor_for(person: Staff, *, salon: SalonSettings, channel: str) -> Actor:
    """This staff member coming through `channel`, limited to their own agenda where contract §1.3 says so."""
    limited = salon.staff_personal_agenda_enabled and _may_be_limited(person)
    return Actor(
        type="staff",
        id=person.pk,
        name=person.name,
        channel=channel,
        is_admin=person.is_admin,
        agenda_of=person.pk if limited else None,
    )


def person_of(request: Request) -> Staff:
    """The staff member who is logged in. Raises NotLoggedIn, and Forbidden for an API key."""
    if isinstance(request.auth, ApiKey):
        IsPerson().check_key(request, request.auth)
    if not isinstance(request.user, Staff):
        raise NotLoggedIn
    return request.user


def _note_use(key: ApiKey, *, now: datetime) -> None:
    if key.last_used_at is not None and now - key.last_used_at < LAST_USED_STEP:
        return
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
    key.last_used_at = now


def _key_actor(key: ApiKey) -> Actor:
    return Actor(type="api_key", id=key.pk, name=key.name, channel="api", is_admin=True)


def _person_actor(request: Request) -> Actor:
    person = person_of(request)
    if not _may_be_limited(person):
        return Actor(type="staff", id=person.pk, name=person.name, channel="api", is_admin=person.is_admin)
    return actor_for(person, salon=salon_of(request), channel="api")


def _may_be_limited(person: Staff) -> bool:
    return not person.is_admin and not person.sees_all_bookings


def _unknown(message: str) -> NotLoggedIn:
    return NotLoggedIn(message, code="invalid_token")
