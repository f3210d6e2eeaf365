"""Random sequences of changes, sent and unsent in between: what is set in motion is exactly what the
present state and the history warrant (contract §1.3-1.4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import lifecycle
from bookings.lifecycle.announced import last_announced
from bookings.lifecycle.mail_types import STANDING_MAILS, TAKING_BACK
from bookings.mails.resent import Kind
from bookings.models import Booking, BookingEvent, BusyTime, NoShowFee
from bookings.send_again import send_again
from clients.models import Client
from notifications.execution import run_due
from notifications.models import FollowupSequence, FollowupStep, Job, Message
from staff.access.actor import Actor
from staff.models import Service, Staff
from staff.wire.refusals import Refused
from tests.cast.emptying import empty_the_database
from tests.cast.factories import make_bea, make_client, make_cora, make_salon, make_service
from tests.cast.passes import examples
from tests.cast.reminder_model import ReminderModel
from tests.cast.reminders import hours_before, two_days_before
from tests.cast.totals import counted, kept

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

START = datetime.fromisoformat("2026-03-20T08:00:00+00:00")
ADA = Actor(type="staff", id=1, name="Ada", channel="api", is_admin=True)
REACHED = ("sent", "kept", "uncertain")

STATUSES = st.sampled_from(Booking.Status.values)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("status"), STATUSES),
        st.tuples(st.just("dialect"), STATUSES),
        st.tuples(st.just("move"), st.integers(0, 5)),
        st.tuples(st.just("move and status"), st.integers(0, 5), STATUSES),
        st.tuples(st.just("client"), st.booleans()),
        st.tuples(st.just("staff"), st.booleans()),
        st.tuples(st.just("service"), st.booleans()),
        st.tuples(st.just("told status"), STATUSES),
        st.tuples(st.just("told move"), st.integers(0, 5)),
        st.tuples(st.just("told client"), st.booleans()),
        st.tuples(st.just("accept"), st.none()),
        st.tuples(st.just("decline"), st.none()),
        st.tuples(st.just("deliver"), st.none()),
        st.tuples(st.just("send again"), st.sampled_from(Kind)),
        st.tuples(st.just("wait"), st.sampled_from([1, 35, 60 * 5, 60 * 24 * 4])),
    ),
    min_size=1,
    max_size=14,
)


@dataclass
class World:
    """One booking, the people around it, and how often it was truly a completed visit."""

    clients: list[Client]
    people: list[Staff]
    services: list[Service]
    booking_id: int = 0
    not_to_be_told: set[int | None] = field(default_factory=set)
    """Clients who declined on the page, were told in person, or lost a visit that was closed or over: no mail
    takes it back."""

    @property
    def booking(self) -> Booking:
        return Booking.objects.get(pk=self.booking_id)

    def change(self, ask_by_mail: bool = True, **changes: Any) -> None:
        lifecycle.change(
            actor=ADA, booking_id=self.booking_id, changes=changes, how=lifecycle.How(ask_by_mail=ask_by_mail)
        )

    def tell(self, **changes: Any) -> None:
        """Told in person: this write mails nobody, and the client believes what stands."""
        before = (self.booking, Job.objects.filter(type__in=[*STANDING_MAILS, *TAKING_BACK]).count())
        self.not_to_be_told.add(before[0].client_id)
        how = lifecycle.How(ask_by_mail=True, told_in_person=True, reason="told")
        outcome = lifecycle.change(actor=ADA, booking_id=self.booking_id, changes=changes, how=how)
        now = self.booking
        assert Job.objects.filter(type__in=[*STANDING_MAILS, *TAKING_BACK]).count() == before[1]
        if outcome.changed and now.stands:
            assert (now.announced_as, now.announced_start_at, now.announced_end_at) == (
                now.status,
                now.start_at,
                now.end_at,
            )
        if now.status == "cancelled" != before[0].status:
            assert now.announced_as == ""

    def times(self, slot: int) -> dict[str, datetime]:
        start_at = START + timedelta(days=3, hours=slot)
        return {"start_at": start_at, "end_at": start_at + timedelta(hours=1)}


def make_world(*, asked_online: bool) -> World:
    empty_the_database()
    make_salon(noshow_enabled=True, noshow_fee_value=20, timezone="UTC")
    services = [
        make_service(),
        make_service("Colour", price=None, buffer_before_minutes=10, buffer_after_minutes=20),
    ]
    sequence = FollowupSequence.objects.create(name="After", stop_on_rebook=False)
    for days in (1, 3):
        FollowupStep.objects.create(sequence=sequence, delay_days=days, subject="Hi", body="How are you?")
    people = [make_bea(services=services), make_cora(services=services)]
    clients = [make_client(name, marketing_consent=True) for name in ("Alice", "Bob")]
    hours_before(3)
    two_days_before(days_before=1)
    world = World(clients, people, services)
    order = lifecycle.Order(
        client_id=clients[0].pk,
        staff_id=people[0].pk,
        service_id=services[0].pk,
        status="provisional" if asked_online else "scheduled",
        source="online" if asked_online else "api",
        **world.times(0),
    )
    world.booking_id = lifecycle.book(actor=ADA, order=order).booking.pk
    return world


def step(world: World, what: tuple[Any, ...], traveller: Any) -> None:
    kind, value = what[0], what[1]
    now = world.booking
    if kind == "decline" or now.end_at <= timezone.now():
        world.not_to_be_told.add(now.client_id)
    if kind == "status":
        world.change(status=value)
    elif kind == "dialect":
        world.change(ask_by_mail=False, status=value)
    elif kind == "move":
        world.change(**world.times(value))
    elif kind == "move and status":
        world.change(**world.times(value), status=what[2])
    elif kind == "told status":
        world.tell(status=value)
    elif kind == "told move":
        world.tell(**world.times(value))
    elif kind == "told client":
        world.tell(client_id=world.clients[value].pk)
    elif kind == "client":
        world.change(client_id=world.clients[value].pk)
    elif kind == "staff":
        world.change(staff_id=world.people[value].pk)
    elif kind == "service":
        world.change(service_id=world.services[value].pk)
    elif kind in ("accept", "decline"):
        token = world.booking.provisional_token
        if token is not None:
            (lifecycle.accept if kind == "accept" else lifecycle.decline)(token=token)
    elif kind == "send again":
        send_again_and_check(world, value)
    elif kind == "deliver":
        run_due(at_most=100)
    elif kind == "wait":
        traveller.shift(timedelta(minutes=value))
        lifecycle.lapse_due(now=timezone.now())
        lifecycle.lapse_unanswered(now=timezone.now())


def send_again_and_check(world: World, kind: Kind) -> None:
    """One mail more at most, true when it was asked for; nothing of the booking changes."""
    booking, stored, jobs = world.booking, Booking.objects.values().get(), Job.objects.count()
    message = send_again(actor=ADA, booking_id=booking.pk, kind=kind)
    assert Booking.objects.values().get() == stored
    assert Job.objects.count() - jobs in (0, 1)
    assert (message.type, message.client_id, message.state) == (
        "booking.resent",
        booking.client_id,
        "waiting",
    )
    assert booking.end_at > timezone.now() or kind == Kind.CANCELLATION
    assert {
        Kind.CONFIRMATION: booking.status == "scheduled",
        Kind.REQUEST: booking.provisional_token is not None or booking.asked_online,
        Kind.CANCELLATION: booking.status == "cancelled"
        and (was_told(booking) or booking.source == "online"),
    }[kind]


def was_told(booking: Booking) -> bool:
    """Whether a mail ever told its client that it stands."""
    told = Message.objects.filter(client_id=booking.client_id, state__in=REACHED)
    return any((facts.get("announces") or {}).get("as") for facts in told.values_list("facts", flat=True))


@dataclass(frozen=True)
class Rows:
    """What there is about the booking at one moment, read in few statements: it is asked after every step."""

    booking: Booking
    jobs: list[Job]
    messages: list[Message]

    @classmethod
    def now(cls, world: World) -> Rows:
        messages = Message.objects.select_related("job").defer("html", "text", "ics")
        of_booking = messages.filter(booking_id=world.booking_id)
        jobs = list(Job.objects.filter(booking_id=world.booking_id))
        return cls(Booking.objects.select_related("service").get(pk=world.booking_id), jobs, list(of_booking))

    def pending(self, *types: str) -> list[Job]:
        return [job for job in self.jobs if job.state == "pending" and job.type in types]

    def reached(self, type: str) -> Counter[Any]:
        told = [each for each in self.messages if each.type == type and each.state in REACHED]
        return Counter((each.client_id, each.job.payload.get("step_id")) for each in told)


def check(world: World) -> None:
    rows = Rows.now(world)
    booking = rows.booking
    assert kept() == counted()
    resent = Counter((job.recipient, job.payload["type"]) for job in rows.pending("booking.resent"))
    assert max(resent.values(), default=0) <= 1
    check_busy_times(booking)
    check_tokens(booking)
    assert len(rows.pending("booking.updated")) <= 1
    if booking.status in ("completed", "cancelled", "no-show"):
        assert rows.pending(*STANDING_MAILS) == []
    if booking.status != "cancelled":
        others = rows.pending(*TAKING_BACK)
        assert all(job.recipient != f"client:{booking.client_id}" for job in others)
    check_visit(rows)
    check_money(rows)
    present = Counter([booking.client_id] if booking.status == "no-show" else [])
    assert {client.pk: present[client.pk] for client in world.clients} == dict(
        Client.objects.values_list("pk", "no_show_count")
    )


def check_busy_times(booking: Booking) -> None:
    rows = list(BusyTime.objects.values_list("staff_id", "party", "starts_at", "ends_at", "booking_id"))
    if booking.status not in ("scheduled", "provisional"):
        assert rows == []
        return
    service = booking.service
    assert rows == [
        (
            booking.staff_id,
            booking.party,
            booking.start_at - timedelta(minutes=service.buffer_before_minutes),
            booking.end_at + timedelta(minutes=service.buffer_after_minutes),
            booking.pk,
        )
    ]


def check_tokens(booking: Booking) -> None:
    if booking.status != "provisional":
        assert booking.provisional_token is None
    assert (booking.provisional_token is None) == (booking.provisional_expires_at is None)
    if booking.status == "completed":
        assert booking.feedback_token is not None


def check_visit(rows: Rows) -> None:
    """A completed visit has earned one review request and each step once; an undone one nothing more."""
    booking = rows.booking
    after = rows.pending("review.request", "followup.step")
    waiting = [job for job in after if job.recipient == f"client:{booking.client_id}"]
    steps = list(FollowupStep.objects.values_list("pk", flat=True))
    for type, wanted in (("review.request", [None]), ("followup.step", steps)):
        told = rows.reached(type)
        assert all(count == 1 for count in told.values()), (type, told)
        due = Counter(job.payload.get("step_id") for job in waiting if job.type == type)
        if booking.status != "completed":
            assert not due
            continue
        for each in wanted:
            closed = any(
                message.state == "not_sent" and message.job.payload.get("step_id") == each
                for message in rows.messages
                if message.type == type and message.client_id == booking.client_id
            )
            assert due[each] + told[(booking.client_id, each)] == 1 or (closed and due[each] == 0), (
                type,
                each,
            )
    assert after == waiting


def check_money(rows: Rows) -> None:
    booking = rows.booking
    fees = list(NoShowFee.objects.filter(booking=booking))
    live = [fee for fee in fees if fee.state in ("due", "not_charged")]
    if booking.status == "no-show":
        charged = [fee for fee in live if fee.client_id == booking.client_id]
        assert len(charged) >= 1
        assert sum(fee.state == "due" for fee in live) <= 1
    else:
        assert all(fee.state != "due" for fee in fees)
        assert rows.pending("noshow.fee", "noshow.mail") == []


def check_belief(world: World, traveller: Any) -> None:
    """When every pending mail has had its time, the client believes what is true."""
    for _ in range(3):
        traveller.shift(timedelta(minutes=31))
        run_due(at_most=100)
    booking = world.booking
    for client in world.clients:
        if client.pk != booking.client_id and client.pk not in world.not_to_be_told:
            told = last_announced(booking, client_id=client.pk)
            over = told is not None and told.end_at is not None and told.end_at <= timezone.now()
            assert told is None or told.status == "" or over
    if booking.end_at <= timezone.now():
        return
    if booking.status == "cancelled":
        assert booking.announced_as == ""
    if booking.status == "scheduled":
        assert (booking.announced_as, booking.announced_start_at, booking.announced_end_at) == (
            "scheduled",
            booking.start_at,
            booking.end_at,
        )
    if booking.status == "provisional" and booking.provisional_token is not None:
        assert booking.announced_start_at == booking.start_at


@settings(
    max_examples=examples(120), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(STEPS, st.booleans())
def test_what_is_set_in_motion_is_what_is_warranted(steps: list[tuple[Any, ...]], asked_online: bool) -> None:
    """Of what staff booked, and of what a client asked for online."""
    with time_machine.travel(START, tick=False) as traveller:
        world, reminders = make_world(asked_online=asked_online), ReminderModel()
        check(world)
        reminders.check()
        for what in steps:
            before = (world.booking, Job.objects.count(), BookingEvent.objects.count())
            try:
                step(world, what, traveller)
            except Refused:
                assert (world.booking, Job.objects.count(), BookingEvent.objects.count()) == before
            check(world)
            reminders.check()
        check_belief(world, traveller)
