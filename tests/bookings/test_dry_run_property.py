"""Random lives of bookings and visits: each write is asked for first, and does what was foreseen, ids and
tokens left out (contract §11 "Dry run")."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bookings import lifecycle
from bookings.models import Booking, NoShowFee, Visit, WaitlistEntry, WaitlistOffer
from notifications.execution import run_due
from notifications.models import (
    FollowupSequence,
    FollowupStep,
    Job,
    Message,
    Notification,
    WebhookDelivery,
    WebhookEndpoint,
)
from staff.wire.times import print_when
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import AMSTERDAM, caller, make_client, make_key, make_service
from tests.cast.parts import COLOUR
from tests.cast.passes import examples
from tests.cast.reminders import hours_before, make_channel, two_days_before
from tests.cast.visits import everything

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]

START = datetime.fromisoformat("2026-03-20T08:00:00+00:00")
NOT_COMPARED = {
    *("id", "key", "visit_id", "session_id", "series_id", "booking_ids", "created_at"),
    *("provisional_token", "feedback_token", "hold_token"),
}
ADDED = (Notification, WebhookDelivery, NoShowFee, WaitlistOffer)

WHICH, SLOT, WHO = st.integers(0, 3), st.integers(0, 5), st.integers(0, 1)
STATUSES = st.sampled_from(Booking.Status.values)
TOLD = st.sampled_from([{}, {}, {"notify": False, "reason": "told"}])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("book"), SLOT, WHO, st.sampled_from([{}, {"provisional": True}]), TOLD),
        st.tuples(st.just("series"), SLOT, WHO, TOLD),
        st.tuples(st.just("book visit"), SLOT, WHO, TOLD),
        st.tuples(st.just("status"), WHICH, STATUSES, TOLD),
        st.tuples(st.just("move"), WHICH, SLOT, TOLD),
        st.tuples(st.just("overlap"), WHICH, SLOT),
        st.tuples(st.just("client"), WHICH, st.integers(0, 2), TOLD),
        st.tuples(st.just("staff"), WHICH, WHO),
        st.tuples(st.just("cancel"), WHICH),
        st.tuples(st.just("cancel all"), WHICH),
        st.tuples(st.just("visit status"), WHICH, STATUSES, TOLD),
        st.tuples(st.just("visit move"), WHICH, SLOT, TOLD),
        st.tuples(st.just("add"), WHICH),
        st.tuples(st.just("remove"), WHICH),
        st.tuples(st.just("hold"), SLOT, WHO),
        st.tuples(st.just("archive"), WHO),
        st.tuples(st.just("merge"), WHO),
        st.tuples(st.just("move all"), WHICH, SLOT, TOLD),
        st.tuples(st.just("deliver"), st.none()),
        st.tuples(st.just("move after a minute"), WHICH, SLOT, TOLD),
        st.tuples(st.just("wait"), st.sampled_from([1, 35, 60 * 5, 60 * 24 * 4])),
    ),
    min_size=4,
    max_size=8,
)


@dataclass
class World:
    salon: Salon
    client: Any
    nobody: int
    colour: int

    @property
    def people(self) -> list[int]:
        return [self.salon.bea.pk, self.salon.cora.pk]

    @property
    def clients(self) -> list[int]:
        return [self.salon.alice.pk, self.salon.bob.pk, self.nobody]

    def order(self, slot: int, who: int, **more: Any) -> dict[str, Any]:
        return self.salon.order(client_id=self.clients[who], staff_id=self.people[who], **times(slot), **more)


def times(slot: int) -> dict[str, str]:
    return {
        "start_at": f"2026-03-24 {9 + slot:02}:30:00",
        "end_at": f"2026-03-24 {10 + slot:02}:30:00",
    }


def make_world() -> World:
    salon = make_cast(
        noshow_enabled=True,
        noshow_fee_type="percent",
        noshow_fee_value=50,
        noshow_fee_minimum=10,
        sms_when_no_mail=True,
    )
    colour = make_service("Colour", duration_minutes=105, parts=COLOUR, price=75)
    for person in (salon.bea, salon.cora):
        person.services.add(colour)
    sequence = FollowupSequence.objects.create(name="After", stop_on_rebook=True)
    FollowupStep.objects.create(sequence=sequence, delay_days=1, subject="Hi", body="How are you?")
    WebhookEndpoint.objects.create(url="https://example.com/hook", secret="s")
    WaitlistEntry.objects.create(
        client=make_client("Carl", marketing_consent=True), service=salon.service, date="2026-03-24"
    )
    nobody = make_client("Noor", email="", mobile="+31612345678")
    two_days_before()
    hours_before(3, channel="sms")
    make_channel()
    world = World(salon, caller(make_key()[1]), nobody.pk, colour.pk)
    salon.book()
    return world


def write_of(world: World, what: tuple[Any, ...]) -> tuple[str, str, dict[str, Any] | None]:
    """Method, path below /api/ and body."""
    bookings, visits = Booking.objects.order_by("pk"), Visit.objects.order_by("pk")
    kind, which = what[0], what[1]
    booking = f"bookings/{bookings[which % len(bookings)].pk}"
    visit = f"visits/{visits[which % len(visits)].pk}"
    item = {"service_id": world.salon.service.pk}
    match what:
        case ("book", slot, who, more, told):
            return "post", "bookings", {**world.order(slot, who), **more, **told}
        case ("series", slot, who, told):
            return "post", "bookings", {**world.order(slot, who), "recurrence": "FREQ=WEEKLY;COUNT=2", **told}
        case ("book visit", slot, who, told):
            items = [{"service_id": world.colour, "staff_id": world.people[who]}, item]
            start_at = times(slot)["start_at"]
            body = {"client_id": world.clients[who], "items": items, "start_at": start_at, **told}
            return "post", "visits", body
        case ("status", _, status, told):
            return "put", booking, {"status": status, **told}
        case ("move" | "move after a minute", _, slot, told):
            return "put", booking, {**times(slot), **told}
        case ("overlap", _, slot):
            return "put", booking, {**times(slot), "allow_overlap": True}
        case ("client", _, who, told):
            return "put", booking, {"client_id": world.clients[who], **told}
        case ("staff", _, who):
            return "put", booking, {"staff_id": world.people[who]}
        case ("visit status", _, status, told):
            return "put", visit, {"status": status, **told}
        case ("visit move", _, slot, told):
            return "put", visit, {"start_at": times(slot)["start_at"], **told}
        case ("add", _):
            return "put", visit, {"items": {"add": [item]}}
        case ("remove", _):
            inside = Booking.objects.filter(visit_id=visits[which % len(visits)].pk).order_by("pk")
            return "put", visit, {"items": {"remove": [inside[0].pk]}}
        case ("hold", slot, who):
            return "post", "holds", {**item, "staff_id": world.people[who], **times(slot)}
        case ("move all", _, slot, told):
            return "put", booking, {**times(slot), "scope": "all", **told}
        case ("merge", who):
            return "post", f"clients/{world.clients[who]}/merge", {"into": world.clients[1 - who]}
        case ("archive", who):
            return "delete", f"clients/{world.clients[who]}", None
        case ("cancel all", _):
            return "delete", f"{booking}?scope=all", None
    assert kind == "cancel"
    return "delete", booking, None


def call(world: World, method: str, path: str, body: Any) -> Any:
    return getattr(world.client, method)(path, body, format="json")


def ask_and_do(world: World, what: tuple[Any, ...]) -> None:
    method, path, body = write_of(world, what)
    before = everything()
    asked = call(world, method, f"/api/dry-run/{path}", body)
    assert everything() == before
    messages, added = waiting(), {each: set(each.objects.values_list("pk", flat=True)) for each in ADDED}
    done = call(world, method, f"/api/{path}", body)
    assert asked.status_code == done.status_code, (asked.json(), done.json())
    if done.status_code >= 400:
        assert asked.json() == {**done.json(), "dry_run": True}
        return
    would, answer = asked.json()["would"], done.json()
    assert would["warnings"] == answer.pop("warnings", [])
    assert would["affected_bookings"] == answer.pop("affected_bookings", [])
    assert plain(told_by(path, would)) == plain(answer)
    check_messages(would["messages"], messages)
    check_added(would, added)


def told_by(path: str, would: dict[str, Any]) -> Any:
    """The write's answer, put together again."""
    if path.startswith("visits"):
        return {"visit": would["visit"], "bookings": would["visit"]["bookings"], **(would["row"] or {})}
    return {**(would["booking"] or {}), **(would["row"] or {})}


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items() if key not in NOT_COMPARED}
    return value


