"""What the salon offers and when it is open."""

from __future__ import annotations

import uuid
from datetime import time
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value

from staff.models.settings import LONGEST_WINDOW_MINUTES
from staff.storage.columns import DayField, LineField


class Location(models.Model):
    """A branch of the salon; `slug` is eAgenda's account_slug."""

    name = LineField(max_length=200)
    slug = models.SlugField(max_length=100, unique=True)
    address = models.CharField(max_length=500, blank=True, default="")
    is_active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """What a client books. Durations and buffers are minutes; `price` is in the salon's currency.

    `parts` are what a person does in it, and the gaps in which they are free for somebody else (contract
    §7); none: work from its start to its end. `duration_minutes` is their sum. Clients book it themselves
    where it is `online`; a `hidden` one is found by its `key` only. What a client may do until when: null is
    the salon's own (contract §8, §9).
    """

    name = LineField(max_length=200)
    duration_minutes = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(1440)])
    parts: Any = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    price = models.DecimalField(
        max_digits=12, decimal_places=3, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    category = LineField(max_length=200, blank=True, default="")
    buffer_before_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(1440)])
    buffer_after_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(1440)])
    min_capacity = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    max_capacity = models.PositiveIntegerField(default=1, validators=[MinValueValidator(1)])
    is_active = models.BooleanField(default=True)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    description = models.TextField(max_length=2000, blank=True, default="", db_default="")
    online = models.BooleanField(default=True, db_default=True)
    hidden = models.BooleanField(default=False, db_default=False)
    client_cancel_minutes = models.PositiveIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(LONGEST_WINDOW_MINUTES)]
    )
    client_reschedule_minutes = models.PositiveIntegerField(
        null=True, blank=True, validators=[MaxValueValidator(LONGEST_WINDOW_MINUTES)]
    )
    client_may_change_staff = models.BooleanField(null=True, blank=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(duration_minutes__gte=1, duration_minutes__lte=1440),
                name="service_duration_in_a_day",
            ),
            models.CheckConstraint(
                condition=Q(buffer_before_minutes__lte=1440, buffer_after_minutes__lte=1440),
                name="service_buffers_in_a_day",
            ),
            models.CheckConstraint(
                condition=Q(min_capacity__gte=1, max_capacity__gte=F("min_capacity")),
                name="service_capacity_in_order",
            ),
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0), name="service_price_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ServiceDuration(models.Model):
    """One person's own minutes for one service, as `Service` has them (contract §7 "parts of a service")."""

    staff = models.ForeignKey("staff.Staff", on_delete=models.CASCADE, related_name="durations")
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="durations", db_index=False)
    duration_minutes = models.PositiveIntegerField(validators=[MinValueValidator(1), MaxValueValidator(1440)])
    parts: Any = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["service_id", "staff_id"]
        constraints = [
            models.UniqueConstraint(fields=["service", "staff"], name="service_duration_one_per_person"),
            models.CheckConstraint(
                condition=Q(duration_minutes__gte=1, duration_minutes__lte=1440),
                name="own_duration_in_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} by {self.staff}: {self.duration_minutes} minutes"


class WorkingHours(models.Model):
    """One stretch of a weekday (0 = Monday), salon wall clock; several rows a day make breaks.

    It belongs to the day on which it opens: `closes` not after `opens` is on the next day. The dates, both
    included, bound those days; null is no bound (contract §6a).
    """

    class Weekday(models.IntegerChoices):
        MONDAY = 0
        TUESDAY = 1
        WEDNESDAY = 2
        THURSDAY = 3
        FRIDAY = 4
        SATURDAY = 5
        SUNDAY = 6

    staff = models.ForeignKey("staff.Staff", on_delete=models.CASCADE, related_name="working_hours")
    weekday = models.PositiveSmallIntegerField(choices=Weekday)
    opens = models.TimeField()
    closes = models.TimeField()
    valid_from = DayField(null=True, blank=True)
    valid_until = DayField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "working hours"
        ordering = ["staff_id", "weekday", "opens", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="working_hours_weekday"),
            models.CheckConstraint(
                condition=~Q(closes=F("opens")) | Q(closes=time(0, 0)), name="working_hours_not_empty"
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True)
                | Q(valid_until__isnull=True)
                | Q(valid_until__gte=F("valid_from")),
                name="working_hours_dates_in_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_weekday_display()} {self.opens:%H:%M}-{self.closes:%H:%M}"


class TimeOff(models.Model):
    """A staff member is away from `start_at` to `end_at` (half-open, stored in UTC)."""

    staff = models.ForeignKey("staff.Staff", on_delete=models.CASCADE, related_name="time_off")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    reason = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        verbose_name_plural = "time off"
        ordering = ["start_at", "id"]
        indexes = [models.Index(fields=["staff", "end_at"], name="time_off_staff_end")]
        constraints = [
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="time_off_in_order"),
        ]

    def __str__(self) -> str:
        return f"{self.staff} {self.start_at:%Y-%m-%d %H:%M}"


class Holiday(models.Model):
    """A salon-local date on which nothing is booked."""

    date = DayField(unique=True)
    name = LineField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["date"]

    def __str__(self) -> str:
        return f"{self.date} {self.name}".strip()


class OpeningException(models.Model):
    """Days on which other hours hold: for some people, for a location, or for the whole salon (contract §6a).

    `hours` are pairs of `HH:MM`, salon wall clock, as a row of working hours has them; none means closed.
    The dates are both included; with `every_year` their year is the first one.
    """

    class Scope(models.TextChoices):
        STAFF = "staff", "Some people: these hours instead of their own"
        LOCATION = "location", "A location: nobody there longer than this"
        SALON = "salon", "The whole salon: nobody longer than this"

    scope = models.CharField(max_length=10, choices=Scope, default=Scope.SALON)
    people: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "staff.Staff", blank=True, related_name="opening_exceptions"
    )
    location = models.ForeignKey(
        Location, null=True, blank=True, on_delete=models.PROTECT, related_name="opening_exceptions"
    )
    date_from = DayField()
    date_to = DayField()
    hours: Any = models.JSONField(default=list, blank=True)
    every_year = models.BooleanField(default=False)
    name = LineField(max_length=200, blank=True, default="")

    class Meta:
        ordering = ["date_from", "id"]
        indexes = [models.Index(fields=["date_to", "date_from"], name="opening_exception_dates")]
        constraints = [
            models.CheckConstraint(
                condition=Q(scope__in=["staff", "location", "salon"]), name="opening_exception_scope"
            ),
            models.CheckConstraint(
                condition=Q(date_to__gte=F("date_from")), name="opening_exception_dates_in_order"
            ),
            models.CheckConstraint(
                condition=Q(scope="location", location__isnull=False)
                | (~Q(scope="location") & Q(location__isnull=True)),
                name="opening_exception_location",
            ),
        ]

    def __str__(self) -> str:
        until = "" if self.date_to == self.date_from else f" to {self.date_to}"
        return f"{self.name} {self.date_from}{until}".strip()
