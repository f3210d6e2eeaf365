"""Which channel a text leaves by, and what it is kept from leaving by (contract §10 "channels").

Names: first_active, any_active, take_place, give_back, note_success, note_failure, note_down.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from notifications.inapp import tell_admins
from notifications.models import Channel
from staff.models import SalonSettings

FAILURES_BEFORE_A_PAUSE = 2
PAUSE = timedelta(minutes=1)
TOLD_EVERY = timedelta(days=1)


def first_active(channel_id: int | None = None) -> Channel | None:
    """The first by its id; with an id that one, active or not."""
    channels = Channel.objects.order_by("id")
    if channel_id is not None:
        return channels.filter(pk=channel_id).first()
    return channels.filter(is_active=True, kind=Channel.Kind.SMS).first()


def any_active() -> bool:
    """Whether a text could leave at all."""
    return Channel.objects.filter(is_active=True, kind=Channel.Kind.SMS).exists()


def take_place(channel: Channel, *, now: datetime) -> bool:
    """One of the `daily_cap` texts of the salon's day; False where none is left, and administrators have been
    told, once a day."""
    salon = SalonSettings.load()
    today = now.astimezone(salon.zone).date()
    row = Channel.objects.filter(pk=channel.pk)
    row.filter(~Q(counted_on=today) | Q(counted_on=None)).update(counted_on=today, counted=0)
    if row.filter(counted_on=today, counted__lt=F("daily_cap")).update(counted=F("counted") + 1):
        return True
    with transaction.atomic():
        if row.filter(~Q(cap_told_on=today) | Q(cap_told_on=None)).update(cap_told_on=today):
            tell_admins(
                type="channel.down",
                title=f"No more texts today by {channel.name}",
                body=f"Its daily cap of {channel.daily_cap} is reached; what is due today is not sent.",
                now=now,
            )
    return False


def give_back(channel: Channel) -> None:
    """The place of a text that is known not to have left."""
    Channel.objects.filter(pk=channel.pk, counted__gt=0).update(counted=F("counted") - 1)


def note_success(channel: Channel) -> None:
    Channel.objects.filter(pk=channel.pk).exclude(failures=0, paused_until=None).update(
        failures=0, paused_until=None
    )


def note_failure(channel: Channel, *, error: str, now: datetime) -> None:
    """No answer, or none that helps. After some in a row nothing is tried for a while: a provider that hangs
    must not make every text of the day uncertain."""
    row = Channel.objects.filter(pk=channel.pk)
    row.update(failures=F("failures") + 1)
    if row.filter(failures__gte=FAILURES_BEFORE_A_PAUSE).update(paused_until=now + PAUSE):
        note_down(channel, error=error, now=now)


def note_down(channel: Channel, *, error: str, now: datetime) -> None:
    """Tells administrators, once a day, however often it comes and goes."""
    silent = Q(down_told_at=None) | Q(down_told_at__lte=now - TOLD_EVERY)
    with transaction.atomic():
        if Channel.objects.filter(silent, pk=channel.pk).update(down_told_at=now):
            tell_admins(type="channel.down", title=f"No text leaves by {channel.name}", body=error, now=now)
