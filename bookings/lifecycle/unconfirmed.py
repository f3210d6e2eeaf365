"""Visits that nobody has confirmed, twelve hours before (contract §10 "unconfirmed_action";
docs/adr/0101)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.utils import translation
from django.utils.translation import gettext as _

from bookings.lifecycle.client_terms import standing
from bookings.lifecycle.how import How
from bookings.lifecycle.inapp_lines import summary
from bookings.lifecycle.locks import begin_again, lock_bookings
from bookings.lifecycle.visit_items import Step, change_items
from bookings.models import Booking, Reminded, Visit, VisitQuerySet
from bookings.reminders import REMINDER
from bookings.reminders.asked import CAME, TOLD
from bookings.reminders.due import salon_date
from bookings.why_not_sent import Reason
from notifications import inapp
from notifications.models import Job
from notifications.one_by_one import one_by_one
from notifications.outbox import Recipient
from staff.access.actor import SYSTEM
from staff.models import SalonSettings
from staff.salon.schedule import ONE_DAY
from staff.storage.storing import locked
from staff.wire.times import day_start

UNCONFIRMED = "visit.unconfirmed"
BEFORE = timedelta(hours=12)
RELEASED_WITHIN = timedelta(hours=1)
"""A visit that nobody looked after for longer, because nothing ran, is not released any more."""

ASKED_BEFORE = timedelta(hours=24)
LONGEST_DELAY = timedelta(hours=1)
LOOKED_BACK = timedelta(days=15)
FEW = 3
SHARE = 10
"""Of a day's visits at most so many, or one in so many, are released."""

REASON = "not confirmed in time"
BATCH = 100


def look_after_unconfirmed(*, now: datetime) -> int:
    """Each visit once for each of its starts; gives how many. Safe for many workers."""
    salon = SalonSettings.load()
    if salon.unconfirmed_action == SalonSettings.UnconfirmedAction.NONE:
        return 0
    due = _unconfirmed(now=now).order_by("start_at", "pk").values_list("pk", flat=True)[:BATCH]
    return one_by_one(_look_after, due, now=now)


def _unconfirmed(*, now: datetime) -> VisitQuerySet:
    asked = Reminded.objects.filter(
        visit_id=OuterRef("pk"),
        client_id=OuterRef("client_id"),
        start_at=OuterRef("start_at"),
        asks=True,
        message__state__in=TOLD,
    )
    found: VisitQuerySet = Visit.objects.filter(
        Exists(asked),
        Q(unconfirmed_told_for=None) | ~Q(unconfirmed_told_for=F("start_at")),
        status=Booking.Status.SCHEDULED,
        client_confirmed_at=None,
        start_at__gt=now,
        start_at__lte=now + BEFORE,
    )
    return found


@begin_again
def _look_after(visit_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        # One at a time: how many of a day are released is counted under this lock.
        salon = locked(SalonSettings.objects.all(), 1)
        first = Booking.objects.filter(visit_id=visit_id).order_by("pk").values_list("pk", flat=True)[0]
        visit = lock_bookings([first])[first].visit
        if visit is None or not _unconfirmed(now=now).filter(pk=visit_id).exists():
            return 0
        visit.unconfirmed_told_for = visit.start_at
        wanted = salon.unconfirmed_action == SalonSettings.UnconfirmedAction.RELEASE
        may_go = wanted and may_be_released(visit, now=now)
        if may_go and _places_left(visit.start_at, salon=salon) > 0:
            _release(visit, salon=salon, now=now)
        else:
            Visit.objects.filter(pk=visit.pk).update(unconfirmed_told_for=visit.start_at)
            _tell(visit, salon=salon, now=now, released=False)
    return 1


def may_be_released(visit: Visit, *, now: datetime) -> bool:
    """The client accepted it online, was asked in good time by a message that went out, and no reminder to
    them was late."""
    accepted = visit.policy is not None and visit.policy.get("release_unconfirmed") is True
    reminded = Reminded.objects.filter(visit=visit, client_id=visit.client_id or 0, start_at=visit.start_at)
    asked = reminded.filter(asks=True, message__state__in=CAME, sent_at__lte=now - ASKED_BEFORE)
    late = reminded.filter(sent_at__gt=F("due_at") + LONGEST_DELAY)
    jobs = Job.objects.filter(
        recipient=Recipient.client(visit.client_id),
        type=REMINDER,
        first_run_at__gt=now - LOOKED_BACK,
        first_run_at__lte=now - LONGEST_DELAY,
    )
    stuck = jobs.filter(Q(state__in=[Job.State.PENDING, Job.State.CLAIMED]) | Q(last_error=Reason.TOO_LATE))
    in_time = visit.start_at - now > BEFORE - RELEASED_WITHIN
    return bool(accepted and in_time and asked.exists() and not late.exists() and not stuck.exists())


def _places_left(start_at: datetime, *, salon: SalonSettings) -> int:
    """How many more of that salon date may be released."""
    day = salon_date(start_at, zone=salon.zone)
    of_day = Visit.objects.filter(
        start_at__gte=day_start(day, zone=salon.zone), start_at__lt=day_start(day + ONE_DAY, zone=salon.zone)
    )
    released = of_day.exclude(released_at=None).count()
    stand = of_day.exclude(status=Booking.Status.CANCELLED).count()
    return max(FEW, (stand + released) // SHARE) - released


def _release(visit: Visit, *, salon: SalonSettings, now: datetime) -> None:
    visit.released_at = now
    change_items(
        [Step(each, {"status": Booking.Status.CANCELLED}) for each in standing(visit)],
        actor=SYSTEM,
        how=How(reason=REASON),
        salon=salon,
        now=now,
    )
    _tell(visit, salon=salon, now=now, released=True)


def _tell(visit: Visit, *, salon: SalonSettings, now: datetime, released: bool) -> None:
    """Its people and every admin."""
    first = visit.items[0]
    with translation.override(salon.locale):
        title = _("Not confirmed, and given to others") if released else _("Not confirmed by the client")
        inapp.tell_staff(
            staff_ids={each.staff_id for each in visit.items},
            and_admins=True,
            type=UNCONFIRMED,
            title=title,
            body=summary(first, salon=salon),
            booking_id=first.pk,
            now=now,
        )
