"""The texts that are about no booking: the test of a channel, and the answer to a STOP."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from clients.models import Client
from notifications.handlers import GONE, NotNeeded, Text
from notifications.letters.language import language_for
from notifications.letters.plain import one_line
from notifications.models import Job, Message
from staff.models import SalonSettings


class _PlainText:
    """To the number on the message, in its client's language or the salon's."""

    type: str
    client_counts_on_it = False
    although_opted_out = False

    def compose_text(self, job: Job, *, now: datetime) -> Text:
        message = Message.objects.filter(job=job).first()
        if message is None:
            raise NotNeeded(GONE)
        salon = SalonSettings.load()
        client = Client.objects.filter(pk=message.client_id).first() if message.client_id else None
        language = language_for(client.locale if client else "", salon.locale)
        with override(language):
            return Text(
                to=message.to,
                locale=language,
                text=self.words(one_line(salon.business_name)),
                deliver_outside=client is None or not client.is_demo,
                although_opted_out=self.although_opted_out,
            )

    def words(self, salon: str) -> str:
        raise NotImplementedError

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Nothing to keep."""


class TestText(_PlainText):
    type = "channel.test"
    although_opted_out = True

    def words(self, salon: str) -> str:
        return _("This is a test from %(salon)s: texts arrive.") % {"salon": salon}


class StoppedText(_PlainText):
    type = "channel.stopped"
    although_opted_out = True

    def words(self, salon: str) -> str:
        return _("You get no more texts from %(salon)s. To change that, please call us.") % {"salon": salon}
