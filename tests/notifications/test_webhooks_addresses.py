"""Where webhooks may go: public addresses only, and to the very address that was checked."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine

from notifications.models import WebhookEndpoint
from notifications.webhooks import addresses, http
from notifications.webhooks.addresses import BadTarget, NotFoundInDns, addresses_of, target_of
from tests.cast.bookings import MORNING, Salon, make_cast
from tests.cast.factories import caller
from tests.cast.webhook_receiver import CERTIFICATE, receiver, resolving, verified, wait_until
from tests.cast.webhooks import App, add_endpoint, webhook_jobs

pytestmark = pytest.mark.django_db

NAME = "hooks.example.com"
PUBLIC = "93.184.215.14"

NOT_PUBLIC = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "168.63.129.16",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "2001::1",
    "2001:10::1",
    "3fff::1",
    "100::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "5f00::1",
]
IS_PUBLIC = [
    PUBLIC,
    "1.1.1.1",
    "172.32.0.1",
    "100.128.0.1",
    "192.0.1.1",
    "2606:4700:4700::1111",
    "::ffff:1.1.1.1",
    "64:ff9b::101:101",
    "2002:101:101::1",
]


@pytest.fixture
def salon() -> Iterator[Salon]:
    with time_machine.travel(MORNING, tick=False):
        yield make_cast()


def post(salon: Salon, url: str) -> Any:
    return caller(salon.ada).post("/api/webhooks", {"url": url}, format="json")


# --- What an address is ------------------------------------------------------------------------


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_a_name_that_leads_to_no_public_address_is_refused(address: str, monkeypatch: Any) -> None:
    resolving(monkeypatch, {NAME: [[address]]})
    with pytest.raises(BadTarget, match="not a public address"):
        addresses_of(target_of(f"https://{NAME}/"))


@pytest.mark.parametrize("address", IS_PUBLIC)
def test_a_name_that_leads_to_a_public_address_is_taken(address: str, monkeypatch: Any) -> None:
    resolving(monkeypatch, {NAME: [[address]]})
    assert addresses_of(target_of(f"https://{NAME}/")) == [address]


@pytest.mark.parametrize("address", [*NOT_PUBLIC, "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_so_is_the_address_itself_however_it_is_written(address: str, monkeypatch: Any) -> None:
    resolving(monkeypatch, {address: [[address]]} if address in NOT_PUBLIC else {})
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(BadTarget):
        addresses_of(target_of(f"http://{host}/hooks"))


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: Any) -> None:
    resolving(monkeypatch, {NAME: [[PUBLIC, "10.0.0.1"]]})
    with pytest.raises(BadTarget, match=r"leads to 10\.0\.0\.1"):
        addresses_of(target_of(f"https://{NAME}/"))


def test_a_silent_name_server_does_not_hold_us_up(monkeypatch: Any) -> None:
    monkeypatch.setattr(addresses, "LOOK_UP_SECONDS", 0.05)
    told = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: told.wait(timeout=100) and [])
    begun = time.monotonic()
    with pytest.raises(NotFoundInDns, match="No name server"):
        addresses_of(target_of(f"https://{NAME}/"))
    assert time.monotonic() - begun < 50
    told.set()


@pytest.mark.parametrize(
    ("url", "host_header", "path"),
    [
        ("https://hooks.example.com", "hooks.example.com", "/"),
        ("https://HOOKS.example.com:443/a?b=c", "hooks.example.com", "/a?b=c"),
        ("http://hooks.example.com:443/", "hooks.example.com:443", "/"),
        ("http://hooks_1.internal.:8080/a%20b", "hooks_1.internal.:8080", "/a%20b"),
        ("http://[2606:4700::1]:8080/", "[2606:4700::1]:8080", "/"),
        ("https://hooks.example.com?x", "hooks.example.com", "/?x"),
    ],
)
def test_an_address_is_read_once_for_checking_and_connecting(url: str, host_header: str, path: str) -> None:
    target = target_of(url)
    assert (target.host_header, target.path) == (host_header, path)


@pytest.mark.parametrize(
    "url",
    [
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:///path",
        "https://",
        "https://user@hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com#",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:65536/",
        "https://hooks.example.com:port/",
        "https://hooks.example.com\\@evil.example/",
        "https://hooks.example.com/a b",
        " https://hooks.example.com/",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com/\x7f",
        "https://bücher.example/",
        "https://hooks..example.com/",
        "https://-hooks.example.com/",
        "https://hooks.example.com/ä",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "https://ho%6fks.example.com/",
        "https://hooks.example.com/" + "x" * 1000,
    ],
)
def test_what_is_no_address_is_refused_before_anybody_is_asked(
    salon: Salon, url: str, monkeypatch: Any
) -> None:
    asked = resolving(monkeypatch, {})
    with pytest.raises(BadTarget):
        target_of(url)
    answer = post(salon, url)
    assert (answer.status_code, list(answer.json()["details"])) == (400, ["url"])
    assert (asked, WebhookEndpoint.objects.count()) == ([], 0)


# --- At saving ---------------------------------------------------------------------------------


def test_saving_refuses_with_a_sentence_and_stores_nothing(salon: Salon, monkeypatch: Any) -> None:
    resolving(monkeypatch, {NAME: [["10.0.0.1"]], "gone.example.com": [[]], "fine.example.com": [[PUBLIC]]})
    answer = post(salon, f"https://{NAME}/")
    assert answer.status_code == 400
    assert answer.json()["details"] == {
        "url": [
            "hooks.example.com leads to 10.0.0.1, which is not a public address. Webhooks go to public "
            "addresses only, unless WEBHOOK_ALLOW_PRIVATE=1 is set."
        ]
    }
    assert (
        post(salon, "https://gone.example.com/")
        .json()["details"]["url"][0]
        .startswith("No address was found for gone.example.com")
    )
    assert WebhookEndpoint.objects.count() == 0
    endpoint = post(salon, "https://fine.example.com/hooks").json()
    change = caller(salon.ada).put(
        f"/api/webhooks/{endpoint['id']}", {"url": f"https://{NAME}/", "is_active": False}, format="json"
    )
    assert change.status_code == 400
    stored = WebhookEndpoint.objects.get()
    assert (stored.url, stored.is_active) == ("https://fine.example.com/hooks", True)


def test_private_addresses_are_taken_where_the_salon_allows_them(salon: Salon, settings: Any) -> None:
    assert post(salon, "http://127.0.0.1:8080/hooks").status_code == 400
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert post(salon, "http://127.0.0.1:8080/hooks").status_code == 201


# --- At each delivery --------------------------------------------------------------------------


@pytest.fixture
def app(salon: Salon, settings: Any, monkeypatch: Any) -> Iterator[App]:
    """The endpoint was saved while its name led to a public address."""
    with time_machine.travel(MORNING, tick=False) as clock, receiver() as hooks:
        with pytest.MonkeyPatch.context() as patch:
            resolving(patch, {NAME: [[PUBLIC]]})
            endpoint = add_endpoint(salon, f"http://{NAME}:{hooks.port}/hooks")
        yield App(salon, hooks, clock, endpoint)


def test_a_name_that_turned_private_is_refused_at_the_delivery(app: App, monkeypatch: Any) -> None:
    asked = resolving(monkeypatch, {NAME: [["127.0.0.1"]]})
    app.salon.book()
    app.work()
    (delivery,) = app.deliveries()
    assert (app.hooks.got, asked) == ([], [NAME])
    assert (delivery["state"], delivery["attempts"], delivery["response_status"]) == ("waiting", 1, None)
    assert delivery["last_error"].startswith(f"{NAME} leads to 127.0.0.1, which is not a public address.")
    (job,) = webhook_jobs()
    assert (job.sends, job.sending_at) == (0, None)
    assert WebhookEndpoint.objects.get().failing_since is not None


def test_a_name_that_changes_between_check_and_connection_leads_nowhere_else(
    app: App, monkeypatch: Any
) -> None:
    """The first answer is public and checked; a second look-up would lead to our own machine."""
    asked = resolving(monkeypatch, {NAME: [[PUBLIC], ["127.0.0.1"]]})
    app.salon.book()
    app.work()
    assert (app.hooks.got, asked) == ([], [NAME])
    (delivery,) = app.deliveries()
    assert delivery["state"] == "waiting"
    assert f"must not look up {PUBLIC}" in delivery["last_error"]


def test_the_connection_goes_to_the_checked_address_under_the_right_name(
    app: App, settings: Any, monkeypatch: Any
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    asked = resolving(monkeypatch, {NAME: [["127.0.0.1"], ["192.0.2.1"]]})
    app.salon.book()
    app.work()
    (got,) = app.hooks.got
    assert (got.headers["host"], asked) == (f"{NAME}:{app.hooks.port}", [NAME])


def test_the_next_address_is_tried_when_nobody_listens_at_the_first(
    app: App, settings: Any, monkeypatch: Any
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    resolving(monkeypatch, {NAME: [["127.0.0.2", "127.0.0.1"]]})
    app.salon.book()
    app.work()
    assert (len(app.hooks.got), app.states()) == (1, ["delivered"])


def test_a_name_that_cannot_be_looked_up_is_tried_again(app: App, settings: Any, monkeypatch: Any) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    resolving(monkeypatch, {NAME: [[], ["127.0.0.1"]]})
    app.salon.book()
    app.work()
    assert (app.hooks.got, app.states()) == ([], ["waiting"])
    app.work(seconds=6)
    assert (len(app.hooks.got), app.states()) == (1, ["delivered"])


# --- TLS ---------------------------------------------------------------------------------------


@pytest.fixture
def _trusting(monkeypatch: Any) -> Iterator[None]:
    """This machine trusts the receiver's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    http._trust.cache_clear()
    yield
    http._trust.cache_clear()


