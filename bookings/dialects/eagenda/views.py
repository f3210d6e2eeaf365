"""The eAgenda endpoints: parse, the door, render (contract §4)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from bookings import lifecycle, waitlist
from bookings.dialects.eagenda import parse, render
from bookings.dialects.eagenda.codes import WRITTEN_AS, code_of, shown_for
from bookings.dialects.eagenda.sessions import grouped, held_members_of, matching, members_of
from bookings.dialects.keys import READS, WRITES, DialectKey, KeyMay, actor_of_key
from bookings.models import Booking
from bookings.slots.busy import lock_staff
from clients.models import Client
from clients.records import add_client
from clients.serializers import ClientSerializer
from staff.access.actor import Actor
from staff.access.auth import KEY_PREFIX, salon_of
from staff.models import ApiKey, Location, SalonSettings, Service, Staff
from staff.salon.durations import duration_of
from staff.wire.refusals import BadRequest, NotFound
from staff.wire.times import local_date
from staff.wire.views import GatedView


class EAgendaKey(DialectKey):
    """`Authorization: Bearer KEY`, or Basic with the key as either half."""

    dialect = ApiKey.Dialect.EAGENDA

    def secret_of(self, request: Request) -> str | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return super().secret_of(request)
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return None
        return next((half for half in (user, password) if half.startswith(KEY_PREFIX)), None)


class EAgendaView(GatedView):
    authentication_classes = (EAgendaKey,)
    permission_classes = (KeyMay,)
    throttle_classes = ()
    error_format = staticmethod(render.error)
    schema = None

    def power_of(self, request: Request) -> int:
        return READS if request.method in ("GET", "HEAD", "OPTIONS") else WRITES


class AppointmentView(EAgendaView):
    def get(self, request: Request, key: str) -> Response:
        members = members_of(key, actor=actor_of_key(request))
        return Response(render.appointment(members, zone=salon_of(request).zone))

    def patch(self, request: Request, key: str) -> Response:
        actor, salon = actor_of_key(request), salon_of(request)
        members_of(key, actor=actor)
        wanted = parse.status_patch_of(self.body)
        _check_account(wanted.account_slug)
        if wanted.status is not None:
            _write_status(key, wanted.status, actor=actor, salon=salon, send_email=wanted.send_email)
        changed = members_of(key, actor=actor)
        return Response(render.appointment(changed, zone=salon.zone, account_slug=wanted.account_slug))

    @lifecycle.begin_again
    def delete(self, request: Request, key: str) -> Response:
        actor, salon = actor_of_key(request), salon_of(request)
        how = lifecycle.How(notify_client=parse.send_email_in_query(request))
        with transaction.atomic():
            members = held_members_of(key, actor=actor)
            how = replace(how, among_others=len(members) > 1)
            for member in members:
                lifecycle.cancel(actor=actor, booking_id=member.pk, how=how, salon=salon)
        return Response(render.appointment(members_of(key, actor=actor), zone=salon.zone))


class RescheduleView(EAgendaView):
    """By analogy: in no document here."""

    @lifecycle.begin_again
    def patch(self, request: Request, key: str) -> Response:
        actor, salon = actor_of_key(request), salon_of(request)
        members_of(key, actor=actor)
        start_at = parse.start_of(self.body, zone=salon.zone)
        how = lifecycle.How(notify_client=parse.send_email_of(self.body))
        with transaction.atomic():
            first = held_members_of(key, actor=actor)[0]
            lifecycle.change_session(
                actor=actor,
                session_id=first.session_id,
                changes={"start_at": start_at, "end_at": start_at + (first.end_at - first.start_at)},
                how=how,
                salon=salon,
            )
        return Response(render.appointment(members_of(key, actor=actor), zone=salon.zone))


class AppointmentListView(EAgendaView):
    """By analogy: in no document here."""

    def get(self, request: Request) -> Response:
        actor, zone = actor_of_key(request), salon_of(request).zone
        found = matching(parse.search_of(request), actor=actor, zone=zone)

        def printed(firsts: Sequence[Booking]) -> list[dict[str, Any]]:
            return [render.appointment(members, zone=zone) for members in grouped(firsts, actor=actor)]

        return listed(request, found, printed)

    def post(self, request: Request) -> Response:
        actor, salon = actor_of_key(request), salon_of(request)
        wanted = parse.new_appointment_of(self.body, zone=salon.zone)
        with transaction.atomic():
            first = _book(wanted, actor=actor, salon=salon)
        members = members_of(str(first.key), actor=actor)
        return Response(render.appointment(members, zone=salon.zone), status=201)


class CalendarsView(EAgendaView):
    """By analogy: in no document here."""

    def get(self, request: Request) -> Response:
        people = Staff.objects.filter(is_active=True, bookable=True).order_by("id")
        return listed(request, people, lambda rows: [render.calendar(row) for row in rows])


class ServicesView(EAgendaView):
    """By analogy: in no document here."""

    def get(self, request: Request) -> Response:
        services = Service.objects.filter(is_active=True).order_by("id")
        return listed(request, services, lambda rows: [render.service(row) for row in rows])


class PeopleView(EAgendaView):
    """By analogy: in no document here."""

    def get(self, request: Request) -> Response:
        clients = Client.objects.filter(archived_at__isnull=True).order_by("id")
        return listed(request, clients, lambda rows: [render.person(row) for row in rows])


class AccountsView(EAgendaView):
    """By analogy: in no document here."""

    def get(self, request: Request) -> Response:
        locations = Location.objects.filter(is_active=True).order_by("id")
        return listed(request, locations, lambda rows: [render.account(row) for row in rows])


def listed(request: Request, rows: Any, printed: Any) -> Response:
    """`{count, next, previous, results}`; the links stand on PUBLIC_URL, never on the Host header."""
    page, size = parse.page_of(request)
    count = rows.count()
    pages = max(1, -(-count // size))
    if page > pages:
        raise NotFound("There is no such page.")

    def link(number: int) -> str:
        query = {name: request.query_params[name] for name in request.query_params} | {"page": str(number)}
        return f"{settings.PUBLIC_URL.rstrip('/')}{request.path_info}/?{urlencode(query)}"

    return Response(
        {
            "count": count,
            "next": link(page + 1) if page < pages else None,
            "previous": link(page - 1) if page > 1 else None,
            "results": printed(list(rows[(page - 1) * size : page * size])),
        }
    )


def _check_account(slug: str | None) -> None:
    """With 0 or 1 locations any valid slug will do; with more it must name one."""
    if slug is None:
        return
    slugs = list(Location.objects.filter(is_active=True).values_list("slug", flat=True))
    if len(slugs) > 1 and slug not in slugs:
        raise BadRequest.field("account_slug", f"There is no account '{slug}'.")


@lifecycle.begin_again
def _write_status(key: str, code: str, *, actor: Actor, salon: SalonSettings, send_email: bool) -> None:
    """Each booking of the session gets the code, unless it or the whole shows it already: all or nothing."""
    status, detail = WRITTEN_AS[code]
    with transaction.atomic():
        members = held_members_of(key, actor=actor)
        if shown_for(members) == code:
            return
        lock_staff(*{each.staff_id for each in members})
        waited = waitlist.lock_open_entries(
            [
                waitlist.Coming(each.client_id, each.service_id, local_date(each.start_at, zone=salon.zone))
                for each in members
            ]
        )
        how = lifecycle.How(notify_client=send_email, among_others=waited or len(members) > 1)
        for member in members:
            if code_of(member) != code:
                lifecycle.change(
                    actor=actor,
                    booking_id=member.pk,
                    changes={"status": status, "status_detail": detail},
                    how=how,
                    salon=salon,
                )


def _book(wanted: parse.NewAppointment, *, actor: Actor, salon: SalonSettings) -> Booking:
    """One booking per attendee, all of one session."""
    staff = Staff.objects.filter(key=wanted.calendar_key, is_active=True, bookable=True).first()
    if staff is None:
        raise BadRequest.field("calendar_key", "There is no such calendar.")
    service = _service(wanted, staff)
    end_at = wanted.start_at + duration_of(service, staff.pk).length
    status, detail = WRITTEN_AS[wanted.status]
    client_ids = [_client(attendee, salon=salon).pk for attendee in wanted.attendees]
    lock_staff(staff.pk)
    day = local_date(wanted.start_at, zone=salon.zone)
    waitlist.lock_open_entries([waitlist.Coming(each, service.pk, day) for each in client_ids])
    first: Booking | None = None
    for client_id in client_ids:
        order = lifecycle.Order(
            client_id=client_id,
            staff_id=staff.pk,
            service_id=service.pk,
            start_at=wanted.start_at,
            end_at=end_at,
            notes=wanted.description,
            session_of=None if first is None else first.pk,
            status=status,
            detail=detail,
            notify_client=wanted.send_email,
            source="eagenda",
        )
        outcome = lifecycle.book(actor=actor, order=order, salon=salon)
        first = first or outcome.booking
    if first is None:
        raise BadRequest.field("attendees", "Send at least one attendee.")
    return first


def _service(wanted: parse.NewAppointment, staff: Staff) -> Service:
    """The service named, else the only one that the calendar offers."""
    if wanted.service_key is not None:
        named = Service.objects.filter(key=wanted.service_key, is_active=True).first()
        if named is None:
            raise BadRequest.field("service_list", "There is no such service.")
        return named
    offered = list(staff.services.filter(is_active=True)[:2])
    if len(offered) != 1:
        raise BadRequest.field("service_list", "Name the service: this calendar offers several, or none.")
    return offered[0]


def _client(attendee: parse.Attendee, *, salon: SalonSettings) -> Client:
    if attendee.person_key is None:
        first_name, _, last_name = attendee.name.partition(" ")
        fields = {
            "first_name": first_name,
            "last_name": last_name.strip(),
            "email": attendee.email,
            "phone": attendee.phone,
        }
        checked = ClientSerializer(data=fields)
        checked.is_valid(raise_exception=True)
        return add_client(fields=checked.validated_data, salon=salon, now=timezone.now())
    client = Client.objects.filter(key=attendee.person_key, archived_at__isnull=True).first()
    if client is None:
        raise BadRequest.field("attendees", "There is no person with this key.")
    return client
