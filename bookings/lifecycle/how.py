"""In which way a booking is made or changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Who tells the client of a write, if anybody does.

    `notify_client` False mails nothing, and the client knows nothing of it; `told_in_person` mails nothing
    either, because somebody has told them (`in_person`).
    """

    notify_client: bool = True
    told_in_person: bool = False

    @property
    def mails_client(self) -> bool:
        return self.notify_client and not self.told_in_person


@dataclass(frozen=True, slots=True)
class How(Telling):
    """In which way a change is made.

    `ask_by_mail`: entering `provisional` makes a token and mails accept and decline links (the native
    door); without it nobody is asked (a dialect). `party` is given when a whole session changes
    together: the booking stays in it and shares this party. `among_others`: other changes of this transaction
    may lock waitlist entries too, so none is waited for. `whole_visit`: all bookings of its visit change in
    this way, and the caller writes their busy times. `announced_by_page` and `lapsed` are those of
    `outcome.Change`; `token_outcome` is what a spent request link says, "" where the salon decided itself.
    """

    reason: str = ""
    allow_overlap: bool = False
    ask_by_mail: bool = False
    base_url: str | None = None
    party: uuid.UUID | None = None
    among_others: bool = False
    whole_visit: bool = False
    announced_by_page: bool = False
    lapsed: bool = False
    token_outcome: str = ""


AS_USUAL = How()
