"""How many parts a text is charged as: GSM-7 160 or 153 signs each, UCS-2 70 or 67 (contract §10 "texts")."""

from __future__ import annotations

from typing import NamedTuple

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
"""Each takes two places."""


class Length(NamedTuple):
    """`units`: places of GSM-7, or UTF-16 code units."""

    encoding: str
    units: int
    segments: int


def length_of(text: str) -> Length:
    """What a text takes; an empty one no segment. A sign of two places is not cut in two by either coding."""
    if set(text) <= _BASIC | _EXTENDED:
        sizes = [2 if sign in _EXTENDED else 1 for sign in text]
        return Length("GSM-7", sum(sizes), _parts(sizes, alone=160, each=153))
    sizes = [2 if ord(sign) > 0xFFFF else 1 for sign in text]
    return Length("UCS-2", sum(sizes), _parts(sizes, alone=70, each=67))


def _parts(sizes: list[int], *, alone: int, each: int) -> int:
    if sum(sizes) <= alone:
        return 1 if sizes else 0
    parts, left = 1, each
    for size in sizes:
        if size > left:
            parts, left = parts + 1, each
        left -= size
    return parts
