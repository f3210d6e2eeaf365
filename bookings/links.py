"""Public links: their tokens and the addresses they stand on (contract §1.3 "base_url", §1.4 "pages").

The token in a link is the credential. `staff.salon.base_urls` says which base addresses are the salon's own.

Names: new_token, checked_base_url, public_url, accept_url, decline_url, feedback_url, pay_url,
waitlist_url, unsubscribe_url, visit_url.
"""

from __future__ import annotations

import secrets

from staff.salon.base_urls import checked_base_url, public_url

__all__ = [
    "accept_url",
    "checked_base_url",
    "decline_url",
    "feedback_url",
    "new_token",
    "pay_url",
    "public_url",
    "unsubscribe_url",
    "visit_url",
    "waitlist_url",
]

TOKEN_BYTES = 32


def new_token() -> str:
    """A public link's token: 256 random bits as 43 characters that need no escaping in a URL."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def accept_url(base_url: str, token: str) -> str:
    return public_url(base_url, f"/provisional/{token}/accept")


def decline_url(base_url: str, token: str) -> str:
    return public_url(base_url, f"/provisional/{token}/decline")


def feedback_url(base_url: str, token: str) -> str:
    return public_url(base_url, f"/feedback/{token}")


def pay_url(base_url: str, token: str) -> str:
    return public_url(base_url, f"/pay/{token}")


def waitlist_url(base_url: str, token: str) -> str:
    return public_url(base_url, f"/waitlist/{token}")


def unsubscribe_url(base_url: str, token: str) -> str:
    return public_url(base_url, f"/unsubscribe/{token}")


def visit_url(base_url: str, token: str) -> str:
    return public_url(base_url, f"/v/{token}")
