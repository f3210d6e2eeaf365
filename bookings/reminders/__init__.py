"""Reminding clients of their visits: the salon's rules, when each is due, which rows are pending (contract
§10).

What a reminder says is `bookings.mails.reminder`.
"""

from bookings.reminders.plan import REMINDER, plan

__all__ = ["REMINDER", "plan"]
