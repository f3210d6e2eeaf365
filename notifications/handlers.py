"""What a job type does: the contract between the outbox and whoever knows the subject.

`settings.HANDLERS` maps a job type to the dotted path of a class, a `MailHandler`, a `TextHandler` (or both:
the job's `channel` says which of them a job is) or an `EffectHandler`. It says the same `type` itself and is
made once, without arguments. A handler re-reads and re-checks the present; it holds no transaction open
around the network. It may have

- `worded_by_salon` (bool): the words are the salon's own already, or another type's; admin offers none;
- `urgency` (`Job.Urgency`): whether somebody waits for it, if not so;
- `persistence` (`outbox.Persistence`): how long a job is tried, if not as mails are;
- `given_up(job, error, *, now)`: tells whoever has to know, in the transaction that makes the job dead, in
  place of the line that every administrator gets.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from notifications.models import Job, Message

GONE = "gone"
"""Why a job is not needed: what it was about no longer exists."""

NO_ADDRESS = "no_address"
"""Why a mail is not needed: whom it is for has no address it could go to."""

NO_CHANNEL = "no_channel"
"""Why a text is not needed: the salon has no channel for it (any more)."""

NO_NUMBER = "no_number"
"""Why a text is not needed: whom it is for has no number that can be one."""

OPTED_OUT = "opted_out"
"""Why a text is not needed: its number wants none."""

DAILY_CAP = "daily_cap"
"""Why a text is not sent: the salon's limit for a day is reached."""


class NotBegun(Exception):
    """The worker is to stop before it came to this job."""


class NotNeeded(Exception):
    """The world has moved on: close the job as cancelled, its message as not sent, with `reason`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TryLater(Exception):
    """Known not accepted: back to pending with backoff, or no earlier than `after` (UTC)."""

    def __init__(self, error: str, *, after: datetime | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.after = after


class RefusedForGood(Exception):
    """Will never be accepted: the job is dead, and admins are told."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it leaves, frozen into its `Message` row at the first sending.

    `facts` is what the mail announced (JSON), given back to `MailHandler.sent`. `deliver_outside`
    False (demo clients) keeps it in the log only.
    """

    to: str
    locale: str
    subject: str
    text: str
    html: str
    reply_to: str = ""
    ics: str = ""
    ics_method: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    deliver_outside: bool = True


@dataclass(frozen=True, slots=True)
class Text:
    """One text (SMS) as it leaves; `to` is E.164. The other fields are as those of `Mail`.

    `although_opted_out`: also to a number that wants no more, to tell it so.
    """

    to: str
    locale: str
    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    deliver_outside: bool = True
    although_opted_out: bool = False


class TextHandler(Protocol):
    """What can be said as a text."""

    type: str
    client_counts_on_it: bool
    """Says nothing of a text: that is never sent twice."""

    def compose_text(self, job: Job, *, now: datetime) -> Text:
        """The text as of now. Raises NotNeeded."""

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """As `MailHandler.sent`."""


class MailHandler(Protocol):
    type: str
    client_counts_on_it: bool
    """True: after a kill in mid-sending it is sent once more; False: it becomes uncertain at once."""

    def compose(self, job: Job, *, now: datetime) -> Mail:
        """The mail as of now. Raises NotNeeded."""

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Called in the transaction that marks the job done (or uncertain)."""


class EffectHandler(Protocol):
    """One outside effect that is not a mail (Stripe, a webhook)."""

    type: str
    client_counts_on_it: bool

    def prepare(self, job: Job, *, now: datetime) -> Any:
        """Re-check and store what the call needs. Raises NotNeeded, RefusedForGood."""

    def call(self, job: Job, prepared: Any, *, now: datetime) -> str:
        """The one outside call, after the point of no return; gives the external id.

        Raises TryLater (known not accepted), RefusedForGood.
        """

    def done(self, job: Job, prepared: Any, external_id: str, *, now: datetime) -> None:
        """Called in the transaction that marks the job done."""
