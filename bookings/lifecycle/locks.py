"""Who is locked, and in which order (contract §6a "lock order").

Visits, bookings with the first of their sessions, staff, clients, waitlist entries, fees, jobs: each kind in
id order. Clients are locked by who books for them, gives them a booking, or counts their no-shows
(`clients.records.lock_clients`), so that a merge and an erasure miss none of their bookings.

Who starts from a booking reads its visit unlocked. Where the booking has come to another visit by the time it
is locked, the whole operation begins again (`begin_again`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import IntegrityError

from bookings.errors import BookingNotFound
from bookings.models import Booking, BookingQuerySet, Visit, VisitQuerySet, in_order
from clients.models import Client
from notifications.models.jobs import ONE_PENDING
from staff.access.actor import Actor
from staff.models import Service
from staff.storage.prepared_statements import BlankIds, Prepared, PreparedRows, columns_of, row_of

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class VisitChanged(Exception):
    """A booking is in another visit than the one that was locked for it."""


MOST_PLANNED_TWICE = 20
"""So often others can hardly have been quicker: what goes on like this is a fault of ours, and no wait."""


def begin_again(door: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """`door` once more whenever a booking has changed its visit under it, or another operation has just
    planned the same reminder of two visits on one date; to stand outside its transaction, or savepoint,
    whose end gives the locks back."""

    @wraps(door)
    def repeated(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Answer:
        planned_twice = 0
        while True:
            try:
                return door(*args, **kwargs)
            except VisitChanged:
                continue
            except IntegrityError as error:
                planned_twice += 1
                if ONE_PENDING not in str(error) or planned_twice > MOST_PLANNED_TWICE:
                    raise

    return repeated


def locked(bookings: BookingQuerySet) -> BookingQuerySet:
    """These rows, locked in id order; other readers are not kept waiting."""
    return bookings.select_for_update(no_key=True, of=("self",)).order_by("pk")


def lock_booking(*, actor: Actor, booking_id: int) -> Booking:
    """The booking, locked as `lock_bookings` does it.

    Raises BookingNotFound, also when `actor` may not see it, or no longer does once the lock is ours.
    """
    if not _may_see(actor, booking_id):
        raise BookingNotFound
    booking = lock_bookings([booking_id]).get(booking_id)
    if booking is None or not _may_see(actor, booking_id):
        raise BookingNotFound
    return booking


def _may_see(actor: Actor, booking_id: int) -> bool:
    """One statement where `actor` sees an agenda alone."""
    return actor.agenda_of is None or Booking.objects.visible_to(actor).filter(pk=booking_id).exists()


def lock_bookings(ids: Collection[int]) -> dict[int, Booking]:
    """These bookings by id, and all others of their visits, locked after their visits; each knows its visit,
    client and service, and the visit its `items`.

    The first ones of their sessions are locked as well: a session is locked in id order. Raises VisitChanged.
    """
    visits = {each.pk: each for each in _VISITS_OF.all(ids=ids)}
    found = {row.pk: row for row in _WITH_THEIRS.all(ids=ids, visits=visits)}
    _read_about(found)
    _check_visits(found, ids, visits)
    for visit in visits.values():
        visit.items = in_order(row for row in found.values() if row.visit_id == visit.pk)
    return found


def _wanted() -> BookingQuerySet:
    return Booking.objects.filter(pk__in=BlankIds("ids")).order_by()


_VISITS_OF = PreparedRows(
    Visit, lambda: _locked_visits(Visit.objects.filter(pk__in=_wanted().values("visit_id")))
)


def _with_theirs() -> BookingQuerySet:
    """A union, as PostgreSQL reads every booking for the same three joined by OR."""
    of_visits = Booking.objects.filter(visit_id__in=BlankIds("visits")).order_by()
    theirs = _wanted().values("pk").union(_wanted().values("session_of_id"), of_visits.values("pk"))
    return locked(Booking.objects.filter(pk__in=theirs))


_WITH_THEIRS = PreparedRows(Booking, _with_theirs)


def _read_about(found: Mapping[int, Booking]) -> None:
    """Whose these bookings are, and of which services: each client and each service once."""
    clients: dict[int | None, Client | None] = {None: None}
    services: dict[int, Service] = {}
    for booking_id, *columns in _ABOUT.rows(ids=found):
        row = found[booking_id]
        if row.client_id not in clients:
            clients[row.client_id] = row_of(Client, columns[: len(columns_of(Client))])
        if row.service_id not in services:
            services[row.service_id] = row_of(Service, columns[len(columns_of(Client)) :])
        row.client, row.service = clients[row.client_id], services[row.service_id]


_ABOUT = Prepared(
    lambda: (
        Booking.objects.filter(pk__in=BlankIds("ids"))
        .order_by()
        .values_list(
            "pk",
            *(f"client__{name}" for name in columns_of(Client)),
            *(f"service__{name}" for name in columns_of(Service)),
        )
    )
)


def lock_visits(visits: VisitQuerySet) -> dict[int, Visit]:
    """These visits by id, locked in id order."""
    return {each.pk: each for each in _locked_visits(visits)}


def _locked_visits(visits: VisitQuerySet) -> VisitQuerySet:
    return visits.select_for_update(no_key=True, of=("self",)).order_by("pk")


def _check_visits(found: Mapping[int, Booking], ids: Collection[int], visits: Mapping[int, Visit]) -> None:
    """Raises VisitChanged. A row of an older release has no visit."""
    for row in found.values():
        visit = None if row.visit_id is None else visits.get(row.visit_id)
        if visit is not None:
            row.visit = visit
        elif row.visit_id is not None and row.pk in ids:
            raise VisitChanged
