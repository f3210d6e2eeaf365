"""Making the demo salon: its rows, then its diary through the door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import transaction

from bookings import lifecycle, waitlist
from bookings.demo import cast
from bookings.demo.diary import Diary, Visit, ahead, past, standing
from bookings.demo.walk_in import somebody_walks_in
from bookings.models import Booking
from bookings.self_service.feedback import give_feedback
from clients.models import Client
from notifications.models import Notification
from staff.access.actor import Actor
from staff.models import SalonSettings, Staff
from staff.salon.schedule import ONE_DAY
from staff.wire.refusals import Conflict
from staff.wire.times import local_date

DEMO = Actor(type="system", id=None, name="Demo", channel="command", is_admin=True)
SUNDAY = 6
CLOSED_IN_DAYS = 3
"""Within the diary, so that it shows; a week ahead stays free for who follows the README."""
BOOKED_BEFORE = timedelta(days=4)
MARKED_AFTER = timedelta(minutes=10)
AGREED_SHARE = Decimal("0.5")
LEFT_TO_MARK = 2
"""The last visits that ended are still to be marked, as on any evening."""

OPINIONS = (
    (5, "Lovely as always, thank you!"),
    (4, "Very happy with the result. The wait was a little long."),
    (5, ""),
    (3, "Good cut, but it started late."),
    (5, "Best in town."),
)


class NotEmpty(Conflict):
    code = "not_empty"
    message = "This salon has people or bookings of its own; the demo is for an empty one."


@dataclass(frozen=True, slots=True)
class DemoSalon:
    """How much was made; nothing at all when the demo salon was there already."""

    staff: int = 0
    services: int = 0
    clients: int = 0
    bookings: int = 0


def make_demo_salon(*, now: datetime) -> DemoSalon:
    """All of it, or nothing, in one transaction. Raises NotEmpty.

    Two that start at once take turns on the row of the settings.
    """
    SalonSettings.load()
    with transaction.atomic():
        salon = SalonSettings.objects.select_for_update().get(pk=1)
        if Client.objects.filter(is_demo=True).exists():
            return DemoSalon()
        if (
            Client.objects.filter(is_walk_in=False).exists()
            or Booking.objects.exists()
            or Staff.objects.filter(bookable=True).exists()
        ):
            raise NotEmpty
        cast.furnish(salon)
        services = cast.make_offers()
        people = cast.make_people(services)
        clients = cast.make_clients()
        cast.make_followups(services)
        today = local_date(now, zone=salon.zone)
        cast.close_on(_working_day(today + timedelta(days=CLOSED_IN_DAYS)))
        cast.open_otherwise(people[cast.WORKS_ON_A_SUNDAY], sunday=_next_sunday(today))
        diary = Diary(
            salon=salon,
            today=today,
            people=list(people.values()),
            offered={
                people[person.name].pk: [services[name] for name in person.offers] for person in cast.PEOPLE
            },
            clients=clients,
        )
        visits = diary.visits()
        cast.remind_nobody()
        _live_through(past(visits, now=now), salon=salon)
        cast.remind_everybody()
        coming = _expect(ahead(visits, now=now), salon=salon, now=now)
        _change_plans(coming, clients=clients, salon=salon, now=now)
        somebody_walks_in(diary.people, diary.offered, actor=DEMO, salon=salon, now=now)
        Notification.objects.filter(created_at__lt=now - ONE_DAY).update(is_read=True)
        return DemoSalon(
            staff=Staff.objects.filter(bookable=True).count(),
            services=len(services),
            clients=len(clients),
            bookings=Booking.objects.count(),
        )


def _live_through(visits: Sequence[Visit], *, salon: SalonSettings) -> None:
    """What is over: booked days before and marked right after; nobody is mailed about the past."""
    to_mark = len(visits) - LEFT_TO_MARK
    said = 0
    for number, visit in enumerate(visits):
        made = _book(visit, salon=salon, now=visit.start_at - BOOKED_BEFORE, notify_client=False)
        if number >= to_mark:
            continue
        how = _how_it_went(number)
        for marked in _mark_all(visit, made, how, salon=salon, now=visit.end_at + MARKED_AFTER):
            if marked.feedback_token is not None and number % 4 == 0 and said < len(OPINIONS):
                rating, comment = OPINIONS[said]
                said += 1
                give_feedback(
                    token=marked.feedback_token,
                    rating=rating,
                    comment=comment,
                    now=visit.end_at + ONE_DAY / 8,
                )


def _how_it_went(number: int) -> str:
    if number % 11 == 6:
        return Booking.Status.NO_SHOW
    return Booking.Status.CANCELLED if number % 13 == 9 else Booking.Status.COMPLETED


def _expect(visits: Sequence[Visit], *, salon: SalonSettings, now: datetime) -> list[Booking]:
    """What is to come; every ninth visit is a request that the client has still to accept."""
    made = []
    for number, visit in enumerate(visits):
        asked = number % 9 == 5 and visit.start_at > now + 2 * ONE_DAY and len(visit.clients) == 1
        made += _book(visit, salon=salon, now=now, provisional=asked)
    return made


def _change_plans(
    coming: Sequence[Booking], *, clients: Sequence[Client], salon: SalonSettings, now: datetime
) -> None:
    """Some wait for a place; two of them get an offer, because somebody cancels. One pays an agreed price."""
    later = standing(coming, after=now + ONE_DAY)
    for booking in later[2:6:2]:
        _wait_for(booking, clients=clients, salon=salon, now=now, notes="Any time that day.")
    for booking in later[:2]:
        _wait_for(booking, clients=clients, salon=salon, now=now, notes="")
        _mark(booking, Booking.Status.CANCELLED, salon=salon, now=now, reason="Called in: is ill")
    for booking in later[6:7]:
        _agree(booking, salon=salon, now=now)


def _agree(booking: Booking, *, salon: SalonSettings, now: datetime) -> None:
    """A price other than the service's, which the history explains; nobody is mailed about it."""
    lifecycle.change(
        actor=DEMO,
        booking_id=booking.pk,
        changes={"price": (booking.price or Decimal(0)) * AGREED_SHARE},
        how=lifecycle.How(reason="Model for our apprentice"),
        salon=salon,
        now=now,
    )


