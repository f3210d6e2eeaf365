"""Everything about one client as one JSON object, for the client to have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bookings.api.serializers import COLUMNS, Printer
from bookings.models import Booking, BookingEvent, Feedback, NoShowFee, Visit, WaitlistEntry
from clients.models import Client
from clients.printing import client_json
from notifications.channels.printing import inbound_json
from notifications.models import InboundText, Message
from staff.models import SalonSettings
from staff.storage.storing import found
from staff.wire.money import from_minor, print_amount
from staff.wire.times import print_date

Json = dict[str, Any]


def export_client(*, client_id: int, salon: SalonSettings, now: datetime) -> Json:
    """The client, records merged into them, bookings with their history, the terms they accepted, messages
    with their words, waitlist, feedback and fees. Times are the salon's wall clock. Raises NotFound."""
    client = found(Client.objects.all(), client_id)
    merged = list(Client.objects.filter(merged_into=client).order_by("pk"))
    printer = Printer(salon)
    everybody = [client.pk, *(each.pk for each in merged)]
    return {
        "exported_at": printer.when(now),
        "timezone": salon.timezone,
        "client": client_json(client, zone=salon.zone),
        "merged_records": [client_json(each, zone=salon.zone) for each in merged],
        "bookings": _bookings(everybody, printer),
        "accepted_terms": [
            {"booking_ids": [booking.pk for booking in each.items], **each.policy}
            for each in Visit.objects.filter(client_id__in=everybody, policy__isnull=False)
            .prefetch_related("bookings")
            .order_by("pk")
        ],
        "typed_online": [
            {"booking_ids": [booking.pk for booking in each.items], **each.contact_typed}
            for each in Visit.objects.filter(client_id__in=everybody, contact_typed__isnull=False)
            .prefetch_related("bookings")
            .order_by("pk")
        ],
        "messages": [_message(each, printer) for each in _messages(everybody)],
        "inbound_texts": [
            inbound_json(each, zone=salon.zone)
            for each in InboundText.objects.filter(client_id__in=everybody).order_by("pk")
        ],
        "waitlist": [
            _entry(each, printer)
            for each in WaitlistEntry.objects.filter(client_id__in=everybody)
            .select_related("service", "staff")
            .order_by("pk")
        ],
        "feedback": [
            {
                "booking_id": each.booking_id,
                "rating": each.rating,
                "comment": each.comment,
                "created_at": printer.when(each.created_at),
            }
            for each in Feedback.objects.filter(booking__client_id__in=everybody).order_by("pk")
        ],
        "noshow_fees": [
            _fee(each, printer) for each in NoShowFee.objects.filter(client_id__in=everybody).order_by("pk")
        ],
    }


def _bookings(everybody: Sequence[int], printer: Printer) -> list[Json]:
    bookings = Booking.objects.filter(client_id__in=everybody).order_by("start_at", "pk")
    history: dict[int, list[Json]] = defaultdict(list)
    for event in BookingEvent.objects.filter(booking__in=bookings.order_by()).order_by("pk"):
        history[event.booking_id].append(
            {
                "at": printer.when(event.at),
                "door": event.door,
                "by": event.actor_name,
                "from": event.from_status or None,
                "to": event.to_status,
                "changes": event.changes,
                "reason": event.reason,
            }
        )
    rows = printer.rows(bookings.values_list(*COLUMNS))
    foreign = dict(bookings.values_list("pk", "foreign_data"))
    return [{**row, "foreign_data": foreign[row["id"]], "events": history[row["id"]]} for row in rows]


def _messages(everybody: Sequence[int]) -> list[Message]:
    return list(Message.objects.filter(client_id__in=everybody).order_by("pk"))


def _message(message: Message, printer: Printer) -> Json:
    return {
        "type": message.type,
        "booking_id": message.booking_id,
        "to": message.to,
        "state": message.state,
        "reason": message.reason,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "ics": message.ics,
        "created_at": printer.when(message.created_at),
        "sent_at": None if message.sent_at is None else printer.when(message.sent_at),
    }


def _entry(entry: WaitlistEntry, printer: Printer) -> Json:
    return {
        "service_name": entry.service.name,
        "staff_name": None if entry.staff is None else entry.staff.name,
        "date": print_date(entry.date),
        "status": entry.status,
        "notes": entry.notes,
        "created_at": printer.when(entry.created_at),
    }


def _fee(fee: NoShowFee, printer: Printer) -> Json:
    return {
        "booking_id": fee.booking_id,
        "amount": print_amount(from_minor(fee.amount_minor, currency=fee.currency), currency=fee.currency),
        "currency": fee.currency,
        "state": fee.state,
        "reason": fee.reason,
        "created_at": printer.when(fee.created_at),
        "paid_at": None if fee.paid_at is None else printer.when(fee.paid_at),
    }
