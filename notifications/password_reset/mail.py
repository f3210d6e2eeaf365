"""The mail with which a staff member sets a new password (contract §1.5)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from notifications.handlers import GONE, NotNeeded
from notifications.letters.handler import LetterHandler
from notifications.letters.letter import Button, Letter, Reader
from notifications.models import Job
from notifications.outbox import Recipient
from notifications.password_reset.reset import JOB_TYPE, token_for
from staff.models import SalonSettings, Staff
from staff.salon.base_urls import public_url


class PasswordResetMail(LetterHandler[Staff, Reader]):
    """password.reset: in the salon's language; the token is made here, so the job holds none."""

    type = JOB_TYPE

    def read(self, job: Job) -> tuple[Staff, Reader]:
        person = Staff.objects.filter(pk=Recipient(job.recipient).staff_id or 0, is_active=True).first()
        if person is None:
            raise NotNeeded(GONE)
        reader = Reader(name=person.name, email=person.email or "", locale="", salon=SalonSettings.load())
        return person, reader

    def letter(self, job: Job, person: Staff, *, reader: Reader, now: datetime) -> Letter:
        url = public_url(job.payload.get("base_url", ""), f"/password-reset/{token_for(person)}")
        return Letter(
            subject=_("Set a new password"),
            introduction=_("Somebody, most likely you, asked for a new password for your login."),
            buttons=[Button(_("Set a new password"), url)],
            closing=[
                _("The link works once, for two hours."),
                _("Did you not ask for this? Then you need do nothing: your password stays as it is."),
            ],
        )
