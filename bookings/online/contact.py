"""Who books online: what they typed, and which client that is (contract §9 "who is it"; docs/adr/0087).

A submission proves nothing about who sent it, so it writes nothing on a client who is there already. What was
typed stays on the visit, and the salon takes it over.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Q
from rest_framework import serializers

from bookings.online.digests import digest
from bookings.online.submission import Submission
from clients.models import Client
from clients.records import add_client, not_archived
from staff.models import SalonSettings
from staff.salon.online import LANGUAGES
from staff.wire.fields import EmailAddressField, TextField
from staff.wire.phones import e164, has_digit
from staff.wire.refusals import BadRequest

LONGEST_NAME = 80
LONGEST_PHONE = 40
LONGEST_NOTE = 1_000
_LINK = re.compile(r"://|@|www\.|\d[.。]\d|[.。]\w{2,}")
"""An address, or what a mail program takes for one: after a dot two letters or more without a space."""


class ContactTyped(TypedDict):
    """`Visit.contact_typed`. `verified`: a mailed code proved the address. `new_client`: this submission made
    the client. `perhaps_client_ids`: others with the same address or number, for a merge. `taken_over_at`:
    ISO, UTC; null until the salon has written it on the client."""

    first_name: str
    last_name: str
    email: str
    phone: str
    note: str
    marketing_consent: bool
    locale: str
    verified: bool
    new_client: bool
    perhaps_client_ids: list[int]
    taken_over_at: str | None


@dataclass(frozen=True, slots=True)
class Contact:
    """What was typed, as it would be stored. `number`: E.164, or "" where `phone` is none."""

    first_name: str
    last_name: str
    email: str
    phone: str
    number: str
    note: str
    marketing_consent: bool
    locale: str

    @property
    def mail_digest(self) -> str:
        return digest("mail", self.email.lower())

    @property
    def number_digest(self) -> str:
        return digest("number", self.number) if self.number else ""

    @property
    def digests(self) -> list[str]:
        """Of the address, and of the number where there is one."""
        return [each for each in (self.mail_digest, self.number_digest) if each]


@dataclass(frozen=True, slots=True)
class Found:
    """The client, whether they were made now, and others who may be the same person."""

    client: Client
    new: bool
    perhaps: list[int]


class ContactSerializer(serializers.Serializer[Any]):
    """What every submission says of a person, in the strict fields of the API."""

    first_name = TextField(max_length=LONGEST_NAME, single_line=True, allow_blank=False)
    last_name = TextField(max_length=LONGEST_NAME, single_line=True, allow_blank=False)
    email = EmailAddressField(allow_blank=False)
    phone = TextField(max_length=LONGEST_PHONE, single_line=True)
    note = TextField(max_length=LONGEST_NOTE)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        for name in ("first_name", "last_name"):
            if reads_as_link(attrs[name]):
                raise serializers.ValidationError(
                    {name: "Send a name without a link; write a space after a dot."}
                )
        if attrs["phone"] and not has_digit(attrs["phone"]):
            raise serializers.ValidationError({"phone": "Send a telephone number, or leave it empty."})
        return attrs


def reads_as_link(name: str) -> bool:
    """Our mails greet people by their names, and a mail program makes a link of `example.com/win`."""
    plain = unicodedata.normalize("NFKC", name).lower()
    return bool(_LINK.search("".join(each for each in plain if unicodedata.category(each) != "Cf")))


def read_contact(submission: Submission, *, salon: SalonSettings) -> Contact:
    """What was typed, read strictly. Raises BadRequest with `details` of every field that is wrong."""
    asked = ContactSerializer(
        data={
            "first_name": submission.first_name,
            "last_name": submission.last_name,
            "email": submission.email,
            "phone": submission.phone,
            "note": submission.note,
        }
    )
    if not asked.is_valid():
        details = {name: [str(each) for each in errors] for name, errors in asked.errors.items()}
        first, sentences = next(iter(details.items()))
        raise BadRequest(f"{first}: {sentences[0]}", details=details)
    typed = asked.validated_data
    return Contact(
        **typed,
        number=e164(typed["phone"], region=salon.country) or "",
        marketing_consent=submission.marketing_consent,
        locale=submission.locale if submission.locale in LANGUAGES else "",
    )


def client_for(contact: Contact, *, salon: SalonSettings, now: datetime) -> Found:
    """The one client with this mail address and this number together, as they are; else a new one, in the
    caller's transaction."""
    alike = list(_alike(contact))
    both = [each for each in alike if _has_mail(each, contact) and _has_number(each, contact)]
    if len(both) != 1:
        return make_client(contact, perhaps=[each.pk for each in alike], salon=salon, now=now)
    client = both[0]
    return Found(client, new=False, perhaps=[each.pk for each in alike if each.pk != client.pk])


def keep_consent(found: Found, contact: Contact, *, now: datetime) -> None:
    """What a mailed code has proved to come from the client; locks them, as the door does. An empty tick
    takes no consent back that was given before."""
    if contact.marketing_consent:
        Client.objects.filter(pk=found.client.pk, marketing_consent=False).update(
            marketing_consent=True, updated_at=now
        )


def make_client(contact: Contact, *, perhaps: list[int], salon: SalonSettings, now: datetime) -> Found:
    fields = {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "mobile": contact.phone,
        "locale": contact.locale,
        "marketing_consent": contact.marketing_consent,
    }
    return Found(add_client(fields=fields, salon=salon, now=now), new=True, perhaps=perhaps)


def typed_on_visit(contact: Contact, found: Found, *, verified: bool) -> ContactTyped:
    return {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "email": contact.email,
        "phone": contact.number or contact.phone,
        "note": contact.note,
        "marketing_consent": contact.marketing_consent,
        "locale": contact.locale,
        "verified": verified,
        "new_client": found.new,
        "perhaps_client_ids": found.perhaps,
        "taken_over_at": None,
    }


def _alike(contact: Contact) -> Any:
    """Clients with the address or the number, by id; some are enough for a hint."""
    alike = Q(email__iexact=contact.email)
    if contact.number:
        alike |= Q(mobile=contact.number) | Q(phone=contact.number)
    return not_archived().filter(alike, is_walk_in=False).order_by("pk")[:20]


def _has_mail(client: Client, contact: Contact) -> bool:
    return client.email.lower() == contact.email.lower()


def _has_number(client: Client, contact: Contact) -> bool:
    return bool(contact.number) and contact.number in (client.mobile, client.phone)
