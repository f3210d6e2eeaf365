"""Whose calls are counted together: the client's address behind TRUSTED_PROXIES (contract §0).

How many are allowed where: test_auth_login, test_api_keys, test_pages_shell, test_public_api, test_simplespa.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.test import Client

from tests.cast.factories import make_salon

pytestmark = pytest.mark.django_db

PUBLIC_CALLS = 60
PLACES = ("/api/public/feedback/no-such-token", "/feedback/no-such-token")
FORGED = {"HTTP_X_REAL_IP": "7.7.7.7", "HTTP_FORWARDED": "for=7.7.7.7", "HTTP_CLIENT_IP": "7.7.7.7"}


@pytest.fixture(autouse=True)
def _clock() -> Iterator[None]:
    with time_machine.travel(datetime(2026, 3, 20, 8, tzinfo=UTC), tick=False):
        make_salon()
        yield


@pytest.fixture(params=PLACES)
def place(request: Any) -> str:
    return str(request.param)


def link_history(settings: Any, proxies: int) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}


def call(place: str, *, peer: str = "192.0.2.1", forwarded: str = "", **forged: str) -> int:
    environ = {"REMOTE_ADDR": peer, **({"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}), **forged}
    return Client().get(place, **environ).status_code


def use_up(place: str, forwarded: str = "", peer: str = "192.0.2.1") -> None:
    """`{n}` is another number in every call."""
    statuses = {
        call(place, peer=peer, forwarded=forwarded.format(n=number)) for number in range(PUBLIC_CALLS)
    }
    assert statuses == {404}


def test_without_a_proxy_what_a_client_says_of_itself_is_not_believed(place: str, settings: Any) -> None:
    link_history(settings, 0)
    use_up(place, "198.51.100.{n}")
    assert call(place, forwarded="203.0.113.9") == 429
    assert call(place, **FORGED) == 429
    assert call(place, peer="192.0.2.2", forwarded="198.51.100.1") == 404


def test_behind_one_proxy_the_address_it_saw_counts(place: str, settings: Any) -> None:
    link_history(settings, 1)
    use_up(place, "6.6.6.{n}, 198.51.100.7")
    assert call(place, forwarded="203.0.113.9, 198.51.100.7") == 429
    assert call(place, forwarded="198.51.100.7", **FORGED) == 429
    assert call(place, forwarded="198.51.100.7, 198.51.100.8") == 404


def test_behind_two_proxies_the_first_of_them_is_believed(place: str, settings: Any) -> None:
    link_history(settings, 2)
    use_up(place, "6.6.6.{n}, 198.51.100.7, 10.0.0.1")
    assert call(place, forwarded="203.0.113.9, 198.51.100.7, 10.0.0.2") == 429
    assert call(place, forwarded="198.51.100.7, 10.0.0.1") == 429
    assert call(place, forwarded="198.51.100.7, 198.51.100.8, 10.0.0.1") == 404


@pytest.mark.parametrize("forwarded", ["", " ", ",", "x" * 3000, "é", "\x00", "1.2.3.4,,", "'; DROP TABLE"])
def test_an_odd_forwarded_address_is_no_crash(place: str, settings: Any, forwarded: str) -> None:
    for proxies in (0, 1, 2):
        link_history(settings, proxies)
        assert call(place, forwarded=forwarded) == 404


def test_who_bypasses_the_proxies_shares_one_count(place: str, settings: Any) -> None:
    link_history(settings, 1)
    use_up(place)
    assert call(place) == 429
    assert call(place, peer="192.0.2.2") == 404
