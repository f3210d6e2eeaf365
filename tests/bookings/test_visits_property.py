"""Random lives of visits, sent and unsent in between: what is set in motion is what the present state and the
history warrant, and who opens every mail has in their calendar what stands (contract §1.4, §7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import lifecycle
from bookings.errors import NothingToSend
from bookings.lifecycle import ItemChanges, ItemOrder, VisitOrder
from bookings.lifecycle.mail_types import STANDING_MAILS
from bookings.mails.resent import Kind
from bookings.models import (
    Booking,
    BookingEvent,
    NoShowFee,
    Visit,
    WaitlistEntry,
    WaitlistOffer,
)
from bookings.send_again import send_again
from bookings.slots.busy import overlapping
from bookings.slots.stretches import stretches_of
from clients.models import Client
from notifications.execution import run_due
from notifications.models import FollowupSequence, FollowupStep, Job, Message
from staff.access.actor import Actor
from staff.models import Service, Staff
from staff.wire.refusals import Refused
from tests.cast.calendars import ClientCalendar
from tests.cast.emptying import empty_the_database
from tests.cast.factories import make_bea, make_client, make_cora, make_salon, make_service
from tests.cast.parts import COLOUR
from tests.cast.passes import examples
from tests.cast.reminder_model import ReminderModel
from tests.cast.reminders import hours_before, two_days_before
from tests.cast.totals import counted, kept
from tests.cast.visits import calendar_is_true, one_visit_each, visits_with_items

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

START = datetime.fromisoformat("2026-03-20T08:00:00+00:00")
DAY = START + timedelta(days=3)
ADA = Actor(type="staff", id=1, name="Ada", channel="api", is_admin=True)
REACHED = ("sent", "kept", "uncertain")
CLOSED = ("completed", "cancelled", "no-show")

STATUSES = st.sampled_from(Booking.Status.values)
ITEM = st.integers(0, 3)
SLOT = st.integers(0, 5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("visit status"), STATUSES),
        st.tuples(st.just("move visit"), SLOT),
        st.tuples(st.just("visit client"), st.integers(0, 1)),
        st.tuples(st.just("cancel visit"), st.none()),
        st.tuples(st.just("item status"), ITEM, STATUSES),
        st.tuples(st.just("dialect"), ITEM, STATUSES),
        st.tuples(st.just("move item"), ITEM, SLOT),
        st.tuples(st.just("item client"), ITEM, st.integers(0, 1)),
        st.tuples(st.just("item staff"), ITEM, st.integers(0, 1)),
        st.tuples(st.just("item service"), ITEM, st.integers(0, 1)),
        st.tuples(st.just("told visit move"), SLOT),
        st.tuples(st.just("told visit status"), STATUSES),
        st.tuples(st.just("told item status"), ITEM, STATUSES),
        st.tuples(st.just("told remove"), ITEM),
        st.tuples(st.just("remove"), ITEM),
        st.tuples(st.just("add"), st.integers(0, 1), st.integers(0, 1)),
        st.tuples(st.sampled_from(["accept", "decline"]), ITEM),
        st.tuples(st.just("deliver"), st.none()),
        st.tuples(st.just("send again"), ITEM, st.sampled_from(Kind)),
        st.tuples(st.just("wait"), st.sampled_from([1, 35, 60 * 5, 60 * 24 * 4])),
    ),
    min_size=4,
    max_size=14,
)


@dataclass
class Known:
    """Offers and fees that were checked when they arose: what they say is frozen."""

    offers: set[int] = field(default_factory=set)
    fees: set[int] = field(default_factory=set)
    reminders: ReminderModel = field(default_factory=ReminderModel)


@dataclass
class World:
    """Alice's visit of three items, Bob who gets some of it, Carl who waits; who is not to be told."""

    clients: list[Client]
    people: list[Staff]
    services: list[Service]
    visit_id: int = 0
    not_to_be_told: set[int | None] = field(default_factory=set)
    """Who declined on the page, was told in person, or lost a booking that was closed or over: no mail takes
    it back."""
    telling: bool = False
    """This write is told in person."""

    @property
    def visit(self) -> Visit:
        return Visit.objects.get(pk=self.visit_id)

    def item(self, which: int) -> Booking:
        every = Booking.objects.order_by("pk")
        return every[which % every.count()]

    def change(self, item: int, ask_by_mail: bool = True, **changes: Any) -> None:
        how = lifecycle.How(ask_by_mail=ask_by_mail, told_in_person=self.telling, reason="told")
        lifecycle.change(actor=ADA, booking_id=self.item(item).pk, changes=changes, how=how)

    def change_visit(self, items: ItemChanges | None = None, **changes: Any) -> None:
        lifecycle.change_visit(
            actor=ADA,
            visit_id=self.visit_id,
            changes=changes,
            items=items or ItemChanges(),
            how=lifecycle.How(ask_by_mail=True, told_in_person=self.telling, reason="told"),
        )