def _wait_for(
    booking: Booking, *, clients: Sequence[Client], salon: SalonSettings, now: datetime, notes: str
) -> None:
    """Another client waits for the same service on the same day."""
    waiting = clients[(booking.pk * 5) % len(clients)]
    if waiting.pk == booking.client_id:
        waiting = clients[(booking.pk * 5 + 1) % len(clients)]
    waitlist.add(
        client_id=waiting.pk,
        service_id=booking.service_id,
        date=local_date(booking.start_at, zone=salon.zone),
        notes=notes,
        salon=salon,
        now=now,
    )


def _book(
    visit: Visit,
    *,
    salon: SalonSettings,
    now: datetime,
    provisional: bool = False,
    notify_client: bool = True,
) -> list[Booking]:
    """One booking for each client of a class, all of one session; else one for each service."""
    if len(visit.items) > 1:
        several = lifecycle.VisitOrder(
            client_id=visit.clients[0].pk,
            items=[
                lifecycle.ItemOrder(each.service.pk, each.staff.pk, same_start=each.together)
                for each in visit.items
            ],
            start_at=visit.start_at,
            provisional=provisional,
            notify_client=notify_client,
            source="demo",
        )
        return lifecycle.book_visit(actor=DEMO, order=several, salon=salon, now=now).visit.items
    item = visit.items[0]
    made: list[Booking] = []
    for client in visit.clients:
        order = lifecycle.Order(
            client_id=client.pk,
            staff_id=item.staff.pk,
            service_id=item.service.pk,
            start_at=item.start_at,
            end_at=item.end_at,
            provisional=provisional,
            session_of=made[0].pk if made else None,
            notify_client=notify_client,
            source="demo",
        )
        made.append(lifecycle.book(actor=DEMO, order=order, salon=salon, now=now).booking)
    return made


def _mark_all(
    visit: Visit, made: Sequence[Booking], status: str, *, salon: SalonSettings, now: datetime
) -> list[Booking]:
    """Everybody of a class by themselves, several services of one client as a whole."""
    visit_id = made[0].visit_id
    if len(visit.items) == 1 or visit_id is None:
        return [_mark(booking, status, salon=salon, now=now) for booking in made]
    how = lifecycle.How(notify_client=False)
    changes = {"status": status}
    outcome = lifecycle.change_visit(
        actor=DEMO, visit_id=visit_id, changes=changes, how=how, salon=salon, now=now
    )
    return outcome.visit.items


def _mark(booking: Booking, status: str, *, salon: SalonSettings, now: datetime, reason: str = "") -> Booking:
    return lifecycle.change(
        actor=DEMO,
        booking_id=booking.pk,
        changes={"status": status},
        how=lifecycle.How(reason=reason, notify_client=booking.end_at > now),
        salon=salon,
        now=now,
    ).booking


def _working_day(day: date) -> date:
    return day + timedelta(days=2) if day.weekday() >= 5 else day


def _next_sunday(today: date) -> date:
    return today + timedelta(days=(SUNDAY - today.weekday()) or 7)
