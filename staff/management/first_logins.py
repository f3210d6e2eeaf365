"""The logins made by this installation itself, kept for the person who just started it.

One line per login, `role email password`, in DATA_DIR/demo-logins.txt, readable by its owner only.
Whoever makes another login for the demo salon keeps it here too, and it is printed at every start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

FILE_NAME = "demo-logins.txt"


@dataclass(frozen=True, slots=True)
class Login:
    role: str
    email: str
    password: str


def keep_login(*, role: str, email: str, password: str) -> None:
    """Add a login, in place of an older one with the same e-mail."""
    others = [login for login in kept_logins() if login.email != email]
    lines = [
        f"{each.role} {each.email} {each.password}\n" for each in [*others, Login(role, email, password)]
    ]
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(lines)
    draft.replace(path)


def kept_logins() -> list[Login]:
    """All of them, oldest first; empty without the file."""
    try:
        text = _path().read_text()
    except FileNotFoundError:
        return []
    return [Login(*line.split(" ", 2)) for line in text.splitlines() if line.count(" ") >= 2]


def _path() -> Path:
    return Path(settings.DATA_DIR) / FILE_NAME
