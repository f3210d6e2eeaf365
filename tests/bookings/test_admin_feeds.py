"""Calendar feeds in admin: made for whoever works here, the address shown once, changed, revoked."""

from __future__ import annotations

import re

import pytest
from django.test import Client as Browser

from bookings.models import CalendarFeed
from staff.models import Staff
from tests.cast.factories import make_ada, make_bea, make_salon

pytestmark = pytest.mark.django_db

LIST = "/admin/bookings/calendarfeed/"


@pytest.fixture
def bea() -> Staff:
    make_salon()
    return make_bea(email=None, password=None)


@pytest.fixture
def browser(bea: Staff) -> Browser:
    browser = Browser()
    browser.force_login(make_ada(), backend="django.contrib.auth.backends.ModelBackend")
    return browser


def _address(page: str) -> str:
    [address] = re.findall(r'<code id="address">([^<]+)</code>', page)
    return str(address)


def _opens(address: str) -> int:
    path = "/calendar/" + address.rpartition("/calendar/")[2]
    return Browser().get(path, headers={"user-agent": "iOS/20"}).status_code


def test_an_owner_makes_changes_and_revokes_one(browser: Browser, bea: Staff) -> None:
    page = browser.post(LIST + "add/", {"staff": bea.pk, "scope": "own", "detail": "busy"}).content.decode()
    assert "Google looks only every 8 to 24 hours" in page
    first = _address(page)
    assert _opens(first) == 200
    feed = CalendarFeed.objects.get()
    assert (feed.staff_id, feed.scope, feed.detail) == (bea.pk, "own", "busy")
    for shown in (LIST, f"{LIST}{feed.pk}/change/", f"{LIST}{feed.pk}/history/"):
        body = browser.get(shown).content.decode()
        assert first.rpartition("/")[2] not in body
        assert "Bea Bakker" in body
    assert "iOS/20" in browser.get(LIST).content.decode()
    assert browser.get(f"{LIST}{feed.pk}/rotate/").status_code == 405
    second = _address(browser.post(f"{LIST}{feed.pk}/rotate/").content.decode())
    assert (_opens(first), _opens(second)) == (404, 200)
    assert browser.post(f"{LIST}{feed.pk}/delete/", {"post": "yes"}).status_code == 302
    assert _opens(second) == 404
    assert not CalendarFeed.objects.exists()
    assert browser.post(f"{LIST}{feed.pk}/rotate/").status_code == 404


def test_what_is_refused_stands_at_its_field_and_makes_nothing(browser: Browser, bea: Staff) -> None:
    answer = browser.post(LIST + "add/", {"staff": bea.pk, "scope": "location", "detail": "busy"})
    assert answer.context["adminform"].form.errors == {
        "scope": ["This person has no location; choose another scope."]
    }
    assert not CalendarFeed.objects.exists()
