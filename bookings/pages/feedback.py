"""Saying once how a visit was (contract §1.4 "to completed")."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from bookings.models import Booking
from bookings.pages.shell import Button, Fact, PublicPage, greeting
from bookings.self_service.feedback import (
    HAPPY,
    HIGHEST,
    LONGEST_COMMENT,
    LOWEST,
    FeedbackGiven,
    VisitNotCompleted,
    check_open,
    give_feedback,
    review_link,
    visit_of,
)
from notifications.letters.language import long_moment
from notifications.letters.plain import one_line
from staff.wire.refusals import Refused
from staff.wire.text import BadText, check_text


class FeedbackPage(PublicPage):
    """Five steps and a comment. What was wrong is said above the form, with what was entered kept."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        return self.ask(self.read(token))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        booking = self.read(token)
        chosen, comment = request.POST.get("rating", ""), normalised(request.POST.get("comment", ""))
        ratings = {str(step): step for step in range(LOWEST, HIGHEST + 1)}
        if chosen not in ratings:
            return self.ask(booking, comment=comment, wrong=_("Please choose one of the five steps."))
        if wrong := comment_fault(comment):
            return self.ask(booking, chosen=chosen, comment=comment[:LONGEST_COMMENT], wrong=wrong)
        feedback = give_feedback(token=token, rating=ratings[chosen], comment=comment)
        return self.thank(feedback.rating)

    def read(self, token: str) -> Booking:
        self.about = booking = visit_of(token)
        self.speak_to(booking.client)
        check_open(booking)
        return booking

    def ask(self, booking: Booking, *, chosen: str = "", comment: str = "", wrong: str = "") -> HttpResponse:
        return self.page(
            "pages/feedback.html",
            heading=_("Tell us how it was"),
            status=HTTPStatus.BAD_REQUEST if wrong else HTTPStatus.OK,
            sentences=[*greeting(booking.client), _("Thank you for your visit. Two taps are enough.")],
            facts=[
                Fact(_("Service"), one_line(booking.service.name)),
                Fact(_("Your visit"), long_moment(booking.start_at, zone=self.salon.zone)),
            ],
            scale=[
                {"value": step, "label": _("%(step)d of 5") % {"step": step}, "checked": str(step) == chosen}
                for step in range(LOWEST, HIGHEST + 1)
            ],
            lowest=_("Not good"),
            highest=_("Excellent"),
            comment=comment,
            longest=LONGEST_COMMENT,
            wrong=wrong,
        )

    def thank(self, rating: int) -> HttpResponse:
        link = review_link(rating, salon=self.salon)
        if link is not None:
            return self.notice(
                _("Thank you!"),
                _("We are happy that you liked it."),
                _("Would you tell others too? A short public review helps us a lot."),
                button=Button(_("Write a public review"), link),
            )
        if rating >= HAPPY:
            return self.notice(_("Thank you!"), _("We are happy that you liked it. See you soon."))
        return self.notice(_("Thank you"), _("Thank you for being open with us. We will take it to heart."))

    def refuse(self, problem: Refused) -> HttpResponse:
        match problem:
            case FeedbackGiven():
                said = _("You have told us how this visit was. Thank you, you need do nothing more.")
                return self.notice(_("We have your feedback"), said, status=problem.http_status)
            case VisitNotCompleted():
                closed = _("This visit is not in our books as completed. Please contact us if that is wrong.")
                return self.notice(_("This link is not open"), closed, status=problem.http_status)
        return super().refuse(problem)


def normalised(comment: str) -> str:
    """Line breaks as one character, as the browser counts them against `maxlength`."""
    return comment.replace("\r\n", "\n").replace("\r", "\n").strip()


def comment_fault(comment: str) -> str:
    """Why the comment cannot be kept, "" if it can."""
    if len(comment) > LONGEST_COMMENT:
        return _("Please shorten your comment to %(count)d characters.") % {"count": LONGEST_COMMENT}
    try:
        check_text(comment)
    except BadText:
        return _("Your comment holds a character we cannot keep. Please remove it.")
    return ""
