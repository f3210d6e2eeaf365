"""The walk-in: the one client that is nobody in particular (contract §11 "create"; docs/adr/0094).

The desk books who comes without an appointment under it. There is nobody to write to or to count, so it has
no address and no number, takes no part in merging, erasing and waiting, and is not archived.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext, override

from clients.models import Client
from staff.models import SalonSettings
from staff.wire.refusals import Conflict

PERSONAL = ("email", "phone", "mobile", "birthday", "marketing_consent")
"""What a person has, and the walk-in has not."""


class IsWalkIn(Conflict):
    code = "walk_in_client"
    message = (
        "The walk-in stands for whoever comes without an appointment, and this needs a person. "
        "Make a client for them, give them the booking, and use that client."
    )


def known_walk_in_id() -> int | None:
    """Its id; None before it is first needed. One statement."""
    return Client.objects.filter(is_walk_in=True).order_by().values_list("pk", flat=True).first()


def walk_in(salon: SalonSettings) -> Client:
    """The row, made when it is first needed, in the salon's language; two who ask at once get one."""
    with override(salon.locale):
        name = gettext("Walk-in")
    found, _ = Client.objects.get_or_create(is_walk_in=True, defaults={"first_name": name})
    return found


def refuse_walk_in(*clients: Client | None) -> None:
    """Raises IsWalkIn where one of them is it."""
    if any(each is not None and each.is_walk_in for each in clients):
        raise IsWalkIn


def check_no_person(client: Client, fields: Mapping[str, Any]) -> None:
    """The walk-in keeps a name, notes and an alert. Raises IsWalkIn where `fields` make a person of it."""
    if client.is_walk_in and (fields.get("is_archived") or any(fields.get(name) for name in PERSONAL)):
        raise IsWalkIn
