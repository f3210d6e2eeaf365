"""What a text from outside may hold (contract §0, input gate).

Names: check_text, LONGEST_STRING.
"""

import re

from staff.wire.refusals import BadRequest

LONGEST_STRING = 10_000
LARGEST_INTEGER = 2**63 - 1
SMALLEST_INTEGER = -(2**63)

_SURROGATE = re.compile("[\ud800-\udfff]")


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
