"""What the steps of the booking page say of services, people and refusals, in the active language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from bookings.online import Catalogue, Choice, CodeAsked, Offer, OnlineStart, Person
from bookings.online.submission import CodeSpent, NotAPerson, PleaseCall
from bookings.pages.booking_state import Asked
from notifications.letters.language import clock_time, money
from notifications.letters.plain import one_line
from staff.access.idempotency import KeyReused
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest, Refused

HOUR_MINUTES = 60


class Step(NamedTuple):
    name: str
    link: str
    is_current: bool


class Line(NamedTuple):
    """A service in words. `first`: of several, the link to begin with it."""

    key: str
    name: str
    description: str
    duration: str
    price: str
    is_class: bool
    is_chosen: bool
    first: str = ""


class Group(NamedTuple):
    name: str
    lines: Sequence[Line]


class Who(NamedTuple):
    """A person to choose; `link` where it is one."""

    key: str
    name: str
    bio: str
    is_chosen: bool
    link: str = ""


class Branch(NamedTuple):
    name: str
    link: str
    is_current: bool


def steps(current: int, asked: Asked) -> list[Step]:
    """Where the reader is; what lies behind them is a link."""
    links = (asked.query(edit=True, start_at=None, wait=None), asked.query(start_at=None, wait=None), "")
    names = (_("Services"), _("Time"), _("Details"))
    return [
        Step(name, link if number < current else "", number == current)
        for number, (name, link) in enumerate(zip(names, links, strict=True))
    ]


def categories(shown: Catalogue, asked: Asked, *, currency: str) -> list[Group]:
    return [
        Group(
            one_line(category.name) or (_("Further services") if len(shown.categories) > 1 else ""),
            [
                _line(offer, currency=currency, is_chosen=_key(offer) in asked.services)
                for offer in category.offers
            ],
        )
        for category in shown.categories
    ]


def chosen_lines(choices: Sequence[Choice], *, currency: str, asked: Asked | None = None) -> list[Line]:
    """In the order of the visit, which the links of `asked` change."""
    lines = [_line(each.offer, currency=currency, is_chosen=True) for each in choices]
    if asked is None:
        return lines
    return [line._replace(first=_first(line, asked) if number else "") for number, line in enumerate(lines)]


def _first(line: Line, asked: Asked) -> str:
    others = tuple(each for each in asked.services if each != line.key)
    return asked.query(services=(line.key, *others), start_at=None)


def total(choices: Sequence[Choice], start: OnlineStart | None, *, currency: str) -> str:
    """Of several services how long they take and what they cost, as far as that is told."""
    if len(choices) < 2:
        return ""
    prices = [each.offer.price for each in choices]
    cost = "" if None in prices else money(sum((each or Decimal(0) for each in prices), Decimal(0)), currency)
    length = (
        "" if start is None else minutes_in_words(int((start.end_at - start.start_at) / timedelta(minutes=1)))
    )
    return " · ".join(each for each in (length, cost) if each)


def _line(offer: Offer, *, currency: str, is_chosen: bool) -> Line:
    duration = minutes_in_words(offer.shortest)
    if offer.longest != offer.shortest:
        duration = pgettext("duration", "%(shortest)s to %(longest)s") % {
            "shortest": duration,
            "longest": minutes_in_words(offer.longest),
        }
    price = "" if offer.price is None else money(offer.price, currency)
    return Line(
        _key(offer), one_line(offer.name), offer.description, duration, price, offer.seats > 1, is_chosen
    )


def minutes_in_words(minutes: int) -> str:
    """45 min, 1 h, 1 h 30 min: as all our languages write it, each number on one line with its unit."""
    hours, left = divmod(minutes, HOUR_MINUTES)
    counted = ((hours, "h"), (left, "min"))
    return " ".join(f"{number}\N{NO-BREAK SPACE}{unit}" for number, unit in counted if number)


def people_of(offers: Iterable[Offer], *, chosen: str) -> list[Who]:
    """Everybody who does something online, by name."""
    people = {person.key: person for offer in offers for person in offer.people}
    ordered = sorted(people.values(), key=lambda each: (each.name, each.id))
    return [_who(each, chosen=chosen) for each in ordered]


def people_links(choices: Sequence[Choice], asked: Asked, *, shown: Iterable[Offer]) -> list[Who]:
    """Who does something of what was chosen, and anybody before them; nobody where there is no choice."""
    people = people_of([each.offer for each in choices], chosen=asked.staff)
    if len(people) < 2:
        return []
    chosen = any(each.is_chosen for each in people)
    anybody = Who("", _("Anybody"), "", not chosen, asked.query(staff="", start_at=None))
    return [anybody, *(each._replace(link=asked.query(staff=each.key, start_at=None)) for each in people)]


def _who(person: Person, *, chosen: str) -> Who:
    return Who(str(person.key), one_line(person.name), person.bio, str(person.key) == chosen)


def done_by_others(asked: Asked, choices: Sequence[Choice]) -> str:
    """Said when the chosen person does not do everything that was chosen."""
    others = [each.offer.name for each in choices if asked.staff and each.person is None]
    if not others:
        return ""
    names = ", ".join(one_line(name) for name in others)
    return _("Somebody else does this for you: %(services)s.") % {"services": names}


def locations(shown: Catalogue, asked: Asked, *, base: str) -> list[Branch]:
    """The branches, where there are several."""
    if len(shown.locations) < 2:
        return []
    query = Asked(embed=asked.embed, lang=asked.lang).query()
    behind = f"?{query}" if query else ""
    everywhere = Branch(_("All branches"), f"{base}{behind}", not asked.location)
    return [
        everywhere,
        *(
            Branch(one_line(each.name), f"{base}/{each.slug}{behind}", each.slug == asked.location)
            for each in shown.locations
        ),
    ]


def places_of(shown: Catalogue, people: Iterable[Person]) -> dict[str, str]:
    """The branch of each of them, by key, where they are not all at one."""
    names = {each.slug: one_line(each.name) for each in shown.locations}
    where = {str(each.key): each.location for each in people}
    apart = len(set(where.values())) > 1
    return {key: names[slug] for key, slug in where.items() if apart and slug in names}


def addresses_of(start: OnlineStart, shown: Catalogue) -> list[str]:
    """Where to come to, where the salon has several branches."""
    slugs = {str(each.key): each.location for offer in shown.offers for each in offer.people}
    here = {slugs.get(each.staff_key) for each in start.items}
    branches = [each for each in shown.locations if len(shown.locations) > 1 and each.slug in here]
    return [
        ", ".join(part for part in (one_line(each.name), one_line(each.address)) if part) for each in branches
    ]


def send_label(*, waits: bool, is_request: bool) -> str:
    if waits:
        return _("Put me on the waitlist")
    return _("Send the request") if is_request else _("Book the appointment")


def about_the_code(asks: CodeAsked, *, zone: ZoneInfo) -> list[str]:
    until = {"email": asks.email, "time": clock_time(asks.expires_at, zone=zone)}
    lines = [_("We have sent six digits to %(email)s. They are valid until %(time)s.") % until]
    if asks.held:
        lines.append(_("Until then we keep the time for you."))
    return lines


def wrong_code(asks: CodeAsked) -> str:
    if not asks.wrong:
        return ""
    return ngettext(
        "This is not the code. You can try once more.",
        "This is not the code. You can try %(number)d more times.",
        asks.tries_left,
    ) % {"number": asks.tries_left}


def no_service_chosen() -> str:
    return _("Please choose at least one service.")


def no_time_chosen() -> str:
    return _("Please choose a time.")


def nothing_free() -> str:
    return _("Nothing is free at the moment. Shall we write to you when a time comes free?")


def another_day() -> str:
    return _("There is no waitlist for this day. Please choose another one.")


def just_taken() -> str:
    return _("We are sorry: somebody else was a little quicker. Please choose another time.")


def why_not_chosen(problem: BadRequest) -> str:
    """Of services and people that cannot be booked like this."""
    fields = (problem.details or {}).keys()
    if "items" in fields:
        return _("Please choose one to six services.")
    if any(name.endswith(".service") for name in fields):
        return _("A class is booked by itself. Please choose it alone.")
    return _("Please choose again; we could not read your choice.")


def why_not_taken(problem: Refused, *, phone: str) -> str:
    """Of a form that is right in itself; "" where its fields say what is wrong."""
    match problem:
        case PleaseCall():
            return _("Two visits booked online are ahead of you already. For another one, please contact us.")
        case CodeSpent():
            return _("This code is no longer valid. Please send the form again, and we will send a new one.")
        case KeyReused():
            return _(
                "You have sent this form before, with other details. Please look into your e-mail whether "
                "it is booked already. To book with these details too, send it again."
            )
        case NotAPerson():
            return _("That was very quick. Please wait a few seconds and send the form again.")
    if problem.http_status == HTTPStatus.TOO_MANY_REQUESTS:
        return _("Too many bookings were sent from here. Please try again later, or contact us.")
    return ""


def how_to_reach(salon: SalonSettings) -> str:
    if salon.business_phone:
        return _("Please call us on %(phone)s.") % {"phone": one_line(salon.business_phone)}
    if salon.reply_to:
        return _("For an appointment, please write to us.")
    return _("Please ask for an appointment in the salon.")


def _key(offer: Offer) -> str:
    return str(offer.key)
