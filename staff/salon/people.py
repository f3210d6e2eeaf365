"""Hiring, changing and letting go of staff (contract §1.5, /api/staff).

Names: hire, change_person, deactivate, with_services, Changed, LastAdmin; for admin forms locked_with_admins,
is_active_admin, NEEDS_EMAIL.

Two rules hold whoever asks (API, admin, commands): there is always an active administrator, and who is
deactivated or gets another password is logged out at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, Q, QuerySet

from staff.access.accounts import check_new_password, log_out_everywhere
from staff.models import Service, Staff
from staff.storage.storing import found, store_changes, stored
from staff.wire.refusals import BadRequest, Conflict

NEEDS_EMAIL = "An administrator needs an e-mail address to log in with."
ACTIVE_ADMIN = Q(role=Staff.Role.ADMIN, is_active=True)


class LastAdmin(Conflict):
    code = "last_admin"
    message = "This is the last active administrator; make somebody else one first."


@dataclass(frozen=True, slots=True)
class Changed:
    """A person after a change, and whether it has just deactivated them."""

    person: Staff
    deactivated: bool


def with_services(people: QuerySet[Staff]) -> QuerySet[Staff]:
    """The people with the ids of what they offer, in one more statement for all of them."""
    return people.prefetch_related(Prefetch("services", Service.objects.only("id").order_by("id")))


def hire(*, fields: Mapping[str, Any]) -> Staff:
    """A new person. Raises BadRequest (weak password, an administrator without e-mail), AlreadyThere."""
    values = dict(fields)
    service_ids = values.pop("service_ids", [])
    password = values.pop("password", None)
    person = Staff(**_with_null_email(values))
    _check(person, password=password)
    person.set_password(password)
    with transaction.atomic():
        stored(person, unique="email")
        person.services.set(service_ids)
    return found(with_services(Staff.objects.all()), person.pk)


def change_person(staff_id: int, *, fields: Mapping[str, Any]) -> Changed:
    """Merges `fields` into a person. Raises NotFound, BadRequest, AlreadyThere, LastAdmin.

    A password set here ends all their logins; so does deactivating.
    """
    values = dict(fields)
    service_ids = values.pop("service_ids", None)
    password = values.pop("password", None)
    with transaction.atomic():
        person, other_admins = locked_with_admins(staff_id)
        was_active, was_active_admin = person.is_active, is_active_admin(person)
        store_changes(
            person, _with_null_email(values), unique="email", check=lambda row: _check(row, password=password)
        )
        if was_active_admin and not is_active_admin(person) and not other_admins:
            raise LastAdmin
        if password is not None:
            person.set_password(password)
            person.save(update_fields=["password"])
        if service_ids is not None:
            person.services.set(service_ids)
        if password is not None or not person.is_active:
            log_out_everywhere(person)
    changed = found(with_services(Staff.objects.all()), staff_id)
    return Changed(person=changed, deactivated=was_active and not changed.is_active)


def deactivate(staff_id: int) -> Changed:
    """Lets go of a person: no bookings, no login. Raises NotFound, LastAdmin."""
    return change_person(staff_id, fields={"is_active": False})


def is_active_admin(person: Staff) -> bool:
    return person.is_active and person.is_admin


def locked_with_admins(staff_id: int) -> tuple[Staff, int]:
    """The person and the number of other active administrators, all locked in pk order.

    So two administrators who demote each other at the same moment cannot both succeed.
    """
    rows = Staff.objects.filter(Q(pk=staff_id) | ACTIVE_ADMIN).order_by("pk")
    locked = {person.pk: person for person in rows.select_for_update(no_key=True)}
    person = locked.pop(staff_id, None) or found(Staff.objects.all(), staff_id)
    return person, len(locked)


def _with_null_email(values: dict[str, Any]) -> dict[str, Any]:
    if "email" in values:
        values["email"] = values["email"] or None
    return values


def _check(person: Staff, *, password: str | None) -> None:
    if person.is_admin and not person.email:
        raise BadRequest.field("email", NEEDS_EMAIL)
    if password is None:
        return
    if not person.email:
        raise BadRequest.field("password", "Give an e-mail address too; it is what one logs in with.")
    check_new_password(password, person=person, field="password")
