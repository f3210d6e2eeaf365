"""What every handler of a mail has in common: read the present, write a letter in its reader's language."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, TypeVar

from django.utils.translation import override

from notifications.handlers import Mail, Text
from notifications.letters.letter import Letter, Reader, sealed
from notifications.letters.text import spoken
from notifications.models import Job, Message

Subject = TypeVar("Subject")
Whom = TypeVar("Whom", bound=Reader)


class LetterHandler(Generic[Subject, Whom]):
    """A `notifications.handlers.MailHandler`. A subclass says its `type` and gives `read` and `letter`.

    `client_counts_on_it` True: after a kill in mid-sending the mail is sent once more with the same
    Message-ID.
    """

    type: str
    client_counts_on_it = True

    def compose(self, job: Job, *, now: datetime) -> Mail:
        """The mail as of now, in its reader's language. Raises NotNeeded."""
        subject, reader = self.read(job)
        with override(reader.language):
            letter = self.letter(job, subject, reader=reader, now=now)
        return sealed(letter, type=self.worded_as(job, subject), reader=reader)

    def compose_text(self, job: Job, *, now: datetime) -> Text:
        """The same as a text (SMS). Raises NotNeeded."""
        subject, reader = self.read(job)
        with override(reader.language):
            letter = self.letter(job, subject, reader=reader, now=now)
        return spoken(letter, type=self.worded_as(job, subject), reader=reader)

    def worded_as(self, job: Job, subject: Subject) -> str:
        """The type whose subject and introduction by the salon this mail has."""
        return self.type

    def read(self, job: Job) -> tuple[Subject, Whom]:
        """What the mail is about and whom it is for, as they are now. Raises NotNeeded."""
        raise NotImplementedError

    def letter(self, job: Job, subject: Subject, *, reader: Whom, now: datetime) -> Letter:
        """What to say, in the active language. Raises NotNeeded when it is no longer true."""
        raise NotImplementedError

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Nothing to keep, unless a subclass says so."""
