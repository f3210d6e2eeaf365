"""How long the words of a message are kept (reliability §6)."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from notifications.models import Job, Message

ROWS_AT_ONCE = 1000
FORGOTTEN = {"html": "", "text": "", "ics": "", "headers": {}}
STILL_NEEDED = (Job.State.PENDING, Job.State.CLAIMED)


def forget_bodies(*, before: datetime) -> int:
    """Empty the bodies of messages written before that time; what was sent to whom and when stays.

    A message whose job may still send it keeps its body. Gives how many were emptied.
    """
    forgotten = 0
    has_words = ~Q(html="") | ~Q(text="") | ~Q(ics="")
    old = Message.objects.filter(has_words, created_at__lt=before).exclude(job__state__in=STILL_NEEDED)
    while ids := list(old.order_by("created_at").values_list("id", flat=True)[:ROWS_AT_ONCE]):
        forgotten += Message.objects.filter(id__in=ids).update(**FORGOTTEN)
    return forgotten
