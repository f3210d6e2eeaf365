"""A client as it stands on the wire (contract §1.5)."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict
from zoneinfo import ZoneInfo

from clients.models import Client
from staff.printing import LANGUAGE_CODES
from staff.salon.affected import AffectedBookingJson
from staff.wire.answers import Count, Date, Id, Key, When, one_of
from staff.wire.times import print_date, print_when


class ClientJson(TypedDict):
    """A person who comes to the salon; `locale` "" is the salon's own language."""

    id: Id
    first_name: str
    last_name: str
    name: str
    email: str
    phone: str
    mobile: str
    birthday: Date | None
    notes: str
    alert: Annotated[str, "For staff alone: in no mail, on no page of the client's."]
    locale: Annotated[str, one_of(["", *LANGUAGE_CODES])]
    marketing_consent: bool
    no_show_count: Count
    key: Key
    is_archived: bool
    created_at: When
    updated_at: When
    is_walk_in: Annotated[bool, "Nobody in particular: who comes without an appointment."]


class ClientChangedJson(ClientJson):
    affected_bookings: NotRequired[
        Annotated[list[AffectedBookingJson], "Where the client was archived: what they still have ahead."]
    ]


def client_json(client: Client, *, zone: ZoneInfo) -> ClientJson:
    """Times on the wall clock of `zone`."""
    return {
        "id": client.pk,
        "first_name": client.first_name,
        "last_name": client.last_name,
        "name": client.name,
        "email": client.email,
        "phone": client.phone,
        "mobile": client.mobile,
        "birthday": None if client.birthday is None else print_date(client.birthday),
        "notes": client.notes,
        "alert": client.alert,
        "locale": client.locale,
        "marketing_consent": client.marketing_consent,
        "no_show_count": client.no_show_count,
        "key": str(client.key),
        "is_archived": client.archived_at is not None,
        "created_at": print_when(client.created_at, zone=zone),
        "updated_at": print_when(client.updated_at, zone=zone),
        "is_walk_in": client.is_walk_in,
    }
