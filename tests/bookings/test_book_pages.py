"""The booking page from choice to visit, without JavaScript and without a cookie (contract §9)."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
import time_machine

from bookings.models import Booking, BookingEvent, SpentChallenge, Visit, WaitlistEntry
from bookings.self_service.visit_link import page_url
from staff.models import SalonSettings
from tests.cast.book_pages import (
    NOOR,
    TUESDAY_AT_TEN,
    Reader,
    inputs_of,
    make_reader,
    starts_of,
    the_code,
)
from tests.cast.bookings import MORNING
from tests.cast.factories import make_location, make_service
from tests.cast.online import everything, mails
from tests.cast.pages import heading_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _morning() -> Any:
    with time_machine.travel(MORNING, tick=False):
        yield


@pytest.fixture
def reader() -> Reader:
    return make_reader(business_phone="+31 20 123 4567")


def alert_of(answer: Any) -> str:
    found = re.search(r'<p class="wrong" role="alert">(.*?)</p>', answer.content.decode(), re.DOTALL)
    return html.unescape(found[1]) if found else ""


def test_from_choice_to_visit(reader: Reader) -> None:
    salon = reader.online.salon
    salon.service.category, salon.service.description = "Hair", "Wash and cut"
    salon.service.save()
    before = everything()
    choose = reader.ask()
    assert heading_of(choose) == "What may we do for you?"
    assert "Hair Haircut 1 h €40.00 Wash and cut With whom? Anybody Shows the most times Bea Bakker Cora" in (
        text_of(choose)
    )
    times = reader.ask(service=reader.service, staff="")
    assert heading_of(times) == "When would you like to come?"
    assert "First free: Friday 20 March, 09:00, with Bea Bakker" in text_of(times)
    assert "Tuesday 24 March 29 free times Morning , Tuesday 24 March Tuesday 24 March, 09:00" in (
        text_of(times)
    )
    assert TUESDAY_AT_TEN in starts_of(times)
    you = reader.ask(service=reader.service, start=TUESDAY_AT_TEN)
    assert heading_of(you) == "Who is coming?"
    assert "Tuesday 24 March, 10:00, with Bea Bakker Haircut, 1 h, €40.00" in text_of(you)
    assert everything() == before
    done = reader.send()
    visit = Visit.objects.get()
    assert (done.status_code, done.headers["Location"]) == (303, page_url(visit))
    booking = Booking.objects.get()
    assert (booking.source, booking.status, booking.notes) == ("online", "scheduled", "First time here")
    assert visit.contact_typed is not None
    assert visit.contact_typed["marketing_consent"] is False
    assert mails() == [("booking.created", "noor@example.com", "waiting")]
    assert not reader.browser.cookies


def test_the_same_form_twice_is_one_visit(reader: Reader) -> None:
    page = inputs_of(reader.ask(**reader.you()))
    sent = page | NOOR | {"altcha": reader.proof()}
    first, again = reader.post(reader.you(), sent), reader.post(reader.you(), sent)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["Location"] == again.headers["Location"]
    other = reader.post(reader.you(), sent | {"first_name": "Nora"})
    assert (other.status_code, Visit.objects.count()) == (422, 1)
    assert alert_of(other).startswith("You have sent this form before, with other details.")
    assert inputs_of(other)["key"] != page["key"]


def test_several_services_are_one_visit_in_their_order(reader: Reader) -> None:
    salon = reader.online.salon
    colour = make_service("Colour", duration_minutes=90, price="80.00")
    salon.bea.services.add(colour)
    both = f"{colour.key},{salon.service.key}"
    times = reader.ask(service=both, staff=str(salon.bea.key))
    assert "Colour, 1 h 30 min, €80.00 Haircut, 1 h, €40.00 · begin with Haircut" in text_of(times)
    query = {"service": both, "staff": str(salon.bea.key), "start": starts_of(times)[5]}
    assert "Together: 2 h 30 min · €120.00" in text_of(reader.ask(**query))
    assert reader.send(query).status_code == 303
    items = Booking.objects.order_by("position")
    assert [each.service.name for each in items] == ["Colour", "Haircut"]
    assert {each.staff_id for each in items} == {salon.bea.pk}
    assert [each.staff_requested for each in items] == [True, True]
    assert Visit.objects.count() == 1


def test_what_a_stranger_may_not_say_is_not_heard(reader: Reader) -> None:
    salon = reader.online.salon
    taken = salon.book(start_at="2026-03-24 15:00:00", end_at="2026-03-24 16:00:00")
    forged = {
        "price": "1.00",
        "status": "completed",
        "client_id": str(salon.bob.pk),
        "staff_id": str(salon.bea.pk),
        "allow_overlap": "1",
        "session_of": str(taken["id"]),
        "hold_token": "a" * 43,
        "notify": "0",
        "reason": "mine",
        "internal_notes": "mine",
    }
    assert reader.send(form=forged).status_code == 303
    booked = Booking.objects.exclude(pk=taken["id"]).get()
    assert (booked.price, booked.status, booked.staff_id) == (salon.service.price, "scheduled", salon.cora.pk)
    assert booked.client_id != salon.bob.pk
    assert "mine" not in str(Booking.objects.values()) + str(BookingEvent.objects.values())


def test_a_choice_that_was_left_out_is_asked_for(reader: Reader) -> None:
    nothing = reader.ask(staff="", go="time")
    assert (heading_of(nothing), alert_of(nothing)) == (
        "What may we do for you?",
        "Please choose at least one service.",
    )
    assert alert_of(reader.ask(service=reader.service, go="time")) == ""
    no_time = reader.ask(service=reader.service, go="you")
    assert (heading_of(no_time), alert_of(no_time)) == (
        "When would you like to come?",
        "Please choose a time.",
    )
    assert "go=" not in no_time.content.decode()


def test_who_does_not_do_everything_does_what_they_do(reader: Reader) -> None:
    salon = reader.online.salon
    nails = make_service("Nails")
    salon.cora.services.add(nails)
    both = f"{salon.service.key},{nails.key}"
    times = reader.ask(service=both, staff=str(salon.bea.key))
    assert "Somebody else does this for you: Nails." in text_of(times)
    assert "with Bea Bakker and Cora" in text_of(times)


@pytest.mark.parametrize(
    ("entered", "faults"),
    [
        (
            {"first_name": " ", "last_name": "", "email": "", "accepts": ""},
            {
                "accepts": "Please read and accept our terms.",
                "first_name": "Please enter your first name.",
                "last_name": "Please enter your last name.",
                "email": "Please enter your e-mail address.",
            },
        ),
        ({"email": "noor at home"}, {"email": "This is no e-mail address we can write to."}),
        ({"phone": "call me"}, {"phone": "Please enter the number with its area code"}),
        ({"note": "x" * 1001}, {"note": "Please shorten your note."}),
        ({"accepts": ""}, {"accepts": "Please read and accept our terms."}),
        ({"policy_version": "0"}, {"accepts": "Our terms have changed. Please read them again."}),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_in_a_summary(
    entered: dict[str, str], faults: dict[str, str]
) -> None:
    reader = make_reader(policy_text={"en": "Come in time."}, policy_version=3)
    proof = reader.proof()
    before = everything()
    answer = reader.send(altcha=proof, proves=False, form=entered)
    assert (answer.status_code, everything()) == (400, before)
    body = answer.content.decode()
    assert "<title>Error: " in body
    for name, sentence in faults.items():
        assert f'<a href="#{name}">{sentence}' in body
        assert f'<p class="fault" id="{name}-fault">{sentence}' in body
        assert re.search(rf'id="{name}"[^>]*aria-invalid="true"[^>]*aria-describedby="{name}-fault', body)
    assert body.count('<a href="#') == len(faults)
    kept = inputs_of(answer)
    for name in NOOR.keys() - entered.keys():
        assert kept[name] == NOOR[name]
    assert "Come in time." in text_of(answer)


def test_a_program_is_sent_back(reader: Reader) -> None:
    before = everything()
    page = inputs_of(reader.ask(**reader.you())) | NOOR
    quick = reader.browser.post(reader.where(reader.you()), page)
    trapped = reader.post(reader.you(), page | {"website": "https://spam.example"})
    unsigned = reader.post(reader.you(), page | {"opened": "1.0"})
    for answer in (quick, trapped, unsigned):
        assert (answer.status_code, alert_of(answer)[:24]) == (400, "That was very quick. Ple")
    assert everything() == before


def test_without_a_proof_the_code_is_asked(reader: Reader) -> None:
    asked = reader.send(proves=False)
    assert (asked.status_code, heading_of(asked)) == (200, "Please enter the code from our e-mail")
    assert "We have sent six digits to noor@example.com. They are valid until 09:11." in text_of(asked)
    assert "Until then we keep the time for you." in text_of(asked)
    assert (mails(), Visit.objects.count()) == ([("visit.code", "noor@example.com", "waiting")], 0)
    wrong = reader.post(reader.you(), inputs_of(asked) | {"code": "000000"})
    assert wrong.status_code == 400
    assert "This is not the code. You can try 4 more times." in text_of(wrong)
    back = reader.post(reader.you(), inputs_of(wrong) | {"back": "1"})
    assert (heading_of(back), inputs_of(back)["first_name"]) == ("Who is coming?", "Noor")
    assert "Tuesday 24 March at 10:00" in text_of(back)
    done = reader.post(reader.you(), inputs_of(wrong) | {"code": f" {the_code()[:3]} {the_code()[3:]} "})
    assert (done.status_code, Visit.objects.count()) == (303, 1)
    assert inputs_of(wrong)["note"] == "First time here"


def test_five_wrong_codes_are_enough(reader: Reader) -> None:
    asked = reader.send(proves=False)
    for _ in range(5):
        answer = reader.post(reader.you(), inputs_of(asked) | {"code": "abc"})
    assert answer.status_code == 400
    answer = reader.post(reader.you(), inputs_of(asked) | {"code": the_code()})
    assert (answer.status_code, Visit.objects.count()) == (409, 0)
    assert alert_of(answer).startswith("This code is no longer valid.")
    anew = reader.post(reader.you(), inputs_of(answer))
    assert heading_of(anew) == "Please enter the code from our e-mail"
    assert reader.post(reader.you(), inputs_of(anew) | {"code": the_code()}).status_code == 303


def test_taken_meanwhile_the_three_nearest_are_offered(reader: Reader) -> None:
    salon = reader.online.salon
    query = reader.you(staff=str(salon.bea.key))
    page = inputs_of(reader.ask(**query)) | NOOR
    salon.book()
    before = everything()
    taken = reader.post(query, page | {"altcha": reader.proof()})
    assert taken.status_code == 409
    assert alert_of(taken).startswith("We are sorry: somebody else was a little quicker.")
    nearest = ["2026-03-24T08:00Z", "2026-03-24T10:00Z", "2026-03-24T10:15Z"]
    assert starts_of(taken) == nearest
    assert everything() == before
    kept = inputs_of(taken)
    assert kept["key"] != page["key"], "another time is another submission"
    assert {name: kept[name] for name in NOOR} == NOOR
    done = reader.post(query, kept | {"altcha": reader.proof(), "start": nearest[1]})
    assert done.status_code == 303
    assert Booking.objects.filter(start_at="2026-03-24T10:00Z", staff=salon.bea).count() == 1
    stale = reader.ask(**query)
    assert (stale.status_code, alert_of(stale)) == (
        409,
        "This time is no longer free. Please choose another one.",
    )
    assert heading_of(stale) == "When would you like to come?"


def test_a_request_says_that_it_is_one() -> None:
    reader = make_reader(online_booking="request")
    you = reader.ask(**reader.you())
    assert "We will answer your request by e-mail. Only then the appointment is certain." in text_of(you)
    assert ">Send the request</button>" in you.content.decode()
    assert reader.send().status_code == 303
    booking = Booking.objects.get()
    assert (booking.status, booking.provisional_token) == ("provisional", None)


def test_nothing_free_leads_to_the_waitlist(reader: Reader) -> None:
    salon = reader.online.salon
    for person in (salon.bea, salon.cora):
        person.working_hours.all().delete()
    page = reader.ask(service=reader.service)
    assert heading_of(page) == "Wait for a free time"
    assert alert_of(page).startswith("Nothing is free at the moment.")
    query = {"service": reader.service, "wait": "2026-03-26", "staff": str(salon.bea.key)}
    assert inputs_of(reader.ask(**query))["wait"] == "2026-03-26"
    before = everything()
    far = reader.send(query, proves=False, wait="9999-12-31")
    assert (far.status_code, inputs_of(far)["email"]) == (400, "noor@example.com")
    assert alert_of(far) == "There is no waitlist for this day. Please choose another one."
    assert everything() == before
    asked = reader.send(query, proves=False, wait="2026-03-27")
    assert heading_of(asked) == "Please enter the code from our e-mail"
    done = reader.post(query, inputs_of(asked) | {"code": the_code()})
    assert (done.status_code, heading_of(done)) == (200, "You are on our waitlist")
    assert "We will write to noor@example.com as soon as a time comes free." in text_of(done)
    entry = WaitlistEntry.objects.get()
    assert (str(entry.date), entry.staff_id, entry.service_id) == (
        "2026-03-27",
        salon.bea.pk,
        salon.service.pk,
    )
    # Who waits already is answered alike, and has paid alike: the proof is spent.
    proof = reader.proof()
    again = reader.send(query, wait="2026-03-27", altcha=proof)
    assert (again.status_code, heading_of(again)) == (200, "You are on our waitlist")
    assert (WaitlistEntry.objects.count(), SpentChallenge.objects.count()) == (1, 1)
    assert Booking.objects.count() == 0


def test_days_ahead_are_turned_and_the_first_free_is_found(reader: Reader) -> None:
    salon = reader.online.salon
    for person in (salon.bea, salon.cora):
        person.working_hours.update(valid_from="2026-04-20")
    page = reader.ask(service=reader.service)
    assert "First free: Monday 20 April, 09:00, with Bea Bakker" in text_of(page)
    assert text_of(page).count("nothing free") == 14
    assert "from=2026-04-20" in page.content.decode()
    assert "from=2026-04-03" in page.content.decode()
    later = reader.ask(service=reader.service, **{"from": "2026-04-20"})
    assert "Monday 20 April 29 free times" in text_of(later)
    assert "from=2026-04-06" in later.content.decode()
    for odd in ("2020-01-01", "tomorrow", "0001-01-01"):
        assert reader.ask(service=reader.service, **{"from": odd}).status_code == 200
    last = reader.ask(service=reader.service, **{"from": "9999-12-31"})
    assert (last.status_code, "The next 14 days" in text_of(last)) == (200, False)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/New_York"])
def test_a_start_at_the_ends_of_the_calendar_is_none(reader: Reader, zone: str) -> None:
    SalonSettings.objects.update(timezone=zone)
    before = everything()
    for odd in ("9999-12-31T23:59Z", "0001-01-01T00:00Z"):
        assert heading_of(reader.ask(**reader.you(odd))) == "When would you like to come?"
        assert reader.browser.post(reader.where(reader.you(odd)), {}).status_code < 500
    assert everything() == before


def test_a_hidden_service_is_found_by_its_key_and_nobody_by_an_id(reader: Reader) -> None:
    salon = reader.online.salon
    hidden = make_service("Secret", hidden=True)
    salon.bea.services.add(hidden)
    assert "Secret" not in text_of(reader.ask())
    assert heading_of(reader.ask(service=str(hidden.key))) == "When would you like to come?"
    for unknown in (str(hidden.pk), str(salon.service.pk), "x", "00000000-0000-0000-0000-000000000000"):
        answer = reader.ask(service=unknown, staff=str(salon.bea.pk))
        assert heading_of(answer) == "What may we do for you?"
        assert "Secret" not in text_of(answer)


def test_a_class_is_booked_by_itself(reader: Reader) -> None:
    salon = reader.online.salon
    pilates = make_service("Pilates", min_capacity=1, max_capacity=6)
    salon.bea.services.add(pilates)
    both = reader.ask(service=f"{pilates.key},{salon.service.key}")
    assert (both.status_code, alert_of(both)) == (
        400,
        "A class is booked by itself. Please choose it alone.",
    )
    seven = [make_service(f"Service {number}") for number in range(7)]
    salon.bea.services.add(*seven)
    many = reader.ask(service=",".join(str(each.key) for each in seven))
    assert (many.status_code, alert_of(many)) == (400, "Please choose one to six services.")
    query = {"service": str(pilates.key), "start": starts_of(reader.ask(service=str(pilates.key)))[5]}
    assert reader.send(query).status_code == 303
    assert "5 places left" in text_of(reader.ask(service=str(pilates.key)))


def test_branches_have_pages_of_their_own(reader: Reader) -> None:
    salon = reader.online.salon
    north, _south = (
        make_location("North", slug="north", address="Noordkade 1"),
        make_location("South", slug="south"),
    )
    salon.bea.location = north
    salon.bea.save()
    assert "All branches North South" in text_of(reader.ask())
    times = reader.ask(service=reader.service, staff=str(salon.bea.key))
    assert "First free: Friday 20 March, 09:00, with Bea Bakker, North" in text_of(times)
    reader.path = "/book/north"
    you = text_of(reader.ask(**reader.you()))
    assert "Tuesday 24 March, 10:00, with Bea Bakker North, Noordkade 1 Haircut" in you
    times = text_of(reader.ask(service=reader.service))
    assert ("with Bea Bakker" in times, "Cora" in times) == (True, False)
    assert reader.send().status_code == 303
    assert Booking.objects.get().staff_id == salon.bea.pk
    for unknown in ("/book/west", "/book/a/b", "/book/1"):
        answer = reader.browser.get(unknown)
        assert (answer.status_code, heading_of(answer)) == (404, "There is no such page")


def test_off_it_says_how_to_reach_the_salon(reader: Reader) -> None:
    page = inputs_of(reader.ask(**reader.you())) | NOOR | {"altcha": reader.proof()}
    SalonSettings.objects.update(online_booking="off")
    before = everything()
    shown, sent = reader.ask(), reader.post(reader.you(), page)
    assert (shown.status_code, sent.status_code) == (200, 409)
    for answer in (shown, sent):
        assert heading_of(answer) == "We take no bookings online at the moment"
        assert "Please call us on +31 20 123 4567." in text_of(answer)
    assert everything() == before


def test_off_what_was_booked_before_is_answered_as_it_was(reader: Reader) -> None:
    page = inputs_of(reader.ask(**reader.you())) | NOOR | {"altcha": reader.proof()}
    booked = reader.post(reader.you(), page)
    SalonSettings.objects.update(online_booking="off")
    before = everything()
    again = reader.post(reader.you(), page)
    assert (again.status_code, again["Location"]) == (303, booked["Location"])
    other = reader.post(reader.you(), page | {"first_name": "Nora"})
    assert heading_of(other) == "We take no bookings online at the moment"
    assert everything() == before


def test_a_third_visit_is_asked_for_by_telephone(reader: Reader) -> None:
    for start in ("2026-03-24T09:00Z", "2026-03-25T09:00Z"):
        assert reader.send(reader.you(start)).status_code == 303
    before = Visit.objects.count()
    third = reader.send(reader.you("2026-03-26T09:00Z"))
    assert (third.status_code, Visit.objects.count()) == (409, before)
    assert alert_of(third).startswith("Two visits booked online are ahead of you already.")
    assert inputs_of(third)["email"] == "noor@example.com"
