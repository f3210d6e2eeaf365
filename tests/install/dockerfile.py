"""A Dockerfile read line by line, as far as deploy/Dockerfile goes; and what .dockerignore lets in."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

KNOWN = {"RUN", "COPY", "ENV", "WORKDIR", "USER", "VOLUME", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "CMD"}


class Step(NamedTuple):
    word: str
    rest: str


@dataclass(frozen=True, slots=True)
class Stage:
    """`base`: what FROM names; `name`: what a later COPY --from calls it."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)

    def last(self, word: str) -> str:
        """What the last instruction of this kind says; "" for none."""
        return next((step.rest for step in reversed(self.steps) if step.word == word), "")

    def command(self) -> list[str]:
        """CMD's list. Raises ValueError where it is a line for a shell, which would keep signals."""
        return _listed(self.last("CMD"))

    def healthcheck(self) -> list[str]:
        """The command of HEALTHCHECK, also a list."""
        return _listed(self.last("HEALTHCHECK").partition("CMD ")[2])


def read(text: str) -> list[Stage]:
    """The stages in their order. Raises ValueError for an instruction that is not known here."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, *named = rest.split()
            stages.append(Stage(base, named[-1] if named else ""))
        elif word in KNOWN and stages:
            stages[-1].steps.append(Step(word, rest.strip()))
        else:
            raise ValueError(f"{word} is not known here: {line}")
    return stages


def pairs(rest: str) -> dict[str, str]:
    """What an ENV line sets."""
    return dict(each.split("=", 1) for each in shlex.split(rest))


def let_in(names: Iterable[str], ignore: str) -> list[str]:
    """The files of the context that .dockerignore leaves in it: the last pattern that fits decides."""
    patterns = [line.strip() for line in ignore.splitlines() if line.strip() and line[0] != "#"]
    return [name for name in names if not _is_ignored(name, patterns)]


def _is_ignored(name: str, patterns: list[str]) -> bool:
    ignored = False
    whole = PurePosixPath(name)
    above = [str(each) for each in (whole, *whole.parents)]
    for pattern in patterns:
        wanted = pattern.removeprefix("!")
        anywhere = wanted.removeprefix("**/")
        if anywhere != wanted:
            fits = any(fnmatchcase(part, anywhere) for part in whole.parts)
        else:
            fits = any(fnmatchcase(each, wanted) for each in above)
        if fits:
            ignored = not pattern.startswith("!")
    return ignored


def _listed(text: str) -> list[str]:
    found = json.loads(text or "null")
    if not isinstance(found, list) or not found:
        raise ValueError(f"not a list of words: {text!r}")
    return found
