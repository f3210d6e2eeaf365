"""Visits in Django admin: booked, changed and cancelled through the door, each refusal on its field."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser

from bookings.models import Booking, BookingEvent, Visit
from clients.models import Client
from notifications.models import Job, Message
from tests.cast.bookings import MORNING
from tests.cast.factories import make_holiday, make_service
from tests.cast.parts import AMSTERDAM
from tests.cast.visits import Desk, busy, everything, mails, make_desk, one_visit_each, send, times

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.clock_at(MORNING)]

LIST = "/admin/bookings/visit/"
ADD = f"{LIST}add/"


@pytest.fixture
def desk() -> Desk:
    return make_desk()


@pytest.fixture
def browser(desk: Desk) -> Browser:
    browser = Browser()
    browser.force_login(desk.salon.ada)
    return browser


def page_of(visit: dict[str, Any]) -> str:
    return f"{LIST}{visit['id']}/change/"


def row(number: int, service: Any, staff: Any = "", **more: Any) -> dict[str, Any]:
    """What a person fills in in the row of that number, from 1."""
    typed = {"service": getattr(service, "pk", service), "staff": getattr(staff, "pk", staff), **more}
    return {f"items-{number}-{name}": value for name, value in typed.items()}


def form(desk: Desk, *rows: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A visit of Alice at ten on Tuesday 24 March 2026."""
    typed = {
        "client": desk.salon.alice.pk,
        "start_at_0": "2026-03-24",
        "start_at_1": "10:00",
        "status": "scheduled",
        "notes": "",
        "internal_notes": "",
        "reason": "",
        **changes,
    }
    for each in rows:
        typed |= each
    return typed


def colour_and_cut(desk: Desk) -> tuple[dict[str, Any], dict[str, Any]]:
    return row(1, desk.colour, desk.salon.bea), row(2, desk.cut, desk.salon.bea)