def make_world() -> World:
    empty_the_database()
    make_salon(
        timezone="UTC",
        noshow_enabled=True,
        noshow_fee_type="percent",
        noshow_fee_value=50,
        noshow_fee_minimum=10,
        review_min_days=0,
    )
    services = [
        make_service("Cut", duration_minutes=45, buffer_before_minutes=5, buffer_after_minutes=10),
        make_service("Colour", duration_minutes=105, parts=COLOUR, price=Decimal("75.50")),
    ]
    sequence = FollowupSequence.objects.create(name="After", stop_on_rebook=False)
    FollowupStep.objects.create(sequence=sequence, delay_days=1, subject="Hi", body="How are you?")
    people = [make_bea(services=services), make_cora(services=services)]
    clients = [make_client(name, marketing_consent=True) for name in ("Alice", "Bob", "Carl")]
    for service in services:
        WaitlistEntry.objects.create(client=clients[2], service=service, date=DAY.date())
    hours_before(3)
    two_days_before(days_before=1)
    world = World(clients, people, services)
    cut, colour = (each.pk for each in services)
    bea, cora = (each.pk for each in people)
    order = VisitOrder(
        client_id=clients[0].pk,
        items=[ItemOrder(colour, bea), ItemOrder(cut, bea, staff_requested=True), ItemOrder(cut, cora)],
        start_at=DAY,
    )
    world.visit_id = lifecycle.book_visit(actor=ADA, order=order).visit.pk
    return world


def step(world: World, what: tuple[Any, ...], traveller: Any) -> None:
    note_who_is_not_told(world, what)
    match what:
        case ("visit status", status):
            world.change_visit(status=status)
        case ("move visit", slot):
            world.change_visit(start_at=DAY + timedelta(minutes=slot * 50))
        case ("visit client", who):
            world.change_visit(client_id=world.clients[who].pk)
        case ("cancel visit", _):
            lifecycle.cancel_visit(actor=ADA, visit_id=world.visit_id)
        case ("item status", item, status):
            world.change(item, status=status)
        case ("dialect", item, status):
            world.change(item, ask_by_mail=False, status=status)
        case ("move item", item, slot):
            booking = world.item(item)
            if booking.status in CLOSED:
                return  # a correction of what is over, of which nobody is told
            start_at = DAY + timedelta(hours=slot)
            length = booking.end_at - booking.start_at
            world.change(item, start_at=start_at, end_at=start_at + length)
        case ("item client", item, who):
            world.change(item, client_id=world.clients[who].pk)
        case ("item staff", item, who):
            world.change(item, staff_id=world.people[who].pk)
        case ("item service", item, which):
            world.change(item, service_id=world.services[which].pk)
        case ("told visit move" | "told visit status" | "told item status" | "told remove", *_):
            tell_in_person(world, (what[0].removeprefix("told "), *what[1:]), traveller)
        case ("visit move", slot):
            world.change_visit(start_at=DAY + timedelta(minutes=slot * 50))
        case ("remove", item):
            world.change_visit(ItemChanges(remove=[world.item(item).pk]))
        case ("add", service, who):
            added = ItemOrder(world.services[service].pk, world.people[who].pk)
            world.change_visit(ItemChanges(add=[added]))
        case ("accept" | "decline" as answer, item):
            token = world.item(item).provisional_token
            if token is not None:
                (lifecycle.accept if answer == "accept" else lifecycle.decline)(token=token)
        case ("send again", item, kind):
            send_again_and_check(world, item, kind)
        case ("deliver", _):
            run_due(at_most=100)
        case ("wait", minutes):
            traveller.shift(timedelta(minutes=minutes))
            lifecycle.lapse_due(now=timezone.now())


def tell_in_person(world: World, what: tuple[Any, ...], traveller: Any) -> None:
    """No mail from this write, and who it is about believes what stands of what it changed."""
    owed = Job.objects.filter(type__in=[*STANDING_MAILS, "booking.cancelled"])
    mails, before = owed.count(), {each.pk: each for each in Booking.objects.all()}
    world.not_to_be_told |= {each.client_id for each in before.values()}
    world.telling = True
    try:
        step(world, what, traveller)
    finally:
        world.telling = False
    assert owed.count() == mails
    for booking in Booking.objects.all():
        was = before[booking.pk]
        if booking.stands and booking.version > was.version:
            known = (booking.announced_as, booking.announced_start_at, booking.announced_end_at)
            assert known == (booking.status, booking.start_at, booking.end_at)
        if booking.status == "cancelled" != was.status:
            assert booking.announced_as == ""


