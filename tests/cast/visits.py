"""A salon that sells visits: Bea's and Cora's cut of 45 minutes, and a colour with a gap (contract §7)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from bookings.models import Booking, BusyTime, Visit, in_order
from bookings.slots.stretches import stretches_of
from notifications.execution import run_due
from notifications.models import Message
from staff.models import Service, Staff
from tests.cast.bookings import STORED, Salon, make_cast
from tests.cast.factories import Caller, caller, make_service
from tests.cast.parts import AMSTERDAM, TUESDAY, make_colour
from tests.cast.rows import Rows, rows_of


@dataclass
class Desk:
    """What the desk does with visits, on Tuesday 24 March 2026, as Ada unless somebody else is named."""

    salon: Salon
    cut: Service
    colour: Service

    def item(self, service: Service, staff: Staff | None, **more: Any) -> dict[str, Any]:
        return {"service_id": service.pk, "staff_id": None if staff is None else staff.pk, **more}

    def order(self, time: str = "10:00", **changes: Any) -> dict[str, Any]:
        """Alice's colour and then her cut, both by Bea: 105 and 45 minutes."""
        bea = self.salon.bea
        return {
            "client_id": self.salon.alice.pk,
            "items": [self.item(self.colour, bea), self.item(self.cut, bea)],
            "start_at": f"{TUESDAY} {time}:00",
            **changes,
        }

    def post(self, time: str = "10:00", who: Staff | str | None = None, **changes: Any) -> Any:
        return caller(who or self.salon.ada).post("/api/visits", self.order(time, **changes), format="json")

    def book(self, time: str = "10:00", **changes: Any) -> dict[str, Any]:
        answer = self.post(time, **changes)
        assert answer.status_code == 200, answer.json()
        body: dict[str, Any] = answer.json()
        return body["visit"]

    def put(self, visit: dict[str, Any], body: Any, who: Staff | None = None, **headers: str) -> Any:
        path = f"/api/visits/{visit['id']}"
        return caller(who or self.salon.ada).put(path, body, format="json", headers=headers)

    def changed(self, visit: dict[str, Any], body: Any) -> dict[str, Any]:
        answer = self.put(visit, body)
        assert answer.status_code == 200, answer.json()
        found: dict[str, Any] = answer.json()["visit"]
        return found

    def delete(self, visit: dict[str, Any], query: str = "") -> Any:
        return caller(self.salon.ada).delete(f"/api/visits/{visit['id']}{query}")

    def get(self, visit: dict[str, Any], who: Staff | None = None) -> Any:
        return caller(who or self.salon.ada).get(f"/api/visits/{visit['id']}")


def make_desk(**settings: Any) -> Desk:
    salon = make_cast(**settings)
    cut = make_service("Cut", duration_minutes=45)
    for person in (salon.bea, salon.cora):
        person.services.add(cut)
    return Desk(salon, cut, make_colour(salon))


def clock(instant: datetime) -> str:
    return f"{instant.astimezone(AMSTERDAM):%H:%M}"


def busy(staff: Staff) -> list[str]:
    """Her busy times of any day, `10:00-10:30`."""
    rows = BusyTime.objects.filter(staff=staff).order_by("starts_at")
    return [f"{clock(each.starts_at)}-{clock(each.ends_at)}" for each in rows]


def times(visit: dict[str, Any]) -> list[str]:
    """The bookings of a printed visit, `10:00-11:45 scheduled`."""
    return [
        f"{each['start_at'][11:16]}-{each['end_at'][11:16]} {each['status']}" for each in visit["bookings"]
    ]


def mails() -> list[tuple[str, str, str]]:
    """Type, state and reason of every mail, oldest first."""
    return list(Message.objects.order_by("id").values_list("type", "state", "reason"))


def newest() -> Message:
    return Message.objects.latest("id")


def send() -> None:
    """What is due leaves."""
    run_due(at_most=50)


def called(token: str | None, method: str, path: str, body: Any = None) -> Callable[[], str]:
    """A call to be made in a thread of its own; gives the code of its answer, "done" for 200."""

    def call() -> str:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = getattr(Caller(headers=headers), method)(path, body, format="json")
        if answer.status_code == 200:
            return "done"
        assert answer.status_code in (400, 404, 409, 410, 412), answer.content
        return "410" if answer.status_code == 410 else str(answer.json()["code"])

    return call


def everything() -> Rows:
    """All that a call about visits may write."""
    return rows_of((*STORED, Visit))


def visits_with_items() -> list[Visit]:
    """All visits, each with its bookings, and these with it. Two statements."""
    visits = {each.pk: each for each in Visit.objects.all()}
    items: dict[int | None, list[Booking]] = defaultdict(list)
    for booking in Booking.objects.all():
        items[booking.visit_id].append(booking)
        if booking.visit_id is not None:
            booking.visit = visits[booking.visit_id]
    for visit in visits.values():
        visit.items = in_order(items[visit.pk])
    return list(visits.values())


def one_visit_each(visits: Sequence[Visit] | None = None) -> None:
    """Every booking has a visit that says of it what is so. `visits`: those `visits_with_items` read."""
    for visit in visits_with_items() if visits is None else visits:
        items = visit.items
        counted = [each for each in items if each.status != "cancelled"] or items
        assert visit.start_at == min(each.start_at for each in counted)
        assert visit.end_at == max(each.end_at for each in counted)
        assert {each.client_id for each in items} == {visit.client_id}
    assert not Booking.objects.filter(visit=None).exists()


def calendar_is_true(visits: Sequence[Visit] | None = None) -> None:
    """Each booking that stands occupies what it should, nobody else does, and at no instant are there two
    parties. `visits` as of `one_visit_each`."""
    rows = list(BusyTime.objects.order_by("staff_id", "starts_at"))
    read = visits_with_items() if visits is None else visits
    for booking in (each for visit in read for each in visit.items):
        own = [row for row in rows if row.booking_id == booking.pk]
        found = [(row.starts_at, row.ends_at) for row in own if row.staff_id == booking.staff_id]
        assert len(found) == len(own)
        assert found == (stretches_of(booking) if booking.stands else [])
    for one, other in pairwise(rows):
        apart = one.staff_id != other.staff_id or one.ends_at <= other.starts_at
        assert apart or one.party == other.party
