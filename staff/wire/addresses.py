"""Mail addresses: one spelling inside, the one that mail servers take outside (contract §6a).

Names: mail_address, searched_address, in_unicode, login_address, ascii_address, BadAddress.

A domain is read by IDNA 2008 with the non-transitional mapping of UTS 46. Python's own codec and Django's
validator know IDNA 2003 alone, which turns straße.de into strasse.de: somebody else's domain.
"""

from __future__ import annotations

import re

import idna
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from staff.wire.text import plain_line

_PUNYCODE = re.compile(r"\bxn--[a-z0-9-]+", re.IGNORECASE | re.ASCII)


class BadAddress(ValueError):
    """No address that a mail could be sent to."""


def mail_address(text: str) -> str:
    """The address as it is stored: its domain in lower case and in Unicode, the part before the @ as typed.

    Punycode and Unicode, capitals and full-width letters of one domain come out the same. Raises BadAddress.
    """
    local, domain = _parts(plain_line(text))
    return f"{local}@{domain if _is_literal(domain) else idna.decode(domain)}"


def searched_address(text: str) -> str:
    """`mail_address`, and what is none as typed: for comparing with what is stored. Raises nothing."""
    try:
        return mail_address(text)
    except BadAddress:
        return plain_line(text)


def in_unicode(text: str) -> str:
    """`text`, a word such as an address or a part of one, with its labels in punycode in Unicode."""
    return _PUNYCODE.sub(_decoded, text)


def login_address(text: str) -> str:
    """The address as an account is stored and looked for: all of it in lower case. Raises nothing."""
    return searched_address(text).lower()


def ascii_address(text: str) -> str:
    """The address as it goes over SMTP and into headers: its domain in punycode. Raises BadAddress."""
    return "@".join(_parts(plain_line(text)))


def _parts(text: str) -> tuple[str, str]:
    """The part before the @, and the domain in ASCII. Raises BadAddress."""
    local, _, domain = text.rpartition("@")
    try:
        if not _is_literal(domain):
            domain = idna.encode(domain, uts46=True, transitional=False, std3_rules=True).decode("ascii")
        validate_email(f"{local}@{domain}")
    except (ValidationError, ValueError) as refused:
        raise BadAddress(str(refused)) from None
    return local, domain


def _decoded(label: re.Match[str]) -> str:
    try:
        return idna.decode(label[0])
    except idna.IDNAError:
        return label[0]


def _is_literal(domain: str) -> bool:
    """An address of a machine in brackets, such as `[192.0.2.1]`, is no name."""
    return domain.startswith("[")
