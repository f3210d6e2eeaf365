"""When a service can be booked, decided once for every channel (contract §1.5; docs/adr/0020)."""

from bookings.slots.availability.agenda import Agenda, Busy, Terms, read_agendas, terms_of
from bookings.slots.availability.rules import RULES, Case, Objection, objections_to
from bookings.slots.availability.starts import Blocked, Day, StaffDay, availability

__all__ = [
    "RULES",
    "Agenda",
    "Blocked",
    "Busy",
    "Case",
    "Day",
    "Objection",
    "StaffDay",
    "Terms",
    "availability",
    "objections_to",
    "read_agendas",
    "terms_of",
]
