"""How much a stranger may ask of us (contract §9 "limits"), counted in the shared cache as ever.

That the salon is under attack is a row: a cache that is emptied or full does not end it.

Over a limit nothing is refused at first: the code is asked (`Verdict.CODE`), and then 429.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from ipaddress import IPv6Address, ip_address
from typing import Any, NamedTuple

from django.core.cache import cache

from bookings.models import OnlineAttack
from bookings.online.digests import digest
from staff.access.throttles import AddressThrottle, PublicLinkThrottle, note_forwarded
from staff.models import SalonSettings

IPV6_NETWORK = 64
PER_CONTACT = 3
MOST_CODES = 3
HOUR = timedelta(hours=1)
ATTACK_LASTS = timedelta(hours=24)


class Window(NamedTuple):
    most: int
    within: timedelta


PER_ADDRESS = (Window(10, timedelta(minutes=10)), Window(30, timedelta(days=1)))
AN_ATTACK = (Window(5, timedelta(minutes=3)), Window(30, HOUR))


class Verdict(IntEnum):
    """What a submission may do: pass, pass with the code, or not at all."""

    PASS = 0
    CODE = 1
    REFUSED = 2


class PageThrottle(AddressThrottle):
    """Reads of the booking page and of its twin: 120 a minute for an address."""

    scope = "booking-page"
    rate = "120/min"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"throttle:{self.scope}:{digest('address', address_of(request))[:32]}"


def address_of(request: Any) -> str:
    """The network that a request comes from, through TRUSTED_PROXIES proxies: an IPv4 address, or the /64 of
    an IPv6 one, of which a household has all."""
    note_forwarded(request)
    typed = str(PublicLinkThrottle().get_ident(request)).strip()
    try:
        address = ip_address(typed)
    except ValueError:
        return typed[:100]
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> (128 - IPV6_NETWORK) << (128 - IPV6_NETWORK))}/{IPV6_NETWORK}"
    return str(address)


def count_submission(*, address: str, contacts: Sequence[str], now: datetime) -> Verdict:
    """Count one, and say what it may do. `contacts`: digests of the mail address and the number typed.

    An address that is refused counts for nobody else: it can neither use up what others may send nor fill the
    cache with names that it makes up.
    """
    verdict = Verdict.PASS
    since = _counted(f"address:{digest('address', address)}", now=now, longest=PER_ADDRESS[-1].within)
    for window in PER_ADDRESS:
        many = _within(since, window.within, now=now)
        if many > window.most:
            verdict = max(verdict, Verdict.REFUSED if many > 2 * window.most else Verdict.CODE)
    if verdict == Verdict.REFUSED:
        return verdict
    for contact in contacts:
        if len(_counted(f"contact:{contact}", now=now, longest=HOUR)) > PER_CONTACT:
            verdict = max(verdict, Verdict.CODE)
    return verdict


def may_mail_code(contacts: Sequence[str], *, now: datetime) -> bool:
    """Whether each of these has had fewer than three codes within an hour."""
    return all(len(_history(f"code:{each}", now=now, longest=HOUR)) < MOST_CODES for each in contacts)


def count_code(contacts: Sequence[str], *, now: datetime) -> None:
    """One more was mailed to each of these; what was refused before is not counted."""
    for each in contacts:
        _counted(f"code:{each}", now=now, longest=HOUR)


def code_for_everybody(salon: SalonSettings, *, now: datetime) -> bool:
    """Whether the code is asked of all; counts the submission that asks, and notes an attack for a day."""
    if salon.online_verify != SalonSettings.OnlineVerify.ATTACK:
        return salon.online_verify == SalonSettings.OnlineVerify.ALWAYS
    if OnlineAttack.objects.filter(until__gt=now).exists():
        return True
    since = _counted("salon", now=now, longest=AN_ATTACK[-1].within)
    if any(_within(since, window.within, now=now) > window.most for window in AN_ATTACK):
        OnlineAttack.objects.create(until=now + ATTACK_LASTS)
        return True
    return False


def forget_attacks(*, now: datetime) -> int:
    """Periodic: those that are over; gives how many."""
    return OnlineAttack.objects.filter(until__lte=now).delete()[0]


def _counted(what: str, *, now: datetime, longest: timedelta) -> list[float]:
    """The times within `longest` at which this was counted, this one included, newest first."""
    history = [now.timestamp(), *_history(what, now=now, longest=longest)]
    most = 2 * max(window.most for window in PER_ADDRESS) + 1
    cache.set(f"online:{what}", history[:most], longest.total_seconds())
    return history


def _history(what: str, *, now: datetime, longest: timedelta) -> list[float]:
    oldest = (now - longest).timestamp()
    return [each for each in cache.get(f"online:{what}", []) if each > oldest]


def _within(history: Sequence[float], within: timedelta, *, now: datetime) -> int:
    oldest = (now - within).timestamp()
    return sum(1 for each in history if each > oldest)
