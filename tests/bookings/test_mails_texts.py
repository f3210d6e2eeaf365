"""The catalogues: every text of ours is translated into every language, and compiled as it stands."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.forms.models import ModelFormOptions
from django.utils import translation
from django.utils.translation import trans_real
from django.utils.translation.template import templatize

from staff.admin_words import OURS, words_of
from tests.texts import PO_FILES, is_current, read_po

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = [ROOT / name for name in ("bookings", "clients", "config", "notifications", "staff")]
CALLS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "pgettext": 2, "pgettext_lazy": 2, "ngettext": 2}
STRING = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


def _python_keys() -> Iterator[str]:
    for path in sorted(path for package in PACKAGES for path in package.rglob("*.py")):
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
    call = re.compile(rf"""(?<![a-z])(gettext|_)\(\s*u?(?P<text>{STRING})\s*\)""")
    plural = re.compile(rf"""ngettext\(\s*u?(?P<one>{STRING})\s*,\s*u?(?P<many>{STRING})\s*,""")
    for path in sorted(path for package in PACKAGES for path in (package / "templates").rglob("*")):
        if path.is_file():
            source = templatize(path.read_text())
            for found in call.finditer(source):
                yield ast.literal_eval(found["text"])
            for found in plural.finditer(source):
                yield "\0".join(ast.literal_eval(found[name]) for name in ("one", "many"))


def _model_keys() -> Iterator[str]:
    """What admin shows of the models that stand in it; a form's own label replaces the field's name."""
    with translation.override(None):
        for model, page in admin.site._registry.items():
            if model._meta.app_label not in OURS:
                continue
            inlines = [each(model, admin.site) for each in page.inlines]
            for shown in [page, *inlines]:
                yield from words_of(shown.model if shown in inlines else model, _shown(shown))


def _shown(page: Any) -> set[str]:
    form: Any = getattr(page.form, "_meta", ModelFormOptions())
    named = flatten_fieldsets(page.fieldsets) if page.fieldsets else page.fields or form.fields
    if named in (None, "__all__"):
        named = [each.name for each in page.opts.get_fields() if getattr(each, "editable", False)]
    flat = {each for name in named for each in (name if isinstance(name, tuple) else (name,))}
    relabelled = set(form.labels or ()) | set(getattr(page.form, "declared_fields", ()))
    return (flat - relabelled) | {
        str(each) for each in (*getattr(page, "list_display", ()), *page.readonly_fields)
    }


@cache
def _our_keys() -> list[str]:
    """Those that Django itself says in every language are its own."""
    catalogues = [trans_real.translation(path.parent.parent.name) for path in PO_FILES]
    ours = [_translated(path) for path in PO_FILES]
    keys = {*_python_keys(), *_template_keys(), *_model_keys()}
    return sorted(
        key
        for key in keys
        if any(key in each for each in ours) or not all(key in each._catalog for each in catalogues)
    )


@cache
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
