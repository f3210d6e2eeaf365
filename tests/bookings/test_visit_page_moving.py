"""Moving one's own visit: what is offered, what a click does, who may be chosen (contract §8 "moving")."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from time_machine import Traveller

from bookings import lifecycle
from bookings.models import Booking, BookingEvent, Visit, WaitlistEntry, WaitlistOffer
from notifications.execution import run_due
from notifications.models import Job, Message, Notification
from staff.access.actor import SYSTEM
from staff.models import Staff
from tests.cast.factories import (
    make_client,
    make_cora,
    make_holiday,
    make_hours,
    make_location,
    make_salon,
    make_service,
)
from tests.cast.pages import NOW, START, Cast, browser, everything, make_cast, statements_of, text_of
from tests.cast.visit_page import choices_at, page_of, post_json, post_page, shown_at

pytestmark = [pytest.mark.django_db, pytest.mark.clock_at(NOW)]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def cast() -> Cast:
    cast = make_cast()
    make_hours(cast.bea)
    return cast


def choice(booking: Booking, start_at: object, *people: Staff) -> str:
    ids = "-".join(str(each.pk) for each in people) or str(booking.staff_id)
    return f"{start_at.isoformat()} {ids}"  # type: ignore[attr-defined]


def starts_on(booking: Booking, day: str, query: str = "") -> list[str]:
    """What the page offers on that day."""
    return [label for label in choices_at(page_of(booking, f"move{query}")) if label.startswith(day)]


def test_a_start_off_the_grid_stays_with_another_person_and_is_offered_to_nobody_else(cast: Cast) -> None:
    cora = make_cora(services=[cast.service])
    make_hours(cora)
    odd = START + timedelta(minutes=7)
    booking = cast.booked(start_at=odd, end_at=odd + HOUR)
    assert post_page(booking, "move", start=choice(booking, odd + timedelta(minutes=15))).status_code == 409
    assert post_page(booking, "move", start=choice(booking, odd, cora)).status_code == 200
    moved = Booking.objects.get()
    assert (moved.start_at, moved.staff_id) == (odd, cora.pk)


def test_the_grid_is_of_whoever_may_take_the_first_item(cast: Cast) -> None:
    """Cora opens off Bea's grid: both grids are offered, whoever is free then takes it."""
    cora = make_cora(services=[cast.service])
    make_hours(cora, opens="09:10")
    booking = cast.booked()
    cast.booked(client_id=make_client("Bob").pk, start_at=START + DAY, end_at=START + DAY + HOUR)
    offered = choices_at(page_of(booking, "move"))
    day = "Wednesday 25 November at"
    assert f"{day} 10:10, with Cora Claes" in offered
    assert f"{day} 10:00, with Cora Claes" in offered
    assert f"{day} 09:10, with Bea Bakker" not in offered
    value = offered[f"{day} 10:00, with Cora Claes"]
    assert post_page(booking, "move", start=value).status_code == 200
    moved = Booking.objects.get(pk=booking.pk)
    assert (moved.start_at, moved.staff_id) == (START + DAY, cora.pk)


def test_its_own_time_counts_as_free_and_where_it_stands_is_no_move(cast: Cast) -> None:
    booking = cast.booked()
    cast.booked(client_id=make_client("Bob").pk, start_at=START + 2 * HOUR, end_at=START + 3 * HOUR)
    day = "Tuesday 24 November at"
    offered = starts_on(booking, day)
    assert offered[:9] == [
        f"{day} {clock}, with Bea Bakker"
        for clock in ("09:00", "09:15", "09:30", "09:45", "10:15", "10:30", "10:45", "11:00", "13:00")
    ]


