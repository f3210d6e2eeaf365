"""Django admin for the salon's side and the clients: the rules of the API, shown as form errors."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib import admin
from django.test import Client as Browser
from django.urls import reverse
from knox.models import AuthToken

from clients.models import Client
from staff.access.auth import find_key
from staff.models import (
    ApiKey,
    Holiday,
    OpeningException,
    SalonSettings,
    Service,
    Staff,
    TimeOff,
    WorkingHours,
)
from tests.cast.factories import (
    PASSWORD,
    make_ada,
    make_alice,
    make_bea,
    make_booking,
    make_client,
    make_holiday,
    make_hours,
    make_key,
    make_location,
    make_salon,
    make_service,
    make_staff,
    make_time_off,
    token_of,
)

pytestmark = pytest.mark.django_db

NO_HOURS = {
    "working_hours-TOTAL_FORMS": "0",
    "working_hours-INITIAL_FORMS": "0",
    "working_hours-MIN_NUM_FORMS": "0",
    "working_hours-MAX_NUM_FORMS": "1000",
}
NEXT_YEAR = datetime.now(UTC).year + 1
NINE = datetime(NEXT_YEAR, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def ada():
    make_salon()
    return make_ada()


@pytest.fixture
def browser(ada):
    browser = Browser()
    browser.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    return browser


def person_form(person, **changes):
    values = {
        "name": person.name,
        "email": person.email or "",
        "role": person.role,
        "is_active": "on" if person.is_active else "",
        "bookable": "on" if person.bookable else "",
        "phone": person.phone,
        "color": person.color,
        "location": "",
        **NO_HOURS,
    }
    return {name: value for name, value in (values | changes).items() if value is not None}


def errors_of(answer):
    form = answer.context["adminform"].form
    return {name: list(sentences) for name, sentences in form.errors.items()}


def test_every_page_of_the_salon_opens(browser, ada):
    make_hours(make_bea(), weekdays=range(1))
    rows = [
        ada,
        make_service(),
        make_location(),
        WorkingHours.objects.get(),
        make_time_off(ada, NINE),
        make_holiday(date(NEXT_YEAR, 3, 1)),
        make_key()[0],
        make_alice(),
        SalonSettings.load(),
    ]
    token_of(ada)
    rows.append(AuthToken.objects.get())
    for row in rows:
        name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        listed = browser.get(reverse(f"{name}_changelist"), {"q": "a"})
        assert listed.status_code == (302 if isinstance(row, SalonSettings) else 200), name
        assert browser.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200, name
    assert browser.get(reverse("admin:index")).status_code == 200


def test_nothing_that_bookings_refer_to_is_deleted_and_nothing_in_bulk(rf, ada):
    request = rf.get("/")
    request.user = ada
    for model, site_admin in admin.site._registry.items():
        if model._meta.app_label not in ("staff", "clients"):
            continue
        assert "delete_selected" not in site_admin.get_actions(request), model
        deletable = model in (WorkingHours, TimeOff, Holiday, OpeningException)
        assert site_admin.has_delete_permission(request) is deletable, model


def test_staff_may_not_enter(client):
    make_salon()
    client.force_login(make_bea(), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.get("/admin/")
    assert (answer.status_code, answer.url) == (302, "/admin/login/?next=/admin/")


def test_an_administrator_logs_in_with_address_and_password(client):
    make_salon()
    make_ada()
    answer = client.post("/admin/login/", {"username": "Ada@Salon.example", "password": PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/accounts/profile/")
    assert client.get("/admin/").status_code == 200


def test_ten_failures_close_the_account_here_and_at_the_api(client):
    make_salon()
    make_ada()
    for number in range(10):
        name = "ada@salon.example" if number % 2 else "ADA@salon.example"
        client.post("/admin/login/", {"username": name, "password": "wrong"})
    answer = client.post("/admin/login/", {"username": "ada@salon.example", "password": PASSWORD})
    assert answer.status_code == 429
    body = {"email": "ada@salon.example", "password": PASSWORD}
    assert client.post("/api/auth/login", body, content_type="application/json").status_code == 429


def test_an_address_has_thirty_logins_a_minute_in_all(client):
    make_salon()
    make_ada()
    for number in range(30):
        body = {"email": f"person{number}@salon.example", "password": "wrong"}
        assert client.post("/api/auth/login", body, content_type="application/json").status_code == 401
    answer = client.post("/admin/login/", {"username": "ada@salon.example", "password": PASSWORD})
    assert answer.context["form"].non_field_errors() == ["Too many logins from your address; wait a minute."]


def test_a_person_is_added_with_a_password_hashed(browser):
    cut = make_service()
    answer = browser.post(
        reverse("admin:staff_staff_add"),
        person_form(
            Staff(name="Bea Bakker", email="Bea@Salon.example", role="staff"),
            is_active=None,
            services=[cut.pk],
            password1=PASSWORD,
            password2=PASSWORD,
        ),
    )
    assert answer.status_code == 302
    bea = Staff.objects.get(email="bea@salon.example")
    assert bea.check_password(PASSWORD)
    assert bea.is_active
    assert list(bea.services.all()) == [cut]


def test_a_person_without_password_and_address_never_logs_in(browser):
    form = person_form(Staff(name="Chair 2", email="", role="staff"), is_active=None)
    assert browser.post(reverse("admin:staff_staff_add"), form).status_code == 302
    chair = Staff.objects.get(name="Chair 2")
    assert chair.email is None
    assert not chair.has_usable_password()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"password1": PASSWORD, "password2": "another one altogether"}, {"password2"}),
        ({"password1": "short", "password2": "short"}, {"password2"}),
        ({"password1": PASSWORD, "password2": PASSWORD, "email": ""}, {"password1"}),
        ({"role": "admin", "email": ""}, {"email"}),
        ({"email": "ADA@salon.example"}, {"email"}),
        ({"name": ""}, {"name"}),
    ],
)
def test_a_wrong_person_is_refused_on_the_form(browser, changes, fields):
    form = person_form(Staff(name="Bea", email="bea@salon.example", role="staff"), is_active=None)
    answer = browser.post(reverse("admin:staff_staff_add"), form | changes)
    assert answer.status_code == 200
    assert set(errors_of(answer)) == fields
    assert Staff.objects.count() == 1


def test_the_last_administrator_stays_one(browser, ada):
    make_staff("Old Admin", role="admin", is_active=False)
    page = reverse("admin:staff_staff_change", args=[ada.pk])
    for changes in ({"role": "staff"}, {"is_active": ""}):
        answer = browser.post(page, person_form(ada, **changes))
        assert errors_of(answer) == {
            "__all__": ["This is the last active administrator; make somebody else one first."]
        }
    ada.refresh_from_db()
    assert (ada.role, ada.is_active) == ("admin", True)


def test_deactivating_ends_the_logins_and_names_what_is_still_booked(browser):
    bea = make_bea()
    token_of(bea)
    booking = make_booking(client=make_alice(), staff=bea, service=make_service(), start_at=NINE)
    page = reverse("admin:staff_staff_change", args=[bea.pk])
    answer = browser.post(page, person_form(bea, is_active=""), follow=True)
    assert f"Still booked: #{booking.pk} {NEXT_YEAR}-03-01 09:00 Alice Adams." in answer.content.decode()
    assert AuthToken.objects.count() == 0
    bea.refresh_from_db()
    assert not bea.is_active


def test_hours_are_kept_on_the_persons_page(browser):
    bea = make_bea()
    hours = {
        "working_hours-TOTAL_FORMS": "2",
        "working_hours-0-weekday": "0",
        "working_hours-0-opens": "09:00",
        "working_hours-0-closes": "12:00",
        "working_hours-1-weekday": "0",
        "working_hours-1-opens": "13:00",
        "working_hours-1-closes": "17:00",
    }
    page = reverse("admin:staff_staff_change", args=[bea.pk])
    assert browser.post(page, person_form(bea) | hours).status_code == 302
    assert [str(row) for row in WorkingHours.objects.all()] == ["Monday 09:00-12:00", "Monday 13:00-17:00"]
    wrong = hours | {"working_hours-1-closes": "12:30"}
    answer = browser.post(
        reverse("admin:staff_staff_change", args=[make_staff("Eve").pk]), person_form(bea) | wrong
    )
    assert answer.status_code == 200
    assert WorkingHours.objects.count() == 2


def test_another_password_ends_every_login(browser, ada):
    bea = make_bea()
    token_of(bea)
    page = reverse("admin:auth_user_password_change", args=[bea.pk])
    new = {"password1": "a quite different horse", "password2": "a quite different horse"}
    answer = browser.post(page, {**new, "usable_password": "true"})
    assert answer.status_code == 302
    bea.refresh_from_db()
    assert bea.check_password("a quite different horse")
    assert AuthToken.objects.count() == 0
    token_of(ada)
    own = {"old_password": PASSWORD, "new_password1": new["password1"], "new_password2": new["password2"]}
    assert browser.post(reverse("admin:password_change"), own).status_code == 302
    assert AuthToken.objects.count() == 0


def test_a_key_is_shown_once_and_opens_its_dialect(browser, ada):
    form = {"name": "Website", "dialect": "amelia", "mode": "1", "expires_at_0": "", "expires_at_1": ""}
    answer = browser.post(reverse("admin:staff_apikey_add"), form)
    secret = re.search(r'<code id="secret">(\S+)</code>', answer.content.decode())[1]
    key = ApiKey.objects.get()
    assert find_key(secret, "amelia") == key
    assert (key.mode, key.created_by) == (1, ada)
    assert "no-store" in answer.headers["Cache-Control"]
    for page in (
        reverse("admin:staff_apikey_changelist"),
        reverse("admin:staff_apikey_change", args=[key.pk]),
    ):
        assert secret not in browser.get(page).content.decode()


def test_a_changed_key_keeps_its_dialect_and_a_revoked_one_opens_nothing(browser):
    key, secret = make_key()
    form = {"name": "Shop", "dialect": "amelia", "mode": "1", "expires_at_0": "", "expires_at_1": ""}
    assert browser.post(reverse("admin:staff_apikey_change", args=[key.pk]), form).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.dialect, key.mode) == ("Shop", "native", 1)
    action = {"action": "revoke", "_selected_action": [key.pk]}
    assert browser.post(reverse("admin:staff_apikey_changelist"), action).status_code == 302
    assert find_key(secret, "native") is None


def test_the_settings_are_one_page(browser):
    page = reverse("admin:staff_salonsettings_change", args=[1])
    answer = browser.get(reverse("admin:staff_salonsettings_changelist"))
    assert (answer.status_code, answer.url) == (302, page)
    assert browser.get(reverse("admin:staff_salonsettings_add")).status_code == 403
    form = browser.get(page).context["adminform"].form
    values = {
        name: "" if value is None else value for name, value in form.initial.items() if value is not False
    }
    assert browser.post(page, values | {"business_name": "Zonne", "currency": "JPY"}).status_code == 302
    salon = SalonSettings.load()
    assert (salon.business_name, salon.currency, salon.timezone) == ("Zonne", "JPY", "Europe/Amsterdam")
    for changes, field in (
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"currency": "XXX"}, "currency"),
        ({"noshow_fee_type": "percent", "noshow_fee_value": "101"}, "noshow_fee_value"),
        ({"review_url": "javascript:x"}, "review_url"),
    ):
        answer = browser.post(page, values | changes)
        assert set(errors_of(answer)) == {field}
    assert SalonSettings.load().noshow_fee_type == "fixed"


def test_a_service_out_of_order_is_refused(browser):
    form = {
        "name": "Class",
        "duration_minutes": "60",
        "buffer_before_minutes": "0",
        "buffer_after_minutes": "0",
        "min_capacity": "5",
        "max_capacity": "4",
        "durations-TOTAL_FORMS": "0",
        "durations-INITIAL_FORMS": "0",
    }
    answer = browser.post(reverse("admin:staff_service_add"), form)
    assert answer.status_code == 200
    assert errors_of(answer)
    assert Service.objects.count() == 0
    assert browser.post(reverse("admin:staff_service_add"), form | {"max_capacity": "8"}).status_code == 302


def test_a_holiday_and_time_off_name_what_is_still_booked(browser):
    bea = make_bea()
    booking = make_booking(client=make_alice(), staff=bea, service=make_service(), start_at=NINE)
    said = f"Still booked: #{booking.pk} {NEXT_YEAR}-03-01 09:00 Alice Adams."
    form = {"date": f"{NEXT_YEAR}-03-01", "name": "Carnival"}
    assert said in browser.post(reverse("admin:staff_holiday_add"), form, follow=True).content.decode()
    form = {
        "staff": bea.pk,
        "start_at_0": f"{NEXT_YEAR}-03-01",
        "start_at_1": "08:00",
        "end_at_0": f"{NEXT_YEAR}-03-01",
        "end_at_1": "09:30",
        "reason": "",
    }
    assert said in browser.post(reverse("admin:staff_timeoff_add"), form, follow=True).content.decode()
    assert TimeOff.objects.get().start_at == NINE - timedelta(hours=1)


def test_clients_are_archived_and_left_out_of_lists_and_choices(browser):
    alice, bob = make_alice(), make_client("Bob", "Adams")
    listing = reverse("admin:clients_client_changelist")
    action = {"action": "archive", "_selected_action": [alice.pk]}
    assert browser.post(listing, action).status_code == 302
    alice.refresh_from_db()
    assert alice.archived_at is not None

    def listed(query):
        return [row.pk for row in browser.get(listing, query).context["cl"].result_list]

    assert listed({"q": "adams"}) == [bob.pk]
    assert listed({"archived": "all"}) == [alice.pk, bob.pk]
    assert listed({"archived": "only"}) == [alice.pk]
    offered = browser.get(
        "/admin/autocomplete/",
        {"app_label": "bookings", "model_name": "booking", "field_name": "client", "term": "adams"},
    )
    assert [row["id"] for row in offered.json()["results"]] == [str(bob.pk)]
    assert Client.objects.count() == 2