@pytest.mark.usefixtures("_trusting")
def test_https_checks_the_certificate_of_the_name(salon: Salon, settings: Any, monkeypatch: Any) -> None:
    assert ssl.create_default_context().cert_store_stats()["x509"] >= 1
    settings.WEBHOOK_ALLOW_PRIVATE = True
    resolving(monkeypatch, {NAME: [["127.0.0.1"]], "other.example.com": [["127.0.0.1"]]})
    with time_machine.travel(MORNING, tick=False) as clock, receiver(tls=True) as hooks:
        endpoint = add_endpoint(salon, f"https://{NAME}:{hooks.port}/hooks")
        app = App(salon, hooks, clock, endpoint)
        salon.book()
        app.work()
        assert app.states() == ["delivered"]
        verified(hooks.got[0], app.secret, now=time.time())
        app.change(url=f"https://other.example.com:{hooks.port}/hooks")
        salon.book(staff_id=salon.cora.pk)
        app.work()
        assert (len(hooks.got), app.states()) == (1, ["delivered", "waiting"])
        assert "ertificate" in app.deliveries()[1]["last_error"]


def test_https_refuses_a_certificate_nobody_vouches_for(
    salon: Salon, settings: Any, monkeypatch: Any
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    resolving(monkeypatch, {NAME: [["127.0.0.1"]]})
    with time_machine.travel(MORNING, tick=False) as clock, receiver(tls=True) as hooks:
        app = App(salon, hooks, clock, add_endpoint(salon, f"https://{NAME}:{hooks.port}/hooks"))
        salon.book()
        app.work()
        assert (hooks.got, app.states()) == ([], ["waiting"])
        assert "ertificate" in app.deliveries()[0]["last_error"]


@pytest.mark.usefixtures("_trusting")
@pytest.mark.parametrize("how", [{"silent": True}, {"drip": 1.0}])
def test_a_slow_receiver_is_cut_off_under_tls_too(
    salon: Salon, settings: Any, monkeypatch: Any, how: dict[str, Any]
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    monkeypatch.setattr(http, "TIMEOUT_SECONDS", 2.5)
    resolving(monkeypatch, {NAME: [["127.0.0.1"]]})
    with time_machine.travel(MORNING, tick=False) as clock, receiver(tls=True, **how) as hooks:
        app = App(salon, hooks, clock, add_endpoint(salon, f"https://{NAME}:{hooks.port}/hooks"))
        salon.book()
        app.work()
        wait_until(lambda: hooks.got)
        assert (len(hooks.got), app.states()) == (1, ["waiting"])
        assert app.deliveries()[0]["last_error"] == "No answer within 2.5 seconds."
