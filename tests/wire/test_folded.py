"""Texts as they are searched: equal for whoever types them without the right keys (contract §6a)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from staff.wire.text import folded


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("zoe", "Zoë"),
        ("zoe", "ZOE\u0308"),
        ("ozturk", "Öztürk"),
        ("lukasz", "ŁUKASZ"),
        ("muller", "Müller"),
        ("strauss", "Strauß"),
        ("strauss", "STRAUẞ"),
        ("soren aebleskov", "Søren Æbleskov"),
        ("thora", "Þóra"),
        ("diyarbakir", "DİYARBAKIR"),
        ("diyarbakir", "Dıyarbakır"),
        ("dakovic", "Đaković"),
        ("nguyen", "Nguyễn"),
        ("coeur", "Cœur"),
        ("οδυσσευσ", "Οδυσσεύς"),
        ("ёлкин", "ЕЛКИН"),
        ("salon", "ＳＡＬＯＮ"),
        ("0612", "٠٦١٢"),
        ("میخواهم", "می\u200cخواهم"),
    ],
)
def test_two_spellings_of_one_text_are_searched_as_one(typed, stored):
    assert folded(typed) == folded(stored)


@pytest.mark.parametrize("apostrophe", ["'", "’", "‘", "‛", "`", "´", "ʼ", "ʻ", "ʹ", "′", "＇"])
def test_every_apostrophe_is_as_none(apostrophe):
    assert folded(f"O{apostrophe}Brien") == "obrien"


@given(st.text())
def test_what_is_folded_stays_as_it_is(text):
    assert folded(folded(text)) == folded(text)


@given(st.text())
def test_case_never_counts(text):
    assert folded(text.casefold()) == folded(text)
