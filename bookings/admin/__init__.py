"""Django admin for an admin who never sees the API: whatever changes a booking goes through the door."""

from bookings.admin.bookings import BookingAdmin
from bookings.admin.feedback import FeedbackAdmin
from bookings.admin.feeds import CalendarFeedAdmin
from bookings.admin.noshow import NoShowFeeAdmin
from bookings.admin.records import BookingEventAdmin, BusyTimeAdmin, HoldAdmin
from bookings.admin.reminders import ReminderRuleAdmin
from bookings.admin.visits import VisitAdmin
from bookings.admin.waitlist import WaitlistEntryAdmin

__all__ = [
    "BookingAdmin",
    "BookingEventAdmin",
    "BusyTimeAdmin",
    "CalendarFeedAdmin",
    "FeedbackAdmin",
    "HoldAdmin",
    "NoShowFeeAdmin",
    "ReminderRuleAdmin",
    "VisitAdmin",
    "WaitlistEntryAdmin",
]
