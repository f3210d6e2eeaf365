"""The SimpleSpa endpoints: parse, the door, render (contract §2)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from bookings import lifecycle
from bookings.dialects.keys import READS, WRITES, DialectKey, KeyMay, actor_of_key
from bookings.dialects.simplespa import parse, render
from bookings.dialects.simplespa.codes import LABELS, SHOWN_AS, WRITTEN_AS, pairs_of
from bookings.dialects.simplespa.limit import WriteLimit
from bookings.errors import BookingNotFound
from bookings.models import Booking
from clients.records import not_archived
from clients.search import found_by
from staff.access.auth import salon_of
from staff.models import ApiKey, SalonSettings, Service, Staff
from staff.wire.refusals import Stale
from staff.wire.views import GatedView

TRIES = 5


class SimpleSpaKey(DialectKey):
    dialect = ApiKey.Dialect.SIMPLESPA


class SimpleSpaView(GatedView):
    """POST only; errors in the vendor's form."""

    authentication_classes = (SimpleSpaKey,)
    permission_classes = (KeyMay,)
    throttle_classes: tuple[type[BaseThrottle], ...] = ()
    error_format = staticmethod(render.error)
    power = READS
    schema = None

    def power_of(self, request: Request) -> int:
        return self.power


class AppointmentsView(SimpleSpaView):
    def post(self, request: Request) -> Response:
        salon = salon_of(request)
        search = parse.search_of(self.body, zone=salon.zone)
        found = _matching(request, search)
        order = ("created_at", "id") if search.starts_from is None else ("start_at", "id")
        rows = found.select_related("client", "service", "staff").order_by(*order)
        page = search.page
        return Response(
            {
                "success": True,
                "appointments": [
                    render.appointment(row, zone=salon.zone)
                    for row in rows[page.offset : page.offset + page.per_page]
                ],
                "page": page.page,
                "per_page": page.per_page,
                "total_results": found.count(),
            }
        )


class AppointmentStatusView(SimpleSpaView):
    power = WRITES
    throttle_classes = (WriteLimit,)

    def post(self, request: Request) -> Response:
        wanted = parse.status_write_of(self.body)
        old = _write_status(request, wanted, salon=salon_of(request))
        return Response(
            {
                "success": True,
                "appointment_id": str(wanted.appointment_id),
                "old_status": old,
                "new_status": wanted.status,
                "status": wanted.status,
                "status_label": LABELS[wanted.status],
                "message": "Appointment status updated",
            }
        )


class ClientsView(SimpleSpaView):
    """By analogy: in no document here."""

    def post(self, request: Request) -> Response:
        zone = salon_of(request).zone
        clients = found_by(not_archived().order_by("id"), parse.text_of(self.body, "search"))
        created = parse.created_of(self.body, zone=zone)
        if created is not None:
            clients = _created_within(clients, created)
        return _listed(
            "clients", clients, parse.page_of(self.body), lambda row: render.full_client(row, zone=zone)
        )


class ServicesView(SimpleSpaView):
    """By analogy: in no document here."""

    def post(self, request: Request) -> Response:
        services = Service.objects.filter(is_active=True).order_by("id")
        return _listed("services", services, parse.page_of(self.body), render.service)


class StaffView(SimpleSpaView):
    """By analogy: in no document here."""

    def post(self, request: Request) -> Response:
        people = Staff.objects.filter(is_active=True, bookable=True).order_by("id")
        return _listed("staff", people, parse.page_of(self.body), render.staff)


def _matching(request: Request, search: parse.Search) -> Any:
    found = Booking.objects.visible_to(actor_of_key(request))
    if search.created is not None:
        found = _created_within(found, search.created)
    if search.starts_from is not None:
        found = found.filter(start_at__gte=search.starts_from, start_at__lt=search.starts_before)
    for name in ("client_id", "service_id", "staff_id"):
        if getattr(search, name) is not None:
            found = found.filter(**{name: getattr(search, name)})
    if search.status is not None:
        shown = Q()
        for status, detail in pairs_of(search.status):
            shown |= Q(status=status, status_detail=detail)
        found = found.filter(shown)
    return found


def _created_within(rows: Any, created: parse.Created) -> Any:
    if created.after is not None:
        rows = rows.filter(created_at__gte=created.after)
    if created.before is not None:
        rows = rows.filter(created_at__lt=created.before)
    return rows


def _write_status(request: Request, wanted: parse.StatusWrite, *, salon: SalonSettings) -> int:
    """Write the code and give the one shown before; a code already shown is only noted in the audit trail.

    Somebody may change the booking between the look and the write: then look again.
    """
    actor = actor_of_key(request)
    status, detail = WRITTEN_AS[wanted.status]
    for _ in range(TRIES):
        booking = Booking.objects.visible_to(actor).filter(pk=wanted.appointment_id).first()
        if booking is None:
            raise BookingNotFound("There is no appointment with this id.")
        shown = SHOWN_AS[booking.status, booking.status_detail]
        if shown == wanted.status:
            lifecycle.note(actor=actor, booking_id=booking.pk, reason=wanted.reason)
            return shown
        try:
            lifecycle.change(
                actor=actor,
                booking_id=booking.pk,
                changes={"status": status, "status_detail": detail},
                expected_version=booking.version,
                how=lifecycle.How(reason=wanted.reason),
                salon=salon,
            )
        except Stale:
            continue
        return shown
    raise Stale


def _listed(name: str, rows: Any, page: parse.Page, render_row: Any) -> Response:
    return Response(
        {
            "success": True,
            name: [render_row(row) for row in rows[page.offset : page.offset + page.per_page]],
            "page": page.page,
            "per_page": page.per_page,
            "total_results": rows.count(),
        }
    )