def as_shown(browser: Browser, visit: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What a browser would send if nothing else were touched."""
    shown = browser.get(page_of(visit)).context["adminform"].form
    typed = {bound.html_name: bound.value() for bound in shown if bound.value() is not None}
    begins = typed.pop("start_at").astimezone(AMSTERDAM)
    return typed | {"start_at_0": f"{begins:%Y-%m-%d}", "start_at_1": f"{begins:%H:%M:%S}"} | changes


def errors(answer: Any) -> dict[str, list[str]]:
    """Sentences by field: `client`, `2.staff` of the second row, `__all__` above the form."""
    assert answer.status_code == 200
    shown = answer.context["adminform"].form
    found = {name: list(told) for name, told in shown.errors.items()}
    for each in shown.rows:
        found |= {f"{each.number}.{name}": list(told) for name, told in each.errors.items()}
    return found


def test_a_visit_booked_in_admin_is_one_visit_and_one_mail(desk: Desk, browser: Browser) -> None:
    answer = browser.post(ADD, form(desk, *colour_and_cut(desk), notes="No perfume", reason="by telephone"))
    assert answer.status_code == 302, errors(answer)
    visit = Visit.objects.get()
    first, second = visit.items
    assert [(each.service, each.staff, each.notes, each.source) for each in (first, second)] == [
        (desk.colour, desk.salon.bea, "No perfume", "admin"),
        (desk.cut, desk.salon.bea, "No perfume", "admin"),
    ]
    assert times(desk.get({"id": visit.pk}).json()) == ["10:00-11:45 scheduled", "11:45-12:30 scheduled"]
    assert busy(desk.salon.bea) == ["10:00-10:30", "11:15-11:45", "11:45-12:30"]
    assert set(BookingEvent.objects.values_list("door", "actor_id", "reason")) == {
        ("admin", desk.salon.ada.pk, "by telephone")
    }
    send()
    assert mails() == [("booking.created", "kept", "")]
    one_visit_each()


def test_rows_left_out_anybody_and_two_at_once(desk: Desk, browser: Browser) -> None:
    """The third service begins with the second; nobody is named for the first."""
    rows = (
        row(1, desk.cut),
        row(3, desk.colour, desk.salon.bea, staff_requested="on"),
        row(5, desk.cut, desk.salon.cora, after="on"),
    )
    answer = browser.post(ADD, form(desk, *rows))
    assert answer.status_code == 302, errors(answer)
    bookings = Visit.objects.get().items
    assert [(each.service, each.staff_requested) for each in bookings] == [
        (desk.cut, False),
        (desk.colour, True),
        (desk.cut, False),
    ]
    assert bookings[1].start_at == bookings[2].start_at
    assert [each.staff for each in bookings[1:]] == [desk.salon.bea, desk.salon.cora]


def test_a_service_begins_at_its_own_time(desk: Desk, browser: Browser) -> None:
    rows = (row(1, desk.cut, desk.salon.bea), row(2, desk.cut, desk.salon.cora, start_at="10:50"))
    assert browser.post(ADD, form(desk, *rows)).status_code == 302
    visit = Visit.objects.get()
    assert times(desk.get({"id": visit.pk}).json()) == ["10:00-10:45 scheduled", "10:50-11:35 scheduled"]


def test_a_time_before_the_visit_is_of_the_day_after(desk: Desk, browser: Browser) -> None:
    late = {"start_at_0": "2026-03-28", "start_at_1": "23:30"}
    rows = (row(1, desk.cut, desk.salon.bea), row(2, desk.cut, desk.salon.bea, start_at="02:30"))
    before = everything()
    assert set(errors(browser.post(ADD, form(desk, *rows, **late)))) == {"__all__", "2.start_at"}
    assert everything() == before, "on that night there is no half past two"
    rows[1]["items-2-start_at"] = "00:20"
    assert browser.post(ADD, form(desk, *rows, **late)).status_code == 302
    second = Visit.objects.get().items[1]
    assert second.start_at.astimezone(AMSTERDAM).isoformat() == "2026-03-29T00:20:00+01:00"


def test_a_request_asks_the_client_by_mail(desk: Desk, browser: Browser) -> None:
    assert browser.post(ADD, form(desk, *colour_and_cut(desk), status="provisional")).status_code == 302
    assert Visit.objects.get().status == "provisional"
    assert list(Job.objects.values_list("type", flat=True).distinct()) == ["booking.provisional"]


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"client": ""}, {"client"}),
        ({"client": "900000999"}, {"client"}),
        ({"start_at_0": ""}, {"start_at"}),
        ({"start_at_1": "25:00"}, {"start_at"}),
        ({"start_at_0": "2026-03-29", "start_at_1": "02:30"}, {"start_at"}),
        ({"status": "completed"}, {"status"}),
        ({"notes": "\x00"}, {"notes"}),
        ({"reason": "x" * 501}, {"reason"}),
        ({"items-1-service": ""}, {"__all__", "1.service"}),
        ({"items-1-service": "900000999"}, {"__all__", "1.service"}),
        ({"items-1-staff": "900000999"}, {"__all__", "1.staff"}),
        ({"items-2-staff": "x"}, {"__all__", "2.staff"}),
        ({"items-2-service": "", "items-2-after": "on"}, {"__all__", "2.service"}),
        ({"items-2-start_at": "25:00"}, {"__all__", "2.start_at"}),
        ({"items-2-after": "on"}, {"__all__", "2.staff"}),
        ({"items-2-start_at": "09:00"}, {"__all__", "2.start_at"}),
        ({"items-2-start_at": "21:59"}, {"__all__", "2.start_at"}),
    ],
)
def test_each_refusal_stands_at_its_field(
    desk: Desk, browser: Browser, changes: dict[str, str], fields: set[str]
) -> None:
    before = everything()
    answer = browser.post(ADD, form(desk, *colour_and_cut(desk)) | changes)
    assert set(errors(answer)) == fields, errors(answer)
    assert everything() == before
    typed = answer.context["adminform"].form.rows[0]
    assert str(typed["service"].value()) == str(changes.get("items-1-service", desk.colour.pk))


def test_what_is_there_no_more_when_the_door_looks_is_refused_at_its_field(
    desk: Desk, browser: Browser
) -> None:
    """Archived clients and services, classes and people who left are not in the lists to choose from."""
    salon = desk.salon
    lesson = make_service("Lesson", max_capacity=5)
    Client.objects.filter(pk=salon.bob.pk).update(archived_at=MORNING)
    before = everything()
    refused = form(desk, *colour_and_cut(desk), client=salon.bob.pk)
    assert set(errors(browser.post(ADD, refused))) == {"client"}
    refused = form(desk, row(1, desk.cut, salon.bea), row(2, lesson, salon.bea))
    assert set(errors(browser.post(ADD, refused))) == {"__all__", "2.service"}
    salon.cora.is_active = False
    salon.cora.save()
    refused = form(desk, row(1, desk.cut, salon.bea), row(2, desk.cut, salon.cora))
    assert set(errors(browser.post(ADD, refused))) == {"__all__", "2.staff"}
    assert everything() == before


def test_the_first_that_is_filled_in_cannot_begin_with_the_one_before(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    before = everything()
    typed = as_shown(browser, visit) | row(2, desk.cut, desk.salon.cora, after="on")
    told = errors(browser.post(page_of(visit), typed))
    assert set(told) == {"__all__", "2.after"}
    assert told["2.after"] == ["Nothing comes before the first item; it cannot begin with it."]
    assert everything() == before


def test_a_day_on_which_the_salon_is_closed_is_refused_at_the_start(desk: Desk, browser: Browser) -> None:
    make_holiday(MORNING.date() + timedelta(days=4))
    before = everything()
    told = errors(browser.post(ADD, form(desk, *colour_and_cut(desk))))
    assert told == {"start_at": ["The salon is closed on 2026-03-24; choose another date."]}
    assert everything() == before


def test_a_taken_time_names_who_is_there_until_it_is_meant(desk: Desk, browser: Browser) -> None:
    taken = desk.salon.book(start_at="2026-03-24 12:00:00", end_at="2026-03-24 12:30:00")
    before = everything()
    told = errors(browser.post(ADD, form(desk, *colour_and_cut(desk))))
    assert set(told) == {"__all__"}
    assert f"#{taken['id']} 2026-03-24 12:00:00 - 12:30" in told["__all__"][0]
    assert everything() == before
    meant = form(desk, *colour_and_cut(desk), allow_overlap="on")
    assert browser.post(ADD, meant).status_code == 302
    assert Visit.objects.filter(bookings__position=2).count() == 1


def test_nobody_free_is_said_above_the_form(desk: Desk, browser: Browser) -> None:
    for person in (desk.salon.bea, desk.salon.cora):
        desk.salon.book(staff_id=person.pk, start_at="2026-03-24 08:00:00", end_at="2026-03-24 20:00:00")
    before = everything()
    assert set(errors(browser.post(ADD, form(desk, row(1, desk.cut))))) == {"__all__"}
    assert everything() == before


def test_warnings_are_said_and_do_not_stop_it(desk: Desk, browser: Browser) -> None:
    late = form(desk, *colour_and_cut(desk), start_at_1="21:00")
    answer = browser.post(ADD, late, follow=True)
    assert Visit.objects.count() == 1
    levels = [each.level_tag for each in answer.context["messages"]]
    assert sorted(set(levels)) == ["success", "warning"]


def test_a_form_sent_back_as_it_came_changes_nothing(desk: Desk, browser: Browser) -> None:
    visit = desk.book(notes="first time")
    before = everything()
    assert browser.post(page_of(visit), as_shown(browser, visit)).status_code == 302
    assert everything() == before


def test_what_differs_between_its_bookings_stays_so(desk: Desk, browser: Browser) -> None:
    visit = desk.book(notes="for both")
    second = {"id": visit["booking_ids"][1]}
    assert desk.salon.put(second, {"notes": "for the cut"}).status_code == 200
    typed = as_shown(browser, visit, internal_notes="pays cash")
    assert browser.post(page_of(visit), typed).status_code == 302
    assert list(Booking.objects.order_by("id").values_list("notes", "internal_notes")) == [
        ("for both", "pays cash"),
        ("for the cut", "pays cash"),
    ]


def test_moved_by_hand_it_moves_as_a_whole_and_once_only_from_what_was_seen(
    desk: Desk, browser: Browser
) -> None:
    visit = desk.book()
    send()
    typed = as_shown(browser, visit, start_at_1="10:15", reason="client called")
    assert browser.post(page_of(visit), typed).status_code == 302
    assert times(desk.get(visit).json()) == ["10:15-12:00 scheduled", "12:00-12:45 scheduled"]
    assert Job.objects.get(type="booking.updated").state == "pending"
    assert set(BookingEvent.objects.exclude(from_status="").values_list("reason", flat=True)) == {
        "client called"
    }
    before = everything()
    told = errors(browser.post(page_of(visit), typed | {"start_at_1": "11:00"}))
    assert set(told) == {"__all__"} and "changed meanwhile" in told["__all__"][0]
    assert everything() == before


def test_a_visit_that_has_begun_cannot_be_moved(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    done = {"id": visit["booking_ids"][0]}
    assert desk.salon.put(done, {"status": "completed"}).status_code == 200
    before = everything()
    told = errors(browser.post(page_of(visit), as_shown(browser, visit, start_at_1="12:00")))
    assert set(told) == {"start_at"} and "completed" in told["start_at"][0]
    assert everything() == before


def test_cancelled_through_its_status_and_brought_back(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    send()
    assert browser.post(page_of(visit), as_shown(browser, visit, status="cancelled")).status_code == 302
    assert times(desk.get(visit).json()) == ["10:00-11:45 cancelled", "11:45-12:30 cancelled"]
    send()
    assert mails() == [("booking.created", "kept", ""), ("booking.cancelled", "kept", "")]
    assert busy(desk.salon.bea) == []
    assert browser.post(page_of(visit), as_shown(browser, visit, status="scheduled")).status_code == 302
    assert times(desk.get(visit).json()) == ["10:00-11:45 scheduled", "11:45-12:30 scheduled"]


def test_another_client_takes_the_whole_visit(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    typed = as_shown(browser, visit, client=desk.salon.bob.pk)
    assert browser.post(page_of(visit), typed).status_code == 302
    assert set(Booking.objects.values_list("client", flat=True)) == {desk.salon.bob.pk}
    one_visit_each()


def test_bookings_are_ticked_off_and_services_added_in_one_go(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    colour, cut = visit["booking_ids"]
    shown = browser.get(page_of(visit)).content.decode()
    assert "11:45-12:30 Cut with Bea Bakker, scheduled" in shown
    for booking_id in (colour, cut):
        assert f'<a href="/admin/bookings/booking/{booking_id}/change/">booking #{booking_id}</a>' in shown
    typed = as_shown(browser, visit, remove=[cut]) | row(1, desk.cut, desk.salon.cora)
    answer = browser.post(page_of(visit), typed)
    assert answer.status_code == 302, errors(answer)
    assert times(desk.get(visit).json()) == [
        "10:00-11:45 scheduled",
        "11:45-12:30 cancelled",
        "11:45-12:30 scheduled",
    ]
    ticks = re.findall(
        r'name="remove" value="([0-9]+)"([^>]*)>', browser.get(page_of(visit)).content.decode()
    )
    assert [int(booking_id) for booking_id, more in ticks if "disabled" in more] == [cut]


def test_a_hole_is_said(desk: Desk, browser: Browser) -> None:
    cut = desk.item(desk.cut, desk.salon.bea)
    visit = desk.book(items=[cut, cut, cut])
    answer = browser.post(
        page_of(visit), as_shown(browser, visit, remove=[visit["booking_ids"][1]]), follow=True
    )
    said = [each.message for each in answer.context["messages"]]
    assert any(each.startswith("The client waits where the removed booking was") for each in said)


def test_refused_changes_stand_at_their_fields_and_store_nothing(desk: Desk, browser: Browser) -> None:
    salon, visit = desk.salon, desk.book()
    other = salon.book(start_at="2026-03-24 15:00:00", end_at="2026-03-24 16:00:00", staff_id=salon.cora.pk)
    page, before = page_of(visit), everything()
    for changes, fields in (
        ({"remove": [other["id"]]}, {"remove"}),
        ({"remove": ["x"]}, {"remove"}),
        ({"client": ""}, {"client"}),
        ({"status": "gone"}, {"status"}),
        ({"reason": "x" * 501}, {"reason"}),
        (row(1, desk.cut, "900000999"), {"__all__", "1.staff"}),
        (row(2, "", salon.bea), {"__all__", "2.service"}),
        (row(1, desk.cut, salon.cora, start_at="14:50"), {"__all__"}),
    ):
        assert set(errors(browser.post(page, as_shown(browser, visit) | changes))) == fields, changes
        assert everything() == before


def test_nothing_is_added_to_a_visit_of_which_nothing_stands(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    assert desk.delete(visit).status_code == 200
    before = everything()
    typed = as_shown(browser, visit) | row(2, desk.cut, desk.salon.bea)
    assert set(errors(browser.post(page_of(visit), typed))) == {"__all__", "2.service"}
    assert everything() == before


def test_the_list_finds_visits_by_client_and_tells_what_is_left_of_each(desk: Desk, browser: Browser) -> None:
    desk.salon.alice.first_name = "Zoë"
    desk.salon.alice.save()
    visit = desk.book()
    desk.salon.book(client_id=desk.salon.bob.pk, start_at="2026-03-25 10:00", end_at="2026-03-25 11:00")
    desk.salon.delete({"id": visit["booking_ids"][1]})

    def listed(query: str) -> list[int]:
        return [each.pk for each in browser.get(f"{LIST}?{query}").context["cl"].result_list]

    assert len(listed("")) == 2
    for query in ("q=zoe", f"q={visit['id']}", "several=yes", "status__exact=scheduled&q=zoe"):
        assert listed(query) == [visit["id"]], query
    assert visit["id"] not in listed("several=no")
    shown = browser.get(f"{LIST}?q=zoe").content.decode()
    assert '<td class="field-services">Colour with Bea Bakker</td>' in shown


def test_the_list_takes_the_same_statements_for_one_and_for_many(
    desk: Desk, browser: Browser, django_assert_num_queries: Any
) -> None:
    for time in ("08:00", "11:00", "14:00", "17:00"):
        desk.book(time)
        with django_assert_num_queries(9):
            browser.get(LIST)


def test_a_booking_leads_to_its_visit_and_a_client_to_a_new_one(desk: Desk, browser: Browser) -> None:
    visit, alice = desk.book(), desk.salon.alice
    shown = browser.get(f"/admin/bookings/booking/{visit['booking_ids'][1]}/change/").content.decode()
    assert f'<a href="{page_of(visit)}">visit #{visit["id"]}</a>, 2 of 2 bookings' in shown
    add = f"{ADD}?client={alice.pk}"
    assert f'href="{add}"' in browser.get(f"/admin/clients/client/{alice.pk}/change/").content.decode()
    assert browser.get(add).context["adminform"].form["client"].value() == str(alice.pk)
    Client.objects.filter(pk=alice.pk).update(archived_at=MORNING)
    assert f'href="{add}"' not in browser.get(f"/admin/clients/client/{alice.pk}/change/").content.decode()


def test_its_page_tells_the_alert_what_it_costs_and_what_was_sent(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    send()
    assert Message.objects.count() == 1
    Client.objects.update(alert="Allergic to <latex>")
    shown = browser.get(page_of(visit)).content.decode()
    assert '<div class="readonly">Allergic to &lt;latex&gt;</div>' in shown
    assert '<div class="readonly">80.00</div>' in shown
    log = f"/admin/notifications/message/?visit_id={visit['id']}"
    assert f'<a href="{log}">1 in the log</a>' in shown
    assert browser.get(log).context["cl"].result_count == 1


def test_nobody_deletes_a_visit_and_staff_do_not_enter(desk: Desk, browser: Browser) -> None:
    visit = desk.book()
    assert browser.post(f"{LIST}{visit['id']}/delete/", {"post": "yes"}).status_code == 403
    stranger = Browser()
    stranger.force_login(desk.salon.bea)
    assert stranger.get(page_of(visit)).status_code == 302
    assert Visit.objects.count() == 1


def test_the_page_has_no_script_or_style_of_its_own(desk: Desk, browser: Browser) -> None:
    for page in (ADD, page_of(desk.book())):
        shown = browser.get(page).content.decode()
        assert "<style" not in shown and " style=" not in shown and " onclick=" not in shown
        assert "<script>" not in shown


def test_a_client_who_has_been_told_of_a_visit_is_not_mailed(desk: Desk, browser: Browser) -> None:
    typed = form(desk, *colour_and_cut(desk), told_in_person="on")
    answer = browser.post(ADD, typed)
    assert list(errors(answer)) == ["reason"]
    assert not Visit.objects.exists()
    assert browser.post(ADD, typed | {"reason": "at the desk"}).status_code == 302
    assert mails() == []
    items = Booking.objects.order_by("pk")
    assert [each.announced_start_at for each in items] == [each.start_at for each in items]
