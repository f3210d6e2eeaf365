"""The one form of every mail: what it says, and its text and HTML (no outside resources)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override, pgettext

from notifications.handlers import NO_ADDRESS, Mail, NotNeeded
from notifications.letters.language import language_for
from notifications.letters.plain import is_address, one_line, paragraphs
from notifications.models import MessageText
from staff.models import SalonSettings
from staff.salon.look import look_of

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

    As a text (SMS) it says `text`, or its subject, and `text_link`: None for its first button or link, "" for
    none at all.

    `introduction` and `subject` are ours; the salon's own replace them. `links` stand under the buttons,
    `closing` under them, `small_print` at the very end.
    """

    subject: str
    introduction: str
    rows: Sequence[Row] = ()
    question: str = ""
    buttons: Sequence[Button] = ()
    links: Sequence[Button] = ()
    closing: Sequence[str] = ()
    small_print: Sequence[str] = ()
    small_print_link: Button | None = None
    ics: str = ""
    ics_method: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    text_link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who reads the mail, in which language, and from which salon.

    `name` is what the greeting calls them, `locale` their wish ("": none), `email` their address as stored,
    `phone` their number (E.164) for texts, or "".
    `deliver_outside` False (demo clients): the mail stays in the log.
    """

    name: str
    email: str
    locale: str
    salon: SalonSettings
    deliver_outside: bool = True
    phone: str = ""

    @property
    def language(self) -> str:
        """The one of ours that they read."""
        return language_for(self.locale, self.salon.locale)

    @property
    def salon_name(self) -> str:
        return one_line(self.salon.business_name)


def sealed(letter: Letter, *, type: str, reader: Reader) -> Mail:
    """The mail as it leaves, with the salon's own subject and introduction for `type` where it has them.

    Raises NotNeeded when its reader has no address.
    """
    if not is_address(reader.email):
        raise NotNeeded(NO_ADDRESS)
    language = reader.language
    with override(language):
        own = own_words(type, language)
        subject = one_line(own.subject or letter.subject, longest=LONGEST_SUBJECT)
        context = {
            "locale": language,
            "subject": subject,
            "greeting": _greeting(reader.name),
            "introduction": paragraphs(own.introduction or letter.introduction),
            "letter": letter,
            "closing": [line for line in letter.closing if line],
            "sender": Sender.of(reader.salon),
            "look": look_of(reader.salon.brand_color),
        }
        return Mail(
            to=reader.email,
            locale=language,
            subject=subject,
            text=_tidy(render_to_string("mail/letter.txt", context)),
            html=render_to_string("mail/letter.html", context),
            reply_to=reader.salon.reply_to,
            ics=letter.ics,
            ics_method=letter.ics_method,
            headers=letter.headers,
            facts=letter.facts,
            deliver_outside=reader.deliver_outside,
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """The salon as it stands under a mail."""

    name: str
    address: str
    phone: str
    email: str
    imprint: str
    privacy: str

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
            imprint=salon.imprint_url,
            privacy=salon.privacy_url,
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


def joined(*sentences: str) -> str:
    """One paragraph of the sentences that say something."""
    return " ".join(sentence for sentence in sentences if sentence)


def own_words(type: str, locale: str) -> MessageText:
    """The salon's; empty ones where it has none."""
    return MessageText.objects.filter(type=type, locale=locale).first() or MessageText()


def _greeting(name: str) -> str:
    name = one_line(name)
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
