"""SELECTs that are written once: the same rows as the queryset they come from, for any values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import BigAutoField, CharField, DateTimeField, Model, QuerySet
from django.db.models.signals import post_init, pre_init
from django.test.utils import CaptureQueriesContext

from bookings.api.serializers import COLUMNS, Printer
from bookings.models import Booking
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from staff.storage.prepared_statements import Blank, Prepared, PreparedRows, new_row
from tests.cast.bookings import make_cast
from tests.cast.factories import make_holiday

pytestmark = pytest.mark.django_db


def standing(status: object, after: object) -> QuerySet[Booking]:
    found: QuerySet[Booking] = Booking.objects.filter(status=status, start_at__gte=after).order_by("start_at")
    return found


def blank_standing() -> QuerySet[Booking]:
    return standing(Blank("status", CharField()), Blank("after", DateTimeField()))


def test_rows_are_those_of_the_queryset():
    cast = make_cast()
    cast.book(notes="é", start_at="2026-03-24 12:00:00", end_at="2026-03-24 13:00:00")
    cast.book()
    prepared = Prepared(lambda: blank_standing().values_list(*COLUMNS))
    for status in ("scheduled", "cancelled"):
        for after in (datetime(2026, 3, 24, 10, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)):
            expected = list(standing(status, after).values_list(*COLUMNS))
            assert [tuple(row) for row in prepared.rows(status=status, after=after)] == expected


def test_whole_rows_are_model_instances_from_the_database():
    cast = make_cast()
    booking = cast.book()
    (found,) = PreparedRows(Booking, blank_standing).all(
        status="scheduled", after=datetime(2000, 1, 1, tzinfo=UTC)
    )
    as_django_makes_it = Booking.objects.get(pk=booking["id"])
    for made in (found, as_django_makes_it):
        state = made.__dict__.pop("_state")
        assert (state.adding, state.db, made.get_deferred_fields()) == (False, "default", set())
    assert vars(found) == vars(as_django_makes_it)
    assert found == as_django_makes_it


@pytest.mark.parametrize("model", [each for each in apps.get_models() if not each._meta.proxy])
def test_no_model_has_a_say_in_how_its_rows_are_made(model):
    """So that `row_of` and `new_row` may make them without asking."""
    assert model.__init__ is Model.__init__
    assert model.from_db.__func__ is Model.from_db.__func__
    assert not pre_init.has_listeners(model)
    assert not post_init.has_listeners(model)


@pytest.mark.parametrize("model", [each for each in apps.get_models() if not each._meta.proxy])
def test_a_new_row_is_what_the_model_makes_of_nothing(model):
    ours, djangos = new_row(model), model()
    state = ours._state
    assert (state.adding, state.db) == (True, None)
    assert ours.get_deferred_fields() == djangos.get_deferred_fields()
    for field in model._meta.concrete_fields:
        if not field.generated and not _made_for_each(field):
            assert vars(ours)[field.attname] == vars(djangos)[field.attname], field


def _made_for_each(field):
    """What differs from row to row: a key, a moment."""
    return field.has_default() and field.get_default() != field.get_default()


def test_a_new_row_has_what_is_said_of_it_and_shares_nothing_with_the_next():
    cast = make_cast()
    said = {"client": cast.alice, "staff_id": cast.bea.pk, "status": "completed", "waitlist": None}
    ours, other, djangos = new_row(Booking, **said), new_row(Booking), Booking(**said)
    ours.foreign_data["a"] = 1
    assert (other.foreign_data, other.client_id, other.status) == ({}, None, "scheduled")
    assert other.key != ours.key
    own = {"_state", "key", "party", "foreign_data", "created_at", "updated_at"}
    assert {name: value for name, value in vars(ours).items() if name not in own} == {
        name: value for name, value in vars(djangos).items() if name not in own
    }
    assert (ours.client, ours.staff, ours.waitlist) == (cast.alice, cast.bea, None)
    assert ours.pk is None


@pytest.mark.parametrize("wrong", ["name", "session", "clients", "pk"])
def test_a_new_row_of_something_unknown_is_an_error(wrong):
    with pytest.raises(TypeError, match=wrong):
        new_row(Booking, **{wrong: 1})


def test_it_is_one_statement_and_sees_every_change():
    make_holiday(date(2026, 12, 25), "Christmas")
    salon = SalonSettings.load()
    SalonSettings.objects.update(business_name="Another")
    with CaptureQueriesContext(connection) as seen:
        assert SalonSettings.load().business_name == "Another"
    assert (len(seen), salon.business_name) == (1, "")


def test_one_booking_is_printed_for_those_who_may_see_it():
    cast = make_cast()
    booking = cast.book()
    printer = Printer(SalonSettings.load())
    expected = {name: value for name, value in booking.items() if name != "warnings"}
    for agenda_of, shown in [(None, expected), (cast.bea.pk, expected), (cast.cora.pk, None)]:
        assert printer.visible(booking["id"], to=replace(SYSTEM, agenda_of=agenda_of)) == shown
    assert printer.visible(booking["id"] + 1, to=SYSTEM) is None


@pytest.mark.parametrize("beyond", [2**63, -(2**63) - 1, 10**30])
def test_a_number_beyond_all_columns_finds_nothing(beyond):
    prepared = PreparedRows(Booking, lambda: Booking.objects.filter(pk=Blank("id", BigAutoField())))
    assert prepared.first(id=beyond) is None


def test_a_blank_without_its_value_is_an_error():
    prepared = PreparedRows(Booking, lambda: Booking.objects.filter(pk=Blank("id", BigAutoField())))
    with pytest.raises(KeyError):
        prepared.first()
