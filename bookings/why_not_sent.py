"""Why a message is not sent, as `Message.reason` and the API say it (contract §1.4)."""

from __future__ import annotations

from enum import StrEnum

from notifications import handlers


class Reason(StrEnum):
    """A code of the message log; "meanwhile" is between what called for the mail and its sending."""

    ACCEPTED_MEANWHILE = "accepted_meanwhile"
    ALREADY_ANNOUNCED = "already_announced"  # the client knows this booking with these times
    ALREADY_ANSWERED = "already_answered"  # the opinion of this visit has been given
    ALREADY_ASKED = "already_asked"  # for a review, not long ago or for this very visit
    ALREADY_CONFIRMED = "already_confirmed"  # the client has said that they come
    ALREADY_ENDED = "already_ended"
    ALREADY_SENT = "already_sent"  # this step of a sequence, for this visit
    ANOTHER_CLIENT = "another_client"  # the booking is no longer this client's
    ASKED_NOT_TO = "asked_not_to"  # this booking was confirmed with the wish for no texts
    ASKED_AGAIN = "asked_again"  # a new request with new links took its place
    BOOKED_TOO_LATE = "booked_too_late"  # or moved so, for this reminder
    CANCELLED_MEANWHILE = "cancelled_meanwhile"
    CLIENT_ARCHIVED = "client_archived"
    CLIENT_ERASED = "client_erased"
    COMPLETED_MEANWHILE = "completed_meanwhile"
    DRAGGED_BACK = "dragged_back"  # moved back to the times the client knows, or an earlier mail told them
    DAILY_CAP = handlers.DAILY_CAP  # the salon's limit of texts for a day is reached
    FEE_NOT_DUE = "fee_not_due"
    GONE = handlers.GONE  # what it was about no longer exists
    MOVED_MEANWHILE = "moved_meanwhile"  # the visit has another start, which has a reminder of its own
    NEVER_ANNOUNCED = "never_announced"  # the client had never been told of the booking
    NO_ADDRESS = handlers.NO_ADDRESS
    NO_CHANNEL = handlers.NO_CHANNEL  # there is none for a text any more
    NO_CONSENT = "no_consent"
    NO_LONGER_COMPLETED = "no_longer_completed"
    NO_NUMBER = handlers.NO_NUMBER  # none that a text can go to
    NO_SHOW_MEANWHILE = "no_show_meanwhile"
    OPTED_OUT = handlers.OPTED_OUT  # the number wants no texts
    PROVISIONAL_MEANWHILE = "provisional_meanwhile"
    QUIET_HOURS = "quiet_hours"  # they leave no time for it
    REBOOKED = "rebooked"  # the client has booked again since this visit
    RESTORED = "restored"  # the booking stands again: nothing was cancelled after all
    RULE_CHANGED = "rule_changed"  # no rule asks for this reminder any more
    SEQUENCE_STOPPED = "sequence_stopped"
    SLOT_TAKEN = "slot_taken"  # the offered time
    SPENT = "spent"  # the link in it had been used or had expired
    TOLD_TOGETHER = "told_together"  # another message tells of it too
    TOO_LATE = "too_late"  # it would no longer do what it is for
    VISIT_CLOSED = "visit_closed"  # completed or a no-show by now
