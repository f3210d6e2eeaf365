"""/api/reviews and its summary: what clients said, for who may see the visit (contract §1.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from bookings.models import Booking, Feedback
from bookings.self_service.feedback import give_feedback
from config.docs import schema
from staff.models import Service, Staff
from tests.cast.factories import caller, make_client, make_cora, make_key, make_service
from tests.cast.pages import NOW, Cast, erased, make_cast

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]


@pytest.fixture
def cast() -> Cast:
    return make_cast()


@pytest.fixture
def cora(cast: Cast) -> Staff:
    return make_cora(services=[cast.service])


def reviewed(cast: Cast, rating: int, *, days_ago: int = 1, comment: str = "", **changes: Any) -> Feedback:
    """A visit so many days ago, reviewed right after it."""
    start_at = NOW - timedelta(days=days_ago)
    visit = cast.completed(start_at=start_at, **changes)
    return give_feedback(
        token=visit.feedback_token or "", rating=rating, comment=comment, now=start_at + timedelta(hours=3)
    )


def listed(who: Staff | str, query: str = "") -> list[int]:
    answer = caller(who).get(f"/api/reviews{query}")
    assert answer.status_code == 200
    return [item["rating"] for item in answer.json()]


def test_a_review_names_the_visit_and_who_was_there(cast: Cast) -> None:
    review = reviewed(cast, 5, comment="Lovely <b>cut</b>")
    expected = {
        "id": review.pk,
        "booking_id": review.booking_id,
        "start_at": "2026-11-19 10:00:00",
        "client_id": cast.alice.pk,
        "client_name": "Alice Adams",
        "staff_id": cast.bea.pk,
        "staff_name": "Bea Bakker",
        "service_id": cast.service.pk,
        "service_name": "Haircut",
        "rating": 5,
        "comment": "Lovely <b>cut</b>",
        "created_at": "2026-11-19 13:00:00",
    }
    assert caller(cast.bea).get("/api/reviews").json() == [expected]
    assert caller(cast.bea).get(f"/api/reviews/{review.pk}").json() == expected
    assert caller(cast.bea).get("/api/reviews?page=1").json() == {
        "items": [expected],
        "total": 1,
        "page": 1,
        "limit": 50,
        "pages": 1,
    }


def test_the_newest_review_comes_first(cast: Cast) -> None:
    for days_ago, rating in ((3, 1), (2, 2), (1, 3)):
        reviewed(cast, rating, days_ago=days_ago)
    assert listed(cast.ada) == [3, 2, 1]
    page = caller(cast.ada).get("/api/reviews?page=2&limit=2").json()
    assert ([item["rating"] for item in page["items"]], page["total"], page["pages"]) == ([1], 3, 2)


def test_filters_narrow_list_and_summary_alike(cast: Cast, cora: Staff) -> None:
    colour = make_service("Colour")
    bob = make_client("Bob", "Brown")
    reviewed(cast, 1, days_ago=4)
    reviewed(cast, 2, days_ago=3, staff_id=cora.pk)
    reviewed(cast, 3, days_ago=2, service_id=colour.pk)
    reviewed(cast, 4, days_ago=1, client=bob)
    for query, expected in {
        f"?staff_id={cora.pk}": [2],
        f"?service_id={colour.pk}": [3],
        f"?client_id={bob.pk}": [4],
        "?rating=1": [1],
        "?date_from=2026-11-18": [4, 3],
        "?date_to=2026-11-17": [2, 1],
        "?date_from=2026-11-17&date_to=2026-11-18": [3, 2],
        f"?staff_id={cora.pk}&rating=5": [],
        "?staff_id=900000999": [],
    }.items():
        assert listed(cast.ada, query) == expected, query
        assert caller(cast.ada).get(f"/api/reviews/summary{query}").json()["count"] == len(expected)


@pytest.mark.parametrize(
    "query",
    [
        "?staff_id=abc",
        "?staff_id=",
        "?service_id=0",
        "?client_id=1.5",
        "?rating=0",
        "?rating=6",
        "?rating=five",
        "?date_from=yesterday",
        "?date_to=2026-02-30",
    ],
)
def test_a_bad_filter_is_400(cast: Cast, query: str) -> None:
    for path in ("/api/reviews", "/api/reviews/summary"):
        answer = caller(cast.ada).get(f"{path}{query}")
        assert answer.status_code == 400
        assert set(answer.json()["details"]) == {query[1:].partition("=")[0]}
    assert caller(cast.ada).get("/api/reviews?page=0").status_code == 400


@pytest.mark.parametrize("path", ["/api/reviews", "/api/reviews/summary"])
def test_the_document_says_which_ratings_there_are(path: str) -> None:
    [rating] = [each for each in schema()["paths"][path]["get"]["parameters"] if each["name"] == "rating"]
    assert (rating["schema"]["minimum"], rating["schema"]["maximum"]) == (1, 5)


def test_the_summary_has_the_average_of_each_person_and_service(cast: Cast, cora: Staff) -> None:
    colour = make_service("Colour")
    reviewed(cast, 5, days_ago=5)
    reviewed(cast, 4, days_ago=4)
    reviewed(cast, 4, days_ago=3, service_id=colour.pk)
    reviewed(cast, 1, days_ago=2, staff_id=cora.pk)
    assert caller(cast.bea).get("/api/reviews/summary").json() == {
        "count": 4,
        "average": 3.5,
        "ratings": {"1": 1, "2": 0, "3": 0, "4": 2, "5": 1},
        "staff": [
            {"staff_id": cast.bea.pk, "staff_name": "Bea Bakker", "count": 3, "average": 4.33},
            {"staff_id": cora.pk, "staff_name": "Cora Claes", "count": 1, "average": 1.0},
        ],
        "services": [
            {"service_id": colour.pk, "service_name": "Colour", "count": 1, "average": 4.0},
            {"service_id": cast.service.pk, "service_name": "Haircut", "count": 3, "average": 3.33},
        ],
    }


def test_the_summary_of_nothing_has_no_average(cast: Cast) -> None:
    assert caller(cast.bea).get("/api/reviews/summary").json() == {
        "count": 0,
        "average": None,
        "ratings": {"1": 0, "2": 0, "3": 0, "4": 0, "5": 0},
        "staff": [],
        "services": [],
    }


def test_two_people_of_one_name_are_told_apart(cast: Cast) -> None:
    twin = Staff.objects.create(name=cast.bea.name)
    twin.services.set([cast.service])
    reviewed(cast, 5, days_ago=2)
    reviewed(cast, 1, days_ago=1, staff_id=twin.pk)
    staff = caller(cast.ada).get("/api/reviews/summary").json()["staff"]
    assert [(each["staff_id"], each["average"]) for each in staff] == [(cast.bea.pk, 5.0), (twin.pk, 1.0)]


def test_with_the_personal_agenda_one_sees_one_s_own(cast: Cast, cora: Staff) -> None:
    cast.salon.staff_personal_agenda_enabled = True
    cast.salon.save()
    own = reviewed(cast, 5, days_ago=2)
    hers = reviewed(cast, 1, days_ago=1, staff_id=cora.pk)
    desk = Staff.objects.create(name="Dora Desk", sees_all_bookings=True, bookable=False)
    assert listed(cast.bea) == [5]
    assert listed(cora) == [1]
    assert listed(desk) == listed(cast.ada) == [1, 5]
    assert caller(cast.bea).get("/api/reviews/summary").json()["count"] == 1
    assert caller(cast.bea).get(f"/api/reviews/{own.pk}").status_code == 200
    assert caller(cast.bea).get(f"/api/reviews/{hers.pk}").status_code == 404
    assert caller(cast.bea).get("/api/reviews?page=1").json()["total"] == 1
    assert listed(cast.bea, f"?staff_id={cora.pk}") == []


def test_who_may_read(cast: Cast) -> None:
    review = reviewed(cast, 5)
    _, reader = make_key(mode=1)
    _, writer = make_key("Writer", mode=2)
    for path in ("/api/reviews", f"/api/reviews/{review.pk}", "/api/reviews/summary"):
        assert caller().get(path).status_code == 401
        assert caller(cast.bea).get(path).status_code == 200
        assert caller(reader).get(path).status_code == 200
        assert caller(writer).get(path).status_code == 403
        for method in ("post", "put", "patch", "delete"):
            assert getattr(caller(cast.ada), method)(path, {}, format="json").status_code == 405
    assert Feedback.objects.count() == 1


def test_an_unknown_review_is_404(cast: Cast) -> None:
    for name in ("1", "0", "x", str(2**63)):
        answer = caller(cast.ada).get(f"/api/reviews/{name}")
        assert (answer.status_code, set(answer.json())) == (404, {"error", "code"})


def test_after_an_erasure_the_client_has_no_name(cast: Cast) -> None:
    reviewed(cast, 5)
    erased(cast.alice)
    (item,) = caller(cast.ada).get("/api/reviews").json()
    assert (item["client_id"], item["client_name"]) == (None, None)


def test_the_admin_reads_feedback_and_cannot_change_it(cast: Cast) -> None:
    review = reviewed(cast, 5, comment="Lovely <b>cut</b>")
    admin = Browser()
    admin.force_login(cast.ada, backend="django.contrib.auth.backends.ModelBackend")
    found = admin.get("/admin/bookings/feedback/")
    assert found.status_code == 200
    assert "Lovely &lt;b&gt;cut&lt;/b&gt;" in found.content.decode()
    one = admin.get(f"/admin/bookings/feedback/{review.pk}/change/")
    assert one.status_code == 200
    assert 'name="_save"' not in one.content.decode()
    assert admin.post(f"/admin/bookings/feedback/{review.pk}/change/", {"rating": 1}).status_code == 403
    assert admin.post(f"/admin/bookings/feedback/{review.pk}/delete/", {"post": "yes"}).status_code == 403
    assert admin.get("/admin/bookings/feedback/add/").status_code == 403
    review.refresh_from_db()
    assert (review.rating, Booking.objects.count(), Service.objects.count()) == (5, 1, 1)


def test_reviews_are_searched_by_what_was_said_and_who_said_it(cast: Cast) -> None:
    reviewed(cast, 5, comment="Très bien")
    reviewed(cast, 3, days_ago=2, comment="Too short")
    assert listed(cast.bea, "?search=tres") == [5]
    assert listed(cast.bea, "?search=short%20adams") == [3]
    assert listed(cast.bea, "?search=nobody") == []
    summary = caller(cast.bea).get("/api/reviews/summary?search=tres").json()
    assert (summary["count"], summary["average"]) == (1, 5.0)
