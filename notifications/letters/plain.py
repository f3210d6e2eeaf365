"""Text from outside made fit to stand in a header, a line or a paragraph of a mail."""

from __future__ import annotations

import unicodedata

REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}
DIRECTION_MARKS = {
    *(chr(code) for code in range(0x202A, 0x202F)),
    *(chr(code) for code in range(0x2066, 0x206A)),
}


def one_line(text: str, *, longest: int | None = None) -> str:
    """`text` on one line: line breaks, control characters and marks that turn the direction are blanks."""
    line = " ".join("".join(_as_blank(char) for char in text).split())
    if longest is None or len(line) <= longest:
        return line
    return f"{line[: longest - 1].rstrip()}…"


def paragraphs(text: str) -> list[str]:
    """`text` split at its line breaks, each line clean, empty ones left out."""
    return [line for line in (one_line(each) for each in text.splitlines()) if line]


def is_address(text: str) -> bool:
    """Whether `text` can stand as the one recipient of a mail."""
    local, at, domain = text.rpartition("@")
    return bool(local and at and domain) and text == one_line(text) and not set(text) & set(' ,;<>"')


def _as_blank(char: str) -> str:
    return " " if char in DIRECTION_MARKS or unicodedata.category(char) in REFUSED_CATEGORIES else char
