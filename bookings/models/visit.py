"""One appointment of one client: a booking, or several that go together (contract §7)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.functional import cached_property
from django.utils.translation import gettext

from bookings.models.booking import Booking, told_status
from staff.access.actor import Actor


def in_order(bookings: Iterable[Booking]) -> list[Booking]:
    """The bookings of one visit by their place in it."""
    return sorted(bookings, key=lambda each: (each.position, each.pk))


def counted(items: Sequence[Booking]) -> list[Booking]:
    """Those of a visit that are not cancelled; all where all are."""
    return [each for each in items if each.status != Booking.Status.CANCELLED] or list(items)


def price_of(items: Iterable[Booking]) -> Decimal | None:
    """What they cost together; None where none of them has a price."""
    prices = [each.total_price for each in items if each.total_price is not None]
    return sum(prices, Decimal()) if prices else None


def coming_with(booking: Booking) -> list[Booking]:
    """What its client comes for in one go: the bookings of its visit that are not cancelled, or all."""
    return counted([booking] if booking.visit is None else booking.visit.items)


class VisitQuerySet(models.QuerySet["Visit"]):
    def visible_to(self, actor: Actor) -> VisitQuerySet:
        """Those of which `actor` sees a booking (`BookingQuerySet.visible_to`). The rest is 404."""
        if actor.agenda_of is None:
            return self
        return self.filter(Exists(Booking.objects.visible_to(actor).filter(visit_id=OuterRef("pk"))))


class Visit(models.Model):
    """What the client comes for in one go; every booking belongs to exactly one (docs/adr/0082).

    `key` names it in calendars for ever: it is the key of its first booking. `start_at`, `end_at` (UTC) and
    `status` follow from its bookings, and are written with each change of one of them by
    `bookings.lifecycle`. So is `version`, which is also what the ICS SEQUENCE rises by. `link_nonce` goes
    into the link to the client's page: another number, another link. `policy` is what the client accepted.
    `late`: the client's last cancelling, or a move since, came after the time for it. `client_moves` counts
    the client's own moves. `changed_by_client`: the last change of its times or its status was the client's
    own. `grace_from`: when the last mail about a change that the salon made left (UTC), from which the client
    has time to think again (contract §8 "windows"). `contact_typed`: who booked it online, as they said
    themselves (`bookings.online.contact`). `unconfirmed_told_for`: the start (UTC) that nobody had confirmed
    in time, once that has been looked after (contract §10 "unconfirmed_action"); `released_at`: that its
    time was given to others for it.
    """

    client = models.ForeignKey(
        "clients.Client", null=True, on_delete=models.PROTECT, related_name="visits", db_index=False
    )
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    status = models.CharField(max_length=12, choices=Booking.Status)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    version = models.PositiveIntegerField(default=1, editable=False)
    link_nonce = models.PositiveIntegerField(default=0, editable=False)
    client_confirmed_at = models.DateTimeField(null=True, editable=False)
    policy: Any = models.JSONField(null=True, editable=False)
    contact_typed: Any = models.JSONField(null=True, editable=False)
    late = models.BooleanField(default=False, editable=False)
    client_moves = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    changed_by_client = models.BooleanField(default=False, db_default=False, editable=False)
    grace_from = models.DateTimeField(null=True, editable=False)
    unconfirmed_told_for = models.DateTimeField(null=True, editable=False)
    released_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects: ClassVar[Any] = VisitQuerySet.as_manager()

    class Meta:
        ordering = ["-start_at", "-id"]
        constraints = [
            models.CheckConstraint(condition=Q(end_at__gt=F("start_at")), name="visit_times_in_order"),
        ]
        indexes = [
            models.Index(F("start_at").desc(), F("id").desc(), name="visit_list"),
            models.Index(F("client_id"), F("start_at").desc(), F("id").desc(), name="visit_client_start"),
        ]

    @property
    def by_stranger(self) -> dict[str, Any] | None:
        """`contact_typed`, where nobody has proved to be the client: they see nothing of the client's."""
        typed: dict[str, Any] | None = self.contact_typed
        return None if typed is None or typed["verified"] else typed

    @property
    def called(self) -> str:
        """The first name that its page shows: as it was typed, where nobody has proved to be the client."""
        if self.by_stranger is not None:
            return str(self.by_stranger["first_name"])
        return "" if self.client is None else self.client.first_name

    @property
    def locale(self) -> str:
        """What its page speaks: as `called`."""
        if self.by_stranger is not None:
            return str(self.by_stranger["locale"])
        return "" if self.client is None else self.client.locale

    @cached_property
    def items(self) -> list[Booking]:
        """Its bookings in their order, as first read; who locks them puts them here."""
        return in_order(self.bookings.all())

    def __str__(self) -> str:
        return f"{gettext('visit')} #{self.pk} {told_status(self.start_at, self.status)}"


class VisitLink(models.Model):
    """A link to the client's page that was printed: the token in it is found by its hash (contract §8)."""

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="links")
    token_hash = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return f"link to {self.visit_id}"
