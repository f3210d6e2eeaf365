"""A slice of `make e2e`'s fuzzing, in process: a few odd and a few proper requests for every operation.

What the schema says is held against what is answered, with an administrator's token. Derandomised: the same
requests every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from staff.wire.wsgi import guard
from tests.cast.bookings import make_cast
from tests.cast.factories import token_of
from tests.cast.passes import examples

EXAMPLES = examples(3)
CONFIG = Path(__file__).resolve().parents[1] / "e2e" / "schemathesis.toml"

callers = count(1)


@pytest.fixture
def token(db: None) -> str:
    salon = make_cast()
    salon.book()
    return token_of(salon.ada)


@pytest.fixture
def api(token: str) -> Iterator[Any]:
    """Our schema. Requests stay on the test's connection, as with Django's own client.

    Not by `config.wsgi`: this process would serve people from then on, looks and all.
    """
    application = guard(get_wsgi_application())
    signals = (request_started, request_finished)
    for each in signals:
        each.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi(
        "/api/schema", application, config=SchemathesisConfig.from_path(CONFIG)
    )
    for each in signals:
        each.connect(close_old_connections)


@pytest.mark.timeout(400)
def test_answers_are_what_the_schema_says(api: Any, token: str) -> None:
    wrong = []
    for found in api.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            try:
                _try_out(operation, mode, token)
            except Exception as problem:  # noqa: BLE001 - all of them are wanted
                wrong.append(f"{operation.label}, {mode.value} data: {problem}")
    assert not wrong, "\n\n".join(wrong)


def _try_out(operation: Any, mode: GenerationMode, token: str) -> None:
    """Raises what schemathesis found, or Unsatisfiable where there is nothing to send."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any) -> None:
        number = next(callers)
        address = f"10.1.{number >> 8 & 255}.{number & 255}"
        with transaction.atomic():
            case.call_and_validate(
                headers={"Authorization": f"Bearer {token}"}, environ_base={"REMOTE_ADDR": address}
            )
            transaction.set_rollback(True)

    with suppress(Unsatisfiable):
        ask()
