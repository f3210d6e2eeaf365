"""The booking itself, who may see it, and the audit trail of its changes."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from bookings.models.statuses import legal_pairs
from staff.access.actor import Actor
from staff.storage.columns import ListField, ProseField


def stamp(now: datetime) -> datetime:
    """What `updated_at` becomes in an operation that began at `now`; to be called once its locks are held.

    Apps that poll are shown a row five seconds after its stamp (`/changes`). An operation that waited longer
    for a lock, or a sweep that took longer to come to this row, would be missed if it stamped when it began.
    """
    return max(now, timezone.now())


def told_status(start_at: datetime, status: str) -> str:
    """When it begins, in the active zone, and how it stands, in the active language's words: for people."""
    word = gettext(str(Booking.Status(status).label)).lower()
    local = timezone.localtime(start_at)
    return f"{date_format(local, 'DATETIME_FORMAT')} {local:%Z}, {word}"


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, actor: Actor) -> BookingQuerySet:
        """The one scoped queryset: what `actor` may see (contract §1.3 "who"). The rest is 404."""
        if actor.agenda_of is not None:
            return self.filter(staff_id=actor.agenda_of)
        return self

    def waiting_for_salon(self) -> BookingQuerySet:
        """Requests that the salon has to answer (contract §9 "request"), whoever wrote them."""
        return self.filter(status=Booking.Status.PROVISIONAL, provisional_token__isnull=True)

    def occupying(self) -> BookingQuerySet:
        """Those that occupy their staff member (`Booking.stands`)."""
        return self.filter(status__in=Booking.OCCUPYING)


