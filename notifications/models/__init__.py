"""How anything gets told, knowing nothing of bookings: rows carry a type string and ids (docs/adr/0001)."""

from notifications.models.followups import FollowupSequence, FollowupStep
from notifications.models.jobs import Job, Message, MessageText, Notification
from notifications.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "FollowupSequence",
    "FollowupStep",
    "Job",
    "Message",
    "MessageText",
    "Notification",
    "WebhookDelivery",
    "WebhookEndpoint",
]
