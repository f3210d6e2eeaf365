"""The salon's choices (contract §1.5, /api/settings)."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value

from staff.storage.columns import LineField, MailAddressField
from staff.storage.prepared_statements import PreparedRows, columns_of
from staff.wire.countries import country_of_zone

LONGEST_WINDOW_MINUTES = 365 * 1440


def first_time_zone() -> str:
    """The env TIME_ZONE: the first value of `SalonSettings.timezone`."""
    return str(settings.FIRST_TIME_ZONE)


def first_country() -> str | None:
    """The country of that zone: the first value of `SalonSettings.country`."""
    return country_of_zone(first_time_zone())


class SalonSettings(models.Model):
    """The salon's choices: one row, id 1 (contract §1.5, /api/settings)."""

    class DoubleBooking(models.TextChoices):
        REJECT = "reject", "Reject"
        ALLOW = "allow", "Every staff booking may overlap"

    class FeeType(models.TextChoices):
        FIXED = "fixed", "Fixed amount"
        PERCENT = "percent", "Percent of the price"

    class OnlineBooking(models.TextChoices):
        OFF = "off", "Off"
        INSTANT = "instant", "A client's booking stands at once"
        REQUEST = "request", "A client asks, and the salon answers"

    class OnlineVerify(models.TextChoices):
        NEVER = "never", "Never"
        ATTACK = "attack", "While many submissions come in"
        ALWAYS = "always", "Always"

    class LateCancel(models.TextChoices):
        REFUSE = "refuse", "Refuse, and show the telephone number"
        ALLOW = "allow", "Allow, and mark the visit as late"

    class UnconfirmedAction(models.TextChoices):
        NONE = "none", "Nothing"
        NOTIFY = "notify", "Tell the desk"
        RELEASE = "release", "Give the time to others, where the client accepted that"

    class AgendaStep(models.IntegerChoices):
        FIVE = 5, "5 minutes"
        TEN = 10, "10 minutes"
        QUARTER = 15, "15 minutes"
        HALF_HOUR = 30, "30 minutes"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    business_name = LineField(max_length=200, blank=True, default="")
    business_address = models.CharField(max_length=500, blank=True, default="")
    business_phone = LineField(max_length=40, blank=True, default="")
    reply_to = MailAddressField(blank=True, default="")
    locale = models.CharField(max_length=10, default="en")
    timezone = models.CharField(max_length=64, default=first_time_zone)
    country = models.CharField(max_length=2, null=True, blank=True, default=first_country)
    currency = models.CharField(max_length=3, default="EUR")
    staff_personal_agenda_enabled = models.BooleanField(default=False)
    double_booking = models.CharField(max_length=10, choices=DoubleBooking, default=DoubleBooking.REJECT)
    noshow_enabled = models.BooleanField(default=False)
    noshow_fee_type = models.CharField(max_length=10, choices=FeeType, default=FeeType.FIXED)
    noshow_fee_value = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(0))
    noshow_fee_minimum = models.DecimalField(max_digits=12, decimal_places=3, default=Decimal(0))
    review_delay_hours = models.PositiveIntegerField(default=2)
    review_min_days = models.PositiveIntegerField(default=30)
    review_url = models.URLField(max_length=500, blank=True, default="")
    provisional_hours = models.PositiveIntegerField(default=72, validators=[MinValueValidator(1)])
    waitlist_hold_minutes = models.PositiveIntegerField(default=0)
    followup_hour = models.PositiveSmallIntegerField(default=10, validators=[MaxValueValidator(23)])
    slot_step_minutes = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    min_notice_minutes = models.PositiveIntegerField(default=0)
    booking_horizon_days = models.PositiveIntegerField(default=365, validators=[MinValueValidator(1)])
    visit_max_wait_minutes = models.PositiveSmallIntegerField(
        default=15, db_default=15, validators=[MaxValueValidator(720)]
    )
    brand_color = models.CharField(max_length=7, blank=True, default="", db_default="")
    imprint_url = models.URLField(max_length=500, blank=True, default="", db_default="")
    privacy_url = models.URLField(max_length=500, blank=True, default="", db_default="")
    online_booking = models.CharField(
        max_length=10, choices=OnlineBooking, default=OnlineBooking.OFF, db_default="off"
    )
    online_verify = models.CharField(
        max_length=10, choices=OnlineVerify, default=OnlineVerify.ATTACK, db_default="attack"
    )
    request_hours = models.PositiveIntegerField(
        default=12, db_default=12, validators=[MinValueValidator(1), MaxValueValidator(24 * 365)]
    )
    embed_origins: Any = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    policy_text: Any = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    policy_version = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    client_cancel_minutes = models.PositiveIntegerField(
        default=1440, db_default=1440, validators=[MaxValueValidator(LONGEST_WINDOW_MINUTES)]
    )
    client_reschedule_minutes = models.PositiveIntegerField(
        default=1440, db_default=1440, validators=[MaxValueValidator(LONGEST_WINDOW_MINUTES)]
    )
    reschedule_limit = models.PositiveSmallIntegerField(
        null=True, blank=True, default=3, db_default=3, validators=[MaxValueValidator(1000)]
    )
    grace_minutes = models.PositiveIntegerField(
        default=30, db_default=30, validators=[MaxValueValidator(7 * 1440)]
    )
    client_may_change_staff = models.BooleanField(default=True, db_default=True)
    late_cancel = models.CharField(
        max_length=10, choices=LateCancel, default=LateCancel.REFUSE, db_default="refuse"
    )
    quiet_from = models.TimeField(default=time(21), db_default=time(21))
    quiet_to = models.TimeField(default=time(8), db_default=time(8))
    unconfirmed_action = models.CharField(
        max_length=10, choices=UnconfirmedAction, default=UnconfirmedAction.NONE, db_default="none"
    )
    sms_when_no_mail = models.BooleanField(default=False, db_default=False)
    agenda_step_minutes = models.PositiveSmallIntegerField(
        choices=AgendaStep, default=AgendaStep.QUARTER, db_default=15
    )

    class Meta:
        verbose_name_plural = "salon settings"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="salon_settings_one_row")]

    def __str__(self) -> str:
        return self.business_name or "Salon settings"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @classmethod
    def the_row(cls) -> models.QuerySet[SalonSettings, tuple[Any, ...]]:
        """The one row's columns, for a statement that brings it along; its id is never null."""
        return cls.objects.filter(pk=1).order_by().values_list(*columns_of(cls))

    @classmethod
    def load(cls) -> SalonSettings:
        """The one row; made with its defaults when it is not there yet."""
        row = _THE_ROW.first()
        if row is None:
            row, _ = cls.objects.get_or_create(pk=1)
        return row


_THE_ROW = PreparedRows(SalonSettings, lambda: SalonSettings.objects.filter(pk=1).order_by())
