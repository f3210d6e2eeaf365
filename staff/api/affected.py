"""What a write of the salon's rows answers of bookings that now stand where they should not (contract §6a).

Names: affected, AFFECTED_BY_HOURS.
"""

from __future__ import annotations

from rest_framework.request import Request

from staff.access.auth import actor_of, salon_of
from staff.salon.affected import AffectedBookingJson, Touched, affected_bookings

AFFECTED_BY_HOURS = (
    "`affected_bookings` are those ahead that lie outside the hours, of the people and on the days that this "
    "write is about, as far as you may see them."
)


def affected(request: Request, touched: Touched) -> list[AffectedBookingJson]:
    """Those the caller may see, earliest first."""
    return affected_bookings(touched, actor=actor_of(request), zone=salon_of(request).zone)
