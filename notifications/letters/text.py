"""What a letter says as a text: who writes, one sentence, and the link (contract §10 "texts")."""

from __future__ import annotations

import re

from django.utils.translation import override

from notifications.handlers import Text
from notifications.letters.letter import Letter, Reader, own_words
from notifications.letters.plain import one_line

SALON, TEXT, LINK = "{salon}", "{text}", "{link}"
OURS = f"{SALON}: {TEXT}"

_PLACE = re.compile("|".join(map(re.escape, (SALON, TEXT, LINK))))


def spoken(letter: Letter, *, type: str, reader: Reader) -> Text:
    """The text as it leaves, in the salon's own words for `type` where it has them."""
    language = reader.language
    with override(language):
        return Text(
            to=reader.phone,
            locale=language,
            text=said(
                own_words(type, language).text,
                salon=reader.salon_name,
                text=one_line(letter.text or letter.subject),
                link=link_of(letter),
            ),
            facts=letter.facts,
            deliver_outside=reader.deliver_outside,
        )


def said(words: str, *, salon: str, text: str, link: str) -> str:
    """`words` of the salon, or ours where it has none, with what stands for what put in."""
    pattern = words or (OURS if salon else TEXT)
    if LINK not in pattern and link:
        pattern = f"{pattern} {LINK}"
    meant = {SALON: salon, TEXT: text, LINK: link}
    return " ".join(_PLACE.sub(lambda place: meant[place.group()], pattern).split())


def link_of(letter: Letter) -> str:
    """Its own, else the first button's, else the first link's; "" where it wants none."""
    if letter.text_link is not None:
        return letter.text_link
    return next((each.url for each in (*letter.buttons, *letter.links)), "")
