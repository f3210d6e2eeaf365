"""Outgoing webhooks: the salon's own apps are told of booking events (contract §1.5, Standard Webhooks).

`enqueue` writes a delivery and its job in the transaction of the change; the outbox carries it out through
`delivery.Delivering`, in order per booking and endpoint. Knows no bookings: an event is a type string, an
id and a body that somebody else renders.
"""

from notifications.webhooks.enqueue import JOB_TYPE, Event, enqueue

__all__ = ["JOB_TYPE", "Event", "enqueue"]