def note_who_is_not_told(world: World, what: tuple[Any, ...]) -> None:
    touched = [world.item(what[1])] if what[0].startswith("item") or what[0] == "decline" else []
    if what[0] == "visit client":
        touched = list(Booking.objects.filter(visit_id=world.visit_id))
    for booking in touched:
        over = what[0] != "decline" and "client" not in what[0]
        closed = booking.status in CLOSED or booking.end_at <= timezone.now()
        if not over and (what[0] == "decline" or closed):
            world.not_to_be_told.add(booking.client_id)


def send_again_and_check(world: World, item: int, kind: Kind) -> None:
    """One mail more at most, for the whole visit."""
    booking, stored, jobs = world.item(item), list(Booking.objects.values()), Job.objects.count()
    try:
        message = send_again(actor=ADA, booking_id=booking.pk, kind=kind)
    except NothingToSend:
        assert Job.objects.count() == jobs
        raise
    assert list(Booking.objects.values()) == stored
    assert Job.objects.count() - jobs in (0, 1)
    assert (message.type, message.client_id, message.visit_id) == (
        "booking.resent",
        booking.client_id,
        booking.visit_id,
    )


@dataclass(frozen=True)
class Rows:
    """What there is at one moment, read in few statements: it is asked after every step."""

    visits: list[Visit]
    jobs: list[Job]
    messages: list[Message]
    fees: list[NoShowFee]

    @classmethod
    def now(cls) -> Rows:
        messages = Message.objects.select_related("job").defer("html", "text", "ics")
        return cls(
            visits_with_items(), list(Job.objects.all()), list(messages), list(NoShowFee.objects.all())
        )


def check(world: World, known: Known) -> None:
    rows = Rows.now()
    one_visit_each(rows.visits)
    for visit in rows.visits:
        check_mails(visit, rows)
        check_after_visit(visit, rows)
        check_fee(visit, rows, known.fees)
    calendar_is_true(rows.visits)
    check_tokens(rows)
    check_offers(known.offers)
    known.reminders.check()
    assert kept() == counted()
    items = [each for visit in rows.visits for each in visit.items]
    missed = {(each.client_id, each.visit_id) for each in items if each.status == "no-show"}
    present = Counter(client_id for client_id, _ in missed)
    assert {client.pk: present[client.pk] for client in world.clients} == dict(
        Client.objects.values_list("pk", "no_show_count")
    )


def check_mails(visit: Visit, rows: Rows) -> None:
    """Each mail that waits is one for the whole visit, and may still be true."""
    waiting = [job for job in rows.jobs if job.visit_id == visit.pk and job.state == "pending"]
    assert [job.dedupe_key for job in waiting].count(f"booking.updated:visit:{visit.pk}") <= 1
    mine = [job.type for job in waiting if job.recipient == f"client:{visit.client_id}"]
    for type in ("booking.created", "booking.provisional", "booking.cancelled", "booking.resent"):
        assert mine.count(type) <= 1, type
    if visit.status in CLOSED:
        assert not {job.type for job in waiting} & set(STANDING_MAILS)
    if visit.status != "cancelled":
        assert "booking.cancelled" not in mine


def check_after_visit(visit: Visit, rows: Rows) -> None:
    """One request for a review and each step for each item, each once for this client; none where undone."""
    done = [each for each in visit.items if each.status == "completed"]
    reviews = [job for job in rows.jobs if job.visit_id == visit.pk and job.type == "review.request"]
    waiting = [job for job in reviews if job.state == "pending"]
    of_reviews = [each for each in rows.messages if each.type == "review.request"]
    told = Counter(
        each.client_id for each in of_reviews if each.visit_id == visit.pk and each.state in REACHED
    )
    assert all(count == 1 for count in told.values())
    assert len(waiting) <= 1
    if not done:
        assert not waiting
    elif not told[visit.client_id]:
        ids = {job.pk for job in reviews}
        mine = [each for each in of_reviews if each.job_id in ids and each.client_id == visit.client_id]
        assert waiting or any(each.state == "not_sent" for each in mine)
        assert not waiting or waiting[0].run_at >= visit.end_at or visit.end_at > START
    steps = [
        job.booking_id
        for job in rows.jobs
        if job.visit_id == visit.pk and job.type == "followup.step" and job.state == "pending"
    ]
    assert set(steps) <= {each.pk for each in done}
    reached = [each for each in rows.messages if each.type == "followup.step" and each.state in REACHED]
    both = Counter((each.booking_id, each.client_id, each.job.payload["step_id"]) for each in reached)
    assert all(count == 1 for count in both.values())


