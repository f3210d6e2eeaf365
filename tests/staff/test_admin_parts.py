"""Parts of services in admin: written in words, each refusal on its field (contract §7)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from staff.models import Service, ServiceDuration, Staff
from tests.cast.factories import make_ada, make_bea, make_salon, make_service
from tests.cast.parts import COLOUR

pytestmark = pytest.mark.django_db

FORM = {
    "name": "Colour",
    "duration_minutes": "",
    "parts": "30, gap 45, 30",
    "buffer_before_minutes": "0",
    "buffer_after_minutes": "0",
    "min_capacity": "1",
    "max_capacity": "1",
    "durations-TOTAL_FORMS": "0",
    "durations-INITIAL_FORMS": "0",
}


@pytest.fixture
def browser() -> Browser:
    make_salon()
    browser = Browser()
    browser.force_login(make_ada())
    return browser


def add(browser: Browser, **changes: str) -> Any:
    return browser.post(reverse("admin:staff_service_add"), FORM | changes)


def change(browser: Browser, service: Service, **changes: str) -> Any:
    return browser.post(reverse("admin:staff_service_change", args=[service.pk]), FORM | changes)


def own(person: Staff, parts: str, minutes: str = "", **more: str) -> dict[str, str]:
    return {
        "durations-TOTAL_FORMS": "1",
        "durations-0-staff": str(person.pk),
        "durations-0-parts": parts,
        "durations-0-duration_minutes": minutes,
        **more,
    }


def errors(answer: Any) -> set[str]:
    """The fields with an error, of the service and of the people's rows."""
    assert answer.status_code == 200
    inline = answer.context["inline_admin_formsets"][0].formset
    rows = {f"durations.{name}" for each in inline.errors for name in each}
    return set(answer.context["adminform"].form.errors) | rows


def test_parts_are_written_in_words(browser: Browser) -> None:
    assert add(browser).status_code == 302
    colour = Service.objects.get()
    assert (colour.duration_minutes, colour.parts) == (105, COLOUR)
    page = browser.get(reverse("admin:staff_service_change", args=[colour.pk]))
    assert 'value="30, gap 45, 30"' in page.content.decode()
    assert change(browser, colour, parts="work 20; GAP 5 , 10", duration_minutes="105").status_code == 302
    colour.refresh_from_db()
    assert (colour.duration_minutes, len(colour.parts)) == (35, 3)
    assert change(browser, colour, parts="", duration_minutes="35").status_code == 302
    colour.refresh_from_db()
    assert (colour.duration_minutes, colour.parts) == (35, [])
    assert change(browser, colour, parts="50").status_code == 302
    colour.refresh_from_db()
    assert (colour.duration_minutes, colour.parts) == (50, [])


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"parts": "30, pause 45, 30"}, {"parts"}),
        ({"parts": "30, 45 gap, 30"}, {"parts"}),
        ({"parts": "٣٠"}, {"parts"}),
        ({"parts": "gap 45, 30"}, {"parts"}),
        ({"parts": "30, gap 4, 30"}, {"parts"}),
        ({"parts": "0"}, {"parts"}),
        ({"parts": "1, 1, 1, 1, 1, 1"}, {"parts"}),
        ({"parts": "999999999999"}, {"parts"}),
        ({"duration_minutes": "100"}, {"duration_minutes"}),
        ({"parts": ""}, {"duration_minutes"}),
        ({"max_capacity": "2"}, {"parts"}),
    ],
)
def test_what_breaks_a_rule_is_refused_on_its_field(
    browser: Browser, changes: dict[str, str], fields: set[str]
) -> None:
    assert errors(add(browser, **changes)) == fields
    assert Service.objects.count() == 0


def test_people_who_take_longer_stand_below(browser: Browser) -> None:
    bea, cut = make_bea(), make_service("Cut", duration_minutes=45)
    plain = {"name": "Cut", "parts": "", "duration_minutes": "45"}
    assert change(browser, cut, **plain, **own(bea, "20, gap 10, 20")).status_code == 302
    row = ServiceDuration.objects.get()
    assert (row.staff, row.duration_minutes, len(row.parts)) == (bea, 50, 3)
    again = {"durations-INITIAL_FORMS": "1", "durations-0-id": str(row.pk)}
    assert errors(change(browser, cut, **plain, **own(bea, "gap 10"), **again)) == {"durations.parts"}
    raised = plain | {"max_capacity": "2"}
    assert errors(change(browser, cut, **raised, **own(bea, "20, gap 10, 20"), **again)) == {
        "durations.parts"
    }
    assert ServiceDuration.objects.get().duration_minutes == 50
    gone = again | {"durations-0-DELETE": "on"}
    assert change(browser, cut, **raised, **own(bea, "20, gap 10, 20"), **gone).status_code == 302
    assert (ServiceDuration.objects.count(), Service.objects.get().max_capacity) == (0, 2)
