"""The link to the client's page in mails about a visit, and until when they may act there (contract §8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.lifecycle.client_terms import ClientTerms, terms_for
from bookings.links import visit_url
from bookings.mails.client_mail import ClientReader
from bookings.models import Booking
from bookings.self_service.visit_link import print_links
from notifications.letters.language import moment
from notifications.letters.letter import Button


def pages_of(visits: Sequence[Sequence[Booking]], *, reader: ClientReader) -> list[str]:
    """The address of each visit's page; "" of one that is not this reader's. Two statements at most."""
    theirs = [items[0].visit for items in visits if items[0].visit is not None]
    tokens = print_links([each for each in theirs if each.client_id == reader.client.pk])
    return [
        visit_url(items[0].base_url, tokens[items[0].visit_id]) if items[0].visit_id in tokens else ""
        for items in visits
    ]


def page_of(items: Sequence[Booking], *, reader: ClientReader) -> str:
    return pages_of([items], reader=reader)[0]


def link_to(page: str, *, cancelled: bool = False) -> list[Button]:
    label = _("See the appointment") if cancelled else _("See, move or cancel the appointment")
    return [Button(label, page)] if page else []


def links_to(pages: Sequence[str], starts: Sequence[datetime], *, reader: ClientReader) -> list[Button]:
    """One for each date of a series, named by it."""
    zone = reader.salon.zone
    return [
        Button(_("See, move or cancel: %(when)s") % {"when": moment(start_at, zone=zone)}, page)
        for page, start_at in zip(pages, starts, strict=True)
        if page
    ]


def until_when(items: Sequence[Booking], *, reader: ClientReader, now: datetime) -> str:
    """Until when it is free to move or cancel; "" where that is over, or there is no page."""
    visit = items[0].visit
    return "" if visit is None else free_until(terms_for(visit, salon=reader.salon, now=now))


def free_until(terms: ClientTerms) -> str:
    """As one sentence; "" where neither moving nor cancelling is free any more."""
    if not terms.open or terms.cancel_until is None or terms.move_until is None:
        return ""
    cancel = moment(terms.cancel_until, zone=terms.salon.zone)
    move = moment(terms.move_until, zone=terms.salon.zone)
    movable = terms.may_move and not terms.move_is_late
    if terms.cancel_is_late:
        return _("You can move it free of charge until %(until)s.") % {"until": move} if movable else ""
    if not movable:
        return _("You can cancel it free of charge until %(until)s.") % {"until": cancel}
    if move == cancel:
        return _("You can move or cancel it free of charge until %(until)s.") % {"until": cancel}
    return _("You can move it free of charge until %(move)s, and cancel it until %(cancel)s.") % {
        "move": move,
        "cancel": cancel,
    }
