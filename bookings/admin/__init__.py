"""Django admin for an admin who never sees the API: whatever changes a booking goes through the door."""

from bookings.admin.bookings import BookingAdmin
from bookings.admin.feedback import FeedbackAdmin
from bookings.admin.noshow import NoShowFeeAdmin
from bookings.admin.records import BookingEventAdmin, BusyTimeAdmin, HoldAdmin
from bookings.admin.visits import VisitAdmin
from bookings.admin.waiting import WaitlistEntryAdmin

__all__ = [
    "BookingAdmin",
    "BookingEventAdmin",
    "BusyTimeAdmin",
    "FeedbackAdmin",
    "HoldAdmin",
    "NoShowFeeAdmin",
    "VisitAdmin",
    "WaitlistEntryAdmin",
]
