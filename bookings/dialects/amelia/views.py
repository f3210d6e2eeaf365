"""The Amelia endpoint: one address, a table of calls; parse, the door, render (contract §3)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.dialects.amelia import catalogue, parse, render, writes
from bookings.dialects.amelia.appointments import (
    Appointment,
    Search,
    find_appointment,
    find_appointments,
    search,
)
from bookings.dialects.amelia.codes import CANCELED, REJECTED, shown_as
from bookings.dialects.amelia.refusals import error
from bookings.dialects.amelia.routing import LARGEST_PAGE, Call, UnknownCall, call_of
from bookings.dialects.keys import READS, WRITES, DialectKey, KeyMay, actor_of_key
from bookings.links import new_token
from staff.access.auth import salon_of
from staff.models import ApiKey
from staff.wire.errors import MethodNotAllowed
from staff.wire.text import LARGEST_INTEGER
from staff.wire.views import GatedView

Json = dict[str, Any]

DEFAULT_PAGE_SIZE = 12
LARGEST_PAGE_SIZE = 500


class AmeliaKey(DialectKey):
    """The header `Amelia: KEY`."""

    dialect = ApiKey.Dialect.AMELIA

    def secret_of(self, request: Request) -> str | None:
        return request.headers.get("Amelia")


class AmeliaView(GatedView):
    """GET reads, POST writes; errors in the vendor's form."""

    authentication_classes = [AmeliaKey]
    permission_classes = [KeyMay]
    throttle_classes = ()
    error_format = staticmethod(error)
    schema = None

    def power_of(self, request: Request) -> int:
        return WRITES if request.method == "POST" else READS

    def get(self, request: Request) -> Response:
        return self._answer(request, "GET")

    def post(self, request: Request) -> Response:
        return self._answer(request, "POST")

    def _answer(self, request: Request, method: str) -> Response:
        call = call_of(request)
        handlers, ids = _found(call.path)
        if method not in handlers:
            self.headers["Allow"] = ", ".join(handlers)
            raise MethodNotAllowed(f"{method} is not possible here; use {self.headers['Allow']}.")
        message, data = handlers[method](Asked(request, call, self.body, ids))
        return Response({"message": message, "data": data})


@dataclass(frozen=True, slots=True)
class Asked:
    """One call: its parameters, its body, the ids of its path."""

    request: Request
    call: Call
    body: Any
    ids: tuple[int, ...]

    @property
    def caller(self) -> writes.Caller:
        return writes.Caller(
            actor=actor_of_key(self.request), salon=salon_of(self.request), now=timezone.now()
        )


Answer = tuple[str, Any]
Handlers = dict[str, Callable[[Asked], Answer]]


def create(asked: Asked) -> Answer:
    caller = asked.caller
    wanted = parse.new_appointment_of(asked.body, zone=caller.salon.zone, now=caller.now)
    caller = caller.telling(notify=wanted.notify)
    made = find_appointments(writes.create(wanted, caller=caller), actor=caller.actor)
    printer = render.Printer(render.CREATED, caller.salon.zone)
    first, *others = [_created(each, printer) for each in made]
    return "Successfully added new appointment", {
        "appointment": first,
        "recurring": [{"appointment": each} for each in others],
    }


def _created(appointment: Appointment, printer: render.Printer) -> Json:
    ids = {each.pk for each in appointment.bookings}
    tokens = {each: new_token() for each in ids}
    return printer.appointment(
        appointment, bookings=printer.bookings(appointment, changed=ids, tokens=tokens)
    )


def update(asked: Asked) -> Answer:
    caller = asked.caller
    (appointment_id,) = asked.ids
    stored = find_appointment(appointment_id, actor=caller.actor)
    edit = parse.edit_of(asked.body, stored=stored.start_at, zone=caller.salon.zone, now=caller.now)
    done = writes.update(appointment_id, edit, caller=caller.telling(notify=edit.notify is not False))
    printer = render.Printer(render.UPDATED, caller.salon.zone)
    before, after = done.before, done.after
    bookings = [] if done.emptied else printer.bookings(after, changed=done.changed, updated=done.updated)
    status = CANCELED if done.emptied else after.status
    restaffed = before.lead.staff_id != after.lead.staff_id
    return "Successfully updated appointment", {
        "appointment": printer.appointment(after, bookings=bookings, status=status),
        "appointmentStatusChanged": before.status != status,
        "appointmentRescheduled": (before.start_at, before.length) != (after.start_at, after.length),
        "initialAppointmentDateTime": printer.initial_times(before),
        "bookingsWithChangedStatus": [each for each in bookings if each["isChangedStatus"]],
        "appointmentEmployeeChanged": before.lead.staff_id if restaffed else None,
        "appointmentZoomUserChanged": False,
        "bookingAdded": done.added,
        "appointmentZoomUsersLicenced": False,
        "createPaymentLinks": None,
    }


def set_status(asked: Asked) -> Answer:
    caller = asked.caller
    status, package_customer_id = parse.status_of(asked.body)
    done = writes.set_status(asked.ids[0], status, package_customer_id, caller=caller)
    printer = render.Printer(render.RETRIEVED, caller.salon.zone)
    bookings = printer.bookings(done.after, changed=done.changed)
    return "Successfully updated appointment status", {
        "appointment": printer.appointment(done.after, bookings=bookings),
        "bookingsWithChangedStatus": [each for each in bookings if each["isChangedStatus"]],
        "status": status,
        "oldStatus": done.before.status,
        "message": f"Appointment status has been changed to {status}",
    }


