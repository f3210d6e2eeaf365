"""How anything gets told, knowing nothing of bookings: rows carry a type string and ids (docs/adr/0001)."""

from notifications.models.channels import EMAIL, SMS, Channel, InboundText, OptOut, Receipt
from notifications.models.followups import FollowupSequence, FollowupStep
from notifications.models.jobs import Job, Message, MessageText, Notification
from notifications.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "EMAIL",
    "SMS",
    "Channel",
    "FollowupSequence",
    "FollowupStep",
    "InboundText",
    "Job",
    "Message",
    "MessageText",
    "Notification",
    "OptOut",
    "Receipt",
    "WebhookDelivery",
    "WebhookEndpoint",
]
