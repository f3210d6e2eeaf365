"""The form in which a client says who they are: its fields, what was entered, what is wrong with it.

What is wrong is decided by `bookings.online`; here it is said, in the reader's language.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from django.core import signing
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.online import Submission, Wanted
from bookings.online.contact import reads_as_link
from bookings.pages.booking_state import Asked

KEY_BYTES = 16
LONGEST_ENTRY = 2000
HONEYPOT = "website"
_OPENED = "bookings.pages.booking_form"


class Field(NamedTuple):
    """One field as the template draws it."""

    name: str
    label: str
    kind: str
    autocomplete: str
    is_required: bool
    value: str
    fault: str
    hint: str


class Fault(NamedTuple):
    """A line of the summary, which leads to its field."""

    field: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Entered:
    """The form as it came, or as it is shown for the first time. Texts are as typed.

    `key` is the idempotency key, `opened` the signed time at which the form was shown first,
    `policy_version` that of the text which stood in it, `proof` the solved challenge.
    """

    key: str
    opened: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    phone: str = ""
    note: str = ""
    marketing: bool = False
    accepts: bool = False
    policy_version: int | None = None
    proof: str = ""
    code: str = ""
    honeypot: str = ""

    @classmethod
    def anew(cls, *, now: datetime) -> Entered:
        return cls(secrets.token_urlsafe(KEY_BYTES), signing.dumps(now.timestamp(), salt=_OPENED))

    def with_new_key(self) -> Entered:
        """For another submission than the one that the key stood for."""
        return replace(self, key=secrets.token_urlsafe(KEY_BYTES))

    @classmethod
    def read(cls, form: QueryDict) -> Entered:
        def text(name: str) -> str:
            return form.get(name, "")[:LONGEST_ENTRY]

        version = text("policy_version")
        return cls(
            key=text("key"),
            opened=text("opened"),
            first_name=text("first_name"),
            last_name=text("last_name"),
            email=text("email"),
            phone=text("phone"),
            note=text("note").replace("\r\n", "\n"),
            marketing=bool(form.get("marketing")),
            accepts=bool(form.get("accepts")),
            policy_version=int(version) if version.isascii() and version.isdecimal() else None,
            proof=text("altcha"),
            code="".join(text("code").split()),
            honeypot=text(HONEYPOT),
        )

    def carried(self) -> list[tuple[str, str]]:
        """Everything but the code, for the form that asks for it; empty values are left out."""
        pairs = [
            ("key", self.key),
            ("opened", self.opened),
            ("first_name", self.first_name),
            ("last_name", self.last_name),
            ("email", self.email),
            ("phone", self.phone),
            ("note", self.note),
            ("marketing", "1" if self.marketing else ""),
            ("accepts", "1" if self.accepts else ""),
            ("policy_version", "" if self.policy_version is None else str(self.policy_version)),
        ]
        return [(name, value) for name, value in pairs if value]

    def submission(self, asked: Asked, *, wanted: list[Wanted], locale: str, now: datetime) -> Submission:
        """What `bookings.online` takes; `start_at` is `now` for somebody who waits, and not looked at."""
        return Submission(
            items=wanted,
            start_at=asked.start_at or now,
            first_name=self.first_name,
            last_name=self.last_name,
            email=self.email,
            phone=self.phone,
            note=self.note,
            marketing_consent=self.marketing,
            policy_version=self.policy_version if self.accepts else None,
            locale=locale,
            location=asked.location,
            proof=self.proof,
            code=self.code,
            honeypot=self.honeypot,
            form_age=self.age(now=now),
            idempotency_key=self.key,
        )

    def age(self, *, now: datetime) -> timedelta:
        """How long the form has been open; nothing where its time was not signed by us."""
        try:
            return timedelta(seconds=now.timestamp() - signing.loads(self.opened, salt=_OPENED))
        except signing.BadSignature:
            return timedelta(0)

    def fields(self, faults: Mapping[str, str]) -> list[Field]:
        """The fields in their order, in the active language."""
        mail_hint = _("We send the confirmation there.")
        rows = (
            ("first_name", _("First name"), "text", "given-name", True, self.first_name, ""),
            ("last_name", _("Last name"), "text", "family-name", True, self.last_name, ""),
            ("email", _("E-mail"), "email", "email", True, self.email, mail_hint),
            ("phone", _("Mobile number"), "tel", "tel", False, self.phone, ""),
        )
        return [
            Field(name, label, kind, autocomplete, required, value, faults.get(name, ""), hint)
            for name, label, kind, autocomplete, required, value, hint in rows
        ]


def faults_in(details: Mapping[str, object], entered: Entered, *, unaccepted: bool = False) -> dict[str, str]:
    """For each field that was refused a sentence in the active language; what is no field of the form is left
    out. `unaccepted`: terms without their tick, which are told at once beside other faults."""
    refused = {name for name in _ORDER if name in details}
    if refused and unaccepted:
        refused.add("policy_version")
    return {name: _sentence(name, entered) for name in _ORDER if name in refused}


_ORDER = ("first_name", "last_name", "email", "phone", "note", "policy_version")


def _sentence(name: str, entered: Entered) -> str:
    match name:
        case "first_name":
            return _no_name(entered.first_name) or _("Please enter your first name.")
        case "last_name":
            return _no_name(entered.last_name) or _("Please enter your last name.")
        case "email" if not entered.email.strip():
            return _("Please enter your e-mail address.")
        case "email":
            return _("This is no e-mail address we can write to. One looks like name@example.com.")
        case "phone":
            return _("Please enter the number with its area code, or leave it empty.")
        case "note":
            return _("Please shorten your note.")
    if entered.accepts:
        return _("Our terms have changed. Please read them again.")
    return _("Please read and accept our terms.")


def _no_name(name: str) -> str:
    """What is wrong with a name that was entered; "" where none was."""
    if not name.strip():
        return ""
    if reads_as_link(name):
        return pgettext("a name", "Please write a name without a link, with a space after each dot.")
    return pgettext("a name", "Please write a name, on one line and not longer than 80 characters.")


def summary_of(faults: Mapping[str, str]) -> list[Fault]:
    return [Fault("accepts" if name == "policy_version" else name, text) for name, text in faults.items()]
