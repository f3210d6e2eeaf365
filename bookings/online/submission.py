"""What a client sends to book, and what comes back (contract §9 "you", "send", "code")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.errors import SlotTaken
from bookings.models import Visit
from bookings.online.choice import Wanted
from bookings.online.starts import OnlineStart
from staff.wire.refusals import BadRequest, Conflict, NearestStartJson, TooMany
from staff.wire.times import print_when


@dataclass(frozen=True, slots=True)
class Submission:
    """What was filled in. Texts are as typed: `submit` normalises and checks them.

    `start_at` is UTC. `idempotency_key`: 22 or more characters of the caller's (the form: 128 random bits).
    `policy_version`: the version of the policy text that was shown and ticked; None: none. `locale`: the
    page's language. `proof`: the solved challenge, "" without. `code`: the six digits that were mailed, ""
    before. `honeypot`: a field that no person sees; must stay "". `form_age`: how long the form had been open
    (None: the twin, which has no form). `base_url`: checked by the caller (`checked_base_url`), "" is ours.
    `hold_token`: of POST /api/public/holds; any other is ignored.
    """

    items: Sequence[Wanted]
    start_at: datetime
    first_name: str
    last_name: str
    email: str
    idempotency_key: str
    phone: str = ""
    note: str = ""
    marketing_consent: bool = False
    policy_version: int | None = None
    locale: str = ""
    location: str = ""
    proof: str = ""
    code: str = ""
    honeypot: str = ""
    form_age: timedelta | None = None
    base_url: str = ""
    hold_token: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """It is booked, or asked for (`visit.status` provisional). `replayed`: it was before, by the same key.

    `first_name` and `email` are what was typed, never what is stored of a client.
    """

    visit: Visit
    first_name: str
    email: str
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class CodeAsked:
    """Nothing is booked yet: six digits go to the typed address; send the same again with them as `code`.

    `expires_at` (UTC): of the code. `held`: the time is kept until then. `wrong`: a code was sent and is
    not the one; `tries_left` then. Says nothing about whether the address is known.
    """

    email: str
    expires_at: datetime
    held: bool
    wrong: bool = False
    tries_left: int = 5


class OnlineBookingOff(Conflict):
    code = "online_booking_off"
    message = "This salon takes no bookings online; please call."


class SlotGone(SlotTaken):
    """Taken meanwhile. `nearest`: up to three starts that can be booked instead, by time."""

    message = "This time has just been taken; choose another one."
    nearest: Sequence[OnlineStart]

    def __init__(self, *, nearest: Sequence[OnlineStart], zone: ZoneInfo) -> None:
        printed: list[NearestStartJson] = [
            {
                "start_at": print_when(each.start_at, zone=zone),
                "end_at": print_when(each.end_at, zone=zone),
            }
            for each in nearest
        ]
        super().__init__(more={"nearest": printed})
        self.nearest = nearest


class NotOffered(BadRequest):
    """A time at which a client cannot book. Why exactly, such as who is away, is not told to strangers."""

    code = "not_offered"
    message = "start_at: this time cannot be booked; choose one of those that are offered."

    def __init__(self) -> None:
        super().__init__(details={"start_at": self.message.removeprefix("start_at: ")})


class PleaseCall(Conflict):
    """Two online visits are to come for this address or number already."""

    code = "please_call"
    message = "Two visits booked online are to come already; for another one please call us."


class CodeSpent(Conflict):
    code = "code_expired"
    message = "This code has expired, or was mistyped too often; send the form once more for a new one."


class PolicyChanged(BadRequest):
    """The text has changed since it was shown, or was not ticked."""

    code = "policy_not_accepted"


class TooManySubmissions(TooMany):
    message = "Too many bookings were sent from here; try again later, or call us."


class NotAPerson(BadRequest):
    """The honeypot was filled in, or the form came back within three seconds."""

    code = "not_accepted"
    message = "The form could not be taken; wait some seconds and send it once more, or call us."
