"""What the door refuses, in words a person can act on (contract §0-§1.3)."""

from __future__ import annotations

from typing import Any, ClassVar

from staff.models import Service
from staff.wire.refusals import BadRequest, Conflict, ConflictingBookingJson, Gone, NotFound


class BookingNotFound(NotFound):
    code = "booking_not_found"
    message = "Booking not found"


class VisitNotFound(NotFound):
    code = "visit_not_found"
    message = "Visit not found"


class VisitBegun(Conflict):
    code = "visit_begun"
    message = "A booking of this visit is completed, so it cannot be moved as a whole; move what is to come."


class HolidayClosed(BadRequest):
    code = "holiday"
    message = "The salon is closed on that date."


class SlotTaken(Conflict):
    """The staff member belongs to somebody else at that time: refused by the database.

    `conflicts` are always told, if only that the caller may see none.
    """

    code = "slot_taken"
    message = "That time is already taken for this staff member; choose another time."

    def __init__(
        self,
        message: str | None = None,
        *,
        conflicts: list[ConflictingBookingJson] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(message, conflicts=conflicts or [], **kwargs)


class SessionFull(Conflict):
    code = "maximum_capacity_reached"
    message = "There is not enough room left in this session; choose another one."


def no_room(service: Service, *, taken: int, persons: int) -> str:
    """What SessionFull says where `taken` seats are booked or kept."""
    return (
        f"{service.name} takes {service.max_capacity} persons and {taken} are booked or held; "
        f"there is no room for {persons} more."
    )


class ClientAlreadyInSession(Conflict):
    code = "client_already_booked"
    message = "This client is already booked in this session."


class NothingToSend(Conflict):
    """Asked to send a mail again that would not be true, or could not arrive."""

    code = "nothing_to_send"


class LinkSpent(Gone):
    code = "link_spent"
    message = "This link has been used or has expired; please contact the salon."


class RequestSpent(LinkSpent):
    """The link of a mailed request: its `code` is link_ and what became of it, a key of `sentences`."""

    sentences: ClassVar[dict[str, str]] = {
        "accepted": "This request was accepted; there is nothing left to answer.",
        "confirmed": "The salon confirmed this appointment itself; there is nothing left to answer.",
        "declined": "This request was declined; for another time, please contact the salon.",
        "lapsed": "This request was not answered in time; for another time, please contact the salon.",
        "expired": "This request was not answered in time; for another time, please contact the salon.",
        "withdrawn": "The salon has cancelled, changed or renewed this request; please contact the salon.",
    }

    def __init__(self, outcome: str) -> None:
        super().__init__(self.sentences.get(outcome), code=f"link_{outcome}")


class RequestMoved(Conflict):
    """The salon moved the request while its page stood open: the client is asked again."""

    code = "request_changed"
    message = "The salon has changed this appointment in the meantime; look at it again before you answer."


class LinkUnknown(NotFound):
    code = "link_unknown"
    message = "This link is not known; check that it was copied whole."


class TooLate(Conflict):
    """The time in which a client may do it by themselves is over (contract §8 "windows")."""

    code = "too_late"
    message = "It is too late to change this appointment here; please call the salon."

    def __init__(self, *, deadline: str, telephone: str) -> None:
        super().__init__(more={"deadline": deadline, "telephone": telephone})


class RescheduleLimitReached(Conflict):
    code = "reschedule_limit_reached"
    message = "This appointment has been moved as often as it can be here; please contact the salon."


class NotAllowed(Conflict):
    code = "not_allowed"
    message = "This cannot be done here; please contact the salon."


class ShownChanged(Conflict):
    """The visit is no longer what the client's page showed."""

    code = "changed"
    message = "The appointment has changed since you looked at it; look again before you go on."


class LinkVoid(Gone):
    """A link to a visit that is another's now, whose client was erased, or that ended long ago."""

    code = "link_void"
    message = "This link is no longer valid; please contact the salon."
