"""The one fee of a visit of which something was missed (contract §7 "no-show fee")."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bookings.models import NoShowFee
from clients.models import Client
from notifications.models import Job, Notification
from tests.cast.bookings import MORNING
from tests.cast.factories import caller
from tests.cast.visits import Desk, make_desk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]


def charging(**settings: Any) -> Desk:
    """Half of what was missed, at least 10.00 EUR; the colour is 70.00, the cut 40.00."""
    desk = make_desk(
        noshow_enabled=True,
        noshow_fee_type="percent",
        noshow_fee_value=50,
        noshow_fee_minimum=10,
        **settings,
    )
    desk.colour.price = Decimal(70)
    desk.colour.save()
    return desk


def item(desk: Desk, booking_id: int, **changes: Any) -> Any:
    answer = desk.salon.put({"id": booking_id}, changes)
    assert answer.status_code == 200, answer.json()
    return answer.json()


def fees() -> list[tuple[int, str]]:
    return list(NoShowFee.objects.order_by("id").values_list("amount_minor", "state"))


def missed(desk: Desk) -> int:
    desk.salon.alice.refresh_from_db()
    return desk.salon.alice.no_show_count


def pending(type: str) -> list[Job]:
    return list(Job.objects.filter(type=type, state="pending").order_by("id"))


def test_the_fee_is_of_all_that_was_missed_once_nothing_stands() -> None:
    desk = charging()
    colour, cut = desk.book()["booking_ids"]
    item(desk, colour, status="no-show")
    assert (fees(), pending("noshow.fee"), missed(desk)) == ([], [], 1)
    item(desk, cut, status="no-show")
    assert (fees(), len(pending("noshow.fee")), missed(desk)) == ([(5500, "due")], 1, 1)


def test_who_came_for_one_of_two_pays_for_the_other() -> None:
    desk = charging()
    colour, cut = desk.book()["booking_ids"]
    item(desk, cut, status="no-show")
    assert fees() == []
    item(desk, colour, status="completed")
    assert fees() == [(2000, "due")]


def test_cancelling_the_rest_makes_the_fee_due() -> None:
    desk = charging()
    visit = desk.book()
    colour, cut = visit["booking_ids"]
    item(desk, cut, status="no-show")
    desk.changed(visit, {"items": {"remove": [colour]}})
    assert fees() == [(2000, "due")]


@pytest.mark.parametrize(
    ("settings", "amount"),
    [
        ({"noshow_fee_value": 5}, 1000),
        ({"noshow_fee_type": "fixed", "noshow_fee_value": 25}, 2500),
        ({"noshow_fee_value": "33.33"}, 3666),
    ],
)
def test_there_is_one_minimum_one_fixed_amount_and_one_rounding(settings: Any, amount: int) -> None:
    desk = charging()
    assert caller(desk.salon.ada).put("/api/settings", settings, format="json").status_code == 200
    desk.changed(desk.book(), {"status": "no-show"})
    assert (fees(), missed(desk)) == ([(amount, "due")], 1)


def test_one_item_that_leaves_no_show_voids_the_fee_and_makes_the_one_then_due() -> None:
    desk = charging()
    visit = desk.book()
    colour, cut = visit["booking_ids"]
    desk.changed(visit, {"status": "no-show"})
    item(desk, colour, status="completed")
    assert (fees(), missed(desk)) == ([(5500, "void"), (2000, "due")], 1)
    [job] = pending("noshow.fee")
    assert job.payload == {"fee_id": NoShowFee.objects.get(state="due").pk}
    item(desk, cut, status="completed")
    assert (fees(), missed(desk)) == ([(5500, "void"), (2000, "void")], 0)
    assert pending("noshow.fee") == []


def test_a_paid_fee_stays_and_the_admins_are_told() -> None:
    desk = charging()
    visit = desk.book()
    cut = visit["booking_ids"][1]
    desk.changed(visit, {"status": "no-show"})
    NoShowFee.objects.update(state="paid", paid_at=MORNING)
    item(desk, cut, status="completed")
    assert fees() == [(5500, "paid"), (0, "not_charged")]
    told = Notification.objects.filter(type="noshow.paid")
    assert list(told.values_list("staff__name", flat=True)) == ["Ada Admin"]


def test_a_fee_is_made_anew_when_a_missed_item_turns_out_to_be_anothers() -> None:
    desk = charging()
    visit = desk.book()
    colour, _cut = visit["booking_ids"]
    desk.changed(visit, {"status": "no-show"})
    item(desk, colour, client_id=desk.salon.bob.pk)
    due = NoShowFee.objects.filter(state="due")
    assert set(due.values_list("client_id", "amount_minor")) == {
        (desk.salon.alice.pk, 2000),
        (desk.salon.bob.pk, 3500),
    }
    assert missed(desk) == 1
    assert Client.objects.get(pk=desk.salon.bob.pk).no_show_count == 1


@pytest.mark.parametrize("handed_over", [False, True])
def test_a_no_show_is_counted_back_where_an_item_is_added_in_the_same_call(handed_over: bool) -> None:
    desk = charging()
    visit = desk.book()
    _colour, cut = visit["booking_ids"]
    item(desk, cut, status="no-show")
    assert missed(desk) == 1
    what = {"client_id": desk.salon.bob.pk} if handed_over else {"status": "scheduled"}
    desk.changed(visit, {**what, "items": {"add": [desk.item(desk.cut, desk.salon.bea)]}})
    assert missed(desk) == 0
    desk.salon.bob.refresh_from_db()
    assert desk.salon.bob.no_show_count == int(handed_over)
