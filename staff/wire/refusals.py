"""Refusals: the exceptions with which any layer declines a request.

A refusal carries what the caller is told; `staff.wire.errors.exception_handler` prints it in the form of the
contract's §0 (or, on a dialect's view, in that vendor's form). Domain modules subclass the class that has
their status code: `class SlotTaken(Conflict): code = "slot_taken"`.

Names: Refused, BadRequest (400), NotLoggedIn (401), Forbidden (403), NotFound (404), Conflict (409),
Gone (410), Stale (412), TooLarge (413), UnsupportedMedia (415), Unprocessable (422), TooMany (429),
Unavailable (503); ProblemJson, the native form.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, NotRequired, TypedDict

from staff.wire.answers import Id, When

Details = dict[str, list[str]]


class ConflictingBookingJson(TypedDict):
    booking_id: Id
    start_at: When
    end_at: When


class StartToChooseJson(TypedDict):
    """A start with the people who would do the items, in their order."""

    start_at: When
    end_at: When
    staff_ids: list[Id]


class NearestStartJson(TypedDict):
    start_at: When
    end_at: When


class RefusalKeys(TypedDict):
    """What some refusals tell besides (contract §8, §9, §11)."""

    dry_run: NotRequired[Annotated[bool, "At the addresses of a dry run: the write would be refused so."]]

    deadline: NotRequired[Annotated[When, "With 409 too_late: until when it was free."]]
    telephone: NotRequired[Annotated[str, "With 409 too_late: the salon's."]]
    starts: NotRequired[
        Annotated[list[StartToChooseJson], "With 409 slot_taken of a client's move: the three nearest."]
    ]
    nearest: NotRequired[
        Annotated[
            list[NearestStartJson], "With 409 slot_taken of a booking online: up to three starts instead."
        ]
    ]


class ProblemJson(RefusalKeys):
    """The native error form (contract §0)."""

    error: Annotated[str, "A sentence a person can act on."]
    code: Annotated[str, "What a program decides by, in snake_case."]
    details: NotRequired[Annotated[Details, "Field name to sentences; nested fields are dotted."]]
    conflicts: NotRequired[
        Annotated[
            list[ConflictingBookingJson],
            "With 409 slot_taken: what is in the way, as far as you may see it.",
        ]
    ]


class Refused(Exception):
    """A request that is declined with a sentence a person can act on.

    `details` maps a field (dotted for nested ones, `steps.0.subject`) to its sentences; `conflicts` lists
    what is in the way (contract §0, only what the caller may see); `more` are further keys of the native
    form; `retry_after` is in seconds; `headers` go out as they are.
    """

    http_status: int = 400
    code: str = "bad_request"
    message: str = "The request cannot be carried out."

    def __init__(
        self,
        message: str | None = None,
        *,
        code: str | None = None,
        details: Mapping[str, Sequence[str] | str] | None = None,
        conflicts: list[ConflictingBookingJson] | None = None,
        more: RefusalKeys | None = None,
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.message = message if message is not None else type(self).message
        self.code = code if code is not None else type(self).code
        self.details = None if details is None else _as_details(details)
        self.conflicts = conflicts
        self.more: RefusalKeys = more or {}
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        super().__init__(self.message)


class BadRequest(Refused):
    http_status = 400
    code = "invalid"
    message = "The request has an error; correct it and send it again."

    @classmethod
    def field(cls, name: str, sentence: str, *, code: str | None = None) -> "BadRequest":
        """The refusal of one field, its sentence standing both in `error` and in `details`."""
        return cls(f"{name}: {sentence}", code=code, details={name: [sentence]})


class NotLoggedIn(Refused):
    http_status = 401
    code = "not_authenticated"
    message = "Log in first, then send the header 'Authorization: Bearer <token>'."


class Forbidden(Refused):
    http_status = 403
    code = "permission_denied"
    message = "You are not allowed to do this; ask an administrator."


class NotFound(Refused):
    http_status = 404
    code = "not_found"
    message = "Not found; check the address and the id."


class Conflict(Refused):
    http_status = 409
    code = "conflict"
    message = "This contradicts what is already stored; read it again and decide anew."


class Gone(Refused):
    http_status = 410
    code = "gone"
    message = "This link has been used or has expired."


class Stale(Refused):
    http_status = 412
    code = "stale_version"
    message = "Somebody changed it meanwhile; read it again and repeat your change."


class TooLarge(Refused):
    http_status = 413
    code = "body_too_large"
    message = "The body is larger than 256 kB; send less at once."


class UnsupportedMedia(Refused):
    http_status = 415
    code = "unsupported_media_type"
    message = "Send the body as JSON in UTF-8, with the header 'Content-Type: application/json'."


class Unprocessable(Refused):
    http_status = 422
    code = "unprocessable"
    message = "The request is well formed but cannot be processed."


class TooMany(Refused):
    http_status = 429
    code = "throttled"
    message = "Too many requests; wait and try again."


class Unavailable(Refused):
    http_status = 503
    code = "unavailable"
    message = "The service cannot reach its database at the moment; try again in a few seconds."


def _as_details(details: Mapping[str, Sequence[str] | str]) -> Details:
    return {
        name: [sentences] if isinstance(sentences, str) else [str(sentence) for sentence in sentences]
        for name, sentences in details.items()
    }
