"""Foreign wire formats over the same bookings (contract §2-§4). Each is a leaf: parse, door calls, render."""
