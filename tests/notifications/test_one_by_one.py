"""One row that cannot be swept leaves the others be (reliability §1, "Celery's part")."""

from __future__ import annotations

import pytest
from django.db import OperationalError

from notifications.one_by_one import one_by_one


def test_what_fails_is_logged_and_the_others_are_done(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    def step(number: int, *, worth: int) -> int:
        if number == 2:
            raise ValueError("this one is broken")
        done.append(number)
        return worth

    assert one_by_one(step, [1, 2, 3], worth=5) == 10
    assert done == [1, 3]
    assert "sweep_failed" in caplog.text
    assert "this one is broken" in caplog.text


def test_a_database_that_is_gone_ends_the_sweep() -> None:
    asked = []

    def step(number: int) -> int:
        asked.append(number)
        raise OperationalError("the server closed the connection")

    with pytest.raises(OperationalError):
        one_by_one(step, [1, 2])
    assert asked == [1]
