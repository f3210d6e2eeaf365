"""In which way a booking is changed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class How:
    """In which way a change is made.

    `ask_by_mail`: entering `provisional` makes a token and mails accept and decline links (the native
    door); without it nobody is asked (a dialect). `party` is given when a whole session changes
    together: the booking stays in it and shares this party. `among_others`: other changes of this transaction
    may lock waitlist entries too, so none is waited for. `whole_visit`: all bookings of its visit change in
    this way, and the caller writes their busy times. `announced_by_page` and `lapsed` are those of
    `outcome.Change`; `token_outcome` is what a spent request link says, "" where the salon decided itself.
    `notify_client` False mails nothing, and the client knows nothing of it; `told_in_person` mails nothing
    either, because somebody has told them (`in_person`).
    """

    reason: str = ""
    allow_overlap: bool = False
    notify_client: bool = True
    told_in_person: bool = False
    ask_by_mail: bool = False
    base_url: str | None = None
    party: uuid.UUID | None = None
    among_others: bool = False
    whole_visit: bool = False
    announced_by_page: bool = False
    lapsed: bool = False
    token_outcome: str = ""

    @property
    def mails_client(self) -> bool:
        return self.notify_client and not self.told_in_person


AS_USUAL = How()
