"""Addresses of bookings: API, front and booking page, pages behind mailed links, JSON twins, Stripe.

A trailing slash is taken off before (contract §0).
"""

from django.urls import path, re_path

from bookings.api.agenda import AgendaView
from bookings.api.availability import AvailabilityView, HoldsView, HoldView
from bookings.api.bookings import BookingListView, BookingView
from bookings.api.changes import BookingChangesView
from bookings.api.client_card import ClientCardView
from bookings.api.client_merge import ClientMergeView
from bookings.api.dry_run import urlpatterns as dry_runs
from bookings.api.evidence import EvidenceView
from bookings.api.feeds import CalendarFeedListView, CalendarFeedRotateView, CalendarFeedView
from bookings.api.history import BookingEventsView, BookingMessagesView
from bookings.api.online import (
    CatalogueView,
    ChallengeView,
    OnlineAvailabilityView,
    OnlineBookingsView,
    PublicHoldsView,
)
from bookings.api.public import (
    AcceptView,
    DeclineView,
    FeedbackView,
    RequestView,
    TakeOfferView,
    UnsubscribeView,
    WaitlistOfferView,
)
from bookings.api.public_visit import (
    CancelVisitView,
    ConfirmVisitView,
    MoveVisitView,
    NoteVisitView,
    StartsToMoveView,
    VisitByLinkView,
)
from bookings.api.reminder_rules import ReminderRuleListView, ReminderRuleView
from bookings.api.reviews import ReviewListView, ReviewSummaryView, ReviewView
from bookings.api.stripe_webhook import StripeWebhookView
from bookings.api.visits import TakeOverView, VisitListView, VisitView
from bookings.api.waitlist import OfferByHandView, WaitlistEntryView, WaitlistView
from bookings.pages.agenda import AgendaPage
from bookings.pages.booking import BookingPage
from bookings.pages.booking_done import DonePage
from bookings.pages.booking_shell import BookingUnknown
from bookings.pages.calendar_feed import CalendarFeedFile
from bookings.pages.embed import EmbedFile
from bookings.pages.feedback import FeedbackPage
from bookings.pages.front import FrontPage, RobotsFile
from bookings.pages.icon import IconFile
from bookings.pages.password import PasswordPage
from bookings.pages.pay import PayPage
from bookings.pages.provisional import AcceptPage, DeclinePage
from bookings.pages.shell import UnknownPage
from bookings.pages.unsubscribe import UnsubscribePage
from bookings.pages.visit import CalendarFile, CancelPage, ConfirmPage, NotePage, ShowPage
from bookings.pages.visit_move import MovePage
from bookings.pages.waitlist import WaitlistPage
from staff.wire.paths import LINKED_PAGES

urlpatterns = [
    # What is asked most comes first: an address is looked for from the top.
    path("api/bookings", BookingListView.as_view()),
    path("api/bookings/changes", BookingChangesView.as_view()),
    path("api/bookings/<id:id>", BookingView.as_view()),
    path("api/bookings/<id:id>/events", BookingEventsView.as_view()),
    path("api/bookings/<id:id>/messages", BookingMessagesView.as_view()),
    path("api/visits", VisitListView.as_view()),
    path("api/visits/<id:id>", VisitView.as_view()),
    path("api/visits/<id:id>/take-over", TakeOverView.as_view()),
    path("api/visits/<id:id>/evidence", EvidenceView.as_view()),
    path("api/agenda", AgendaView.as_view()),
    path("api/availability", AvailabilityView.as_view()),
    path("api/holds", HoldsView.as_view()),
    path("api/holds/<str:token>", HoldView.as_view()),
    path("api/clients/<id:id>/card", ClientCardView.as_view()),
    path("api/clients/<id:id>/merge", ClientMergeView.as_view()),
    path("api/reminder-rules", ReminderRuleListView.as_view()),
    path("api/reminder-rules/<id:id>", ReminderRuleView.as_view()),
    path("api/calendar-feeds", CalendarFeedListView.as_view()),
    path("api/calendar-feeds/<id:id>", CalendarFeedView.as_view()),
    path("api/calendar-feeds/<id:id>/rotate", CalendarFeedRotateView.as_view()),
    path("api/waitlist", WaitlistView.as_view()),
    path("api/waitlist/<id:id>", WaitlistEntryView.as_view()),
    path("api/waitlist/<id:id>/offer", OfferByHandView.as_view()),
    path("", FrontPage.as_view()),
    path("robots.txt", RobotsFile.as_view()),
    path("favicon.ico", IconFile.as_view()),
    path("embed.js", EmbedFile.as_view()),
    path("agenda", AgendaPage.as_view()),
    path("book", BookingPage.as_view()),
    path("book/done", DonePage.as_view()),
    path("book/<str:location>", BookingPage.as_view()),
    re_path(r"^book(?:/.*)?$", BookingUnknown.as_view()),
    path("provisional/<str:token>/accept", AcceptPage.as_view()),
    path("provisional/<str:token>/decline", DeclinePage.as_view()),
    path("feedback/<str:token>", FeedbackPage.as_view()),
    path("waitlist/<str:token>", WaitlistPage.as_view()),
    path("unsubscribe/<str:token>", UnsubscribePage.as_view()),
    path("pay/<str:token>", PayPage.as_view()),
    path("password-reset/<str:token>", PasswordPage.as_view()),
    path("v/<str:token>", ShowPage.as_view()),
    path("v/<str:token>/confirm", ConfirmPage.as_view()),
    path("v/<str:token>/cancel", CancelPage.as_view()),
    path("v/<str:token>/move", MovePage.as_view()),
    path("v/<str:token>/note", NotePage.as_view()),
    path("v/<str:token>/calendar.ics", CalendarFile.as_view()),
    path("calendar/<str:token>.ics", CalendarFeedFile.as_view()),
    re_path(rf"^(?:{'|'.join(LINKED_PAGES)})(?:/.*)?$", UnknownPage.as_view()),
    path("api/public/provisional/<str:token>", RequestView.as_view()),
    path("api/public/provisional/<str:token>/accept", AcceptView.as_view()),
    path("api/public/provisional/<str:token>/decline", DeclineView.as_view()),
    path("api/public/feedback/<str:token>", FeedbackView.as_view()),
    path("api/public/waitlist/<str:token>", WaitlistOfferView.as_view()),
    path("api/public/waitlist/<str:token>/take", TakeOfferView.as_view()),
    path("api/public/unsubscribe/<str:token>", UnsubscribeView.as_view()),
    path("api/public/catalogue", CatalogueView.as_view()),
    path("api/public/availability", OnlineAvailabilityView.as_view()),
    path("api/public/challenge", ChallengeView.as_view()),
    path("api/public/holds", PublicHoldsView.as_view()),
    path("api/public/bookings", OnlineBookingsView.as_view()),
    path("api/public/visits/<str:token>", VisitByLinkView.as_view()),
    path("api/public/visits/<str:token>/confirm", ConfirmVisitView.as_view()),
    path("api/public/visits/<str:token>/cancel", CancelVisitView.as_view()),
    path("api/public/visits/<str:token>/note", NoteVisitView.as_view()),
    path("api/public/visits/<str:token>/reschedule", MoveVisitView.as_view()),
    path("api/public/visits/<str:token>/availability", StartsToMoveView.as_view()),
    path("api/reviews", ReviewListView.as_view()),
    path("api/reviews/summary", ReviewSummaryView.as_view()),
    path("api/reviews/<id:id>", ReviewView.as_view()),
    path("api/stripe/webhook", StripeWebhookView.as_view()),
    *dry_runs,
]
