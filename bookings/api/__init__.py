"""/api/bookings and what hangs on a booking (contract §1.2, §1.5)."""
