"""What we hold about one client: handing it over, and erasing it (reliability §6)."""

from bookings.personal_data.erasure import Erased, StillSending, UpcomingBookings, erase_client
from bookings.personal_data.export import export_client

__all__ = ["Erased", "StillSending", "UpcomingBookings", "erase_client", "export_client"]
