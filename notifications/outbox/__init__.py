"""The outbox: a message is a row, written with what it tells of (reliability §1).

`enqueue` and `drop` are called inside the caller's transaction.
"""

from notifications.outbox.drop import drop, on_its_way
from notifications.outbox.enqueue import Due, enqueue

__all__ = ["Due", "drop", "enqueue", "on_its_way"]
