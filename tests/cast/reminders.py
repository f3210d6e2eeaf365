"""Reminder rules, and what is pending by them."""

from __future__ import annotations

from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

from bookings.models import ReminderRule
from notifications.models import Channel, Job, Message

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def two_days_before(**fields: Any) -> ReminderRule:
    """The shipped one: by mail, at 18:00, asks."""
    wanted = {"name": "Two days before", "days_before": 2, "at": time(18), "asks_confirmation": True}
    return ReminderRule.objects.create(**(wanted | fields))


def hours_before(hours: float = 3, **fields: Any) -> ReminderRule:
    wanted = {"name": f"{hours} hours before", "minutes_before": int(hours * 60)}
    return ReminderRule.objects.create(**(wanted | fields))


def make_channel(**fields: Any) -> Channel:
    return Channel.objects.create(
        **({"name": "Texts", "kind": "sms", "provider": "seven", "sender": "Salon"} | fields)
    )


def pending() -> list[tuple[int | None, str]]:
    """Visit and due time (salon's wall clock) of every reminder that waits, soonest first."""
    rows = Job.objects.filter(type="visit.reminder", state="pending").order_by("run_at", "id")
    return [(each.visit_id, f"{each.run_at.astimezone(AMSTERDAM):%Y-%m-%d %H:%M}") for each in rows]


def due_times() -> list[str]:
    return [when for _, when in pending()]


def ledger() -> list[tuple[str, str]]:
    """State and reason of every reminder, oldest first."""
    rows = Message.objects.filter(type="visit.reminder").order_by("id")
    return list(rows.values_list("state", "reason"))