def check_fee(visit: Visit, rows: Rows, known: set[int]) -> None:
    """Of all no-shows together, once nothing of the visit stands."""
    ids = {each.pk for each in visit.items}
    due = [fee for fee in rows.fees if fee.booking_id in ids and fee.state == "due"]
    missed = [each for each in visit.items if each.status == "no-show"]
    if not missed or any(each.stands for each in visit.items):
        assert not due
        unsent = [job.type for job in rows.jobs if job.booking_id in ids and job.state == "pending"]
        assert not {"noshow.fee", "noshow.mail"} & set(unsent)
        return
    [fee] = due
    assert fee.client_id == visit.client_id
    if fee.pk not in known:
        known.add(fee.pk)
        total = sum((each.total_price for each in missed if each.total_price is not None), Decimal())
        assert fee.amount_minor == max(total * 50, Decimal(1000))


def check_tokens(rows: Rows) -> None:
    for booking in (each for visit in rows.visits for each in visit.items):
        assert booking.provisional_token is None or booking.status == "provisional"
        assert (booking.provisional_token is None) == (booking.provisional_expires_at is None)
        assert booking.feedback_token is not None or booking.status != "completed"


def check_offers(offered: set[int]) -> None:
    """Nobody who waits is offered a time that is taken."""
    for offer in WaitlistOffer.objects.exclude(pk__in=offered):
        offered.add(offer.pk)
        service = offer.entry.service
        place = Booking(
            staff=offer.staff,
            service=service,
            start_at=offer.start_at,
            end_at=offer.end_at,
            parts=service.parts,
            buffer_before_minutes=service.buffer_before_minutes,
            buffer_after_minutes=service.buffer_after_minutes,
        )
        taken = overlapping(offer.staff_id, stretches_of(place))
        assert [row for row in taken if row.booking_id is not None] == []


def check_belief(world: World, traveller: Any) -> None:
    """When every mail has had its time, clients believe, and have in their calendars, what is true."""
    for _ in range(3):
        traveller.shift(timedelta(minutes=31))
        run_due(at_most=100)
    now = timezone.now()
    compared = [each for each in Visit.objects.filter(end_at__gt=now) if check_announced(each)]
    left_out = set(Visit.objects.values_list("key", flat=True)) - {each.key for each in compared}
    for client in world.clients:
        if client.pk in world.not_to_be_told:
            continue
        messages = Message.objects.filter(client_id=client.pk, state__in=REACHED)
        calendar = ClientCalendar.of(messages.order_by("sent_at", "id"))
        shown = {uid: times for uid, times in calendar.events.items() if times[1] > now}
        for key in left_out:
            shown.pop(f"{key}@bookings", None)
        assert shown == {
            f"{visit.key}@bookings": (visit.start_at, visit.end_at)
            for visit in compared
            if visit.client_id == client.pk and visit.status == "scheduled"
        }


def check_announced(visit: Visit) -> bool:
    """Gives whether its calendar event can be compared: it stands or is cancelled, and what of it is over was
    told as it was."""
    items = list(visit.bookings.all())
    for booking in items:
        told = (booking.announced_start_at, booking.announced_end_at)
        if visit.status == "scheduled" and booking.stands:
            assert (booking.announced_as, *told) == ("scheduled", booking.start_at, booking.end_at)
        cancelled = booking.status == "cancelled" and booking.end_at > timezone.now()
        if visit.status in ("scheduled", "cancelled") and cancelled:
            assert booking.announced_as == ""
    over = [each for each in items if each.status in ("completed", "no-show")]
    known = all(
        (each.announced_start_at, each.announced_end_at) == (each.start_at, each.end_at) for each in over
    )
    return known and visit.status in ("scheduled", "cancelled")


@settings(max_examples=examples(80), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(STEPS)
def test_what_visits_set_in_motion_is_what_is_warranted(steps: list[tuple[Any, ...]]) -> None:
    with time_machine.travel(START, tick=False) as traveller:
        world = make_world()
        known = Known()
        check(world, known)
        for what in steps:
            before = (list(Booking.objects.values()), Job.objects.count(), BookingEvent.objects.count())
            try:
                step(world, what, traveller)
            except Refused:
                after = (list(Booking.objects.values()), Job.objects.count(), BookingEvent.objects.count())
                assert after == before
            check(world, known)
        check_belief(world, traveller)
