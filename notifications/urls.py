"""The addresses of what is told. Patterns are written without the trailing slash."""

from django.urls import path

from notifications.api import followups, inbox, jobs
from notifications.channels import api as channels
from notifications.channels import incoming
from notifications.password_reset.api import PasswordResetConfirmView, PasswordResetView
from notifications.webhooks import api as webhooks

urlpatterns = [
    path("api/auth/password-reset", PasswordResetView.as_view()),
    path("api/auth/password-reset/confirm", PasswordResetConfirmView.as_view()),
    path("api/notifications", inbox.NotificationListView.as_view()),
    path("api/notifications/unread-count", inbox.UnreadCountView.as_view()),
    path("api/notifications/read-all", inbox.ReadAllView.as_view()),
    path("api/notifications/<id:id>", inbox.NotificationView.as_view()),
    path("api/notifications/<id:id>/read", inbox.ReadView.as_view()),
    path("api/jobs", jobs.JobListView.as_view()),
    path("api/jobs/<id:id>", jobs.JobView.as_view()),
    path("api/jobs/<id:id>/retry", jobs.RetryView.as_view()),
    path("api/webhooks", webhooks.WebhookListView.as_view()),
    path("api/webhooks/<id:id>", webhooks.WebhookView.as_view()),
    path("api/webhooks/<id:id>/deliveries", webhooks.WebhookDeliveriesView.as_view()),
    path("api/webhooks/deliveries/<id:id>/replay", webhooks.ReplayView.as_view()),
    path("api/channels", channels.ChannelListView.as_view()),
    path("api/channels/<id:id>", channels.ChannelView.as_view()),
    path("api/channels/<id:id>/test", channels.ChannelTestView.as_view()),
    path("api/channels/<id:id>/receipts/<str:secret>", incoming.ReceiptsView.as_view()),
    path("api/channels/<id:id>/inbound/<str:secret>", incoming.InboundView.as_view()),
    path("api/opt-outs", channels.OptOutListView.as_view()),
    path("api/opt-outs/<id:id>/lift", channels.LiftView.as_view()),
    path("api/inbound-texts", channels.InboundTextListView.as_view()),
    path("api/followup-sequences", followups.FollowupSequenceListView.as_view()),
    path("api/followup-sequences/<id:id>", followups.FollowupSequenceView.as_view()),
]
