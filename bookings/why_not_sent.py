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
    ALREADY_ENDED = "already_ended"
    ALREADY_SENT = "already_sent"  # this step of a sequence, for this visit
    ANOTHER_CLIENT = "another_client"  # the booking is no longer this client's
    ASKED_AGAIN = "asked_again"  # a new request with new links took its place
    CANCELLED_MEANWHILE = "cancelled_meanwhile"
    CLIENT_ARCHIVED = "client_archived"
    CLIENT_ERASED = "client_erased"
    COMPLETED_MEANWHILE = "completed_meanwhile"
    DRAGGED_BACK = "dragged_back"  # moved back to the times the client knows, or an earlier mail told them
    FEE_NOT_DUE = "fee_not_due"
    GONE = handlers.GONE  # what it was about no longer exists
    NEVER_ANNOUNCED = "never_announced"  # the client had never been told of the booking
    NO_ADDRESS = handlers.NO_ADDRESS
    NO_CONSENT = "no_consent"
    NO_LONGER_COMPLETED = "no_longer_completed"
    NO_SHOW_MEANWHILE = "no_show_meanwhile"
    PROVISIONAL_MEANWHILE = "provisional_meanwhile"
    REBOOKED = "rebooked"  # the client has booked again since this visit
    RESTORED = "restored"  # the booking stands again: nothing was cancelled after all
    SEQUENCE_STOPPED = "sequence_stopped"
    SLOT_TAKEN = "slot_taken"  # the offered time
    SPENT = "spent"  # the link in it had been used or had expired
    VISIT_CLOSED = "visit_closed"  # completed or a no-show by now
