"""Where a webhook may go: a public address, checked after the name was looked up.

Names: Target, target_of, addresses_of, BadTarget, NotFoundInDns.

The addresses that were checked are the ones connected to (`notifications.webhooks.http`), so that a name
which answers otherwise a moment later leads nowhere.
"""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from queue import Empty, SimpleQueue
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from notifications.models.webhooks import LONGEST_URL

LOOK_UP_SECONDS = 5.0
DEFAULT_PORTS = {"http": 80, "https": 443}

_PRINTABLE = re.compile(r"[!-~]+")
_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")

# Beyond what this Python's `is_global` knows: protocol assignments and cloud services (Oracle's and Azure's
# own answer at addresses that look public), old 6to4 relays, documentation.
_NOT_PUBLIC_EITHER = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("168.63.129.16/32"),
    IPv6Network("2001::/23"),
    IPv6Network("3fff::/20"),
)

Address = IPv4Address | IPv6Address


class BadTarget(Exception):
    """Not an address a webhook may go to. The message is a sentence a person can act on."""


class NotFoundInDns(BadTarget):
    """The name cannot be looked up now."""


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint's URL in parts; `path` carries the query too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"


def target_of(url: str) -> Target:
    """The parts of a URL. Raises BadTarget."""
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise BadTarget(
            f"Send an address of at most {LONGEST_URL} printable ASCII characters; other ones are encoded."
        )
    parts, port = _split(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise BadTarget("Send an address that starts with https:// or http:// and names a host.")
    if "@" in parts.netloc or "#" in url:
        raise BadTarget("The address must carry no user, password or fragment.")
    if _literal(parts.hostname) is None and not _HOST_NAME.fullmatch(parts.hostname):
        raise BadTarget("The host must be a name or an IP address.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, parts.hostname, port or DEFAULT_PORTS[parts.scheme], path)


def addresses_of(target: Target) -> list[str]:
    """The IP addresses to connect to, all of them allowed. Raises BadTarget, NotFoundInDns.

    Asks the name server, at most LOOK_UP_SECONDS long: never with a transaction open.
    """
    addresses = _looked_up(target)
    if not settings.WEBHOOK_ALLOW_PRIVATE:
        for address in addresses:
            if not _is_public(ip_address(address)):
                raise BadTarget(
                    f"{target.host} leads to {address}, which is not a public address. Webhooks go to public "
                    "addresses only, unless WEBHOOK_ALLOW_PRIVATE=1 is set."
                )
    return addresses


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadTarget(f"This is not an address: {error}.") from error
    if port == 0:
        raise BadTarget("The port must be from 1 to 65535.")
    return parts, port


def _literal(host: str) -> Address | None:
    try:
        return None if "%" in host else ip_address(host)
    except ValueError:
        return None


def _looked_up(target: Target) -> list[str]:
    """In a thread of its own, as a name server that is silent would hold us up for half a minute."""
    answer: SimpleQueue[list[str] | Exception] = SimpleQueue()
    threading.Thread(
        target=_look_up, args=(target.host, target.port, answer), name="webhook-dns", daemon=True
    ).start()
    try:
        found = answer.get(timeout=LOOK_UP_SECONDS)
    except Empty:
        raise NotFoundInDns(f"No name server told where {target.host} is.") from None
    if isinstance(found, Exception) or not found:
        raise NotFoundInDns(f"No address was found for {target.host}: {found or 'none'}.")
    return found


def _look_up(host: str, port: int, answer: SimpleQueue[list[str] | Exception]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.put(list(dict.fromkeys(str(each[4][0]) for each in found)))
    except (OSError, UnicodeError) as error:
        answer.put(error)


def _is_public(address: Address) -> bool:
    """Global unicast, and so is the IPv4 address that it may carry inside."""
    inside = _ipv4_inside(address)
    if inside is not None:
        return _is_public(inside)
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not any(address in network for network in _NOT_PUBLIC_EITHER)
    )


def _ipv4_inside(address: Address) -> IPv4Address | None:
    """Of a mapped, 6to4 or NAT64 address."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
