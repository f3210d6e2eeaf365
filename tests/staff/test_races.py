"""Two at once: what the salon's rules must survive."""

from __future__ import annotations

import pytest

from notifications.models import Job
from notifications.password_reset import token_for
from staff.models import Holiday, Staff
from tests.cast.factories import caller, make_ada, make_bea, make_salon, make_staff
from tests.cast.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_administrators_who_demote_each_other_leave_one():
    make_salon()
    for attempt in range(5):
        Staff.objects.all().delete()
        ada, eve = make_ada(), make_staff("Eve Evers", role="admin")
        here, there = caller(ada), caller(eve)
        answers = at_once(
            lambda here=here, eve=eve: here.put(f"/api/staff/{eve.pk}", {"role": "staff"}),
            lambda there=there, ada=ada: there.delete(f"/api/staff/{ada.pk}"),
        )
        assert Staff.objects.filter(role="admin", is_active=True).count() == 1, attempt
        statuses = sorted(answer.status_code for answer in answers)
        assert statuses[0] == 200
        assert statuses[1] in (401, 403, 409)


def test_one_of_many_makes_the_holiday():
    make_salon()
    ada = caller(make_ada())
    answers = at_once(*[lambda: ada.post("/api/holidays", {"date": "2027-05-05"})] * 8)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert Holiday.objects.count() == 1


def test_one_of_many_gets_the_address():
    make_salon()
    ada = caller(make_ada())
    answers = at_once(*[lambda: ada.post("/api/staff", {"name": "Bea", "email": "bea@salon.example"})] * 8)
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    assert Staff.objects.filter(email="bea@salon.example").count() == 1


def test_a_reset_link_works_once_when_two_use_it_at_once():
    make_salon()
    bea = make_bea()
    token = token_for(bea)
    passwords = ["a quite different horse", "yet another horse altogether"]
    answers = at_once(
        *[
            lambda new=new: caller().post("/api/auth/password-reset/confirm", {"token": token, "new": new})
            for new in passwords
        ]
    )
    assert sorted(answer.status_code for answer in answers) == [204, 410]
    bea.refresh_from_db()
    assert sum(bea.check_password(new) for new in passwords) == 1


def test_asking_for_a_reset_many_times_at_once_sends_one_mail():
    make_salon()
    make_bea()
    ask = [lambda: caller().post("/api/auth/password-reset", {"email": "bea@salon.example"})] * 8
    assert {answer.status_code for answer in at_once(*ask)} == {202}
    assert Job.objects.count() == 1
