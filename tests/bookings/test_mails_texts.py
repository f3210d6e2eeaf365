"""The catalogues: every text of ours is translated into every language, and compiled as it stands."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils.translation.template import templatize

from tests.texts import PO_FILES, is_current, read_po

BOOKINGS = Path(__file__).resolve().parents[2] / "bookings"
CALLS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "pgettext": 2, "pgettext_lazy": 2, "ngettext": 2}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def _python_keys() -> Iterator[str]:
    for path in sorted(BOOKINGS.rglob("*.py")):
        if "dialects" in path.parts or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS):
                continue
            texts = [
                arg.value
                for arg in node.args[: CALLS[node.func.id]]
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
            ]
            if len(texts) == CALLS[node.func.id]:
                yield {"p": "\x04", "n": "\0"}.get(node.func.id[0], "").join(texts)


def _template_keys() -> Iterator[str]:
    call = re.compile(r"""(?<![a-z])(gettext|_)\(\s*u?(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*\)""")
    for path in sorted((BOOKINGS / "templates").rglob("*")):
        if path.is_file():
            for found in call.finditer(templatize(path.read_text())):
                yield ast.literal_eval(found["text"])


def _our_keys() -> list[str]:
    return sorted({*_python_keys(), *_template_keys()})


def _translated(path: Path) -> dict[str, str]:
    """Key (context, \\x04, text; then \\x00 and the plural text) to translation, \\x00 between forms."""
    said = {}
    for entry in read_po(path).translated_entries():
        key = entry.msgid_with_context + (f"\0{entry.msgid_plural}" if entry.msgid_plural else "")
        said[key] = entry.msgstr or "\0".join(entry.msgstr_plural.values())
    return said


def test_there_is_a_catalogue_for_every_language_but_english(settings):
    languages = {code for code, _ in settings.LANGUAGES} - {"en"}
    assert {path.parent.parent.name for path in PO_FILES} == languages


@pytest.mark.parametrize("path", PO_FILES, ids=lambda path: path.parent.parent.name)
def test_every_text_of_ours_is_translated(path):
    translated = _translated(path)
    assert [key for key in _our_keys() if key not in translated] == []


@pytest.mark.parametrize("path", PO_FILES, ids=lambda path: path.parent.parent.name)
def test_translations_name_the_same_placeholders(path):
    wrong = {
        key: text
        for key, text in _translated(path).items()
        if key and set(PLACEHOLDER.findall(key)) != set(PLACEHOLDER.findall(text))
    }
    assert wrong == {}


@pytest.mark.parametrize("path", PO_FILES, ids=lambda path: path.parent.parent.name)
def test_the_compiled_catalogue_says_what_the_source_says(path):
    """Read back with the standard library's own reader."""
    with path.with_suffix(".mo").open("rb") as file:
        spoken = gettext.GNUTranslations(file)
    for key, text in _translated(path).items():
        context, _, rest = key.rpartition("\x04")
        first, _, plural = rest.partition("\0")
        if plural:
            assert [spoken.ngettext(first, plural, n) for n in (1, 2)] == text.split("\0")
        elif context:
            assert spoken.pgettext(context, first) == text
        elif key:
            assert spoken.gettext(first) == text


@pytest.mark.parametrize("path", PO_FILES, ids=lambda path: path.parent.parent.name)
def test_the_compiled_catalogue_is_current(path):
    assert is_current(path), "run `make texts`"
