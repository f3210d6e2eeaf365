"""gettext catalogues in pure Python: a .po file read, and written as the .mo file that Django loads.

A bare machine has no gettext tools; the .mo files are committed, and a test compares them with the .po files.
"""

from __future__ import annotations

import ast
import struct
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

MAGIC = 0x950412DE
HEADER_BYTES = 28
CONTEXT_END = "\x04"

Catalogue = dict[str, str]
"""Key (context, \\x04, text; then \\x00 and the plural text, if any) to translation, \\x00 between forms."""


class BadCatalogue(Exception):
    """A .po file that cannot be read, or says something twice; the message names file and line."""


def po_files() -> list[Path]:
    """Every catalogue of LOCALE_PATHS."""
    return sorted(path for folder in settings.LOCALE_PATHS for path in Path(folder).rglob("*.po"))


def read_po(path: Path) -> Catalogue:
    """What the file translates; fuzzy and empty entries are left out. Raises BadCatalogue."""
    found: Catalogue = {}
    for entry, is_fuzzy in _entries(path):
        key = _key(entry)
        forms = [text for name, text in entry.items() if name.startswith("msgstr")]
        if key in found:
            raise BadCatalogue(f"{path}: {entry['msgid']!r} stands in it twice")
        if all(forms) and not is_fuzzy:
            found[key] = "\0".join(forms)
    return found


def mo_bytes(catalogue: Catalogue) -> bytes:
    """The catalogue in gettext's binary form, sorted as it asks for; the same input gives the same bytes."""
    pairs = sorted((key.encode(), text.encode()) for key, text in catalogue.items())
    keys_at = HEADER_BYTES
    texts_at = keys_at + 8 * len(pairs)
    offset = texts_at + 8 * len(pairs)
    tables: list[bytes] = []
    body = b""
    for column in (0, 1):
        for pair in pairs:
            tables.append(struct.pack("<II", len(pair[column]), offset + len(body)))
            body += pair[column] + b"\0"
    header = struct.pack("<7I", MAGIC, 0, len(pairs), keys_at, texts_at, 0, 0)
    return header + b"".join(tables) + body


def is_current(path: Path) -> bool:
    """Whether the .mo file beside a .po file says the same."""
    compiled = path.with_suffix(".mo")
    return compiled.exists() and compiled.read_bytes() == mo_bytes(read_po(path))


def _entries(path: Path) -> Iterator[tuple[dict[str, str], bool]]:
    entry: dict[str, str] = {}
    field, is_fuzzy = "", False
    for number, raw in enumerate([*path.read_text(encoding="utf-8").splitlines(), ""], start=1):
        line = raw.strip()
        if line.startswith("#"):
            is_fuzzy = is_fuzzy or (line.startswith("#,") and "fuzzy" in line)
        elif not line:
            if entry:
                yield entry, is_fuzzy
            entry, field, is_fuzzy = {}, "", False
        elif line.startswith('"') and field:
            entry[field] += _unquoted(line, path, number)
        else:
            field, _, quoted = line.partition(" ")
            if not field.startswith("msg") or field in entry:
                raise BadCatalogue(f"{path}:{number}: expected msgctxt, msgid or msgstr, each once")
            entry[field] = _unquoted(quoted, path, number)


def _unquoted(text: str, path: Path, number: int) -> str:
    try:
        value = ast.literal_eval(text.strip())
    except (SyntaxError, ValueError) as error:
        raise BadCatalogue(f"{path}:{number}: not a quoted text") from error
    if not isinstance(value, str):
        raise BadCatalogue(f"{path}:{number}: not a quoted text")
    return value


def _key(entry: dict[str, str]) -> str:
    context = f"{entry['msgctxt']}{CONTEXT_END}" if "msgctxt" in entry else ""
    plural = f"\0{entry['msgid_plural']}" if "msgid_plural" in entry else ""
    return f"{context}{entry['msgid']}{plural}"
