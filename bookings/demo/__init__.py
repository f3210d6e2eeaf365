"""The demo salon: a few people, what they offer, two weeks of bookings around today, all through the door.

For an empty installation only, and once: whoever runs it again changes nothing. Its clients are marked
`is_demo`, so no mail to them ever leaves.
"""

from bookings.demo.salon import DemoSalon, NotEmpty, make_demo_salon

__all__ = ["DemoSalon", "NotEmpty", "make_demo_salon"]
