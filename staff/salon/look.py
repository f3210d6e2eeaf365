"""The salon's colours on every surface: mails, pages, agenda (contract §8 "look").

Names: Palette, Look, look_of, contrast, OUR_COLOR.

From one colour that the salon chose, or ours, follow those that are shown: darkened until they can be read
on our light grounds and lightened until they can be read on our dark ones (WCAG 2.2: 4.5 to 1).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

OUR_COLOR = "#0b5a52"
READABLE = 4.5
LIGHT_GROUNDS = ("#ffffff", "#f6f4f1")
DARK_GROUNDS = ("#211f1d", "#161514")
"""Card and paper of every surface, as `pages.css` and `letter.html` have them."""

WHITE, BLACK = "#ffffff", "#000000"
_STEPS = 50
_HOVER = 0.25
_TINT = 0.09
_DARK_TINT = 0.16


class Palette(NamedTuple):
    """`accent` for words and buttons, `strong` under the pointer, `on_accent` for words on the two, `tint`
    as a ground for words in ink. All `#rrggbb`."""

    accent: str
    strong: str
    on_accent: str
    tint: str


class Look(NamedTuple):
    light: Palette
    dark: Palette


@lru_cache(maxsize=64)
def look_of(brand_color: str) -> Look:
    """The colours that follow from the salon's `#rrggbb`; "" is ours."""
    chosen = brand_color or OUR_COLOR
    light = _until_readable(chosen, on=LIGHT_GROUNDS, towards=BLACK)
    dark = _until_readable(chosen, on=DARK_GROUNDS, towards=WHITE)
    return Look(
        Palette(light, mixed(light, BLACK, _HOVER), WHITE, mixed(WHITE, light, _TINT)),
        Palette(dark, mixed(dark, WHITE, _HOVER), DARK_GROUNDS[1], mixed(DARK_GROUNDS[0], dark, _DARK_TINT)),
    )


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white), as WCAG counts it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """`one` with that share of `other` in it."""
    pairs = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _until_readable(color: str, *, on: tuple[str, ...], towards: str) -> str:
    shades = (mixed(color, towards, step / _STEPS) for step in range(_STEPS + 1))
    return next(shade for shade in shades if all(contrast(shade, ground) >= READABLE for ground in on))


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(color))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
