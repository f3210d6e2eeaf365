"""Why a message is not sent: the code kept in the message log, and its sentence for people (contract §1.4).

The code is what `Message.reason` and the API say; the sentence is decided once, here.
"""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """A code of the message log; `sentence` says it to a person."""

    ACCEPTED_MEANWHILE = "accepted_meanwhile"
    ALREADY_ANNOUNCED = "already_announced"
    ALREADY_ANSWERED = "already_answered"
    ALREADY_ASKED = "already_asked"
    ALREADY_ENDED = "already_ended"
    ALREADY_SENT = "already_sent"
    ANOTHER_CLIENT = "another_client"
    ASKED_AGAIN = "asked_again"
    CANCELLED_MEANWHILE = "cancelled_meanwhile"
    CLIENT_ARCHIVED = "client_archived"
    CLIENT_ERASED = "client_erased"
    COMPLETED_MEANWHILE = "completed_meanwhile"
    DRAGGED_BACK = "dragged_back"
    FEE_NOT_DUE = "fee_not_due"
    GONE = "gone"
    NEVER_ANNOUNCED = "never_announced"
    NO_ADDRESS = "no_address"
    NO_CONSENT = "no_consent"
    NO_LONGER_COMPLETED = "no_longer_completed"
    NO_SHOW_MEANWHILE = "no_show_meanwhile"
    PROVISIONAL_MEANWHILE = "provisional_meanwhile"
    REBOOKED = "rebooked"
    RESTORED = "restored"
    SEQUENCE_STOPPED = "sequence_stopped"
    SLOT_TAKEN = "slot_taken"
    SPENT = "spent"
    VISIT_CLOSED = "visit_closed"

    @property
    def sentence(self) -> str:
        return SENTENCES[self]


SENTENCES: dict[Reason, str] = {
    Reason.ACCEPTED_MEANWHILE: "The request had been accepted before this mail left.",
    Reason.ALREADY_ANNOUNCED: "The client already knows this booking with these times.",
    Reason.ALREADY_ANSWERED: "The client has already given their opinion of this visit.",
    Reason.ALREADY_ASKED: "The client was asked for a review not long ago, or for this very visit.",
    Reason.ALREADY_ENDED: "The booking had already ended.",
    Reason.ALREADY_SENT: "This step has already reached the client for this visit.",
    Reason.ANOTHER_CLIENT: "The booking is no longer this client's.",
    Reason.ASKED_AGAIN: "A new request with new links took the place of this mail.",
    Reason.CANCELLED_MEANWHILE: "The booking was cancelled before this mail left.",
    Reason.CLIENT_ARCHIVED: "The client has been archived.",
    Reason.CLIENT_ERASED: "The client's personal data has been erased.",
    Reason.COMPLETED_MEANWHILE: "The visit was completed before this mail left.",
    Reason.DRAGGED_BACK: "The client knows these times: it was moved back, or an earlier mail had them.",
    Reason.FEE_NOT_DUE: "The fee is no longer due.",
    Reason.GONE: "What this mail was about no longer exists.",
    Reason.NEVER_ANNOUNCED: "The client had never been told of this booking.",
    Reason.NO_ADDRESS: "The client has no e-mail address.",
    Reason.NO_CONSENT: "The client does not want to receive such mails.",
    Reason.NO_LONGER_COMPLETED: "The visit is no longer marked as completed.",
    Reason.NO_SHOW_MEANWHILE: "The booking was marked as a no-show before this mail left.",
    Reason.PROVISIONAL_MEANWHILE: "The booking was turned into a request before this mail left.",
    Reason.REBOOKED: "The client has booked again since this visit.",
    Reason.RESTORED: "The booking stands again, so nothing was cancelled after all.",
    Reason.SEQUENCE_STOPPED: "The follow-up sequence has been switched off.",
    Reason.SLOT_TAKEN: "The free time was taken before this mail left.",
    Reason.SPENT: "The link in this mail had been used or had expired before it left.",
    Reason.VISIT_CLOSED: "The visit was completed or marked as a no-show before this mail left.",
}


def sentence_of(reason: str) -> str:
    """The sentence for a stored reason; a text that is no code of ours is given back as it is."""
    try:
        return Reason(reason).sentence
    except ValueError:
        return reason
