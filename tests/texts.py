"""`make texts`: writes the .mo files that Django reads from the .po files that people edit (ADR 0011).

Here, because compiling them takes polib, which only development installs.
"""

from __future__ import annotations

from pathlib import Path

import polib

LOCALE = Path(__file__).resolve().parents[1] / "bookings" / "locale"
PO_FILES = sorted(LOCALE.rglob("*.po"))


def read_po(path: Path) -> polib.POFile:
    """Raises OSError for what cannot be read, ValueError for a text that stands in it twice."""
    return polib.pofile(str(path), check_for_duplicates=True)


def is_current(path: Path) -> bool:
    """Whether the .mo file beside a .po file says the same."""
    return path.with_suffix(".mo").read_bytes() == read_po(path).to_binary()


def main() -> None:
    for path in PO_FILES:
        if not is_current(path):
            read_po(path).save_as_mofile(str(path.with_suffix(".mo")))
            print(f"compiled {path.with_suffix('.mo')}")


if __name__ == "__main__":
    main()
