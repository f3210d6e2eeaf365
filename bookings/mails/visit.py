"""The mails after a visit, about a free time and about a missed one (contract §1.4).

Spoken in the active language.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from bookings import links
from bookings.mails.appointment import Times, what_and_with_whom, when_rows, where
from bookings.mails.language import moment, money, short_date
from bookings.mails.letter import Button, Letter, Reader, Row, how_to_reach, if_in_doubt
from bookings.models import Booking, NoShowFee, WaitlistOffer
from notifications.models import FollowupStep
from staff.wire.money import from_minor


def review_request(booking: Booking, *, feedback_token: str, reader: Reader) -> Letter:
    """How was it?"""
    zone = reader.salon.zone
    return Letter(
        subject=_("How was your visit on %(date)s?") % {"date": short_date(booking.start_at, zone=zone)},
        introduction=_("Thank you for your visit. We would love to hear how it was."),
        rows=[
            when_rows(Times.of(booking), zone=zone)[0],
            *what_and_with_whom(booking.service, booking.staff),
        ],
        buttons=[Button(_("Give your opinion"), links.feedback_url(booking.base_url, feedback_token))],
        closing=[_("It takes less than a minute, and it helps us to do well.")],
    )


def followup(booking: Booking, step: FollowupStep, *, unsubscribe_token: str) -> Letter:
    """What the salon wrote, with the way out (RFC 8058).

    The one-click address in the header is ours, whatever front end the links stand under: it has to answer
    a POST.
    """
    return Letter(
        subject=step.subject,
        introduction=step.body,
        small_print=[_("You receive this mail because you agreed to hear from us after a visit.")],
        small_print_link=Button(_("Unsubscribe"), links.unsubscribe_url(booking.base_url, unsubscribe_token)),
        headers={
            "List-Unsubscribe": f"<{links.unsubscribe_url('', unsubscribe_token)}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
    )


def waitlist_offer(offer: WaitlistOffer, *, reader: Reader) -> Letter:
    """A time has come free; with a hold it is kept for this client until the offer expires."""
    salon, service = reader.salon, offer.entry.service
    when = moment(offer.start_at, zone=salon.zone)
    facts = [
        *when_rows(Times(offer.start_at, offer.end_at), zone=salon.zone),
        *what_and_with_whom(service, offer.staff),
    ]
    place = where(offer.staff.location, reader=reader)
    if place:
        facts.append(Row(pgettext("label", "Where"), place))
    if service.price is not None:
        facts.append(Row(pgettext("label", "Price"), money(service.price, salon.currency)))
    if offer.hold_id is None:
        how_long = _("The time is not reserved: it is yours as soon as you take it, while it is still free.")
    else:
        how_long = _("We keep this time for you until %(until)s.") % {
            "until": moment(offer.expires_at, zone=salon.zone)
        }
    return Letter(
        subject=_("A time has come free: %(when)s") % {"when": when},
        introduction=_("You are on our waiting list, and a time has come free for you."),
        rows=facts,
        question=_("Would you like to come at this time?"),
        buttons=[Button(_("Take this time"), links.waitlist_url(offer.base_url, offer.token))],
        closing=[how_long, if_in_doubt(salon)],
    )


def noshow_fee(booking: Booking, fee: NoShowFee, *, reader: Reader) -> Letter:
    """The fee of a missed appointment, and our page to pay it on."""
    salon = reader.salon
    amount = money(from_minor(fee.amount_minor, currency=fee.currency), fee.currency)
    mistaken = _("Has there been a misunderstanding? Please let us know.")
    return Letter(
        subject=_("Your missed appointment on %(when)s")
        % {"when": moment(booking.start_at, zone=salon.zone)},
        introduction=_(
            "We expected you and are sorry to have missed you. For a missed appointment we charge a fee of"
            " %(amount)s."
        )
        % {"amount": amount},
        rows=[
            *when_rows(Times.of(booking), zone=salon.zone),
            *what_and_with_whom(booking.service, booking.staff),
            Row(pgettext("label", "Fee"), amount),
        ],
        buttons=[
            Button(_("Pay %(amount)s") % {"amount": amount}, links.pay_url(booking.base_url, fee.pay_token))
        ],
        closing=[
            _("You can pay until %(until)s.") % {"until": moment(fee.pay_until, zone=salon.zone)},
            f"{mistaken} {how_to_reach(salon)}".strip(),
        ],
    )
