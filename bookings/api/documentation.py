"""What the OpenAPI schema says of the booking calls beyond their serializers."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample, OpenApiParameter

IF_MATCH = OpenApiParameter(
    "If-Match",
    {"type": "string", "pattern": r'^(\*|(W/)?"?[0-9]{1,9}"?)$'},
    OpenApiParameter.HEADER,
    description='The version you read, such as `"3"`: a stale write is refused with 412.',
)

EXAMPLE_NEW_BOOKING = OpenApiExample(
    "A booking",
    value={
        "client_id": 5,
        "staff_id": 2,
        "service_id": 3,
        "start_at": "2026-03-24 10:00:00",
        "end_at": "2026-03-24 10:30:00",
    },
    request_only=True,
)

EXAMPLE_NEW_VISIT = OpenApiExample(
    "Colour and then a cut",
    value={
        "client_id": 5,
        "start_at": "2026-03-24 10:00:00",
        "items": [{"service_id": 12, "staff_id": 2, "staff_requested": True}, {"service_id": 3}],
        "notes": "No perfume",
    },
    request_only=True,
)

EXAMPLE_ITEMS_OF_VISIT = OpenApiExample(
    "Another service in place of one",
    value={"items": {"add": [{"service_id": 4, "staff_id": 2}], "remove": [115]}},
    request_only=True,
)

EXAMPLE_BOOKING = OpenApiExample(
    "The booking",
    value={
        "id": 1,
        "client_id": 5,
        "staff_id": 2,
        "service_id": 3,
        "start_at": "2026-03-24 10:00:00",
        "end_at": "2026-03-24 10:30:00",
        "status": "scheduled",
        "notes": "",
        "internal_notes": "",
        "provisional_token": None,
        "feedback_token": None,
        "waitlist_id": None,
        "client_name": "John Smith",
        "client_phone": "+4915112345678",
        "service_name": "Haircut",
        "staff_name": "Bea Brand",
        "status_detail": "",
        "key": "4f0a3c5e-2b2d-4a0e-9a52-0a5a4f6f1c11",
        "session_id": 1,
        "location_id": None,
        "persons": 1,
        "price": "38.00",
        "source": "api",
        "version": 1,
        "created_at": "2026-03-20 09:12:44",
        "updated_at": "2026-03-20 09:12:44",
        "series_id": None,
        "total_price": "38.00",
        "visit_id": 1,
        "position": 1,
        "parts": [{"kind": "work", "minutes": 30}],
        "staff_requested": False,
        "warnings": [],
    },
    response_only=True,
    status_codes=["200"],
)