class Booking(models.Model):
    """One client with one staff member for one service, from `start_at` to `end_at` (UTC, half-open).

    Only `bookings.lifecycle` assigns a status or a time.
    `party` is shared by the bookings of one session: at any instant a staff member's busy times
    have one party. `session_of_id` is the id of the session's first booking (null: this one);
    `session_id` is that id always. `series_id` is the id of the first booking of a series, of that one too.
    `announced_*` is what the client was last told and still believes: null and "" mean that they
    know of no booking. Buffers (minutes), price, parts and `client_*_minutes` (how long before its start the
    client may still cancel or move it, contract §8) are frozen when the service is set; no `parts`: work from
    its start to its end; null minutes, as an older release writes them: what the service has now. `position`
    is its place in its visit, from 1; a row without a visit was written by an older release, and gets one
    with its next change.
    """

    class Status(models.TextChoices):
        SCHEDULED = "scheduled", "Scheduled"
        PROVISIONAL = "provisional", "Provisional"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"
        NO_SHOW = "no-show", "No-show"

    OCCUPYING: ClassVar[tuple[str, ...]] = (Status.SCHEDULED, Status.PROVISIONAL)
    """The statuses that occupy the staff member."""

    ONLINE: ClassVar[str] = "online"
    """The `source` of what a client booked, or asked for, on the public booking page or its twin."""

    client = models.ForeignKey(
        "clients.Client", null=True, on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    staff = models.ForeignKey(
        "staff.Staff", on_delete=models.PROTECT, related_name="bookings", db_index=False
    )
    service = models.ForeignKey("staff.Service", on_delete=models.PROTECT, related_name="bookings")
    location = models.ForeignKey(
        "staff.Location", null=True, blank=True, on_delete=models.PROTECT, related_name="bookings"
    )
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    status = models.CharField(max_length=12, choices=Status, default=Status.SCHEDULED)
    status_detail = models.CharField(max_length=20, blank=True, default="")
    notes = ProseField(blank=True, default="")
    internal_notes = ProseField(blank=True, default="")
    provisional_token = models.CharField(max_length=64, null=True, unique=True, editable=False)
    provisional_expires_at = models.DateTimeField(null=True, editable=False)
    feedback_token = models.CharField(max_length=64, null=True, unique=True, editable=False)
    waitlist = models.ForeignKey(
        "bookings.WaitlistEntry", null=True, blank=True, on_delete=models.PROTECT, related_name="bookings"
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    visit = models.ForeignKey(
        "bookings.Visit",
        null=True,
        on_delete=models.PROTECT,
        related_name="bookings",
        db_index=False,
        editable=False,
    )
    position = models.PositiveSmallIntegerField(default=1, db_default=1, editable=False)
    client_cancel_minutes = models.PositiveIntegerField(null=True, editable=False)
    client_reschedule_minutes = models.PositiveIntegerField(null=True, editable=False)
    parts: Any = ListField(default=list, db_default=Value([], models.JSONField()), blank=True, editable=False)
    staff_requested = models.BooleanField(default=False, db_default=False)
    session_of_id = models.BigIntegerField(null=True, editable=False)
    session_id = models.GeneratedField(
        expression=Coalesce("session_of_id", F("id")), output_field=models.BigIntegerField(), db_persist=True
    )
    series_id = models.BigIntegerField(null=True, editable=False)
    party = models.UUIDField(default=uuid.uuid4, editable=False)
    persons = models.PositiveIntegerField(default=1)
    price = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    buffer_before_minutes = models.PositiveIntegerField(default=0)
    buffer_after_minutes = models.PositiveIntegerField(default=0)
    source = models.CharField(max_length=20, default="api")
    base_url = models.CharField(max_length=500, blank=True, default="")
    announced_start_at = models.DateTimeField(null=True, editable=False)
    announced_end_at = models.DateTimeField(null=True, editable=False)
    announced_staff_id = models.BigIntegerField(null=True, editable=False)
    announced_as = models.CharField(max_length=12, blank=True, default="", editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    foreign_data: Any = models.JSONField(default=dict, blank=True, editable=False)
    amelia_deleted = models.BooleanField(default=False, editable=False)  # docs/adr/0014
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar[Any] = BookingQuerySet.as_manager()

    class Meta:
        ordering = ["-start_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=legal_pairs(), name="booking_status_pair_legal"),
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="booking_times_in_order"),
            models.CheckConstraint(condition=Q(persons__gte=1), name="booking_persons_at_least_one"),
            models.CheckConstraint(
                condition=Q(provisional_token__isnull=True) | Q(status="provisional"),
                name="booking_token_only_while_provisional",
            ),
        ]
        indexes = [
            models.Index(
                F("start_at").desc(), F("id").desc(), condition=~Q(status="cancelled"), name="booking_list"
            ),
            models.Index(F("start_at").desc(), F("id").desc(), name="booking_list_all"),
            models.Index(F("staff_id"), F("start_at").desc(), F("id").desc(), name="booking_staff_start"),
            models.Index(F("client_id"), F("start_at").desc(), F("id").desc(), name="booking_client_start"),
            models.Index(fields=["updated_at", "id"], name="booking_changes"),
            models.Index(fields=["created_at", "id"], name="booking_created"),
            models.Index(fields=["session_id", "id"], name="booking_session"),
            models.Index(fields=["visit", "id"], name="booking_visit"),
            models.Index(
                fields=["series_id", "id"], condition=Q(series_id__isnull=False), name="booking_series"
            ),
            models.Index(
                fields=["provisional_expires_at"],
                condition=Q(provisional_token__isnull=False),
                name="booking_lapsing",
            ),
            models.Index(fields=["end_at"], condition=Q(status="scheduled"), name="booking_to_follow_up"),
            models.Index(
                fields=["created_at"],
                condition=Q(status="provisional", provisional_token__isnull=True),
                name="booking_requests_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"#{self.pk} {told_status(self.start_at, self.status)}"

    @property
    def total_price(self) -> Decimal | None:
        """The price for all persons; None where there is none."""
        return None if self.price is None else self.price * self.persons

    @property
    def for_somebody(self) -> bool:
        """Its client can be written to and counted: is not erased, nor the walk-in (contract §11)."""
        return self.client is not None and not self.client.is_walk_in

    @property
    def asked_online(self) -> bool:
        """A client asked for it online, and the salon has not answered (contract §9 "request")."""
        unanswered = self.status == self.Status.PROVISIONAL and self.provisional_token is None
        return unanswered and self.source == self.ONLINE

    @property
    def stands(self) -> bool:
        """It occupies its staff member."""
        return self.status in self.OCCUPYING


class BookingEvent(models.Model):
    """One change of one booking: from, to, who, through which channel, why, when (contract §1.3)."""

    LONGEST_REASON = 500

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    door = models.CharField(max_length=20)
    actor_type = models.CharField(max_length=10)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=200, blank=True, default="")
    from_status = models.CharField(max_length=12, blank=True, default="")
    to_status = models.CharField(max_length=12)
    changes: Any = models.JSONField(default=dict, blank=True)
    reason = models.CharField(max_length=LONGEST_REASON, blank=True, default="")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["booking", "id"], name="booking_event_of")]

    def __str__(self) -> str:
        return f"#{self.booking_id}"


class SpentToken(models.Model):
    """A mailed request's token after its use: a second click is told so instead of "unknown"."""

    token_hash = models.CharField(max_length=64, unique=True)
    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(max_length=12)
    spent_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.outcome} #{self.booking_id}"
