"""visit.code: six digits that prove a mail address (contract §9 "code")."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings.mails.client_mail import not_needed
from bookings.models import MailedCode
from bookings.online.code import digits_of
from bookings.why_not_sent import Reason
from notifications.letters.handler import LetterHandler
from notifications.letters.letter import Letter, Reader, Row, if_in_doubt
from notifications.models import Job
from staff.models import SalonSettings


class CodeMail(LetterHandler[MailedCode, Reader]):
    """To the typed address, in the language of the page. Greets nobody: what a stranger typed reaches nobody
    in our name. The digits are made here, so the job holds none; they stand where the salon's own words do
    not."""

    type = "visit.code"

    def read(self, job: Job) -> tuple[MailedCode, Reader]:
        code = MailedCode.objects.filter(pk=job.payload["code_id"], expires_at__gt=timezone.now()).first()
        if code is None:
            raise not_needed(Reason.SPENT)
        return code, Reader(name="", email=code.email, locale=code.locale, salon=SalonSettings.load())

    def letter(self, job: Job, code: MailedCode, *, reader: Reader, now: datetime) -> Letter:
        digits = digits_of(code)
        return Letter(
            subject=_("%(code)s is your code") % {"code": digits},
            introduction=_("Enter this code on the booking page."),
            rows=[Row(pgettext("label", "Code"), digits)],
            closing=[
                _("The code is valid for ten minutes. Your appointment is booked once you have entered it."),
                _("Did you not ask for this? Then you need do nothing: without the code nothing is booked."),
                if_in_doubt(reader.salon),
            ],
        )