def test_a_move_keeps_ids_key_and_uid_and_mails_at_once(cast: Cast) -> None:
    booking = cast.booked()
    run_due(at_most=10)
    bob = make_client("Bob", "Brown")
    WaitlistEntry.objects.create(client=bob, service=cast.service, date=START.date())
    Visit.objects.update(client_confirmed_at=NOW)
    answer = post_page(booking, "move", start=choice(booking, START + DAY))
    assert "Your appointment is moved. An e-mail with the new time is on its way to you." in text_of(answer)
    moved = Booking.objects.get()
    assert (moved.pk, moved.key, moved.start_at, moved.end_at) == (
        booking.pk,
        booking.key,
        START + DAY,
        START + DAY + HOUR,
    )
    visit = Visit.objects.get()
    assert (visit.start_at, visit.client_confirmed_at, visit.client_moves) == (START + DAY, None, 1)
    event = BookingEvent.objects.latest("id")
    assert (event.door, event.actor_type, sorted(event.changes)) == ("page", "client", ["end_at", "start_at"])
    told = Notification.objects.filter(type="booking.moved")
    assert {(each.staff_id, each.body) for each in told} == {
        (person.pk, "Alice Adams, Haircut, Wednesday 25 November 10:00") for person in (cast.bea, cast.ada)
    }
    assert WaitlistOffer.objects.get().start_at == START
    job = Job.objects.get(type="booking.updated")
    assert (job.run_at, job.dedupe_key) == (NOW, f"booking.updated:visit:{visit.pk}")
    run_due(at_most=10)
    mail = Message.objects.get(type="booking.updated")
    assert mail.subject == "Your appointment has been moved to Wednesday 25 November at 10:00"
    assert f"UID:{booking.key}@bookings" in mail.ics
    assert f"SEQUENCE:{visit.version - 1}" in mail.ics
    assert "Was it not you who changed it? Please let us know." in mail.text
    assert "not suit you" not in mail.text


def test_a_salon_s_move_that_waits_to_be_told_is_told_with_the_client_s_and_not_again(
    cast: Cast, clock: Traveller
) -> None:
    booking = cast.booked()
    run_due(at_most=10)
    times = {"start_at": START + HOUR, "end_at": START + 2 * HOUR}
    lifecycle.change(actor=SYSTEM, booking_id=booking.pk, changes=times)
    post_page(booking, "move", start=choice(booking, START + DAY))
    run_due(at_most=10)
    clock.move_to(NOW + HOUR)
    run_due(at_most=10)
    assert list(Message.objects.filter(type="booking.updated").values_list("state", flat=True)) == ["kept"]


@pytest.mark.parametrize("several", [False, True])
def test_moves_of_ten_minutes_share_one_mail_and_the_first_leaves_at_once(
    cast: Cast, clock: Traveller, several: bool
) -> None:
    make_salon(reschedule_limit=None)
    items = [lifecycle.ItemOrder(cast.service.pk, cast.bea.pk)] * (2 if several else 1)
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=items, start_at=START)
    booking = lifecycle.book_visit(actor=SYSTEM, order=order).visit.items[0]
    run_due(at_most=10)
    minute = timedelta(minutes=1)

    def moved(*, at_minute: int, to: int) -> list[str]:
        """Subjects of the mails that the move to that hour lets leave, and their number."""
        clock.move_to(NOW + at_minute * minute)
        start = START + DAY + to * HOUR
        people = [cast.bea.pk] * len(items)
        assert (
            post_json(booking, "reschedule", start_at=start.isoformat(), staff_ids=people).status_code == 200
        )
        return left()

    def left() -> list[str]:
        run_due(at_most=10)
        told = Message.objects.filter(type="booking.updated", state="kept", sent_at=timezone.now())
        return [each.subject[-5:] for each in told.order_by("id")]

    assert moved(at_minute=0, to=0) == ["10:00"]
    assert [moved(at_minute=minute, to=minute % 4 + 1) for minute in (1, 2, 3, 9)] == [[]] * 4
    clock.move_to(NOW + 10 * minute)
    assert left() == ["12:00"]
    assert moved(at_minute=15, to=0) == []
    assert moved(at_minute=16, to=2) == []
    clock.move_to(NOW + 20 * minute)
    assert left() == []
    assert moved(at_minute=21, to=3) == ["13:00"]
    assert Message.objects.filter(type="booking.updated", state="kept").count() == 3


def test_what_is_taken_meanwhile_is_answered_with_the_three_nearest(cast: Cast) -> None:
    booking = cast.booked()
    shown = shown_at(page_of(booking))
    wish = START + DAY
    cast.booked(client_id=make_client("Bob").pk, start_at=wish, end_at=wish + HOUR)
    before = everything()
    answer = browser().post(page_of(booking, "move"), {"shown": shown, "start": choice(booking, wish)})
    assert answer.status_code == 409
    text = text_of(answer)
    assert "That time has just been taken. These are the nearest free ones." in text
    day = "Wednesday 25 November at"
    assert text.count("with Bea Bakker") == 3
    assert all(f"{day} {at}, with Bea Bakker" in text for at in ("09:00", "11:00", "11:15"))
    assert everything() == before


