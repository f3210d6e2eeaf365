"""THE DOOR: whatever happens to a booking happens here (contract §1.3-1.4; docs/adr/0012).

Every function is keyword-only, takes `actor`, and is one transaction: it locks (`locks.py` says in which
order); checks; saves; writes its BookingEvent; enqueues. No network inside. `effects.py` reads like the
contract's table.
"""

from bookings.lifecycle.answer import Shown, accept, decline, lapse_due, request_of
from bookings.lifecycle.book import AgreedPrice, Order, book
from bookings.lifecycle.by_client import (
    ClientRequest,
    cancel_by_client,
    confirm_by_client,
    fingerprint,
    move_by_client,
    note_by_client,
)
from bookings.lifecycle.catch_up import CaughtUp, catch_up
from bookings.lifecycle.change import cancel, change
from bookings.lifecycle.change_whole import ONE, SCOPES, Whole, cancel_whole, change_whole
from bookings.lifecycle.how import How
from bookings.lifecycle.locks import begin_again
from bookings.lifecycle.online_requests import lapse_unanswered, remind_of_waiting
from bookings.lifecycle.outcome import Outcome, Warning
from bookings.lifecycle.policy import Acceptance, policy_text
from bookings.lifecycle.remind_of_open_status import remind_of_ended
from bookings.lifecycle.series import Series, Skipped, book_series, name_series
from bookings.lifecycle.series_mails import announce_series
from bookings.lifecycle.session import change_session, lock_members, note
from bookings.lifecycle.visit_plan import ItemOrder
from bookings.lifecycle.visit_scope import VISIT_SCOPES
from bookings.lifecycle.visit_series import VisitSeries, book_visit_series
from bookings.lifecycle.visits import (
    ItemChanges,
    VisitOrder,
    VisitOutcome,
    book_visit,
    cancel_visit,
    change_visit,
)

__all__ = [
    "ONE",
    "SCOPES",
    "VISIT_SCOPES",
    "Acceptance",
    "AgreedPrice",
    "CaughtUp",
    "ClientRequest",
    "How",
    "ItemChanges",
    "ItemOrder",
    "Order",
    "Outcome",
    "Series",
    "Shown",
    "Skipped",
    "VisitOrder",
    "VisitOutcome",
    "VisitSeries",
    "Warning",
    "Whole",
    "accept",
    "announce_series",
    "begin_again",
    "book",
    "book_series",
    "book_visit",
    "book_visit_series",
    "cancel",
    "cancel_by_client",
    "cancel_visit",
    "cancel_whole",
    "catch_up",
    "change",
    "change_session",
    "change_visit",
    "change_whole",
    "confirm_by_client",
    "decline",
    "fingerprint",
    "lapse_due",
    "lapse_unanswered",
    "lock_members",
    "move_by_client",
    "name_series",
    "note",
    "note_by_client",
    "policy_text",
    "remind_of_ended",
    "remind_of_waiting",
    "request_of",
]
