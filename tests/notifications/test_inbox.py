"""/api/notifications: one's own lines (contract §1.5)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from notifications import inapp
from notifications.models import Notification
from tests.cast.factories import caller, make_ada, make_bea, make_cora, make_key, make_salon

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
def bea() -> Any:
    make_salon()
    return make_bea()


def tell(*people: Any, title: str = "New booking", booking_id: int | None = 7) -> None:
    inapp.tell_staff(
        staff_ids=[person.pk for person in people],
        type="booking.new",
        title=title,
        body="Alice, Friday 10:00",
        booking_id=booking_id,
        now=NOON,
    )


def test_a_line_is_printed_with_these_keys(bea):
    tell(bea)
    answer = caller(bea).get("/api/notifications")
    assert answer.status_code == 200
    assert [list(line.items()) for line in answer.json()] == [
        [
            ("id", Notification.objects.get().pk),
            ("type", "booking.new"),
            ("title", "New booking"),
            ("body", "Alice, Friday 10:00"),
            ("booking_id", 7),
            ("is_read", False),
            ("created_at", "2026-11-20 13:00:00"),
        ]
    ]


def test_only_ones_own_newest_first(bea):
    cora = make_cora()
    for title, people in [("first", [bea]), ("hers", [cora]), ("both", [bea, cora])]:
        tell(*people, title=title)
    assert [line["title"] for line in caller(bea).get("/api/notifications").json()] == ["both", "first"]
    assert [line["title"] for line in caller(cora).get("/api/notifications").json()] == ["both", "hers"]


def test_nobody_is_told_twice(bea):
    ada = make_ada()
    inapp.tell_staff(
        staff_ids=[bea.pk, bea.pk, ada.pk], type="booking.new", title="x", now=NOON, and_admins=True
    )
    assert sorted(Notification.objects.values_list("staff_id", flat=True)) == sorted([bea.pk, ada.pk])


def test_pages(bea):
    for number in range(5):
        tell(bea, title=str(number))
    answer = caller(bea).get("/api/notifications?page=2&limit=2").json()
    assert [line["title"] for line in answer.pop("items")] == ["2", "1"]
    assert answer == {"total": 5, "page": 2, "limit": 2, "pages": 3}


def test_unread_alone(bea):
    tell(bea, title="old")
    inapp.mark_all_read(staff_id=bea.pk)
    tell(bea, title="new")
    titles = {
        query: [line["title"] for line in caller(bea).get(f"/api/notifications?unread={query}").json()]
        for query in ("1", "true", "0")
    }
    assert titles == {"1": ["new"], "true": ["new"], "0": ["old"]}


@pytest.mark.parametrize("query", ["unread=2", "unread=", "page=0", "page=x", "page=1&limit=-1"])
def test_a_bad_filter_is_refused(bea, query):
    answer = caller(bea).get(f"/api/notifications?{query}")
    assert answer.status_code == 400
    assert list(answer.json()["details"]) in [["unread"], ["page"], ["limit"]]


def test_how_many_are_unread(bea):
    tell(bea, make_cora())
    tell(bea)
    assert caller(bea).get("/api/notifications/unread-count").json() == {"unread_count": 2}


def test_reading_one(bea):
    tell(bea)
    tell(bea, title="other")
    line = Notification.objects.get(title="New booking")
    for _ in range(2):
        answer = caller(bea).post(f"/api/notifications/{line.pk}/read")
        assert (answer.status_code, answer.json()["is_read"], answer.json()["id"]) == (200, True, line.pk)
    assert caller(bea).get(f"/api/notifications/{line.pk}").json() == answer.json()
    assert list(Notification.objects.filter(is_read=False).values_list("title", flat=True)) == ["other"]


def test_reading_all_of_ones_own(bea):
    tell(bea, make_cora())
    tell(bea)
    assert caller(bea).post("/api/notifications/read-all").json() == {"marked": 2}
    assert caller(bea).post("/api/notifications/read-all").json() == {"marked": 0}
    assert Notification.objects.filter(is_read=False).count() == 1


@pytest.mark.parametrize(("method", "path"), [("get", ""), ("post", "/read")])
def test_anothers_line_is_not_there(bea, method, path):
    tell(make_cora())
    line = Notification.objects.get()
    answer = getattr(caller(bea), method)(f"/api/notifications/{line.pk}{path}")
    assert (answer.status_code, answer.json()) == (
        404,
        {"error": "Notification not found", "code": "not_found"},
    )
    assert not Notification.objects.get().is_read


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("get", "/1"),
        ("get", "/unread-count"),
        ("post", "/1/read"),
        ("post", "/read-all"),
    ],
)
def test_only_a_person_has_notifications(bea, method, path):
    tell(bea)
    _, secret = make_key()
    assert getattr(caller(), method)(f"/api/notifications{path}").status_code == 401
    assert getattr(caller(secret), method)(f"/api/notifications{path}").status_code == 403
    assert not Notification.objects.get().is_read


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("post", "", {"GET", "HEAD", "OPTIONS"}),
        ("delete", "/1", {"GET", "HEAD", "OPTIONS"}),
        ("put", "/1", {"GET", "HEAD", "OPTIONS"}),
        ("get", "/1/read", {"POST", "OPTIONS"}),
        ("get", "/read-all", {"POST", "OPTIONS"}),
    ],
)
def test_other_methods_are_refused(bea, method, path, allowed):
    answer = getattr(caller(bea), method)(f"/api/notifications{path}")
    assert answer.status_code == 405
    assert set(answer["Allow"].split(", ")) == allowed


def test_lines_are_withdrawn_by_booking_and_type(bea):
    tell(bea)
    tell(bea, booking_id=8)
    inapp.withdraw(booking_id=7, type="booking.followup")
    assert Notification.objects.count() == 2
    inapp.withdraw(booking_id=7, type="booking.new")
    assert list(Notification.objects.values_list("booking_id", flat=True)) == [8]
