"""What the door checks before it writes (contract §1.2-1.3). Raises staff.wire.refusals / bookings.errors."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from django.db.models import BigAutoField

from bookings.errors import ClientAlreadyInSession, SessionFull, no_room
from bookings.lifecycle.locks import locked
from bookings.models import LEGAL_STATUS_PAIRS, Booking, Visit
from bookings.slots.warn_or_refuse import Circumstances
from clients.models import Client
from staff.access.actor import Actor
from staff.models import Location, SalonSettings, Service, Staff
from staff.storage.prepared_statements import Blank, Prepared, PreparedRows
from staff.wire.money import minor_digits, shown_digits
from staff.wire.refusals import BadRequest, Stale


def is_deliberate(*, actor: Actor, asked: bool, salon: SalonSettings) -> bool:
    """Whether this write may overlap: asked for, or by staff where the salon allows it (contract §1.3)."""
    allowed = salon.double_booking == SalonSettings.DoubleBooking.ALLOW
    return asked or (allowed and actor.type != "client")


def check_version(stored: Booking | Visit, expected_version: int | None) -> None:
    if expected_version is not None and stored.version != expected_version:
        what = stored._meta.verbose_name_raw
        raise Stale(
            f"The {what} has changed meanwhile: it is at version {stored.version}, you sent "
            f"{expected_version}. Read it again and repeat your change."
        )


def check_pair(status: str, detail: str, *, field: str = "status") -> None:
    """Raises BadRequest at the `field` that was sent."""
    if (status, detail) not in LEGAL_STATUS_PAIRS:
        raise BadRequest.field(field, f"'{status}' with the detail '{detail}' is not a legal pair.")


def check_price(price: Decimal | None, *, salon: SalonSettings) -> None:
    """What was agreed can be paid in the salon's currency."""
    if price is None:
        return
    digits = minor_digits(salon.currency)
    if price < 0 or shown_digits(price, at_least=digits) > digits:
        decimals = f"at most {digits} decimals" if digits else "no decimals"
        raise BadRequest.field(
            "price", f"Send an amount from 0 with {decimals}: that is how it is paid in {salon.currency}."
        )


def find_client(client_id: int | None) -> Client:
    """Locked: who is merged or erased meanwhile is not booked for. Raises BadRequest."""
    if client_id is None:
        raise BadRequest.field("client_id", "A booking belongs to a client; send an id.")
    client = _PRESENT_CLIENT.first(id=client_id)
    if client is None:
        raise BadRequest.field("client_id", f"There is no client {client_id}, or they are archived.")
    return client


_PRESENT_CLIENT = PreparedRows(
    Client,
    lambda: (
        Client.objects.select_for_update(no_key=True)
        .filter(pk=Blank("id", BigAutoField()), archived_at__isnull=True)
        .order_by()
    ),
)


def find_location(location_id: int) -> None:
    if not Location.objects.filter(pk=location_id, is_active=True).exists():
        raise BadRequest.field("location_id", f"There is no location {location_id}, or it is closed.")


def location_for(location_id: int | None, *, staff: Staff, about: Circumstances | None) -> int | None:
    """The location asked for, else the staff member's, else the only one, else None (contract §1.2)."""
    if location_id is not None:
        find_location(location_id)
        return location_id
    if staff.location_id is not None:
        return staff.location_id
    if about is not None:
        return about.only_location_id
    # As `circumstances_of` has it, for who books without it.
    only = _TWO_LOCATIONS.rows()
    return only[0][0] if len(only) == 1 else None


_TWO_LOCATIONS = Prepared(
    lambda: Location.objects.filter(is_active=True).order_by("pk").values_list("pk")[:2]
)


def lock_session(session_id: int) -> Booking | None:
    """The session's first booking, locked: whoever joins, leaves or moves a session queues here."""
    return locked(Booking.objects.filter(pk=session_id)).first()


def live_members(session_id: int, *, but: int | None = None) -> list[Booking]:
    """The session's bookings that occupy, oldest first, without the booking `but`."""
    return [member for member in _MEMBERS.all(session_id=session_id) if member.pk != but]


_MEMBERS = PreparedRows(
    Booking,
    lambda: Booking.objects.occupying().filter(session_id=Blank("session_id", BigAutoField())).order_by("pk"),
)


def check_room(
    members: Iterable[Booking], *, client_id: int | None, persons: int, service: Service, held: int = 0
) -> None:
    """There is room for `persons` more beside the session's live `members` and the seats `held` in it.

    Raises ClientAlreadyInSession, SessionFull.
    """
    present = list(members)
    same = [member for member in present if client_id is not None and member.client_id == client_id]
    if any(member.for_somebody for member in same):
        raise ClientAlreadyInSession
    taken = held + sum(member.persons for member in present)
    if taken + persons > service.max_capacity:
        raise SessionFull(no_room(service, taken=taken, persons=persons))
