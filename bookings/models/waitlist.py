"""Clients who wait for a slot of a service on a date."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from staff.storage.columns import DayField, ProseField, Searched, SearchedField

ONE_OPEN_ENTRY = "waitlist_one_open_entry"
"""The database's name of the rule that nobody waits twice for the same: null is equal to null there."""


class WaitlistEntry(Searched):
    """A client waits for `service` on the salon-local `date`; `staff` null means anyone.

    `last_offered_at` (UTC) puts an entry whose offer was not taken behind those not yet offered.
    """

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        NOTIFIED = "notified", "Notified"
        BOOKED = "booked", "Booked"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    OPEN_STATUSES: ClassVar[tuple[str, ...]] = (Status.WAITING, Status.NOTIFIED)
    """The statuses from which an entry can be booked."""

    client = models.ForeignKey("clients.Client", on_delete=models.PROTECT, related_name="waitlist_entries")
    service = models.ForeignKey("staff.Service", on_delete=models.PROTECT, related_name="+")
    staff = models.ForeignKey(
        "staff.Staff", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    date = DayField()
    notes = ProseField(blank=True, default="")
    searched = SearchedField(of=("notes",))
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    last_offered_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "waitlist entries"
        ordering = ["date", "id"]
        indexes = [
            models.Index(
                fields=["service", "date", "id"], condition=Q(status="waiting"), name="waitlist_waiting"
            ),
            models.Index(fields=["status", "date"], name="waitlist_status_date"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["waiting", "notified", "booked", "cancelled", "expired"]),
                name="waitlist_status_known",
            ),
            models.UniqueConstraint(
                "client",
                "service",
                "date",
                Coalesce("staff", 0),
                condition=Q(status__in=["waiting", "notified"]),
                name=ONE_OPEN_ENTRY,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.client} waits for {self.service} on {self.date}"


class WaitlistOffer(models.Model):
    """A freed slot offered to one entry; at most one live offer per slot and per entry."""

    class State(models.TextChoices):
        LIVE = "live", "Live"
        TAKEN = "taken", "Taken"
        PASSED = "passed", "Passed on"

    entry = models.ForeignKey(WaitlistEntry, on_delete=models.CASCADE, related_name="offers")
    token = models.CharField(max_length=64, unique=True)
    staff = models.ForeignKey("staff.Staff", on_delete=models.PROTECT, related_name="+")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    freed_booking = models.ForeignKey(
        "bookings.Booking", null=True, on_delete=models.SET_NULL, related_name="+"
    )
    hold = models.OneToOneField("bookings.Hold", null=True, on_delete=models.SET_NULL, related_name="offer")
    base_url = models.CharField(max_length=500, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.LIVE)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["staff", "start_at"],
                condition=Q(state="live"),
                name="waitlist_one_live_offer_per_slot",
            ),
            models.UniqueConstraint(
                fields=["entry"], condition=Q(state="live"), name="waitlist_one_live_offer_per_entry"
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], condition=Q(state="live"), name="waitlist_offer_live"),
        ]

    def __str__(self) -> str:
        return f"offer #{self.pk} ({self.state})"
