"""Addresses behind the links in a client's mails, their JSON twins, and the reviews that come of them."""

from django.urls import path, re_path

from bookings.pages.feedback import FeedbackPage
from bookings.pages.password import PasswordPage
from bookings.pages.provisional import AcceptPage, DeclinePage
from bookings.pages.shell import UnknownPage
from bookings.pages.unsubscribe import UnsubscribePage
from bookings.pages.waitlist import WaitlistPage
from bookings.public_api import (
    AcceptView,
    DeclineView,
    FeedbackView,
    RequestView,
    TakeOfferView,
    UnsubscribeView,
    WaitlistOfferView,
)
from bookings.reviews_api import ReviewListView, ReviewSummaryView, ReviewView

urlpatterns = [
    path("provisional/<str:token>/accept", AcceptPage.as_view()),
    path("provisional/<str:token>/decline", DeclinePage.as_view()),
    path("feedback/<str:token>", FeedbackPage.as_view()),
    path("waitlist/<str:token>", WaitlistPage.as_view()),
    path("unsubscribe/<str:token>", UnsubscribePage.as_view()),
    path("password-reset/<str:token>", PasswordPage.as_view()),
    re_path(r"^(?:provisional|feedback|waitlist|unsubscribe|password-reset)(?:/.*)?$", UnknownPage.as_view()),
    path("api/public/provisional/<str:token>", RequestView.as_view()),
    path("api/public/provisional/<str:token>/accept", AcceptView.as_view()),
    path("api/public/provisional/<str:token>/decline", DeclineView.as_view()),
    path("api/public/feedback/<str:token>", FeedbackView.as_view()),
    path("api/public/waitlist/<str:token>", WaitlistOfferView.as_view()),
    path("api/public/waitlist/<str:token>/take", TakeOfferView.as_view()),
    path("api/public/unsubscribe/<str:token>", UnsubscribeView.as_view()),
    path("api/reviews", ReviewListView.as_view()),
    path("api/reviews/summary", ReviewSummaryView.as_view()),
    path("api/reviews/<id:id>", ReviewView.as_view()),
]
