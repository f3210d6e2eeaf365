"""What a `StripeSession`'s state means for what may be done next; its life is told at the model."""

from __future__ import annotations

from bookings.models import StripeSession

State = StripeSession.State

UNANSWERED = (State.CREATING, State.DOUBTFUL)
"""Stripe may or may not have made it."""

MAY_BE_LIVE = (State.CREATING, State.DOUBTFUL, State.OPEN)
"""A client may still be able to pay there."""

UNSETTLED = (State.CREATING, State.DOUBTFUL, State.OPEN, State.PROCESSING)
"""What becomes of it is not known yet."""

TAKEN = (State.PAID, State.SURPLUS, State.REFUNDED, State.WRONG_AMOUNT)
"""The money has been booked: later news of the same payment changes nothing."""
