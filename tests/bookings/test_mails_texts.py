"""The catalogues: every text of ours is translated into every language, and compiled as it stands."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils.translation.template import templatize

from config.management.catalogues import BadCatalogue, mo_bytes, po_files, read_po

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


def test_there_is_a_catalogue_for_every_language_but_english(settings):
    languages = {code for code, _ in settings.LANGUAGES} - {"en"}
    assert {path.parent.parent.name for path in po_files()} == languages


@pytest.mark.parametrize("path", po_files(), ids=lambda path: path.parent.parent.name)
def test_every_text_of_ours_is_translated(path):
    translated = read_po(path)
    assert [key for key in _our_keys() if key not in translated] == []


@pytest.mark.parametrize("path", po_files(), ids=lambda path: path.parent.parent.name)
def test_translations_name_the_same_placeholders(path):
    wrong = {
        key: text
        for key, text in read_po(path).items()
        if key and set(PLACEHOLDER.findall(key)) != set(PLACEHOLDER.findall(text))
    }
    assert wrong == {}


@pytest.mark.parametrize("path", po_files(), ids=lambda path: path.parent.parent.name)
def test_the_compiled_catalogue_says_what_the_source_says(path):
    """Read back with the standard library's own reader."""
    with path.with_suffix(".mo").open("rb") as file:
        spoken = gettext.GNUTranslations(file)
    for key, text in read_po(path).items():
        context, _, rest = key.rpartition("\x04")
        first, _, plural = rest.partition("\0")
        if plural:
            assert [spoken.ngettext(first, plural, n) for n in (1, 2)] == text.split("\0")
        elif context:
            assert spoken.pgettext(context, first) == text
        elif key:
            assert spoken.gettext(first) == text


def test_the_compiled_catalogues_are_current():
    call_command("compile_texts", "--check")


def test_a_stale_catalogue_is_noticed_and_compiled(settings, tmp_path):
    settings.LOCALE_PATHS = [tmp_path]
    po = tmp_path / "nl.po"
    po.write_text('msgid "one"\nmsgstr "een"\n', encoding="utf-8")
    with pytest.raises(CommandError, match="compile_texts"):
        call_command("compile_texts", "--check")
    assert not po.with_suffix(".mo").exists()
    call_command("compile_texts")
    assert po.with_suffix(".mo").read_bytes() == mo_bytes({"one": "een"})
    call_command("compile_texts", "--check")


def test_a_catalogue_is_read_with_contexts_plurals_and_long_texts(tmp_path):
    po = tmp_path / "x.po"
    po.write_text(
        "# remark\n#, python-format\n"
        'msgctxt "label"\nmsgid "Time"\nmsgstr "Tijd"\n\n'
        'msgid "%(n)s day"\nmsgid_plural "%(n)s days"\nmsgstr[0] "%(n)s dag"\nmsgstr[1] "%(n)s dagen"\n\n'
        'msgid ""\n"two "\n"\\"parts\\""\nmsgstr "twee "\n"delen\\n"\n\n'
        '#, fuzzy\nmsgid "unsure"\nmsgstr "onzeker"\n\n'
        'msgid "empty"\nmsgstr ""\n\n'
        '#~ msgid "gone"\n#~ msgstr "weg"\n',
        encoding="utf-8",
    )
    assert read_po(po) == {
        "label\x04Time": "Tijd",
        "%(n)s day\0%(n)s days": "%(n)s dag\0%(n)s dagen",
        'two "parts"': "twee delen\n",
    }


@pytest.mark.parametrize(
    "text",
    [
        'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n',
        'msgid "a"\nmsgid "b"\nmsgstr "c"\n',
        "msgid a\nmsgstr b\n",
        "what is this\n",
        'msgid __import__("os")\nmsgstr "b"\n',
    ],
)
def test_a_broken_catalogue_is_refused(tmp_path, text):
    po = tmp_path / "x.po"
    po.write_text(text, encoding="utf-8")
    with pytest.raises(BadCatalogue, match=r"x\.po"):
        read_po(po)
