"""Addresses of no-show money: the client's page and Stripe's webhook."""

from django.urls import path, re_path

from bookings.api.stripe_webhook import StripeWebhookView
from bookings.pages.pay import PayPage
from bookings.pages.shell import UnknownPage

urlpatterns = [
    path("pay/<str:token>", PayPage.as_view()),
    re_path(r"^pay(?:/.*)?$", UnknownPage.as_view()),
    path("api/stripe/webhook", StripeWebhookView.as_view()),
]
