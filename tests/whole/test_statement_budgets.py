"""What every route costs in SQL statements, for every method, and that a fuller salon costs no more.

Each call of the access matrix is made twice by somebody who may: in the salon of the matrix, then with two
more rows of everything that a list shows. The second time it takes the statements of its row in
tests/cast/statement_budgets.py, where it is said what counts: exactly so many, so one statement more is red,
and so is a budget larger than needed. What grows with the rows took fewer the first time. A number that has
changed with reason goes into the table by hand; the test says which.

Not here: pages of admin (tests/staff/test_admin_first_page.py, and "the same statements" in test_admin*.py of
the apps); what /readyz asks on a connection of its own (tests/whole/test_health.py) and /metrics with its
token (tests/whole/test_metrics.py); calls that a provider has signed, and each item that an order has more
(tests/bookings/test_visits_effects.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from bookings.feeds.addresses import make_feed
from bookings.models import (
    Booking,
    BookingEvent,
    Feedback,
    Hold,
    NoShowFee,
    Reminded,
    ReminderRule,
    WaitlistEntry,
    WaitlistOffer,
)
from notifications.models import (
    FollowupSequence,
    InboundText,
    Job,
    Message,
    Notification,
    OptOut,
    WebhookDelivery,
    WebhookEndpoint,
)
from staff.models import OpeningException, ServiceDuration
from tests.cast import statement_budgets
from tests.cast.access import HOOK, Caller, House, moment
from tests.cast.access_calls import Knocker, address, body_of, standing, taken_back
from tests.cast.access_table import ROUTES, expected
from tests.cast.factories import (
    make_booking,
    make_client,
    make_holiday,
    make_hours,
    make_key,
    make_location,
    make_service,
    make_staff,
    make_time_off,
)
from tests.cast.pages import statements_of
from tests.cast.statement_budgets import budgets, who_asks
from tests.cast.texts import make_channel

pytestmark = pytest.mark.django_db

FILE = statement_budgets.__file__
MADE_AT = datetime(2026, 6, 10, 10, tzinfo=UTC)
ASKED_AT = MADE_AT + timedelta(minutes=1)
"""Later than what the feed of changes holds back."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a call sent to the database, and about how many rows its answer shows: JSON objects, elements of a
    page, entries of a calendar."""

    statements: list[str]
    body: bytes

    @property
    def rows(self) -> int:
        return sum(map(self.body.count, (b"{", b"<", b"BEGIN:")))


@dataclass(frozen=True, slots=True)
class Salon:
    """Ready to be called, fuller than it was when `small` was asked, by method and route."""

    knock: Knocker
    callers: dict[str, Caller]
    small: dict[tuple[str, str], Taken]

    def ask(self, method: str, route: str, query: str = "") -> Taken:
        """The call that the matrix makes there, taken back."""
        house, who = self.knock.house, who_asks(route, method, self.callers)
        where, body = address(route, method, house) + query, body_of(route, method, house)
        if (method, route) in ASKED_FOR:
            where += f"?{ASKED_FOR[method, route].format(monday=house.at(0)[:10])}"
        answers: list[Any] = []
        with taken_back():
            taken = statements_of(lambda: answers.append(self.knock.send_to(where, method, who, body)))
        allowed = expected(route, method, who, personal=False)
        assert answers[0].status_code in allowed, (
            method,
            where,
            answers[0].status_code,
            answers[0].body[:300],
        )
        return Taken(taken, answers[0].body)


CALLS = [(method, route) for route, row in ROUTES.items() for method in row]

ASKED_FOR = {("GET", "/api/agenda"): "date={monday}&days=8"}
"""Where the matrix asks for days on which nothing is."""


@pytest.fixture(scope="module")
def salon(django_db_setup: None, django_db_blocker: Any) -> Iterator[Salon]:
    with (
        time_machine.travel(MADE_AT, tick=False) as clock,
        standing(django_db_blocker) as (house, callers),
    ):
        made = Salon(Knocker(house), callers, {})
        add_one_of_each(house, 1)
        clock.move_to(ASKED_AT)
        made.small.update({call: made.ask(*call) for call in CALLS})
        clock.move_to(MADE_AT)
        for number in (2, 3):
            add_one_of_each(house, number)
        clock.move_to(ASKED_AT)
        yield made


def test_every_route_has_a_budget_for_every_method() -> None:
    methods = {route: set(row) for route, row in ROUTES.items()}
    for vendor in ("sqlite", "postgresql"):
        told = {route: set(row) for route, row in budgets(vendor).items()}
        lacking = {route: row - told.get(route, set()) for route, row in methods.items()}
        assert not any(lacking.values()), f"give them a budget in {FILE}: {_those(lacking)}"
        over = {route: row - methods.get(route, set()) for route, row in told.items()}
        assert not any(over.values()), f"budgets in {FILE} for what is gone: {_those(over)}"


def _those(methods: dict[str, set[str]]) -> str:
    return ", ".join(f"{' '.join(sorted(row))} {route}" for route, row in methods.items() if row)


@pytest.mark.parametrize("route", ROUTES)
def test_a_call_takes_the_statements_of_its_row(route: str, salon: Salon) -> None:
    budget, wrong = budgets(connection.vendor).get(route, {}), []
    for method in ROUTES[route]:
        taken, before = salon.ask(method, route), salon.small[method, route]
        number, few = len(taken.statements), len(before.statements)
        if number != few and (method, route) not in DOES_MORE:
            wrong += told(
                f"{method} {route}: {few} statements, and {number} the second time, with more rows", taken
            )
        elif number != budget.get(method):
            wrong += told(f"{method} {route}: {number} statements, its budget is {budget.get(method)}", taken)
    assert not wrong, "\n".join(wrong)


def told(sentence: str, taken: Taken) -> list[str]:
    return [sentence, *(f"  {number}. {sql[:160]}" for number, sql in enumerate(taken.statements, 1))]


DOES_MORE = {("POST", "/api/dry-run/clients/<id>/merge")}
"""What grows with good reason, as far as it may: each mail that would leave is composed, as many as
`MOST_COMPOSED` of bookings/dry_run/side_effects.py."""

SHOWS_ONE_THING = {
    "/agenda",
    "/api/auth/me",
    "/api/notifications/unread-count",
    "/api/settings",
    "/book/done",
    "/favicon.ico",
    "/provisional/<token>/accept",
    "/provisional/<token>/decline",
    "/v/<token>/calendar.ics",
    "/v/<token>/cancel",
    "/v/<token>/confirm",
    "/v/<token>/note",
    *(route for route in ROUTES if route.startswith("/^")),
}
"""Beside what is one thing by its address, which ends with the row's number or token."""


