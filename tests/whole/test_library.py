"""The documents stay true: what they and the code cite is there, and what is not built says so."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.conf import settings
from django.core.management import get_commands
from django.urls import Resolver404, resolve

from tests.chaos.run import RUNS

ROOT = Path(settings.BASE_DIR)
DOCS = ROOT / "docs"
DOCUMENTS = {name: (DOCS / f"{name}.md").read_text() for name in ("contract", "reliability")}
CITING = (".py", ".md", ".html", ".toml", ".js", ".css", "Makefile", "Procfile")
SECTION = r"\d+[a-z]?(?:\.\d+)?"
CITATION = re.compile(rf"§({SECTION})(?:-§?({SECTION}))?")
NAMED = re.compile(r"\b(contract|reliability|design)\b", re.IGNORECASE)
REACH, NEAR = 200, 30
"""How many characters before a § its document may be named; in these two documents a bare § is their own."""
NOT_OURS = {"var", "venv", "node_modules", "__pycache__"}
PLACE = re.compile(r"`((?:bookings|clients|config|docs|notifications|staff|tests)/[\w/.-]*)`")
MODULE = re.compile(r"`((?:bookings|clients|config|notifications|staff|tests)(?:\.\w+)+)`")
NAME_IN_FILE = re.compile(
    r"`((?:bookings|clients|config|notifications|staff|tests)/[\w/]+\.py)`[,:]\s+`(\w+)`"
)
LINK = re.compile(r"\]\((?!https?:)([^)\s]*)\)")
NOT_BUILT = re.compile(r"Not built yet(?:\.|: (?P<missing>`[^`]+`(?:, `[^`]+`)*)\.)")

ADDRESSES = {
    "6a": ("/api/opening-exceptions",),
    "7": ("/api/visits",),
    "8": ("/v/", "/api/public/visits/"),
    "9": ("/book", "/api/public/catalogue"),
    "10": ("/api/reminder-rules",),
    "11": ("/agenda", "/api/agenda", "/api/dry-run/", "/calendar/"),
    "12": ("/metrics",),
}
"""Volume two of the contract: the addresses by which each section is known to be built."""
COMPLETED = {
    "/v/": "/v/AAAAAAAAAAAAAAAAAAAAAA",
    "/api/public/visits/": "/api/public/visits/AAAAAAAAAAAAAAAAAAAAAA",
    "/api/dry-run/": "/api/dry-run/bookings",
    "/calendar/": "/calendar/AAAAAAAAAAAAAAAAAAAAAA.ics",
}
"""An address under each that ends in a slash."""


class Cited(NamedTuple):
    where: str
    document: str
    section: str


def test_every_section_that_is_cited_is_a_heading() -> None:
    headings = {name: set(_sections(text)) for name, text in DOCUMENTS.items()}
    cited = list(_cited())
    assert len(cited) > 250
    dead = [each for each in cited if each.section not in headings.get(each.document, ())]
    assert dead == []


def test_nobody_cites_what_is_not_in_the_repository() -> None:
    elsewhere = re.compile(r"\b(?:design §|issues? \d|seeds/)", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in _citing_files()
        if path != Path(__file__)
        for line in path.read_text().splitlines()
        if elsewhere.search(line)
    ]
    assert found == []


def test_every_decision_that_is_cited_is_there() -> None:
    there = {int(path.name[:4]) for path in _decisions()}
    cited = {
        (str(path.relative_to(ROOT)), int(number))
        for path in _citing_files()
        for number in re.findall(r"\b(?:docs/adr/|ADR )(\d+)\b", path.read_text())
    }
    assert len(cited) > 40
    assert {(where, number) for where, number in cited if number not in there} == set()


def test_every_place_that_is_named_is_there() -> None:
    named = [(path, place) for path in _citing_files() for place in PLACE.findall(path.read_text())]
    assert len(named) > 25
    assert [
        f"{path.relative_to(ROOT)}: {place}" for path, place in named if not (ROOT / place).exists()
    ] == []


def test_every_name_that_is_said_to_stand_in_a_file_does() -> None:
    said = [found for path in _citing_files() for found in NAME_IN_FILE.findall(path.read_text())]
    assert len(said) > 2
    assert [
        (file, name) for file, name in said if not re.search(rf"\b{name}\b", (ROOT / file).read_text())
    ] == []


def test_every_command_that_is_named_is_there() -> None:
    planned = {DOCS / f"{name}.md" for name in DOCUMENTS}
    guides = [path.read_text() for path in _citing_files() if path.suffix == ".md" and path not in planned]
    targets = set(re.findall(r"^([\w./-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = {name for text in guides for name in re.findall(r"(?:`|^|   )make ([\w./-]+)", text, re.MULTILINE)}
    managed = {name for text in guides for name in re.findall(r"manage\.py (\w+)", text)}
    assert len(made) > 5 and len(managed) > 5
    assert (made - targets, managed - set(get_commands())) == (set(), set())


def test_every_module_that_is_named_is_there() -> None:
    named = [(path, module) for path in _citing_files() for module in MODULE.findall(path.read_text())]
    named = [(path, module) for path, module in named if not module.endswith(".php")]
    assert len(named) > 20
    assert [f"{path.relative_to(ROOT)}: {module}" for path, module in named if not _is_there(module)] == []


def test_every_link_of_the_documents_leads_somewhere() -> None:
    links = [
        (path, *link.partition("#")[::2])
        for path in _citing_files()
        if path.suffix == ".md" and path.name != "CHANGELOG.md"
        for link in LINK.findall(path.read_text())
    ]
    assert len(links) > 60
    dead = [
        f"{path.relative_to(ROOT)}: {file}#{anchor}"
        for path, file, anchor in links
        if not (path.parent / file).exists()
        or (anchor and anchor not in _anchors(path.parent / file if file else path))
    ]
    assert dead == []


@pytest.mark.parametrize("section", ADDRESSES)
def test_a_section_of_volume_two_says_what_is_not_built(section: str) -> None:
    text = _sections(DOCUMENTS["contract"])[section]
    assert [address for address in ADDRESSES[section] if address.strip("/") not in text] == []
    assert _said_to_be_missing(section, text) == {
        address for address in ADDRESSES[section] if not _answers(address)
    }


def test_a_fault_run_that_is_not_built_says_so() -> None:
    rows = re.findall(r"^\| (F\d+(?:, F\d+)*) \| (Not built yet\.)?", DOCUMENTS["reliability"], re.MULTILINE)
    built = {name for names, missing in rows if not missing for name in names.split(", ")}
    planned = {name for names, missing in rows if missing for name in names.split(", ")}
    runs = set(RUNS) | ({"F16"} if "\ncluster:" in (ROOT / "Makefile").read_text() else set())
    assert (built, planned & runs) == (runs, set())


def test_every_decision_has_its_line_in_the_index() -> None:
    index = (DOCS / "adr" / "README.md").read_text()
    lines = re.findall(r"^\| (\d+) \| \[(.+)\]\((.+)\) \| (.+) \| (.*)\|$", index, re.MULTILINE)
    files = {path.name: path.read_text().splitlines()[0] for path in _decisions()}
    assert {file: f"# {number}. {title}" for number, title, file, _, _ in lines} == files
    assert [int(number) for number, *_ in lines] == sorted({int(name[:4]) for name in files})
    later = {number for *_, by in lines for number in re.findall(r"\d+", by)}
    assert later <= {number for number, *_ in lines}


def _citing_files() -> Iterator[Path]:
    """What people write in this repository, migrations and tests included."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS and not name.startswith(".")]
        yield from (Path(folder) / name for name in names if name.endswith(CITING))