def test_what_no_client_could_book_is_refused(cast: Cast) -> None:
    booking = cast.booked()
    make_holiday((START + 2 * DAY).date())
    assert choices_at(page_of(booking, "move"))
    night, closed, past = START + timedelta(hours=10), START + 2 * DAY, NOW - HOUR
    off_the_grid = START + DAY + timedelta(minutes=7)
    before = everything()
    for start_at in (night, closed, past, START + timedelta(days=400), off_the_grid):
        answer = post_page(booking, "move", start=choice(booking, start_at))
        assert answer.status_code == 409, start_at
        twin = post_json(booking, "reschedule", start_at=start_at.isoformat())
        assert (twin.status_code, twin.json()["code"]) == (409, "slot_taken"), start_at
    for start in ("", "soon", f"{START.isoformat()}", f"{START.isoformat()} x", "2026-13-01T10:00:00Z 1"):
        answer = post_page(booking, "move", start=start)
        assert answer.status_code == 400, start
        assert "Please choose a time." in text_of(answer)
    assert everything() == before


@pytest.mark.parametrize(
    "why_not", ["a class", "service offline", "service gone", "person offline", "person gone"]
)
def test_moving_is_not_offered_where_nobody_could_book_it(cast: Cast, why_not: str) -> None:
    if why_not == "a class":
        cast.service.max_capacity = 3
        cast.service.save()
    booking = cast.booked()
    match why_not:
        case "service offline":
            cast.service.online = False
        case "service gone":
            cast.service.is_active = False
        case "person offline":
            cast.bea.online = False
        case "person gone":
            cast.bea.bookable = False
    cast.service.save()
    cast.bea.save()
    assert "I will come Cancel the appointment You can cancel it" in text_of(browser().get(page_of(booking)))
    before = everything()
    assert browser().get(page_of(booking, "move")).status_code == 409
    answer = post_page(booking, "move", start=choice(booking, START + DAY))
    assert (answer.status_code, "That cannot be done here." in text_of(answer)) == (409, True)
    assert everything() == before
    assert post_page(booking, "cancel").status_code == 200


def test_another_person_is_offered_only_where_the_own_one_is_not_free(cast: Cast) -> None:
    cora = make_cora(services=[cast.service])
    make_hours(cora)
    booking = cast.booked(staff_requested=True)
    run_due(at_most=10)
    cast.booked(client_id=make_client("Bob").pk, start_at=START + DAY, end_at=START + DAY + HOUR)
    day = "Wednesday 25 November at"
    offered = starts_on(booking, day)
    assert f"{day} 10:00, with Cora Claes" in offered
    assert f"{day} 11:00, with Bea Bakker" in offered
    assert len(offered) == 29
    post_page(booking, "move", start=choice(booking, START + DAY, cora))
    moved = Booking.objects.get(pk=booking.pk)
    assert (moved.staff_id, moved.start_at, moved.staff_requested) == (cora.pk, START + DAY, False)
    assert {each.staff_id for each in Notification.objects.filter(type="booking.moved")} == {
        cast.bea.pk,
        cast.ada.pk,
    }
    assert Notification.objects.filter(type="booking.new", staff=cora).count() == 1
    assert Job.objects.filter(type="booking.updated").count() == 1


@pytest.mark.parametrize("where", ["the salon", "the service"])
def test_where_the_client_may_not_take_another_person_none_is_offered(cast: Cast, where: str) -> None:
    cora = make_cora(services=[cast.service])
    make_hours(cora)
    if where == "the salon":
        make_salon(client_may_change_staff=False)
    else:
        cast.service.client_may_change_staff = False
        cast.service.save()
    booking = cast.booked()
    assert "Cora" not in text_of(browser().get(page_of(booking, "move")))
    before = everything()
    for people in ((cora,), (cast.ada,), (cast.bea, cora)):
        assert post_page(booking, "move", start=choice(booking, START + DAY, *people)).status_code == 409
    assert everything() == before


