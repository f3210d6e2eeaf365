"""The life of a `StripeSession` row.

creating -> open -> paid -> refunded; creating -> doubtful after an answer that says nothing (then asked
again under the same key, then looked for at Stripe); open -> processing while a slow payment method is
under way, -> failed when it fails; open -> expired. `lost` was looked for at Stripe and is not there;
`refused` was never made. `surplus` was paid although nothing was owed: it is refunded. `wrong_amount`
needs a person.
"""

from __future__ import annotations

CREATING = "creating"
DOUBTFUL = "doubtful"
OPEN = "open"
PROCESSING = "processing"
FAILED = "failed"
PAID = "paid"
SURPLUS = "surplus"
REFUNDED = "refunded"
EXPIRED = "expired"
LOST = "lost"
REFUSED = "refused"
WRONG_AMOUNT = "wrong_amount"

UNANSWERED = (CREATING, DOUBTFUL)
"""Stripe may or may not have made it."""

MAY_BE_LIVE = (CREATING, DOUBTFUL, OPEN)
"""A client may still be able to pay there."""

UNSETTLED = (CREATING, DOUBTFUL, OPEN, PROCESSING)
"""What becomes of it is not known yet."""

TAKEN = (PAID, SURPLUS, REFUNDED, WRONG_AMOUNT)
"""The money has been booked: later news of the same payment changes nothing."""
