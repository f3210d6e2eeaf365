"""Addresses: which answer JSON, and ids in a path.

Names: LINKED_PAGES, TOKEN_FOLLOWS, is_json_path, is_public_page, is_dry_run, keeps_its_slash, IdConverter
(registered by config.urls as `id`: `<id:booking_id>`). Imported by the log's settings: it needs no Django.
"""

from staff.wire.text import LARGEST_INTEGER

OWN_SLASHES = ("/admin", "/static")
LINKED_PAGES = (
    *("provisional", "feedback", "pay", "waitlist", "unsubscribe", "password-reset"),
    *("v", "calendar"),
)
"""The first words of the pages behind mailed links, and of the calendars that staff subscribe to."""

TOKEN_FOLLOWS = (*LINKED_PAGES, "holds", "visits", "receipts", "inbound")
"""After one of these words, anywhere in a path, stands a credential: no log may have it."""

DRY_RUN = "/api/dry-run"
"""Under it stand the addresses that say what a write would do (contract §11)."""

_LINKED_PAGES = tuple(f"/{word}" for word in LINKED_PAGES)
FRONT_PAGE = "/"
BOOKING_PAGE = "/book"
AGENDA_PAGE = "/agenda"
_FILES = ("/embed.js", "/favicon.ico", "/robots.txt")
"""What browsers, other websites and search engines ask for at the root."""

_PUBLIC_PAGES = (BOOKING_PAGE, AGENDA_PAGE, *_LINKED_PAGES)
_PAGES = ("/api/docs", *_FILES, *_PUBLIC_PAGES)


class IdConverter:
    """An id in a path, 1..2^63-1 in ASCII digits; anything else is an unknown path (404)."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        number = int(value)
        if not 1 <= number <= LARGEST_INTEGER:
            raise ValueError(value)
        return number

    def to_url(self, value: int) -> str:
        return str(value)


def is_json_path(path: str) -> bool:
    """Whether errors at `path` are JSON: all but Django admin, static files, the docs and public pages."""
    return path != FRONT_PAGE and not _under(path, OWN_SLASHES) and not _under(path, _PAGES)


def is_public_page(path: str) -> bool:
    """Whether `path` is the front, booking or agenda page or one behind a mailed link: it reads no cookie."""
    return path == FRONT_PAGE or _under(path, _PUBLIC_PAGES)


def keeps_its_slash(path: str) -> bool:
    """Whether the trailing slash means something at `path`; elsewhere both forms answer (contract §0)."""
    return _under(path, OWN_SLASHES)


def is_dry_run(path: str) -> bool:
    return _under(path, (DRY_RUN,))


def _under(path: str, prefixes: tuple[str, ...]) -> bool:
    # Nearly every path is under none of them.
    return path.startswith(prefixes) and any(
        path == prefix or path.startswith(prefix + "/") for prefix in prefixes
    )
