"""When a service can be booked, decided once for every door (contract §1.5; issue 4, item 2)."""

from bookings.availability.agenda import Agenda, Busy, Terms, read_agendas, terms_of
from bookings.availability.doors import refusals_for, warnings_for
from bookings.availability.rules import RULES, Case, Reason, reasons_against
from bookings.availability.starts import Blocked, Day, StaffDay, availability

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
    "refusals_for",
    "terms_of",
    "warnings_for",
]