def test_a_fuller_salon_shows_more_in_every_list(salon: Salon) -> None:
    """Else what is said above of a list that grows would be said of one that does not."""
    lists = [
        (method, route)
        for method, route in CALLS
        if method == "GET" or ROUTES[route][method] == "simplespa read"
        if not route.endswith(">") and salon.small[method, route].statements
    ]
    stayed = {
        route for method, route in lists if salon.ask(method, route).rows <= salon.small[method, route].rows
    }
    assert stayed == SHOWS_ONE_THING


def test_a_page_takes_no_more_than_the_array_and_its_total(salon: Salon) -> None:
    arrays = [
        route
        for method, route in CALLS
        if method == "GET" and salon.small[method, route].body.startswith(b"[") and "/api/v" not in route
    ]
    assert "/api/bookings" in arrays
    for route in arrays:
        for query, total in (("?page=1&limit=200", 0), ("?page=1&limit=1", 1)):
            page = salon.ask("GET", route, query)
            assert b'"pages"' in page.body
            assert len(page.statements) <= budgets(connection.vendor)[route]["GET"] + total, told(route, page)


def test_a_visit_of_several_bookings_is_read_like_one_of_one(salon: Salon) -> None:
    coming = salon.knock.house.coming
    others = Booking.objects.filter(client=coming.client, service=coming.service, start_at__gt=ASKED_AT)
    with taken_back():
        assert others.update(visit_id=coming.visit_id) > 2
        for method, route in CALLS:
            if method == "GET" and route.startswith(("/v/<token>", "/api/public/visits/<token>")):
                taken = salon.ask(method, route)
                assert len(taken.statements) == budgets(connection.vendor)[route][method], told(route, taken)


@pytest.mark.first_pass_alone(why="what HEAD and OPTIONS ask, the others ask on the other database too")
def test_head_takes_no_more_than_get_and_options_no_more_than_any(salon: Salon) -> None:
    for route, budget in budgets(connection.vendor).items():
        if "GET" in budget:
            head = salon.ask("HEAD", route)
            assert len(head.statements) <= budget["GET"], told(f"HEAD {route}", head)
        options = salon.ask("OPTIONS", route)
        assert len(options.statements) <= min(budget.values()), told(f"OPTIONS {route}", options)


# --- a fuller salon ---------------------------------------------------------------------------------