def test_people_of_another_location_are_not_offered(cast: Cast) -> None:
    centre, north = make_location(), make_location("North", "north")
    Staff.objects.filter(pk=cast.bea.pk).update(location=centre)
    cora = make_cora(services=[cast.service], location=north)
    make_hours(cora)
    booking = cast.booked()
    assert booking.location_id == centre.pk
    make_holiday((START + DAY).date())
    assert "Cora" not in text_of(browser().get(page_of(booking, "move")))


def test_it_lasts_as_long_and_keeps_the_buffers_it_was_booked_with(cast: Cast) -> None:
    cast.service.buffer_after_minutes = 30
    cast.service.save()
    booking = cast.booked(end_at=START + timedelta(minutes=90))
    cast.service.buffer_after_minutes = 0
    cast.service.duration_minutes = 15
    cast.service.save()
    cast.booked(client_id=make_client("Bob").pk, start_at=START + DAY, end_at=START + DAY + HOUR)
    day = "Wednesday 25 November at"
    offered = [label.removeprefix(f"{day} ")[:5] for label in starts_on(booking, day)]
    assert (len(offered), offered[0], offered[-1]) == (19, "11:00", "15:30")
    post_page(booking, "move", start=choice(booking, START + DAY + HOUR))
    moved = Booking.objects.get(pk=booking.pk)
    assert moved.end_at - moved.start_at == timedelta(minutes=90)


def test_a_visit_of_several_moves_together_in_one_mail(cast: Cast) -> None:
    cut = make_service("Cut", duration_minutes=30)
    cora = make_cora(services=[cut])
    make_hours(cora)
    cast.bea.services.add(cut)
    items = [
        lifecycle.ItemOrder(cast.service.pk, cast.bea.pk),
        lifecycle.ItemOrder(cut.pk, cora.pk, same_start=True),
        lifecycle.ItemOrder(cut.pk, cast.bea.pk),
    ]
    order = lifecycle.VisitOrder(client_id=cast.alice.pk, items=items, start_at=START)
    visit = lifecycle.book_visit(actor=SYSTEM, order=order).visit
    run_due(at_most=10)
    first = visit.items[0]
    day = "Wednesday 25 November at"
    assert f"{day} 10:00, with Bea Bakker, Cora Claes" in starts_on(first, day)
    post_page(first, "move", start=choice(first, START + DAY, cast.bea, cora, cast.bea))
    rows = list(Booking.objects.order_by("position").values_list("pk", "staff_id", "start_at"))
    assert rows == [
        (visit.items[0].pk, cast.bea.pk, START + DAY),
        (visit.items[1].pk, cora.pk, START + DAY),
        (visit.items[2].pk, cast.bea.pk, START + DAY + HOUR),
    ]
    assert Visit.objects.get().client_moves == 1
    assert Job.objects.filter(type="booking.updated").count() == 1
    told = Notification.objects.filter(type="booking.moved")
    assert {each.staff_id for each in told} == {cast.bea.pk, cora.pk, cast.ada.pk}


def test_two_weeks_are_shown_and_the_way_leads_on_and_back(cast: Cast) -> None:
    booking = cast.booked()
    here = browser().get(page_of(booking, "move")).content.decode()
    assert "move?from=2026-12-04" in here
    assert "Thursday 3 December, 29 times" in here
    assert "Friday 4 December" not in here
    later = browser().get(page_of(booking, "move?from=2026-12-04")).content.decode()
    assert "move?from=2026-11-20" in later
    assert "Friday 4 December, 29 times" in later
    for odd in ("2020-01-01", "soon", "2199-12-31"):
        assert browser().get(page_of(booking, f"move?from={odd}")).status_code == 200


def test_offering_two_weeks_costs_a_bounded_number_of_statements(cast: Cast) -> None:
    booking = cast.booked()
    page = page_of(booking, "move")
    alone = len(statements_of(lambda: browser().get(page)))
    for name in ("Dora Desk", "Eva Evers", "Fay Faber"):
        person = Staff.objects.create_user(f"{name[:3].lower()}@salon.example", "x", name=name)
        person.services.add(cast.service)
        make_hours(person)
    with_others = len(statements_of(lambda: browser().get(page)))
    assert (alone, with_others) == (13, 13)
