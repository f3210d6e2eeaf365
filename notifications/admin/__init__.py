"""What gets told, in Django admin: jobs and messages to read, the salon's own words to write."""

from notifications.admin.followups import FollowupSequenceAdmin
from notifications.admin.inbox import NotificationAdmin
from notifications.admin.jobs import JobAdmin
from notifications.admin.messages import MessageAdmin, MessageTextAdmin
from notifications.channels.admin import ChannelAdmin, InboundTextAdmin, OptOutAdmin
from notifications.webhooks.admin import WebhookDeliveryAdmin, WebhookEndpointAdmin

__all__ = [
    "ChannelAdmin",
    "FollowupSequenceAdmin",
    "InboundTextAdmin",
    "JobAdmin",
    "MessageAdmin",
    "MessageTextAdmin",
    "NotificationAdmin",
    "OptOutAdmin",
    "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
]
