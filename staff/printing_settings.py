"""The salon's settings as they stand on the wire (contract §1.5, §6a)."""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict, cast

from staff.models import SalonSettings
from staff.printing import LANGUAGE_CODES
from staff.salon.affected import AffectedBookingJson
from staff.wire.answers import Amount, Count, Number, between, one_of
from staff.wire.countries import known_countries
from staff.wire.money import CURRENCIES, print_amount
from staff.wire.times import print_clock


class SalonSettingsJson(TypedDict):
    """The salon's choices (contract §1.5, /api/settings)."""

    business_name: str
    business_address: str
    business_phone: str
    reply_to: str
    locale: Annotated[str, one_of(LANGUAGE_CODES)]
    timezone: Annotated[str, "A zone of the tz database, such as Europe/Amsterdam."]
    country: Annotated[
        str | None,
        one_of(sorted(known_countries())),
        "ISO 3166-1, such as NL: how national telephone numbers are read. null: not at all.",
    ]
    currency: Annotated[str, one_of(sorted(CURRENCIES))]
    staff_personal_agenda_enabled: bool
    double_booking: Annotated[str, one_of(SalonSettings.DoubleBooking.values)]
    noshow_enabled: bool
    noshow_fee_type: Annotated[str, one_of(SalonSettings.FeeType.values)]
    noshow_fee_value: Amount
    noshow_fee_minimum: Amount
    review_delay_hours: Count
    review_min_days: Count
    review_url: str
    provisional_hours: Number
    waitlist_hold_minutes: Count
    followup_hour: Annotated[int, between(0, 23)]
    slot_step_minutes: Number
    min_notice_minutes: Count
    booking_horizon_days: Number
    visit_max_wait_minutes: Annotated[Count, "Between two services of a visit that follow each other."]
    brand_color: Annotated[str, "Such as #8a1c4a; empty: ours."]
    imprint_url: str
    privacy_url: str
    online_booking: Annotated[str, one_of(SalonSettings.OnlineBooking.values)]
    online_verify: Annotated[
        str, one_of(SalonSettings.OnlineVerify.values), "When the mailed code is asked for."
    ]
    request_hours: Annotated[Number, "After how long an unanswered request is pointed out."]
    embed_origins: Annotated[list[str], "Websites that may show the booking page in a frame."]
    policy_text: Annotated[dict[str, str], "What a client accepts, by language."]
    policy_version: Annotated[Count, "Rises with the text."]
    client_cancel_minutes: Annotated[Count, "Before the start; a client cancels no later."]
    client_reschedule_minutes: Annotated[Count, "Before the start; a client moves no later."]
    reschedule_limit: Annotated[Count | None, "How often a client may move a visit; null: any number."]
    grace_minutes: Annotated[Count, "In which a client may go back on a new booking or a change of ours."]
    client_may_change_staff: bool
    late_cancel: Annotated[str, one_of(SalonSettings.LateCancel.values)]
    quiet_from: Annotated[str, "HH:MM: from then on nothing leaves by SMS that can wait."]
    quiet_to: Annotated[str, "HH:MM; the same as quiet_from: no quiet hours."]
    unconfirmed_action: Annotated[str, one_of(SalonSettings.UnconfirmedAction.values)]
    sms_when_no_mail: Annotated[bool, "Clients without a mail address are told by SMS."]
    agenda_step_minutes: Annotated[int, one_of(SalonSettings.AgendaStep.values)]


class SettingsChangedJson(SalonSettingsJson):
    numbers_became_e164: NotRequired[
        Annotated[int, "Where the country has changed: how many telephone numbers became E.164."]
    ]
    affected_bookings: NotRequired[
        Annotated[list[AffectedBookingJson], "Where the time zone has changed: all that are ahead."]
    ]


SETTINGS_KEYS = tuple(SalonSettingsJson.__annotations__)
AMOUNTS = ("noshow_fee_value", "noshow_fee_minimum")
CLOCKS = ("quiet_from", "quiet_to")


def settings_json(salon: SalonSettings) -> SalonSettingsJson:
    printed = {name: getattr(salon, name) for name in SETTINGS_KEYS}
    amounts = {name: print_amount(printed[name], currency=salon.currency) for name in AMOUNTS}
    clocks = {name: print_clock(printed[name]) for name in CLOCKS}
    return cast(SalonSettingsJson, printed | amounts | clocks)
