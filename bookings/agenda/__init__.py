"""What the agenda shows of some days (contract §11 "one call"): people and their hours, and what of a booking
is not in its own row. Reading alone; `bookings.api.agenda` prints it.
"""
