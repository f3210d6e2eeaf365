"""The outbox: a message is a row, written with what it tells of (reliability §1).

`enqueue` and `drop` are called inside the caller's transaction; `claim` and what follows belong to the
worker (`notifications.execution`). Every function takes the present as `now`, aware.

A row's life: pending (due at `run_at`), claimed (one token holds it until `lease_until`), then done, dead,
cancelled or uncertain. `sending_at` is set from the point of no return on, and taken back when the other
side is known not to have accepted it: a pending row with `sending_at` may have been delivered once, and
leaves again exactly as it was.
"""

from notifications.outbox.backoff import Persistence, backoff
from notifications.outbox.claim import LeaseLost, Place, anything_due, claim, held, mark_sending, oldest_due
from notifications.outbox.drop import drop, hand_over, on_its_way, pass_over
from notifications.outbox.enqueue import Due, enqueue, new_message_id, waiting_payload
from notifications.outbox.finish import cancel, die, fail, finish, note, put_back
from notifications.outbox.recipient import Recipient
from notifications.outbox.recover import end_uncertain, release_leases
from notifications.outbox.retry_by_hand import NotRetriable, retry

__all__ = [
    "Due",
    "LeaseLost",
    "NotRetriable",
    "Persistence",
    "Place",
    "Recipient",
    "anything_due",
    "backoff",
    "cancel",
    "claim",
    "die",
    "drop",
    "end_uncertain",
    "enqueue",
    "fail",
    "finish",
    "hand_over",
    "held",
    "mark_sending",
    "new_message_id",
    "note",
    "oldest_due",
    "on_its_way",
    "pass_over",
    "put_back",
    "release_leases",
    "retry",
    "waiting_payload",
]
