"""Telling the salon's own people, in their in-app list."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import BigAutoField, CharField, DateTimeField, Q, TextField, Value

from notifications.models import Notification
from staff.models import Staff
from staff.storage.prepared_statements import Blank, BlankIds, BlankTexts
from staff.storage.prepared_writes import PreparedDelete, PreparedFanOut
from staff.storage.storing import found

LONGEST_TITLE = 300


def tell_staff(
    *,
    staff_ids: Collection[int],
    type: str,
    title: str,
    body: str = "",
    booking_id: int | None = None,
    now: datetime,
    and_admins: bool = False,
) -> None:
    """One line in the list of each of them who is there, and of every active admin if `and_admins`; nobody
    twice."""
    _TELL.run(
        staff_ids=staff_ids,
        roles=[Staff.Role.ADMIN] if and_admins else [],
        type=type,
        title=title[:LONGEST_TITLE],
        body=body,
        booking_id=booking_id,
        now=now,
    )


_TELL = PreparedFanOut(
    Notification,
    lambda: (
        Staff.objects.filter(
            Q(pk__in=BlankIds("staff_ids")) | Q(is_active=True, role__in=BlankTexts("roles"))
        )
        .order_by("pk")
        .values_list(
            "pk",
            Blank("type", CharField()),
            Blank("title", CharField()),
            Blank("body", TextField()),
            Blank("booking_id", BigAutoField()),
            Value(value=False),
            Blank("now", DateTimeField()),
        )
    ),
)
"""A line for each of these people, and for every active one who has one of these `roles`."""


def tell_admins(
    *, type: str, title: str, body: str = "", booking_id: int | None = None, now: datetime
) -> None:
    """One line in the list of every active admin."""
    tell_staff(
        staff_ids=(), and_admins=True, type=type, title=title, body=body, booking_id=booking_id, now=now
    )


def tell_admins_once_in(period: timedelta, *, type: str, title: str, body: str = "", now: datetime) -> None:
    """`tell_admins`, unless a line of this type was written within `period`.

    The admins' rows are locked meanwhile, so that two workers do not both say it.
    """
    told = Notification.objects.filter(booking_id=None, type=type, created_at__gt=now - period)
    if told.exists():
        return
    with transaction.atomic():
        admins = Staff.objects.filter(role=Staff.Role.ADMIN, is_active=True).order_by("id")
        list(admins.select_for_update(no_key=True).values_list("id"))
        if not told.exists():
            tell_admins(type=type, title=title, body=body, now=now)


def withdraw(*, booking_id: int, type: str) -> None:
    """Take the lines of this type about this booking out of every list."""
    _WITHDRAW.run(booking_id=booking_id, type=type)


_WITHDRAW = PreparedDelete(
    lambda: Notification.objects.filter(
        booking_id=Blank("booking_id", BigAutoField()), type=Blank("type", CharField())
    )
)


def mark_read(notification_id: int, *, staff_id: int) -> Notification:
    """This person's line, read from now on. Raises NotFound for another's."""
    line = found(Notification.objects.filter(staff_id=staff_id), notification_id)
    if not line.is_read:
        line.is_read = True
        line.save(update_fields=["is_read"])
    return line


def mark_all_read(*, staff_id: int) -> int:
    """How many of this person's lines were unread until now."""
    return Notification.objects.filter(staff_id=staff_id, is_read=False).update(is_read=True)
