"""How long a service takes with one person: their own minutes, else the service's (contract §7).

Names: Offered, offered_by, duration_of; OWN_COLUMNS, own_of, own_or_usual, for the statements of others;
with_parts, check_one_person; durations_of, set_duration, remove_duration.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import BigAutoField, FilteredRelation, Q, QuerySet

from staff.models import Service, ServiceDuration
from staff.salon.parts import Duration, PartJson, as_kept, check_parts, total_minutes
from staff.storage.prepared_statements import Blank, Prepared, columns_of, row_of
from staff.storage.storing import found, locked
from staff.wire.refusals import BadRequest, NotFound

OWN_COLUMNS = ("own__duration_minutes", "own__parts")
"""What a query reads of `own_of`; all None where the person has no minutes of their own."""

ONE_PERSON_AT_A_TIME = "only a service for one person (max_capacity 1) has several parts."


class Offered(NamedTuple):
    """A service, and how long it takes with the person who was asked for."""

    service: Service
    duration: Duration


def own_of(whose: Any) -> FilteredRelation:
    """To `.annotate(own=...)` a query over services with the row of this person (an id, or a Blank)."""
    return FilteredRelation("durations", condition=Q(durations__staff_id=whose))


def own_or_usual(service: Service, minutes: int | None, parts: list[PartJson] | None) -> Duration:
    """`OWN_COLUMNS` of one person as a duration."""
    return Duration.of(service) if minutes is None else Duration(minutes, parts or ())


def offered_by(service_id: int, staff_id: int) -> Offered | None:
    """The service as this person does it; None where it is not on offer. One statement."""
    rows = _OFFERED.rows(service_id=service_id, staff_id=staff_id)
    if not rows:
        return None
    *columns, minutes, parts = rows[0]
    service = row_of(Service, columns)
    return Offered(service, own_or_usual(service, minutes, parts))


def _offered() -> QuerySet[Service, tuple[Any, ...]]:
    services = Service.objects.filter(pk=Blank("service_id", BigAutoField()), is_active=True)
    own = services.annotate(own=own_of(Blank("staff_id", BigAutoField())))
    return own.order_by().values_list(*columns_of(Service), *OWN_COLUMNS)


_OFFERED = Prepared(_offered)


def duration_of(service: Service, staff_id: int) -> Duration:
    """One statement."""
    rows = _OWN.rows(service_id=service.pk, staff_id=staff_id)
    return own_or_usual(service, *rows[0]) if rows else Duration.of(service)


_OWN = Prepared(
    lambda: (
        ServiceDuration.objects.filter(
            service_id=Blank("service_id", BigAutoField()), staff_id=Blank("staff_id", BigAutoField())
        )
        .order_by()
        .values_list("duration_minutes", "parts")
    )
)


def with_parts(stored: Service | ServiceDuration | None, fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` as they are kept: `duration_minutes` and `parts` (sent in full) agree.

    Parts equal to the `stored` ones count as not sent. Raises BadRequest.
    """
    kept = dict(fields)
    minutes = kept.get("duration_minutes")
    if stored is not None and kept.get("parts") == Duration.of(stored).in_full:
        del kept["parts"]
    if "parts" not in kept:
        if stored is not None and stored.parts and minutes not in (None, stored.duration_minutes):
            raise BadRequest.field("duration_minutes", "it is the sum of the parts; send parts to change it.")
        return kept
    check_parts(kept["parts"])
    total = total_minutes(kept["parts"])
    if minutes not in (None, total):
        raise BadRequest.field(
            "duration_minutes", f"it is the sum of the parts, which is {total}; leave it out, or send that."
        )
    return kept | {"duration_minutes": total, "parts": as_kept(kept["parts"])}


def durations_of(service_id: int) -> QuerySet[ServiceDuration]:
    """Raises NotFound where there is no such service."""
    return ServiceDuration.objects.filter(service=found(Service.objects.all(), service_id))


def set_duration(service_id: int, *, fields: Mapping[str, Any]) -> ServiceDuration:
    """One person's own minutes, in place of those they had. `fields`: staff_id, parts or duration_minutes.

    Raises NotFound, BadRequest. The service is locked, so that its max_capacity does not rise meanwhile.
    """
    with transaction.atomic():
        service = locked(Service.objects.all(), service_id)
        stored = ServiceDuration.objects.filter(service=service, staff_id=fields["staff_id"]).first()
        if stored is None and "parts" not in fields and "duration_minutes" not in fields:
            raise BadRequest.field("parts", "send the parts, or duration_minutes for one part.")
        row = stored or ServiceDuration(service=service, staff_id=fields["staff_id"])
        for name, value in with_parts(stored, fields).items():
            setattr(row, name, value)
        if row.parts and service.max_capacity > 1:
            raise BadRequest.field("parts", ONE_PERSON_AT_A_TIME)
        row.save()
    return row


def remove_duration(service_id: int, *, staff_id: int) -> None:
    """The person takes as long as the service says. Raises NotFound."""
    removed, _ = durations_of(service_id).filter(staff_id=staff_id).delete()
    if not removed:
        raise NotFound("This staff member has no minutes of their own for this service.")


def check_one_person(service: Service, *, sent: Collection[str]) -> None:
    """Raises BadRequest where a class has several parts, its own or a person's; names what was `sent`."""
    if service.max_capacity == 1:
        return
    if service.parts:
        raise BadRequest.field("parts" if "parts" in sent else "max_capacity", ONE_PERSON_AT_A_TIME)
    if service.pk is not None and any(each.parts for each in service.durations.all()):
        raise BadRequest.field(
            "max_capacity", "somebody's own minutes for this service have several parts; remove those first."
        )
