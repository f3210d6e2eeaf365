"""What the salon's own resources take in (contract §1.5); `staff.printing` has what they answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from staff.access.accounts import LONGEST_PASSWORD
from staff.models import ApiKey, Location, SalonSettings, Service, Staff
from staff.models.settings import LONGEST_WINDOW_MINUTES
from staff.printing import LANGUAGE_CODES
from staff.salon.online import LONGEST_POLICY, MOST_EMBED_ORIGINS
from staff.salon.parts import KINDS, MOST_PARTS
from staff.wire.countries import known_countries
from staff.wire.fields import (
    CalendarDateField,
    ChoiceTextField,
    EmailAddressField,
    MoneyField,
    SlugTextField,
    StrictBooleanField,
    StrictIntegerField,
    TextField,
    TimeOfDayField,
    WallClockField,
)
from staff.wire.money import CURRENCIES
from staff.wire.reading import ReferenceField, ReferencesField

LONGEST_NAME = 200
MINUTES_OF_A_DAY = 1440
LARGEST_COUNT = 2**31 - 1


def _name(**kwargs: Any) -> TextField:
    return TextField(max_length=LONGEST_NAME, single_line=True, allow_blank=False, **kwargs)


def _line(longest: int, **kwargs: Any) -> TextField:
    return TextField(max_length=longest, single_line=True, required=False, **kwargs)


def _count(smallest: int, largest: int) -> StrictIntegerField:
    return StrictIntegerField(min_value=smallest, max_value=largest, required=False)


def _own_window() -> StrictIntegerField:
    return StrictIntegerField(
        min_value=0,
        max_value=LONGEST_WINDOW_MINUTES,
        required=False,
        allow_null=True,
        help_text="null: the salon's.",
    )


def _password(**kwargs: Any) -> TextField:
    return TextField(as_sent=True, max_length=LONGEST_PASSWORD, allow_blank=False, write_only=True, **kwargs)


class LoginSerializer(serializers.Serializer):
    email = TextField(single_line=True, max_length=254, allow_blank=False)
    password = _password()


class PasswordSerializer(serializers.Serializer):
    old = _password()
    new = _password()


class StaffSerializer(serializers.Serializer):
    """A person who works in the salon; one without e-mail never logs in."""

    name = _name()
    email = EmailAddressField(lower=True, required=False, allow_null=True, null_is_empty=True)
    password = _password(required=False)
    role = ChoiceTextField(choices=Staff.Role.choices, required=False)
    bookable = StrictBooleanField(required=False)
    sees_all_bookings = StrictBooleanField(required=False)
    phone = _line(40)
    color = _line(20)
    location_id = ReferenceField(
        lambda: Location.objects.filter(is_active=True), required=False, allow_null=True
    )
    is_active = StrictBooleanField(required=False)
    service_ids = ReferencesField(Service.objects.all, required=False)
    online = StrictBooleanField(required=False, help_text="Clients may choose this person online.")
    bio = TextField(max_length=2000, required=False)


class RowSerializer(serializers.Serializer):
    """A row of a list in a body: whole, also where the body may leave keys out."""

    def to_internal_value(self, data: Any) -> Any:
        row = super().to_internal_value(data)
        left_out = [name for name, field in self.fields.items() if field.required and name not in row]
        if left_out:
            raise serializers.ValidationError(
                {name: [self.fields[name].error_messages["required"]] for name in left_out}
            )
        return row


class PartSerializer(RowSerializer):
    """What the person does (`work`), or a `gap` in which they are free for somebody else."""

    kind = ChoiceTextField(choices=KINDS)
    minutes = StrictIntegerField(min_value=1, max_value=MINUTES_OF_A_DAY)


class PartsField(serializers.ListField):
    """The parts of a service or a booking, in full; `staff.salon.parts` has their rules."""

    child = PartSerializer()

    def __init__(self, **options: Any) -> None:
        super().__init__(
            min_length=1,
            max_length=MOST_PARTS,
            error_messages=dict.fromkeys(("min_length", "max_length"), f"Send 1 to {MOST_PARTS} parts."),
            **options,
        )


class ServiceSerializer(serializers.Serializer):
    """What a client books; minutes, and a price in the salon's currency."""

    name = _name()
    duration_minutes = StrictIntegerField(
        min_value=1,
        max_value=MINUTES_OF_A_DAY,
        required=False,
        help_text="The sum of the parts; without parts it must be sent.",
    )
    parts = PartsField(required=False, help_text="Absent: work from start to end.")
    price = MoneyField(required=False, allow_null=True)
    category = _line(200)
    buffer_before_minutes = _count(0, MINUTES_OF_A_DAY)
    buffer_after_minutes = _count(0, MINUTES_OF_A_DAY)
    min_capacity = _count(1, LARGEST_COUNT)
    max_capacity = _count(1, LARGEST_COUNT)
    is_active = StrictBooleanField(required=False)
    description = TextField(max_length=2000, required=False)
    online = StrictBooleanField(required=False, help_text="Clients may book it themselves.")
    hidden = StrictBooleanField(required=False, help_text="Clients find it by its key only.")
    client_cancel_minutes = _own_window()
    client_reschedule_minutes = _own_window()
    client_may_change_staff = StrictBooleanField(required=False, allow_null=True)


