"""No-show money (contract §1.4 "to no-show"): fees frozen when they arise, Stripe Checkout Sessions for them.

`fees` runs inside the door's transaction and never calls the network.
"""

from bookings.noshow.fees import charge, undo

__all__ = ["charge", "undo"]
