"""Bookings from the slot to the fee: API, pages, mails, waitlist."""