class ServiceDurationSerializer(serializers.Serializer):
    """One person's own minutes for a service: parts, or duration_minutes where there is one part."""

    staff_id = ReferenceField(Staff.objects.all)
    duration_minutes = StrictIntegerField(min_value=1, max_value=MINUTES_OF_A_DAY, required=False)
    parts = PartsField(required=False)


class LocationSerializer(serializers.Serializer):
    """A branch; `slug` is eAgenda's account_slug."""

    name = _name()
    slug = SlugTextField()
    address = TextField(max_length=500, required=False)
    is_active = StrictBooleanField(required=False)


class StretchOfWeekSerializer(serializers.Serializer):
    """One stretch of a weekday (0 = Monday); several rows a day make breaks.

    It may pass midnight, and belongs to the day on which it opens.
    """

    weekday = StrictIntegerField(min_value=0, max_value=6)
    opens = TimeOfDayField()
    closes = TimeOfDayField()
    valid_from = CalendarDateField(required=False, allow_null=True)
    valid_until = CalendarDateField(required=False, allow_null=True)


class WorkingHoursSerializer(StretchOfWeekSerializer):
    staff_id = ReferenceField(Staff.objects.all)


class WeekSerializer(serializers.Serializer):
    """PUT /api/working-hours?staff_id=2: the whole week of one person."""

    hours = serializers.ListField(child=StretchOfWeekSerializer(), max_length=200)


class OpeningStretchSerializer(RowSerializer):
    opens = TimeOfDayField()
    closes = TimeOfDayField()


class OpeningExceptionSerializer(serializers.Serializer):
    """Days on which other hours hold: of people, of a location, or with neither of the whole salon."""

    staff_ids = ReferencesField(Staff.objects.all, required=False, allow_null=True, allow_empty=False)
    location_id = ReferenceField(Location.objects.all, required=False, allow_null=True)
    date_from = CalendarDateField()
    date_to = CalendarDateField(required=False, help_text="Inclusive; the same day without it.")
    hours = serializers.ListField(
        child=OpeningStretchSerializer(), max_length=20, help_text="An empty list: closed."
    )
    every_year = StrictBooleanField(required=False)
    name = _line(LONGEST_NAME)


class TimeOffSerializer(serializers.Serializer):
    staff_id = ReferenceField(Staff.objects.all)
    start_at = WallClockField()
    end_at = WallClockField()
    reason = _line(500)


class HolidaySerializer(serializers.Serializer):
    """A date on which the salon is shut."""

    date = CalendarDateField()
    name = _line(LONGEST_NAME)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": ApiKey.Mode.labels},
            {"type": "integer", "enum": ApiKey.Mode.values},
        ],
        "example": "read",
    }
)
class ModeField(serializers.Field):
    """`read`, `write` or `read_write`; SimpleSpa's 1, 2 and 3 are taken as well."""

    default_error_messages = {"invalid": "Send 'read', 'write' or 'read_write' (or 1, 2, 3)."}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is int and data in ApiKey.Mode.values:
            return data
        if isinstance(data, str) and data in ApiKey.Mode.labels:
            return next(mode.value for mode in ApiKey.Mode if mode.label == data)
        self.fail("invalid")

    def to_representation(self, value: int) -> str:
        return str(ApiKey.Mode(value).label)


