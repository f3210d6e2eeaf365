"""The mailed code: six digits that prove an address, for ten minutes and five tries (contract §9 "code").

It is asked of everybody or of nobody, never by what we know of a contact. Neither the digits nor a hash of
them is stored: our key makes them from the row's nonce (docs/adr/0088).
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.db.models import F
from django.utils.crypto import constant_time_compare

from bookings.models import MailedCode
from bookings.online import limits
from bookings.online.contact import Contact
from bookings.online.digests import digest
from bookings.online.submission import CodeAsked, CodeSpent, TooManySubmissions
from notifications import outbox
from notifications.models import Message
from notifications.outbox import Due
from notifications.retention import FORGOTTEN
from staff.access.idempotency import KeyReused

VALID = timedelta(minutes=10)
MOST_TRIES = 5
KEPT = timedelta(hours=1)
BATCH = 500
JOB_TYPE = "visit.code"


def digits_of(code: MailedCode) -> str:
    return f"{int(digest('code', code.nonce), 16) % 10**6:06d}"


def mail_code(
    contact: Contact, *, scope: str, body_hash: str, hold_token: str = "", now: datetime
) -> MailedCode:
    """A code for this submission and the mail that brings it, in the caller's transaction and after
    `take_turn`; an older one of the same submission is void. Raises TooManySubmissions over three in an hour
    to this address or number."""
    if not limits.may_mail_code(contact.digests, now=now):
        raise TooManySubmissions(retry_after=3600)
    MailedCode.objects.filter(scope=scope).delete()
    code = MailedCode.objects.create(
        scope=scope,
        body_hash=body_hash,
        email=contact.email,
        locale=contact.locale,
        nonce=secrets.token_urlsafe(24),
        hold_token=hold_token,
        created_at=now,
        expires_at=now + VALID,
    )
    due = Due(
        type=JOB_TYPE,
        once_key=_once_key(code),
        run_at=now,
        to=contact.email,
        payload={"code_id": code.pk},
    )
    outbox.enqueue([due], now=now)
    limits.count_code(contact.digests, now=now)
    return code


def asked(code: MailedCode, *, wrong: bool = False) -> CodeAsked:
    return CodeAsked(
        email=code.email,
        expires_at=code.expires_at,
        held=bool(code.hold_token),
        wrong=wrong,
        tries_left=MOST_TRIES - code.tries,
    )


def waiting_code(scope: str, body_hash: str) -> MailedCode | None:
    """The code that was mailed for this submission, expired or not. Raises KeyReused (422) where the same
    key came with something else."""
    code = MailedCode.objects.filter(scope=scope).first()
    if code is not None and code.body_hash != body_hash:
        raise KeyReused
    return code


def is_waiting(code: MailedCode, *, now: datetime) -> bool:
    """Whether it can still be typed: after five wrong tries, or ten minutes, only a new one helps."""
    return code.expires_at > now and code.tries < MOST_TRIES


def is_right(code: MailedCode, typed: str, *, now: datetime) -> bool:
    """Whether these are the digits; a wrong try is counted, and stays counted whatever becomes of the rest.

    Raises CodeSpent after ten minutes or five wrong tries. To be called outside any transaction.
    """
    if code.expires_at <= now:
        raise CodeSpent
    # Counted first, and only while there are tries left: who guesses in parallel guesses five times as well.
    counted = MailedCode.objects.filter(pk=code.pk, tries__lt=MOST_TRIES).update(tries=F("tries") + 1)
    if not counted:
        raise CodeSpent
    if constant_time_compare(typed.strip(), digits_of(code)):
        return True
    code.tries += 1
    return False


def forget_codes(*, now: datetime) -> int:
    """Periodic: codes an hour after they expired, and in the message log whom they went to; gives how many.

    Somebody who typed an address and no more is nobody of the salon's.
    """
    old = list(MailedCode.objects.filter(expires_at__lte=now - KEPT)[:BATCH])
    Message.objects.filter(job__once_key__in=[_once_key(each) for each in old]).update(
        **FORGOTTEN, to="", subject=""
    )
    return MailedCode.objects.filter(pk__in=[each.pk for each in old]).delete()[0]


def _once_key(code: MailedCode) -> str:
    return f"{JOB_TYPE}:{code.nonce}"