def waiting() -> dict[int, tuple[str, datetime]]:
    """State and time of every message's job."""
    return {pk: (state, at) for pk, state, at in Job.objects.values_list("pk", "state", "run_at")}


def check_messages(foreseen: list[dict[str, Any]], before: dict[int, tuple[str, datetime]]) -> None:
    truly = []
    for message in Message.objects.select_related("job"):
        state, due_at = before.get(message.job_id, ("", message.job.run_at))
        was = ""
        if state in ("", "cancelled") and message.job.state == "pending":
            was = "new"  # or taken up again
        elif state == "pending" and message.job.state == "cancelled":
            was = "dropped"
        elif state == "pending" and due_at != message.job.run_at:
            was = "moved"
        if was:
            truly.append((message.type, message.channel, message.to, printed(message.job.run_at), was))
            assert was != "dropped" or message.reason in [each["why_not"] for each in foreseen]
    told = [tuple(each[key] for key in ("type", "channel", "to", "due_at", "was")) for each in foreseen]
    assert Counter(told) == Counter(truly)
    assert all(each["why_not"] for each in foreseen if not each["to"] or each["was"] == "dropped")


def printed(at: datetime) -> str:
    return print_when(at, zone=ZoneInfo(AMSTERDAM))


def check_added(would: dict[str, Any], before: dict[Any, set[int]]) -> None:
    lines, deliveries, fees, offers = (
        each.objects.exclude(pk__in=before[each]).order_by("pk") for each in ADDED
    )
    assert [(each["type"], each["staff_id"], each["title"]) for each in would["notifications"]] == list(
        lines.values_list("type", "staff_id", "title")
    )
    assert [(each["event_type"], each["endpoint_id"]) for each in would["webhooks"]] == list(
        deliveries.values_list("event_type", "endpoint_id")
    )
    fee = fees.filter(state__in=["due", "not_charged"]).last()
    assert (would["fee"] is None) == (fee is None)
    if fee is not None:
        assert (float(would["fee"]["amount"]) * 100, would["fee"]["state"], would["fee"]["reason"]) == (
            fee.amount_minor,
            fee.state,
            fee.reason,
        )
    assert [(each["entry_id"], each["client_id"]) for each in would["waitlist"]] == list(
        offers.values_list("entry_id", "entry__client_id")
    )


@settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(STEPS)
def test_what_is_foreseen_is_what_the_write_then_does(steps: list[tuple[Any, ...]]) -> None:
    with time_machine.travel(START, tick=False) as traveller, transaction.atomic():
        world = make_world()
        for what in steps:
            if what[0] == "deliver":
                run_due(at_most=100)
            elif what[0] == "wait":
                traveller.shift(timedelta(minutes=what[1]))
                lifecycle.lapse_due(now=timezone.now())
            else:
                if what[0] == "move after a minute":
                    traveller.shift(timedelta(minutes=1))
                ask_and_do(world, what)
        transaction.set_rollback(True)