class ApiKeySerializer(serializers.Serializer):
    """A key of one dialect; its secret is shown once, when it is made."""

    name = _name()
    dialect = ChoiceTextField(choices=ApiKey.Dialect.choices, required=False, default=ApiKey.Dialect.NATIVE)
    mode = ModeField(required=False)
    expires_at = WallClockField(required=False, allow_null=True)


class SalonSettingsSerializer(serializers.Serializer):
    """The salon's choices (contract §1.5, /api/settings)."""

    business_name = _line(LONGEST_NAME)
    business_address = TextField(max_length=500, required=False)
    business_phone = _line(40)
    reply_to = EmailAddressField(required=False)
    locale = ChoiceTextField(choices=LANGUAGE_CODES, required=False)
    timezone = _line(64, allow_blank=False, help_text="A zone of the tz database, such as Europe/Amsterdam.")
    country = ChoiceTextField(
        choices=sorted(known_countries()),
        required=False,
        allow_null=True,
        help_text="ISO 3166-1, such as NL: how national telephone numbers are read. null: not at all.",
    )
    currency = ChoiceTextField(choices=sorted(CURRENCIES), required=False)
    staff_personal_agenda_enabled = StrictBooleanField(required=False)
    double_booking = ChoiceTextField(choices=SalonSettings.DoubleBooking.values, required=False)
    noshow_enabled = StrictBooleanField(required=False)
    noshow_fee_type = ChoiceTextField(choices=SalonSettings.FeeType.values, required=False)
    noshow_fee_value = MoneyField(required=False)
    noshow_fee_minimum = MoneyField(required=False)
    review_delay_hours = _count(0, 24 * 365)
    review_min_days = _count(0, 3650)
    review_url = _line(500)
    provisional_hours = _count(1, 24 * 365)
    waitlist_hold_minutes = _count(0, 7 * MINUTES_OF_A_DAY)
    followup_hour = _count(0, 23)
    slot_step_minutes = _count(1, MINUTES_OF_A_DAY)
    min_notice_minutes = _count(0, 365 * MINUTES_OF_A_DAY)
    booking_horizon_days = _count(1, 5 * 366)
    visit_max_wait_minutes = _count(0, 12 * 60)
    brand_color = _line(7, help_text="Such as #8a1c4a; empty: ours.")
    imprint_url = _line(500)
    privacy_url = _line(500)
    online_booking = ChoiceTextField(choices=SalonSettings.OnlineBooking.values, required=False)
    online_verify = ChoiceTextField(choices=SalonSettings.OnlineVerify.values, required=False)
    request_hours = _count(1, 24 * 365)
    embed_origins = serializers.ListField(
        child=TextField(max_length=300, single_line=True, allow_blank=False),
        max_length=MOST_EMBED_ORIGINS,
        required=False,
        help_text="Websites that may show the booking page in a frame, such as https://www.example.com.",
    )
    policy_text = serializers.DictField(
        child=TextField(max_length=LONGEST_POLICY),
        required=False,
        help_text="What a client accepts, by language; sent whole.",
    )
    client_cancel_minutes = _count(0, LONGEST_WINDOW_MINUTES)
    client_reschedule_minutes = _count(0, LONGEST_WINDOW_MINUTES)
    reschedule_limit = StrictIntegerField(min_value=0, max_value=1000, required=False, allow_null=True)
    grace_minutes = _count(0, 7 * MINUTES_OF_A_DAY)
    client_may_change_staff = StrictBooleanField(required=False)
    late_cancel = ChoiceTextField(choices=SalonSettings.LateCancel.values, required=False)
    quiet_from = TimeOfDayField(required=False)
    quiet_to = TimeOfDayField(required=False)
    unconfirmed_action = ChoiceTextField(choices=SalonSettings.UnconfirmedAction.values, required=False)
    sms_when_no_mail = StrictBooleanField(required=False)
    agenda_step_minutes = StrictIntegerField(required=False)

    def validate_agenda_step_minutes(self, minutes: int) -> int:
        if minutes not in SalonSettings.AgendaStep.values:
            raise serializers.ValidationError("Send 5, 10, 15 or 30.", code="invalid_choice")
        return minutes