def _cited() -> Iterator[Cited]:
    """Each § of the repository. It belongs to the document named last before it, else to its own page."""
    for path in _citing_files():
        text = path.read_text()
        cites_itself = path.parent == DOCS and path.stem in DOCUMENTS
        for found in CITATION.finditer(text):
            before = text[max(0, found.start() - (NEAR if cites_itself else REACH)) : found.start()]
            named = [path.stem if cites_itself else "no document", *NAMED.findall(before)]
            where = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, found.start()) + 1}"
            for section in filter(None, found.groups()):
                yield Cited(where, named[-1].lower(), section)


def _sections(text: str) -> dict[str, str]:
    """Number to what stands between its heading and the next one."""
    parts = re.split(rf"^##+ §({SECTION}) .*$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def _is_there(module: str) -> bool:
    """Whether `module` is a module, a package, or a name that stands in one."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:length])
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if file.exists():
            return all(re.search(rf"\b{name}\b", file.read_text()) for name in parts[length : length + 1])
    return False


def _anchors(page: Path) -> set[str]:
    """What a heading is called in a link: lower case, its spaces hyphens, its marks gone."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _said_to_be_missing(section: str, text: str) -> set[str]:
    said = NOT_BUILT.match(text.strip())
    if said is None:
        return set()
    return set(re.findall(r"`([^`]+)`", said["missing"])) if said["missing"] else set(ADDRESSES[section])


def _answers(address: str) -> bool:
    try:
        resolve(COMPLETED.get(address, address))
    except Resolver404:
        return False
    return True


def _decisions() -> list[Path]:
    return sorted((DOCS / "adr").glob("[0-9]*.md"))
