"""Making and changing a visit of several bookings (contract §7 "POST /api/visits", "PUT", "DELETE").

The same door as for one booking: each item is checked, written and audited as a booking is; what a visit owes
once is owed once (`visit_effects`). All of it or nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from bookings import waitlist, webhooks
from bookings.errors import VisitBegun
from bookings.lifecycle import checks, visit_row
from bookings.lifecycle.book import Fresh, Order, prepare, write_new
from bookings.lifecycle.how import AS_USUAL, How, Telling
from bookings.lifecycle.locks import begin_again
from bookings.lifecycle.outcome import Outcome, Warning
from bookings.lifecycle.policy import Acceptance, accepted_policy
from bookings.lifecycle.visit_items import Step, keep_places, lock_around, set_in_motion, write_items
from bookings.lifecycle.visit_plan import ItemOrder, Place, find_places, naming_item, who_may_do
from bookings.lifecycle.visit_scope import ONE, changes_for, lock_visits_in
from bookings.lifecycle.written import Written
from bookings.models import Booking, BookingEvent, Visit
from bookings.slots.availability.visit_agendas import LONGEST_VISIT
from bookings.slots.busy import release, slot_guard
from staff.access.actor import Actor
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest, Forbidden
from staff.wire.times import local_date

NOTHING_TO_MOVE = (
    "Nothing of this visit stands any more; send a status with it, to bring it back, or leave start_at out."
)
IDLE = Warning("idle_time", "The client waits where the removed booking was; move what comes after it.")


@dataclass(frozen=True, slots=True)
class VisitOrder(Telling):
    """What somebody wants to come for in one go; times are UTC, the fields those of contract §7.

    `by_client`, `accepted`, `status` and `detail` as in `Order`.
    """

    client_id: int
    items: Sequence[ItemOrder]
    start_at: datetime
    hold_token: str | None = None
    allow_overlap: bool = False
    provisional: bool = False
    notes: str = ""
    internal_notes: str = ""
    base_url: str = ""
    reason: str = ""
    source: str = "api"
    by_client: bool = False
    in_series: bool = False
    status: str = Booking.Status.SCHEDULED
    detail: str = ""
    accepted: Acceptance | None = None


@dataclass(frozen=True, slots=True)
class VisitOutcome:
    """The named visit first, then others of its series."""

    visits: list[Visit]
    warnings: list[Warning] = field(default_factory=list)

    @property
    def visit(self) -> Visit:
        return self.visits[0]


@dataclass(frozen=True, slots=True)
class ItemChanges:
    """Bookings to put at the end of a visit, and those to cancel out of it."""

    add: Sequence[ItemOrder] = ()
    remove: Collection[int] = ()


@begin_again
def book_visit(
    *, actor: Actor, order: VisitOrder, salon: SalonSettings | None = None, now: datetime | None = None
) -> VisitOutcome:
    """Make all bookings of the visit and set in motion what contract §1.4 says of a visit.

    Raises what `book` raises, naming the item in `details`. A refusal stores nothing.
    """
    salon = salon or SalonSettings.load()
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        now = now or timezone.now()
        places = find_places(
            order.items,
            start_at=order.start_at,
            hold_token=order.hold_token,
            by_client=order.by_client,
            overlap=checks.is_deliberate(actor=actor, asked=order.allow_overlap, salon=salon),
            actor=actor,
            salon=salon,
            now=now,
        )
        waited = waitlist.lock_open_entries(_comings(order, places, salon=salon))
        fresh = [_prepare(order, place, salon=salon, now=now) for place in places]
        bookings = [each.booking for each in fresh]
        policy = accepted_policy(order.accepted, bookings, salon=salon, now=now)
        visit = visit_row.begin(bookings, policy=policy, now=now)
        written = _write_new(fresh, actor=actor, allow_overlap=order.allow_overlap, salon=salon, now=now)
        outcomes = set_in_motion(written, queueing=not waited)
    return VisitOutcome([visit], _warnings(outcomes))


@begin_again
def change_visit(
    *,
    actor: Actor,
    visit_id: int,
    changes: Mapping[str, Any],
    items: ItemChanges = ItemChanges(),
    how: How = AS_USUAL,
    scope: str = ONE,
    confirmed: bool | None = None,
    expected_version: int | None = None,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> VisitOutcome:
    """Merge `changes` (start_at, status, status_detail, client_id, notes, internal_notes) into the visit, and
    with a `scope` into the others of its series.

    `confirmed`: whether the client has said that they come. Raises VisitNotFound, VisitBegun (409), Stale
    (412), Forbidden for what touches a booking that `actor` may not see, and what `change` raises.
    """
    salon, now = salon or SalonSettings.load(), now or timezone.now()
    if scope != ONE and (items.add or items.remove):
        raise BadRequest.field("items", "with a scope items cannot change; leave one of both out.")
    with slot_guard(actor=actor, zone=salon.zone), transaction.atomic():
        visits = lock_visits_in(scope, actor=actor, visit_id=visit_id, now=now)
        checks.check_version(visits[0], expected_version)
        steps = [
            step
            for visit in visits
            for step in _steps(
                visit, changes_for(visit, changes, named=visits[0], zone=salon.zone), remove=items.remove
            )
        ]
        _check_seen([each.booking for each in steps], actor=actor)
        for visit in visits:
            if all(each.staff_id != actor.agenda_of for each in visit.items):
                _check_seen(visit.items, actor=actor)
        waited = lock_around(
            steps,
            more_staff=who_may_do(items.add, actor=actor) if items.add else (),
            more_comings=_comings_of_added(visits[0], steps, items.add, salon=salon),
            zone=salon.zone,
        )
        written = write_items(steps, actor=actor, how=how, salon=salon, now=now)
        warnings = [IDLE] if _leaves_a_hole(visits[0], items.remove) else []
        if items.add:
            written += _add(visits[0], items.add, actor=actor, how=how, salon=salon, now=now)
        said = [
            visit_row.confirm(visit, confirmed=bool(confirmed), actor=actor, reason=how.reason, now=now)
            for visit in visits
            if confirmed is not None and confirmed != (visit.client_confirmed_at is not None)
        ]
        outcomes = set_in_motion(written, queueing=not waited)
        if said:
            webhooks.announce(said, now=now)
    return VisitOutcome(visits, [*warnings, *_warnings(outcomes)])


def cancel_visit(
    *,
    actor: Actor,
    visit_id: int,
    how: How = AS_USUAL,
    scope: str = ONE,
    expected_version: int | None = None,
    salon: SalonSettings | None = None,
    now: datetime | None = None,
) -> VisitOutcome:
    """DELETE: every booking of it to `cancelled`. Raises as `change_visit`."""
    return change_visit(
        actor=actor,
        visit_id=visit_id,
        changes={"status": Booking.Status.CANCELLED},
        how=how,
        scope=scope,
        expected_version=expected_version,
        salon=salon,
        now=now,
    )


def _comings(order: VisitOrder, places: Sequence[Place], *, salon: SalonSettings) -> list[waitlist.Coming]:
    """What the client may have waited for."""
    return [
        waitlist.Coming(order.client_id, each.item.service_id, local_date(each.start_at, zone=salon.zone))
        for each in places
    ]


def _comings_of_added(
    visit: Visit, steps: Sequence[Step], items: Sequence[ItemOrder], *, salon: SalonSettings
) -> list[waitlist.Coming]:
    """As `_comings`, before it is known when: after any booking of the visit, as it is or will be."""
    ends = [
        *(each.end_at for each in visit.items),
        *(each.changes["end_at"] for each in steps if "end_at" in each.changes),
        *(each.start_at for each in items if each.start_at is not None),
    ]
    reach = LONGEST_VISIT + timedelta(minutes=salon.visit_max_wait_minutes)
    dates = {local_date(each + after, zone=salon.zone) for each in ends for after in (timedelta(), reach)}
    clients = {visit.client_id, *(each.changes.get("client_id", visit.client_id) for each in steps)}
    return [
        waitlist.Coming(client_id, each.service_id, date)
        for each in items
        for client_id in clients
        for date in dates
    ]


def _prepare(order: VisitOrder, place: Place, *, salon: SalonSettings, now: datetime) -> Fresh:
    """Raises what `book` raises, naming the item."""
    item = place.item
    wanted = Order(
        client_id=order.client_id,
        staff_id=place.staff.pk,
        service_id=item.service_id,
        start_at=place.start_at,
        end_at=place.end_at,
        notes=order.notes,
        internal_notes=order.internal_notes,
        provisional=order.provisional,
        base_url=order.base_url,
        price=item.price,
        allow_overlap=order.allow_overlap,
        notify_client=order.notify_client,
        told_in_person=order.told_in_person,
        source=order.source,
        reason=order.reason,
        by_client=order.by_client,
        in_series=order.in_series,
        status=order.status,
        detail=order.detail,
        staff_requested=item.staff_requested,
    )
    with naming_item(place.number):
        return prepare(wanted, staff=place.staff, session=None, salon=salon, now=now)


def _write_new(
    fresh: Sequence[Fresh],
    *,
    beside: Sequence[Booking] = (),
    actor: Actor,
    allow_overlap: bool,
    salon: SalonSettings,
    now: datetime,
) -> list[Written]:
    """Those of their visit that stand already, `beside`, take their places anew with them."""
    written = [write_new(each, actor=actor, salon=salon, now=now) for each in fresh]
    overlap = checks.is_deliberate(actor=actor, asked=allow_overlap, salon=salon)
    keep_places([*beside, *(each.booking for each in fresh)], overlap=overlap, now=now)
    return written


def _check_seen(touched: Sequence[Booking], *, actor: Actor) -> None:
    """Raises Forbidden."""
    if actor.agenda_of is not None and any(each.staff_id != actor.agenda_of for each in touched):
        raise Forbidden("A booking of this visit is on somebody else's agenda; ask them, or an admin.")


def _steps(visit: Visit, changes: Mapping[str, Any], *, remove: Collection[int]) -> list[Step]:
    """What becomes of each booking of the visit. Raises BadRequest, VisitBegun."""
    removed = {"status": Booking.Status.CANCELLED}
    unknown = sorted(set(remove) - {each.pk for each in visit.items})
    if unknown:
        raise BadRequest.field("items.remove", f"Booking {unknown[0]} does not belong to this visit.")
    steps = {each.pk: dict(removed) for each in visit.items if each.pk in remove}
    live = [each for each in visit.items if each.pk not in remove and each.status != Booking.Status.CANCELLED]
    touched = live or _closed_last(visit)
    everyone = {name: changes[name] for name in ("notes", "internal_notes") if name in changes}
    for each in touched:
        steps.setdefault(each.pk, {}).update(everyone)
    if "client_id" in changes:
        for each in visit.items:
            steps.setdefault(each.pk, {})["client_id"] = changes["client_id"]
    if "status" in changes:
        states = {name: changes[name] for name in ("status", "status_detail") if name in changes}
        for each in touched:
            steps.setdefault(each.pk, {}).update(states)
    if "start_at" in changes:
        back = changes.get("status") in Booking.OCCUPYING
        moving = [each for each in touched if each.stands or back]
        if moving or changes["start_at"] != visit.start_at:
            _move(steps, moving, touched, changes["start_at"])
    by_id = {each.pk: each for each in visit.items}
    return [Step(by_id[pk], steps[pk]) for pk in sorted(steps) if steps[pk]]


def _closed_last(visit: Visit) -> list[Booking]:
    """Of a cancelled visit those that its last cancelling closed: they come back together."""
    closings = BookingEvent.objects.filter(
        booking__in=[each.pk for each in visit.items], to_status=Booking.Status.CANCELLED
    ).exclude(from_status=Booking.Status.CANCELLED)
    closed_at: dict[int, datetime] = {}
    for booking_id, at in closings.order_by("id").values_list("booking_id", "at"):
        closed_at[booking_id] = at
    last = max(closed_at.values(), default=None)
    return [each for each in visit.items if last is None or closed_at.get(each.pk) == last]


def _move(
    steps: dict[int, dict[str, Any]],
    moving: Sequence[Booking],
    touched: Sequence[Booking],
    start_at: datetime,
) -> None:
    """Those that stand, or come back, by the same elapsed minutes. Raises VisitBegun, BadRequest."""
    by = start_at - min(each.start_at for each in touched)
    if not by:
        return
    if any(each.status == Booking.Status.COMPLETED for each in touched):
        raise VisitBegun
    if not moving:
        raise BadRequest.field("start_at", NOTHING_TO_MOVE)
    for each in moving:
        times = {"start_at": each.start_at + by, "end_at": each.end_at + by}
        steps.setdefault(each.pk, {}).update(times)


def _leaves_a_hole(visit: Visit, remove: Collection[int]) -> bool:
    gone = [each for each in visit.items if each.pk in remove]
    staying = [each for each in visit.items if each.stands]
    return any(
        any(one.end_at <= each.start_at for one in staying)
        and any(one.start_at >= each.end_at for one in staying)
        for each in gone
    )


def _add(
    visit: Visit, items: Sequence[ItemOrder], *, actor: Actor, how: How, salon: SalonSettings, now: datetime
) -> list[Written]:
    """At the end, as if they had been ordered with the others."""
    standing = [each for each in visit.items if each.stands]
    last = max(standing, key=lambda each: each.end_at, default=None)
    if last is None:
        raise BadRequest.field("items.add", "Nothing of this visit stands any more; make a new one.")
    order = VisitOrder(
        client_id=visit.client_id or 0,
        items=items,
        start_at=last.end_at,
        allow_overlap=how.allow_overlap,
        provisional=last.status == Booking.Status.PROVISIONAL and last.provisional_token is not None,
        notes=last.notes,
        base_url=last.base_url,
        notify_client=how.notify_client,
        told_in_person=how.told_in_person,
        reason=how.reason,
        source=last.source,
    )
    # The buffer towards the added one goes.
    release(*standing)
    fixed = items[0].start_at
    places = find_places(
        items,
        start_at=fixed or last.end_at,
        patience=timedelta(minutes=0 if fixed else salon.visit_max_wait_minutes),
        overlap=checks.is_deliberate(actor=actor, asked=how.allow_overlap, salon=salon),
        actor=actor,
        salon=salon,
        now=now,
    )
    fresh = [_prepare(order, place, salon=salon, now=now) for place in places]
    for new in fresh:
        visit_row.add(visit, new.booking, now=now)
    return _write_new(
        fresh, beside=standing, actor=actor, allow_overlap=how.allow_overlap, salon=salon, now=now
    )


def _warnings(outcomes: Sequence[Outcome]) -> list[Warning]:
    return list(dict.fromkeys(warning for outcome in outcomes for warning in outcome.warnings))
