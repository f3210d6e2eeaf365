"""Telling the salon's own people, in their in-app list."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import BigAutoField, CharField, QuerySet

from notifications.models import Notification
from staff.models import Staff
from staff.storage.prepared_statements import Blank, Prepared
from staff.storage.prepared_writes import PreparedDelete, PreparedInsert
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
    """One line in the list of each of them, and of every active admin if `and_admins`; nobody twice."""
    told = [*staff_ids, *_admin_ids()] if and_admins else staff_ids
    _write(told, type=type, title=title, body=body, booking_id=booking_id, now=now)


def tell_admins(
    *, type: str, title: str, body: str = "", booking_id: int | None = None, now: datetime
) -> None:
    """One line in the list of every active admin."""
    _write(_admin_ids(), type=type, title=title, body=body, booking_id=booking_id, now=now)


def tell_admins_once_in(period: timedelta, *, type: str, title: str, body: str = "", now: datetime) -> None:
    """`tell_admins`, unless a line of this type was written within `period`.

    The admins' rows are locked meanwhile, so that two workers do not both say it.
    """
    told = Notification.objects.filter(booking_id=None, type=type, created_at__gt=now - period)
    if told.exists():
        return
    with transaction.atomic():
        admin_ids = list(_admins().order_by("id").select_for_update(no_key=True).values_list("id", flat=True))
        if not told.exists():
            _write(admin_ids, type=type, title=title, body=body, booking_id=None, now=now)


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


def _admins() -> QuerySet[Staff]:
    return Staff.objects.filter(role=Staff.Role.ADMIN, is_active=True)


def _admin_ids() -> list[int]:
    return [admin_id for (admin_id,) in _ADMIN_IDS.rows()]


_ADMIN_IDS = Prepared(lambda: _admins().order_by().values_list("id"))


def _write(
    staff_ids: Iterable[int], *, type: str, title: str, body: str, booking_id: int | None, now: datetime
) -> None:
    _TELL.write(
        Notification(
            staff_id=staff_id,
            type=type,
            title=title[:LONGEST_TITLE],
            body=body,
            booking_id=booking_id,
            created_at=now,
        )
        for staff_id in sorted(set(staff_ids))
    )


_TELL = PreparedInsert(Notification)
