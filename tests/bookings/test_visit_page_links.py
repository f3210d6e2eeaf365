"""The link to a visit's page: one for each, in every mail, hidden where it must be (contract §8 "link")."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar
from time_machine import Traveller

from bookings import lifecycle
from bookings.api.client_merge import merge
from bookings.models import Booking, Visit, VisitLink
from bookings.personal_data import erasure
from bookings.self_service.visit_link import page_url, print_links
from notifications.execution import run_due
from notifications.models import Message
from staff.access.actor import SYSTEM
from tests.cast.factories import caller, make_client, make_hours, make_key, make_service
from tests.cast.pages import NOW, START, Cast, browser, changed, everything, make_cast, statements_of
from tests.cast.visit_page import page_of, post_page, shown_at, token_of, twin_of

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

PRINTED = re.compile(r"http://127\.0\.0\.1:8000/v/([A-Za-z0-9_-]{22})\b")


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    make_hours(cast.bea)
    return cast


def test_every_mail_of_a_visit_s_life_prints_the_same_link_in_both_its_parts(
    cast: Cast, clock: Traveller
) -> None:
    booking = cast.requested()
    run_due(at_most=10)
    lifecycle.accept(token=booking.provisional_token or "")
    run_due(at_most=10)
    post_page(booking, "move", start=f"{(START + timedelta(days=1)).isoformat()} {cast.bea.pk}")
    run_due(at_most=10)
    post_page(booking, "cancel")
    run_due(at_most=10)
    changed(booking, status="scheduled")
    run_due(at_most=10)
    clock.move_to(START + timedelta(days=1, hours=4))
    changed(booking, status="completed")
    run_due(at_most=10)
    clock.move_to(START + timedelta(days=1, hours=7))
    run_due(at_most=10)
    mails = Message.objects.order_by("id")
    assert [each.type for each in mails] == [
        "booking.provisional",
        "booking.created",
        "booking.updated",
        "booking.cancelled",
        "booking.created",
        "review.request",
    ]
    assert {each.state for each in mails} == {"kept"}
    for mail in mails:
        if mail.ics_method == "REQUEST":
            [event] = Calendar.from_ical(mail.ics).events
            assert str(event["URL"]) == f"http://127.0.0.1:8000{page_of(booking)}"
            assert page_of(booking) in str(event["DESCRIPTION"])
        assert set(PRINTED.findall(mail.text)) == set(PRINTED.findall(mail.html)) == {token_of(booking)}
    assert VisitLink.objects.count() == 1


def test_the_link_stands_under_the_booking_s_base_url(cast: Cast, settings: Any) -> None:
    settings.FRONTEND_ORIGINS = ["https://app.salon.example"]
    booking = cast.booked(base_url="https://app.salon.example/nl")
    run_due(at_most=10)
    assert f"https://app.salon.example/nl/v/{token_of(booking)}" in Message.objects.get().text


def test_a_visit_of_several_and_one_that_no_mail_told_of_have_one_link_each(cast: Cast) -> None:
    cut = make_service("Cut", duration_minutes=30)
    cast.bea.services.add(cut)
    items = [lifecycle.ItemOrder(cut.pk, cast.bea.pk), lifecycle.ItemOrder(cut.pk, cast.bea.pk)]
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=items, start_at=START)
    first, second = lifecycle.book_visit(actor=SYSTEM, order=order).visit.items
    assert token_of(first) == token_of(second)
    later = START + timedelta(hours=3)
    silent = cast.booked(start_at=later, end_at=later + timedelta(hours=1), notify_client=False)
    assert browser().get(page_of(silent)).status_code == 200
    assert token_of(silent) != token_of(first)


def test_printing_many_costs_two_statements_and_one_the_next_time(cast: Cast) -> None:
    for day in range(5):
        start_at = START + timedelta(days=7 * day)
        cast.booked(start_at=start_at, end_at=start_at + timedelta(hours=1))
    visits = list(Visit.objects.all())
    assert len(statements_of(lambda: print_links(visits))) == 2
    assert len(statements_of(lambda: print_links(visits))) == 1
    assert len({page_url(each) for each in visits}) == VisitLink.objects.count() == 5


@pytest.mark.parametrize("address", ["/v/{}", "/v/{}/move", "/api/public/visits/{}"])
@pytest.mark.parametrize("token", ["AAAAAAAAAAAAAAAAAAAAAA", "x", "a" * 64, "%00", "é"])
def test_a_token_that_nobody_was_sent_is_unknown(cast: Cast, address: str, token: str) -> None:
    cast.booked()
    assert browser().get(address.format(token)).status_code == 404
    assert browser().post(address.format(token)).status_code in (404, 405)


def test_a_link_is_no_other_page_s_credential(cast: Cast) -> None:
    booking = cast.requested()
    token = token_of(booking)
    for address in (
        f"/provisional/{token}/accept",
        f"/feedback/{token}",
        f"/pay/{token}",
        f"/waitlist/{token}",
    ):
        assert browser().get(address).status_code == 404
    assert browser().get(f"/v/{booking.provisional_token}").status_code == 404


def test_it_works_until_thirty_days_after_the_end(cast: Cast, clock: Traveller) -> None:
    booking = cast.booked()
    page, twin = page_of(booking), twin_of(booking)
    clock.move_to(START + timedelta(days=30, hours=1) - timedelta(seconds=1))
    assert browser().get(page).status_code == 200
    clock.move_to(START + timedelta(days=30, hours=1))
    before = everything()
    assert [browser().get(each).status_code for each in (page, twin)] == [410, 410]
    assert browser().post(f"{page}/cancel").status_code == 410
    assert everything() == before


def test_another_client_gets_another_link_and_the_former_one_knows_nothing_any_more(cast: Cast) -> None:
    booking = cast.booked()
    old, shown = page_of(booking), shown_at(page_of(booking))
    run_due(at_most=10)
    changed(booking, client_id=make_client("Bob", "Brown").pk)
    assert not VisitLink.objects.exists()
    assert browser().get(old).status_code == 404
    assert browser().post(f"{old}/cancel", {"shown": shown}).status_code == 404
    run_due(at_most=10)
    to_alice, to_bob = Message.objects.order_by("id")[1:]
    assert (to_alice.to, to_bob.to) == ("alice@example.com", "bob@example.com")
    assert "/v/" not in to_alice.text + to_alice.html + to_alice.ics
    assert page_of(booking) in to_bob.text
    assert page_of(booking) != old


def test_a_row_that_a_late_mail_wrote_for_the_former_client_is_void(cast: Cast) -> None:
    """The mail was composed just before the change of client, and its row came just after."""
    booking = cast.booked()
    read_before = Visit.objects.get()
    changed(booking, client_id=make_client("Bob", "Brown").pk)
    token = print_links([read_before])[read_before.pk]
    assert browser().get(f"/v/{token}").status_code == 410
    assert browser().get(f"/api/public/visits/{token}").json()["code"] == "link_void"


def test_a_merge_keeps_the_link_and_an_erasure_voids_it(cast: Cast) -> None:
    booking = cast.booked()
    page = page_of(booking)
    bob = make_client("Bob", "Brown")
    merge(client_id=cast.alice.pk, into_id=bob.pk, actor=SYSTEM, now=NOW)
    assert browser().get(page).status_code == 200
    assert page_of(booking) == page
    assert post_page(booking, "confirm").status_code == 200
    erasure.erase_client(client_id=bob.pk, cancel_upcoming=True, actor=SYSTEM, now=NOW)
    assert browser().get(page).status_code == 410


def test_a_former_key_of_the_server_still_opens_and_prints_its_links_while_it_is_a_fallback(
    cast: Cast, settings: Any
) -> None:
    booking = cast.booked()
    page = page_of(booking)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another" * 8, [settings.SECRET_KEY]
    assert (page_of(booking), browser().get(page).status_code) == (page, 200)
    settings.SECRET_KEY_FALLBACKS = []
    assert browser().get(page).status_code == 410
    assert page_of(booking) != page


@pytest.mark.parametrize("mode", [1, 2, 3])
def test_a_key_that_may_only_read_does_not_see_the_link_in_messages(cast: Cast, mode: int) -> None:
    booking = cast.booked()
    run_due(at_most=10)
    token, path = token_of(booking), f"/api/bookings/{booking.pk}/messages?page=1"
    assert token in caller(cast.bea).get(path).content.decode()
    body = caller(make_key(mode=mode)[1]).get(path)
    if mode == 2:
        assert body.status_code == 403
        return
    assert (token in body.content.decode()) == (mode == 3)
    assert ("/v/[hidden]" in body.content.decode()) == (mode == 1)


def test_a_booking_that_an_older_release_wrote_has_no_page_yet_and_its_mails_go(cast: Cast) -> None:
    booking = cast.booked()
    Booking.objects.update(visit=None)
    run_due(at_most=10)
    mail = Message.objects.get(booking_id=booking.pk)
    assert (mail.state, "/v/" in mail.text) == ("kept", False)
