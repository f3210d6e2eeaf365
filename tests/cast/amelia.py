"""What the tests of the Amelia wire format share: calls with a key, and the document's order."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from bookings.models import Booking
from tests.cast.bookings import Salon, make_cast
from tests.cast.factories import Caller, make_client, make_key

URL = "/wp-admin/admin-ajax.php"
CUSTOM_FIELDS = '{"1":{"label":"text","value":"","type":"text"}}'


class Desk:
    """An integration with a key of the salon."""

    def __init__(self, mode: int = 3) -> None:
        self.secret = make_key(dialect="amelia", mode=mode)[1]

    def get(self, path: str, **query: Any) -> Any:
        return call("GET", path, self.secret, **query)

    def post(self, path: str, body: Any = None) -> Any:
        return call("POST", path, self.secret, body)

    def made(self, body: dict[str, Any]) -> dict[str, Any]:
        """The appointment that the order made."""
        answer = self.post("/appointments", body)
        assert answer.status_code == 200, answer.content
        appointment: dict[str, Any] = answer.json()["data"]["appointment"]
        return appointment

    def shown(self, appointment_id: int) -> dict[str, Any]:
        answer = self.get(f"/appointments/{appointment_id}")
        assert answer.status_code == 200, answer.content
        appointment: dict[str, Any] = answer.json()["data"]["appointment"]
        return appointment

    def listed(self, **query: Any) -> dict[str, Any]:
        answer = self.get("/appointments", **query)
        assert answer.status_code == 200, answer.content
        data: dict[str, Any] = answer.json()["data"]
        return data

    def ids(self, **query: Any) -> list[int]:
        return [each["id"] for each in self.listed(asArray=1, **query)["appointments"]]


def call(method: str, path: str, secret: str | None, body: Any = None, **query: Any) -> Any:
    """One call; query values stand beside `call`, as in the document."""
    headers = {} if secret is None else {"Amelia": secret}
    more = "".join(f"&{name}={quote(str(value), safe=',[]')}" for name, value in query.items())
    sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return Caller(headers=headers).generic(
        method, f"{URL}?action=wpamelia_api&call=/api/v1{path}{more}", **sent
    )


def make_class(**settings: Any) -> Salon:
    """The cast with a haircut of half an hour for 23 that three can share, and a third client, Dan."""
    salon = make_cast(**settings)
    salon.service.duration_minutes, salon.service.price = 30, 23
    salon.service.max_capacity = 3
    salon.service.save()
    return salon


def make_dan() -> Any:
    return make_client("Dan", "Dirks")


def order(salon: Salon, **changes: Any) -> dict[str, Any]:
    """Half an hour with Bea for Alice on Tuesday 24 March 2026, 10:00 in Amsterdam, with `changes`."""
    return {
        "bookingStart": "2026-03-24 10:00",
        "bookings": [seat(salon.alice)],
        "notifyParticipants": 1,
        "providerId": salon.bea.pk,
        "serviceId": salon.service.pk,
        **changes,
    }


def seat(client: Any, **changes: Any) -> dict[str, Any]:
    return {"customerId": client.pk, "status": "approved", "persons": 1, **changes}


def rows() -> list[tuple[str, str, bool]]:
    """Status, detail and whether deleted, of every booking, oldest first."""
    return list(Booking.objects.order_by("pk").values_list("status", "status_detail", "amelia_deleted"))
