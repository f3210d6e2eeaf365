"""Where client, staff member and service meet (contract §5-6)."""

from bookings.models.booking import (
    Booking,
    BookingEvent,
    BookingQuerySet,
    SpentToken,
    stamp,
)
from bookings.models.busy import BusyTime, Hold
from bookings.models.feedback import Feedback
from bookings.models.feeds import CalendarFeed
from bookings.models.noshow import NoShowFee, StripeEvent, StripeSession
from bookings.models.online import MailedCode, OnlineAttack, OnlineSubmission, PublicHold, SpentChallenge
from bookings.models.reminder import Reminded, ReminderRule
from bookings.models.statuses import LEGAL_STATUS_PAIRS
from bookings.models.total import BookingTotal, kept_total
from bookings.models.visit import Visit, VisitLink, VisitQuerySet, coming_with, counted, in_order, price_of
from bookings.models.waitlist import ONE_OPEN_ENTRY, WaitlistEntry, WaitlistOffer

__all__ = [
    "LEGAL_STATUS_PAIRS",
    "ONE_OPEN_ENTRY",
    "Booking",
    "BookingEvent",
    "BookingQuerySet",
    "BookingTotal",
    "BusyTime",
    "CalendarFeed",
    "Feedback",
    "Hold",
    "MailedCode",
    "NoShowFee",
    "OnlineAttack",
    "OnlineSubmission",
    "PublicHold",
    "Reminded",
    "ReminderRule",
    "SpentChallenge",
    "SpentToken",
    "StripeEvent",
    "StripeSession",
    "Visit",
    "VisitLink",
    "VisitQuerySet",
    "WaitlistEntry",
    "WaitlistOffer",
    "coming_with",
    "counted",
    "in_order",
    "kept_total",
    "price_of",
    "stamp",
]
