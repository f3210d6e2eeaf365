"""What the salon shows to the public: the rules of its settings (contract §6a "settings, new")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

import idna
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator

from staff.models import SalonSettings
from staff.wire.refusals import BadRequest

LANGUAGES = [code for code, _ in settings.LANGUAGES]
WEB_ADDRESSES = {"review_url", "imprint_url", "privacy_url"}
MOST_EMBED_ORIGINS = 20
LONGEST_POLICY = 20_000
_is_web_address = URLValidator(schemes=["http", "https"])
_COLOR = re.compile(r"#[0-9a-f]{6}")
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def as_stored(salon: SalonSettings, fields: Mapping[str, Any]) -> dict[str, Any]:
    """`fields` as they are stored in `salon`'s row: colour, origins and policy in one form each, and with
    another policy text its next version. Raises BadRequest on the field that was sent."""
    changes = dict(fields)
    for name in WEB_ADDRESSES & fields.keys():
        _check_web_address(name, fields[name])
    if "brand_color" in fields:
        changes["brand_color"] = _color(fields["brand_color"])
    if "embed_origins" in fields:
        changes["embed_origins"] = list(dict.fromkeys(_origin(each) for each in fields["embed_origins"]))
    if "policy_text" in fields:
        changes["policy_text"] = _policy(fields["policy_text"])
        if changes["policy_text"] != salon.policy_text:
            changes["policy_version"] = salon.policy_version + 1
    return changes


def _color(typed: str) -> str:
    color = typed.lower()
    if color and _COLOR.fullmatch(color) is None:
        raise BadRequest.field("brand_color", "Send a colour such as #8a1c4a, or leave it empty.")
    return color


def _check_web_address(name: str, address: str) -> None:
    if not address:
        return
    try:
        _is_web_address(address)
    except ValidationError:
        raise BadRequest.field(name, "Send an http(s) address, or leave it empty.") from None


def _policy(texts: Mapping[str, str]) -> dict[str, str]:
    unknown = sorted(set(texts) - set(LANGUAGES))
    if unknown:
        raise BadRequest.field(
            "policy_text", f"{unknown[0]!r} is no language of ours: use {', '.join(LANGUAGES)}."
        )
    return {code: texts[code] for code in LANGUAGES if texts.get(code)}


def _origin(typed: str) -> str:
    """`https://www.example.com` of what was typed: scheme, host and port, as browsers name an origin."""
    try:
        parts = urlsplit(typed)
        host, port = _host(parts.hostname or ""), parts.port
    except (ValueError, idna.IDNAError):
        raise _no_origin(typed) from None
    plain = parts.scheme == "http" and host in LOCAL_HOSTS
    more = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if more or not (plain or parts.scheme == "https"):
        raise _no_origin(typed)
    default = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


def _host(name: str) -> str:
    """A host as it stands in an origin. Raises ValueError and IDNAError for what can be none."""
    if ":" in name:
        return f"[{IPv6Address(name)}]"
    return idna.encode(name, uts46=True, transitional=False, std3_rules=True).decode("ascii")


def _no_origin(typed: str) -> BadRequest:
    return BadRequest.field(
        "embed_origins",
        f"{typed!r} is no address of a website: send it as https://www.example.com, without a path.",
    )
