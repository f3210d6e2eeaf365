"""The addresses under /api that belong to bookings, and those for operators.

A trailing slash is taken off before (contract §0).
"""

from django.urls import path

from bookings.api.availability import AvailabilityView, HoldsView, HoldView
from bookings.api.bookings import BookingListView, BookingView
from bookings.api.changes import BookingChangesView
from bookings.api.health import HealthView, ReadinessView
from bookings.api.history import BookingEventsView, BookingMessagesView
from bookings.api.schema import DocsView, SchemaView
from bookings.api.waitlist import WaitlistEntryView, WaitlistView
from bookings.client_merge import ClientMergeView

urlpatterns = [
    path("api/bookings", BookingListView.as_view()),
    path("api/bookings/changes", BookingChangesView.as_view()),
    path("api/bookings/<id:id>", BookingView.as_view()),
    path("api/bookings/<id:id>/events", BookingEventsView.as_view()),
    path("api/bookings/<id:id>/messages", BookingMessagesView.as_view()),
    path("api/availability", AvailabilityView.as_view()),
    path("api/holds", HoldsView.as_view()),
    path("api/holds/<str:token>", HoldView.as_view()),
    path("api/clients/<id:id>/merge", ClientMergeView.as_view()),
    path("api/waitlist", WaitlistView.as_view()),
    path("api/waitlist/<id:id>", WaitlistEntryView.as_view()),
    path("api/schema", SchemaView.as_view()),
    path("api/docs", DocsView.as_view()),
    path("healthz", HealthView.as_view()),
    path("readyz", ReadinessView.as_view()),
]