def add_one_of_each(house: House, number: int) -> None:
    """Another row of everything that a list shows, with a person, a service and a client of its own."""
    now = MADE_AT
    make_location(f"Branch {number}", f"branch-{number}")
    service = make_service(f"Treatment {number}")
    offered = [house.service, house.cut, service]
    person = make_staff(f"Mia{number} More", services=offered, location=house.location)
    client = make_client(f"Nina{number}", "Nieuw")
    make_hours(person)
    ServiceDuration.objects.create(service=house.service, staff=person, duration_minutes=50)
    make_time_off(person, moment(4, 9), hours=4)
    make_holiday(moment(40 + number, 10).date())
    day = moment(6, 10).date()
    exception = OpeningException.objects.create(scope="staff", date_from=day, date_to=day)
    exception.people.add(person, house.bea)
    make_key(f"Key {number}")
    make_feed(person=house.ada, scope="own", detail="full", now=now)

    for day, who, with_whom in ((2, house.alice, house.bea), (3, house.bob, person), (1, client, person)):
        start_at = moment(day, 8 + number)
        booking = make_booking(
            client=who,
            staff=with_whom,
            service=house.cut,
            start_at=start_at,
            location_id=house.location.pk,
            now=now,
        )
    session = make_booking(
        client=client, staff=person, service=house.service, start_at=moment(0, 11 + number), now=now
    )
    make_booking(
        client=house.bob,
        staff=person,
        service=house.service,
        start_at=session.start_at,
        session_of=session.pk,
        now=now,
    )
    past = make_booking(
        client=house.alice, staff=person, service=house.cut, start_at=moment(-22 - number, 10), now=now
    )
    Booking.objects.filter(pk=past.pk).update(status="completed")
    Feedback.objects.create(booking=past, rating=4, comment="Fine", created_at=now)
    NoShowFee.objects.create(
        booking=past,
        event=past.events.get(),
        client=house.alice,
        amount_minor=100,
        currency="EUR",
        pay_token=f"pay-{number}",
        pay_until=now + timedelta(days=7),
        created_at=now,
    )
    BookingEvent.objects.create(
        booking=house.booking, at=now, door="update", actor_type="system", to_status="scheduled"
    )
    entry = WaitlistEntry.objects.create(
        client=client, service=house.service, staff=person, date=moment(3, 10).date(), status="notified"
    )
    hold = Hold.objects.create(
        token=f"hold-{number}",
        staff=person,
        service=house.service,
        start_at=moment(2, 9 + number),
        end_at=moment(2, 10 + number),
        expires_at=now + timedelta(hours=1),
        created_at=now,
    )
    WaitlistOffer.objects.create(
        entry=entry,
        token=f"offer-{number}",
        staff=person,
        start_at=hold.start_at,
        end_at=hold.end_at,
        hold=hold,
        expires_at=hold.expires_at,
        created_at=now,
    )
    _add_what_is_told(house, number, client_id=client.pk, booking=booking)


def _add_what_is_told(house: House, number: int, *, client_id: int, booking: Booking) -> None:
    now = MADE_AT
    sequence = FollowupSequence.objects.create(name=f"Sequence {number}", service=booking.service)
    sequence.steps.create(delay_days=1, subject="How was it?", body="Tell us.")
    ReminderRule.objects.create(
        name=f"Rule {number}", minutes_before=90, service=booking.service, is_active=False
    )
    for person in (house.ada, house.bea):
        Notification.objects.create(
            staff=person, type="booking.new", title="New", booking_id=booking.pk, created_at=now
        )
    jobs = [
        Job.objects.create(
            type=kind, once_key=f"{kind} {number}", state="dead", run_at=now, first_run_at=now, created_at=now
        )
        for kind in ("booking.created", "webhook.deliver")
    ]
    message = Message.objects.create(
        job=jobs[0],
        type="booking.created",
        booking_id=house.booking.pk,
        visit_id=house.booking.visit_id,
        client_id=house.alice.pk,
        message_id=f"<{number}@salon.example>",
        created_at=now,
    )
    Reminded.objects.create(
        visit_id=house.booking.visit_id,
        message=message,
        rule_id=house.rule.pk,
        client_id=house.alice.pk,
        start_at=house.booking.start_at,
        asks=True,
        due_at=now,
        sent_at=now,
    )
    WebhookDelivery.objects.create(
        endpoint=house.endpoint,
        job=jobs[1],
        event_type="booking.created",
        booking_id=booking.pk,
        message_id=f"msg_more_{number}",
        created_at=now,
    )
    WebhookEndpoint.objects.create(url=f"{HOOK}/{number}", secret="whsec")
    channel = make_channel(name=f"Line {number}")
    OptOut.objects.create(
        number=f"+3161234568{number}", digest=f"{number}" * 64, source=OptOut.Source.REPLY, created_at=now
    )
    InboundText.objects.create(
        channel=channel,
        provider_id=f"in-{number}",
        number="+31612345690",
        client_id=client_id,
        text="Hello",
        meaning="other",
        received_at=now,
    )
