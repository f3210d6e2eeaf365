"""A forgotten password: asking for a link, and setting a new one with it (contract §1.5).

Names: ask_for_reset, token_for, reset_password, person_behind, JOB_TYPE.

The token is Django's: an HMAC over the person, the password hash and the last login. It works once and for
`settings.PASSWORD_RESET_TIMEOUT` seconds, and is stored nowhere but in the mail: the job carries none.
"""

from __future__ import annotations

import re
import uuid
from datetime import datetime, timedelta

from axes.handlers.proxy import AxesProxyHandler
from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.db.models import QuerySet
from django.utils.http import base36_to_int, int_to_base36

from notifications import outbox
from notifications.models import Job
from staff.access.accounts import set_password
from staff.models import Staff
from staff.wire.addresses import login_address
from staff.wire.refusals import Gone

JOB_TYPE = "password.reset"
MOST_MAILS = 5
IN_A = timedelta(hours=1)
_TOKEN = re.compile(r"([0-9a-z]{1,13})-([0-9a-z]{1,13}-[0-9a-f]{20,64})")


class ResetLinkSpent(Gone):
    code = "link_spent"
    message = "This link has been used or has expired; ask for another one."


def ask_for_reset(*, email: str, base_url: str, now: datetime) -> None:
    """Mails a link under `base_url` ("" is PUBLIC_URL) to the person with this address, if there is one.

    Nothing tells the caller whether there was. At most five mails an hour for a person.
    """
    person = Staff.objects.filter(email=login_address(email), is_active=True).first()
    if person is None:
        return
    recipient = outbox.Recipient.staff(person.pk)
    lately = Job.objects.filter(type=JOB_TYPE, recipient=recipient, created_at__gt=now - IN_A)
    if lately.count() >= MOST_MAILS:
        return
    due = outbox.Due(
        type=JOB_TYPE,
        once_key=f"{JOB_TYPE}:{person.pk}:{uuid.uuid4()}",
        run_at=now,
        recipient=recipient,
        to=person.email or "",
        payload={"base_url": base_url},
        dedupe_key=f"{JOB_TYPE}:{person.pk}",
    )
    with transaction.atomic():
        outbox.enqueue([due], now=now)


def token_for(person: Staff) -> str:
    """What the link ends with: who, and Django's token."""
    return f"{int_to_base36(person.pk)}-{default_token_generator.make_token(person)}"


def person_behind(token: str, *, people: QuerySet[Staff] | None = None) -> Staff:
    """Whose password the token may set. Raises ResetLinkSpent."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise ResetLinkSpent
    candidates = Staff.objects.all() if people is None else people
    person = candidates.filter(pk=_number(match[1]), is_active=True).first()
    if person is None or not default_token_generator.check_token(person, match[2]):
        raise ResetLinkSpent
    return person


def reset_password(*, token: str, new: str) -> None:
    """Sets the password, ends all logins and opens a closed account again. Once, also when two race.

    Raises ResetLinkSpent, and BadRequest on `new`.
    """
    with transaction.atomic():
        person = person_behind(token, people=Staff.objects.select_for_update(no_key=True))
        set_password(person, new, field="new")
    AxesProxyHandler.reset_attempts(username=person.email)


def _number(base36: str) -> int:
    number = base36_to_int(base36)
    return number if number < 2**63 else 0