def delete(asked: Asked) -> Answer:
    """Answers with everything rejected, and with the bookings as they were before."""
    caller = asked.caller
    before = writes.delete(asked.ids[0], caller=caller)
    printer = render.Printer(render.DELETED, caller.salon.zone)
    changed = {each.pk for each in before.bookings if shown_as(each) != REJECTED}
    return "Successfully deleted appointment", {
        "appointment": printer.deleted(before, changed=changed),
        "bookingsWithChangedStatus": [
            each for each in printer.bookings(before, changed=changed) if each["id"] in changed
        ],
    }


def retrieve(asked: Asked) -> Answer:
    caller = asked.caller
    found = find_appointment(asked.ids[0], actor=caller.actor)
    printer = render.Printer(render.RETRIEVED, caller.salon.zone)
    return "Successfully retrieved appointment", {
        "appointment": printer.appointment(found, bookings=printer.bookings(found)),
        "recurring": [],
    }


def list_appointments(asked: Asked) -> Answer:
    caller, call = asked.caller, asked.call
    found = search(_search_of(call), actor=caller.actor, zone=caller.salon.zone)
    with_services, with_providers = not call.flag("skipServices"), not call.flag("skipProviders")
    printer = render.Printer(render.LISTED, caller.salon.zone)
    as_array = call.flag("asArray")
    items = []
    for each in found.appointments:
        past = each.start_at <= caller.now
        may_change = render.may_still_change(each, past=past)
        items.append(
            printer.appointment(
                each,
                bookings=printer.bookings(each),
                provider=catalogue.provider(each.lead.staff) if with_providers else None,
                service=catalogue.service(each.lead.service) if with_services else None,
            )
            | {
                "cancelable": may_change,
                "reschedulable": may_change,
                "past": past,
                "isGroup": each.lead.service.max_capacity > 1,
            }
        )
    return "Successfully retrieved appointments", {
        "appointments": items if as_array else render.by_date(items),
        "availablePackageBookings": [],
        "emptyPackageBookings": [],
        "occupied": [],
        "total": found.total,
        "totalApproved": found.approved,
        "totalPending": found.pending,
        "currentUser": render.user(
            None, first_name="API", last_name=caller.actor.name, email=caller.salon.reply_to, kind="admin"
        ),
    }


def _search_of(call: Call) -> Search:
    page = call.count("page", largest=LARGEST_PAGE)
    size = min(call.count("limit", largest=LARGEST_INTEGER) or DEFAULT_PAGE_SIZE, LARGEST_PAGE_SIZE)
    return Search(
        dates=call.dates("dates"),
        services=call.ids("services"),
        providers=call.ids("providers"),
        locations=call.ids("locations"),
        customers=call.ids("customers"),
        statuses=call.statuses("status"),
        offset=((page or 1) - 1) * size,
        size=None if page is None else size,
    )


def list_customers(asked: Asked) -> Answer:
    return "Successfully retrieved users", catalogue.customers(asked.call)


def add_customer(asked: Asked) -> Answer:
    return "Successfully added new user", {
        "user": catalogue.add_customer(asked.body, salon=salon_of(asked.request), now=timezone.now())
    }


def retrieve_customer(asked: Asked) -> Answer:
    return "Successfully retrieved user", {"user": catalogue.find_customer(asked.ids[0])}


def list_providers(asked: Asked) -> Answer:
    return "Successfully retrieved users", catalogue.providers(asked.call)


def list_services(asked: Asked) -> Answer:
    return "Successfully retrieved services", {"services": catalogue.services()}


def list_categories(asked: Asked) -> Answer:
    return "Successfully retrieved categories", {"categories": catalogue.categories()}


def list_locations(asked: Asked) -> Answer:
    return "Successfully retrieved locations", {"locations": catalogue.locations()}


def list_slots(asked: Asked) -> Answer:
    caller = asked.caller
    return "Successfully retrieved free slots", catalogue.slots(
        asked.call, salon=caller.salon, now=caller.now
    )


CALLS: dict[str, Handlers] = {
    r"/appointments": {"GET": list_appointments, "POST": create},
    r"/appointments/([0-9]{1,19})": {"GET": retrieve, "POST": update},
    r"/appointments/status/([0-9]{1,19})": {"POST": set_status},
    r"/appointments/delete/([0-9]{1,19})": {"POST": delete},
    # By analogy: in no document here.
    r"/users/customers": {"GET": list_customers, "POST": add_customer},
    r"/users/customers/([0-9]{1,19})": {"GET": retrieve_customer},
    r"/users/providers": {"GET": list_providers},
    r"/services": {"GET": list_services},
    r"/categories": {"GET": list_categories},
    r"/locations": {"GET": list_locations},
    r"/slots": {"GET": list_slots},
}


def _found(path: str) -> tuple[Handlers, tuple[int, ...]]:
    """Who handles the call by its method, and the ids in its path. Raises UnknownCall."""
    for pattern, handlers in CALLS.items():
        match = re.fullmatch(pattern, path)
        if match is not None:
            ids = tuple(int(each) for each in match.groups())
            if all(1 <= each <= LARGEST_INTEGER for each in ids):
                return handlers, ids
    raise UnknownCall
