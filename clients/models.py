"""The people who come to the salon."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from staff.storage.columns import (
    DayField,
    LineField,
    MailAddressField,
    PhoneField,
    ProseField,
    Searched,
    SearchedField,
    SearchedIndex,
)


class Client(Searched):
    """A client. `no_show_count` is kept by the door; archived clients stay on their old bookings.

    `alert` is for staff alone (contract §6a). Its first value is the database's too, as that of `is_walk_in`:
    an older release that still runs beside this one makes clients without naming them. One client
    `is_walk_in`: nobody, for who comes without an appointment (`clients.walk_in`).
    """

    first_name = LineField(max_length=200)
    last_name = LineField(max_length=200, blank=True, default="")
    email = MailAddressField(blank=True, default="")
    phone = PhoneField(max_length=40, blank=True, default="")
    mobile = PhoneField(max_length=40, blank=True, default="")
    birthday = DayField(null=True, blank=True)
    notes = ProseField(blank=True, default="")
    alert = LineField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text="What the desk must not miss, in one line. The client never sees it.",
    )
    locale = models.CharField(max_length=10, blank=True, default="")
    marketing_consent = models.BooleanField(default=False)
    no_show_count = models.PositiveIntegerField(default=0, editable=False)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    is_demo = models.BooleanField(
        default=False, editable=False, help_text="Made by the demo: never mailed to the outside."
    )
    is_walk_in = models.BooleanField(default=False, db_default=False, editable=False)
    unsubscribe_token = models.CharField(max_length=64, null=True, unique=True, editable=False)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    searched = SearchedField(of=("first_name", "last_name", "email"), numbers=("phone", "mobile"))

    class Meta:
        ordering = ["first_name", "last_name", "id"]
        indexes = [
            models.Index(fields=["email"], name="client_email"),
            models.Index(fields=["last_name", "first_name"], name="client_name"),
            SearchedIndex(fields=["searched"], opclasses=["gin_trgm_ops"], name="client_searched"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["is_walk_in"], condition=Q(is_walk_in=True), name="client_one_walk_in"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """First and last name joined, as the API's `client_name`."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def survivor(self) -> Client:
        """The client this one was merged into, else itself. One step: a merge leaves no chain behind."""
        return self.merged_into or self
