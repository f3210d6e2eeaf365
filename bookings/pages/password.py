"""Setting a new password behind the mailed link, for salons without a front end (contract §1.5)."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings.pages.shell import PublicPage
from notifications.password_reset import person_behind, reset_password
from staff.access.accounts import LONGEST_PASSWORD
from staff.wire.refusals import BadRequest
from staff.wire.text import BadText, check_text


class PasswordPage(PublicPage):
    """One field, twice. Opening the link changes nothing."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        person_behind(token)
        return self.ask()

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        person_behind(token)
        new, again = request.POST.get("new", ""), request.POST.get("again", "")
        if not new or new != again:
            return self.ask(wrong=[_("Please enter the same password twice.")])
        if not _can_be_kept(new):
            return self.ask(wrong=[_("This password is too long or holds a character we cannot keep.")])
        try:
            reset_password(token=token, new=new)
        except BadRequest as weak:
            return self.ask(wrong=(weak.details or {}).get("new", []))
        return self.notice(_("Your new password is set"), _("You can log in with it now."))

    def ask(self, *, wrong: list[str] | None = None) -> HttpResponse:
        return self.page(
            "pages/password.html",
            heading=_("Set a new password"),
            status=HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
            wrong=wrong or [],
            longest=LONGEST_PASSWORD,
        )


def _can_be_kept(password: str) -> bool:
    try:
        check_text(password)
    except BadText:
        return False
    return len(password) <= LONGEST_PASSWORD
