"""The one form of every mail to a client: what it says, and its text and HTML (no outside resources)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from bookings.mails.language import language_for
from bookings.mails.plain import one_line, paragraphs
from clients.models import Client
from notifications.handlers import Mail
from notifications.models import MessageText
from staff.models import SalonSettings

LONGEST_SUBJECT = 300


class Row(NamedTuple):
    """A line of the table of facts."""

    label: str
    value: str


class Button(NamedTuple):
    """A link to one of our pages; the first of a mail stands out."""

    label: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What a mail says. All texts are plain: the templates escape them.

    `introduction` and `subject` are ours; the salon's own replace them. `closing` stands under the
    buttons, `small_print` at the very end.
    """

    subject: str
    introduction: str
    rows: Sequence[Row] = ()
    question: str = ""
    buttons: Sequence[Button] = ()
    closing: Sequence[str] = ()
    small_print: Sequence[str] = ()
    small_print_link: Button | None = None
    ics: str = ""
    ics_method: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads the mail, in which language, and from which salon."""

    client: Client
    salon: SalonSettings

    @property
    def locale(self) -> str:
        return language_for(self.client.locale, self.salon.locale)

    @property
    def salon_name(self) -> str:
        return one_line(self.salon.business_name)


def sealed(letter: Letter, *, type: str, reader: Reader) -> Mail:
    """The mail as it leaves, with the salon's own subject and introduction for `type` where it has them."""
    salon = reader.salon
    with override(reader.locale):
        own = _own_words(type, reader.locale)
        subject = one_line(own.subject or letter.subject, longest=LONGEST_SUBJECT)
        context = {
            "locale": reader.locale,
            "subject": subject,
            "greeting": _greeting(reader.client),
            "introduction": paragraphs(own.introduction or letter.introduction),
            "letter": letter,
            "closing": [line for line in letter.closing if line],
            "sender": Sender.of(salon),
        }
        return Mail(
            to=reader.client.email,
            locale=reader.locale,
            subject=subject,
            text=_tidy(render_to_string("mail/letter.txt", context)),
            html=render_to_string("mail/letter.html", context),
            reply_to=salon.reply_to,
            ics=letter.ics,
            ics_method=letter.ics_method,
            headers=letter.headers,
            facts=letter.facts,
            deliver_outside=not reader.client.is_demo,
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """The salon as it stands under a mail."""

    name: str
    address: str
    phone: str
    email: str

    @property
    def dialled(self) -> str:
        """The phone number without its spacing, for a tel: link."""
        return "".join(char for char in self.phone if char.isdecimal() or char == "+")

    @classmethod
    def of(cls, salon: SalonSettings) -> Sender:
        return cls(
            name=one_line(salon.business_name),
            address=one_line(salon.business_address),
            phone=one_line(salon.business_phone),
            email=salon.reply_to,
        )


def how_to_reach(salon: SalonSettings) -> str:
    """How a client gets in touch, as one sentence; empty when the salon gave neither mail nor phone."""
    phone = one_line(salon.business_phone)
    if salon.reply_to and phone:
        return _("Simply reply to this mail or call us on %(phone)s.") % {"phone": phone}
    if phone:
        return _("Please call us on %(phone)s.") % {"phone": phone}
    if salon.reply_to:
        return _("Simply reply to this mail.")
    return ""


def if_in_doubt(salon: SalonSettings) -> str:
    """As `how_to_reach`, standing alone."""
    reach = how_to_reach(salon)
    return f"{_('Do you have a question?')} {reach}" if reach else ""


def _own_words(type: str, locale: str) -> MessageText:
    return MessageText.objects.filter(type=type, locale=locale).first() or MessageText()


def _greeting(client: Client) -> str:
    name = one_line(client.first_name)
    return (
        pgettext("greeting", "Hello %(name)s,") % {"name": name} if name else pgettext("greeting", "Hello,")
    )


def _tidy(text: str) -> str:
    """At most one empty line in a row, none at either end, one line break at the end."""
    lines: list[str] = []
    for line in (each.rstrip() for each in text.splitlines()):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip() + "\n"
