"""What a text from outside may hold, and how it is kept (contract §0 input gate, §6a).

Names: check_text, is_one_line, plain_line, plain_prose, folded, LONGEST_STRING.
"""

import re
import unicodedata

from staff.wire.refusals import BadRequest

LONGEST_STRING = 10_000
LARGEST_INTEGER = 2**63 - 1
SMALLEST_INTEGER = -(2**63)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNSEEN = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
_JOINERS = "\u200c\u200d"
_OUTER = re.compile(rf"^[\s{_JOINERS}]+|[\s{_JOINERS}]+$")
_JOINERS_IN_A_ROW = re.compile(f"([{_JOINERS}])[{_JOINERS}]+")
# Everything that is typed for an apostrophe, the accents that stand alone among it.
_APOSTROPHES = dict.fromkeys(
    map(ord, "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u2018\u2019\u201a\u201b\u2032\u2035\ua78c\uff07")
)
# Letters of their own in Unicode, that whoever has no such key types otherwise.
_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)


class BadText(BadRequest, ValueError):
    """A text that no field may hold."""

    code = "invalid_text"


def check_text(value: str) -> str:
    """`value` itself, for JSON strings and keys, query strings and paths alike.

    Raises BadText for a NUL, a lone surrogate, or more than 10,000 characters.
    """
    if len(value) > LONGEST_STRING:
        raise BadText(f"A text may have at most {LONGEST_STRING} characters; this one has {len(value)}.")
    if "\0" in value:
        raise BadText("A text may not hold the character NUL (\\u0000); remove it.")
    if _SURROGATE.search(value):
        raise BadText("A text holds half a surrogate pair (\\ud800 to \\udfff); send it as valid Unicode.")
    return value


def is_one_line(text: str) -> bool:
    """Whether `text` has no line break and no control character: fit for a header or a heading."""
    return _CONTROL.search(text) is None


def plain_line(text: str) -> str:
    """A name, an address, a number, a subject or a search term as it is kept and compared (contract §6a).

    NFC, without blanks around it and without the characters that nobody sees but that make two texts
    differ (zero width, soft hyphen, marks of direction). The two joiners stay between two other
    characters, where Persian and emoji need them. What is left may be empty.
    """
    seen = _JOINERS_IN_A_ROW.sub(r"\1", _UNSEEN.sub("", text))
    return unicodedata.normalize("NFC", _OUTER.sub("", seen))


def plain_prose(text: str) -> str:
    """Notes, reasons and mail bodies as they are kept: NFC, without blanks around them (contract §6a)."""
    return unicodedata.normalize("NFC", text.strip())


def folded(text: str) -> str:
    """`text` as it is searched, on both sides: without case, accents, apostrophes and what nobody sees.

    Zoë, ŁUKASZ, Strauß and O’Brien become zoe, lukasz, strauss and obrien; digits of any script are 0 to 9.
    What is stored folded (`staff.storage.columns.SearchedField`) is to be folded again when this changes.
    """
    lower = text.translate(_APOSTROPHES).casefold()
    apart = unicodedata.normalize("NFKD", lower).translate(_APOSTROPHES)
    seen = (sign for sign in apart if not unicodedata.combining(sign) and unicodedata.category(sign) != "Cf")
    return "".join(f"{unicodedata.decimal(sign, sign)}" for sign in seen).casefold().translate(_LETTERS)
