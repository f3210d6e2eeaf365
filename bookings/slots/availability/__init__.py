"""When a service can be booked, decided once for every door (contract §1.5; docs/adr/0020)."""

from bookings.slots.availability.agenda import Agenda, Busy, Terms, read_agendas, terms_of
from bookings.slots.availability.rules import RULES, Case, Reason, reasons_against
from bookings.slots.availability.starts import Blocked, Day, StaffDay, availability

__all__ = [
    "RULES",
    "Agenda",
    "Blocked",
    "Busy",
    "Case",
    "Day",
    "Reason",
    "StaffDay",
    "Terms",
    "availability",
    "read_agendas",
    "reasons_against",
    "terms_of",
]
