"""Calendars that staff subscribe to (contract §11 "Feeds")."""

from __future__ import annotations

from django.db import models

from staff.storage.columns import LineField


class CalendarFeed(models.Model):
    """An address at which a calendar program reads bookings; who has the address reads them.

    Of its token only `token_hash` (sha256) is stored: the address is shown when it is made, and never again.
    `last_fetched_at` (UTC) and `last_fetched_by` (what the program calls itself) are noted once an hour.
    """

    LONGEST_PROGRAM = 200

    class Scope(models.TextChoices):
        OWN = "own", "Own bookings"
        LOCATION = "location", "All of the location"
        ALL = "all", "All bookings"

    class Detail(models.TextChoices):
        INITIALS = "initials", "The client's initials"
        FULL = "full", "Name, telephone number and notes"
        BUSY = "busy", "Only when somebody is busy"

    staff = models.ForeignKey("staff.Staff", on_delete=models.PROTECT, related_name="calendar_feeds")
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.OWN)
    detail = models.CharField(max_length=10, choices=Detail, default=Detail.INITIALS)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    last_fetched_at = models.DateTimeField(null=True, editable=False)
    last_fetched_by = LineField(max_length=LONGEST_PROGRAM, blank=True, default="", editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.staff}: {self.get_scope_display()}"
