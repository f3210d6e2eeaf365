"""What becomes of the salon's colour: readable on every ground, whatever it is (contract §8 "look")."""

from __future__ import annotations

import pytest

from staff.salon.look import DARK_GROUNDS, LIGHT_GROUNDS, OUR_COLOR, contrast, look_of

ODD = ["", "#ffffff", "#000000", "#ffff00", "#00ff00", "#0000ff", "#ff0000", "#777777", "#8a1c4a", "#f6f4f1"]


@pytest.mark.parametrize("color", ODD)
def test_every_colour_becomes_readable_on_every_ground(color: str) -> None:
    look = look_of(color)
    for palette, grounds in ((look.light, LIGHT_GROUNDS), (look.dark, DARK_GROUNDS)):
        for shade in (palette.accent, palette.strong):
            for other in (*grounds, palette.on_accent):
                assert contrast(shade, other) >= 4.5, (color, shade, other)
        assert contrast(palette.tint, "#1d1b19" if palette is look.light else "#f3efea") >= 7
        assert contrast(palette.accent, palette.tint) >= 3


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    assert look_of("#8a1c4a").light.accent == "#8a1c4a"
    assert look_of("#ffff00").dark.accent == "#ffff00"
    assert look_of("") == look_of(OUR_COLOR)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1
