"""The mail with which a staff member sets a new password (contract §1.5)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import override

from bookings.jobs.client_mail import addressed, not_needed
from bookings.mails.letter import Button, Letter, Reader
from bookings.reasons import Reason
from clients.models import Client
from notifications.handlers import Mail
from notifications.models import Job, Message
from notifications.outbox import Recipient
from notifications.password_reset import token_for
from staff.models import SalonSettings, Staff
from staff.salon.base_urls import public_url


class PasswordReset:
    """A `notifications.handlers.MailHandler`; the token is made here, so the job holds none."""

    client_counts_on_it = True

    def compose(self, job: Job, *, now: datetime) -> Mail:
        """The mail in the salon's language. Raises NotNeeded for who left or has no address any more."""
        person = Staff.objects.filter(pk=Recipient(job.recipient).staff_id or 0, is_active=True).first()
        if person is None:
            raise not_needed(Reason.GONE)
        # A letter is read by a client; this one lends its reader no more than a name and an address.
        reader = Reader(
            client=Client(first_name=person.name, email=person.email or ""), salon=SalonSettings.load()
        )
        url = public_url(job.payload.get("base_url", ""), f"/password-reset/{token_for(person)}")
        with override(reader.locale):
            return addressed(_letter(url), job=job, reader=reader)

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Nothing to keep."""


tell_password_reset = PasswordReset()


def _letter(url: str) -> Letter:
    return Letter(
        subject=_("Set a new password"),
        introduction=_("Somebody, most likely you, asked for a new password for your login."),
        buttons=[Button(_("Set a new password"), url)],
        closing=[
            _("The link works once, for two hours."),
            _("Did you not ask for this? Then you need do nothing: your password stays as it is."),
        ],
    )
