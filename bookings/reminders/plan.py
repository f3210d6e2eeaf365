"""The reminders that visits warrant as they are now, and making the pending rows just these (contract §10).

A row is known by its once_key: visit, rule, client and start. What is no longer warranted is cancelled with
its reason; what is warranted again is taken up again, if nothing of it has left. One that was due before
anybody asked for it is never made up for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from bookings.models import Booking, ReminderRule, Visit
from bookings.reminders.due import due_at, salon_date
from bookings.reminders.rules import first_ones, in_force, is_for
from bookings.reminders.write import Steps, write
from bookings.why_not_sent import Reason
from clients.numbers import textable
from notifications.held_after_restore import HELD_UNTIL
from notifications.models import EMAIL, SMS, Job
from notifications.outbox import Due, Recipient
from notifications.outbox.states import IS_LIVE, IS_PENDING
from staff.models import SalonSettings
from staff.salon.schedule import ONE_DAY
from staff.wire.times import day_start

REMINDER = "visit.reminder"
SOONEST = timedelta(hours=2)
"""Who has booked or moved less than this before a reminder would be due is not sent it."""


@dataclass(frozen=True, slots=True)
class Warranted:
    """A reminder of a visit; due (UTC) never where the quiet hours leave no time for it."""

    visit: Visit
    rule: ReminderRule
    due: datetime | None

    @property
    def once_key(self) -> str:
        start_at = self.visit.start_at.astimezone(UTC).isoformat()
        return f"reminder:{self.visit.pk}:{self.rule.pk}:{self.visit.client_id}:{start_at}"


Rows = Mapping[str, Job]
Groups = dict[str, list[Warranted]]
"""By dedupe_key: of each only one row is pending."""


@dataclass(frozen=True, slots=True)
class Planner:
    """`booked_now`: an operation at `now` has made these visits what they are, and what it made due too soon
    is not sent for that reason; False: somebody only looks, so that their making counts."""

    salon: SalonSettings
    now: datetime
    booked_now: bool
    rules: Sequence[ReminderRule]
    steps: Steps = field(default_factory=Steps)

    def look(self, visits: Collection[Visit]) -> Steps:
        """What there is to do for these visits, whose `items` are read. Three statements at most, but for
        what must be taken over by another visit of the same client and date."""
        groups = self._groups(visits)
        rows = _rows(visits, groups)
        self._cancel_what_is_not(groups, rows, visits)
        for dedupe_key, group in groups.items():
            self._settle(dedupe_key, group, rows)
        return self.steps

    def _groups(self, visits: Collection[Visit]) -> Groups:
        first_visits = first_ones(self.rules, visits)
        found: Groups = {}
        for visit in sorted(visits, key=lambda each: (each.start_at, each.pk)):
            if not _can_be_reminded(visit, now=self.now):
                continue
            for rule in self.rules:
                if is_for(rule, visit, first_visits=first_visits):
                    due = due_at(rule, start_at=visit.start_at, salon=self.salon)
                    found.setdefault(self._dedupe_key(rule, visit), []).append(Warranted(visit, rule, due))
        return found

    def _dedupe_key(self, rule: ReminderRule, visit: Visit) -> str:
        if rule.is_by_date:
            day = salon_date(visit.start_at, zone=self.salon.zone)
            return f"reminder:{rule.pk}:{visit.client_id}:{day.isoformat()}"
        return f"reminder:{visit.pk}:{rule.pk}"

    def _cancel_what_is_not(self, groups: Groups, rows: Rows, visits: Collection[Visit]) -> None:
        """What is pending for these visits and not warranted."""
        warranted = {each.once_key: key for key, group in groups.items() for each in group}
        by_id = {each.pk: each for each in visits}
        for row in rows.values():
            if row.state != Job.State.PENDING or row.visit_id not in by_id or row.sending_at is not None:
                continue
            if warranted.get(row.once_key) == row.dedupe_key:
                continue
            self.steps.cancel(row, reason=_why_not(row, by_id[row.visit_id], now=self.now))
            row.state = Job.State.CANCELLED

    def _settle(self, dedupe_key: str, group: Sequence[Warranted], rows: Rows) -> None:
        """One row for the group: the one that is pending, else one that is taken up again, else a new one."""
        pending = next(
            (row for row in rows.values() if row.dedupe_key == dedupe_key and row.state == Job.State.PENDING),
            None,
        )
        if pending is not None:
            own = next((each for each in group if each.once_key == pending.once_key), None)
            if own is not None:
                self._retime(pending, own)
            return
        for each in group:
            row = rows.get(each.once_key)
            if row is None:
                if self._make(each, dedupe_key):
                    return
            elif row.state == Job.State.CANCELLED and self._take_up(row, each, dedupe_key):
                return

    def _retime(self, row: Job, reminder: Warranted) -> None:
        """Also by the rule's channel of today, unless it has been tried by another one."""
        if reminder.due is None:
            self.steps.cancel(row, reason=Reason.QUIET_HOURS)
            return
        if row.attempts:
            return
        if row.first_run_at != reminder.due and row.run_at != HELD_UNTIL:
            self.steps.retime(row, reminder.due)
        self._reroute(row, reminder)

    def _reroute(self, row: Job, reminder: Warranted) -> None:
        channel, to = _way(reminder)
        if row.channel != channel:
            self.steps.reroute(row, channel, to)

    def _make(self, reminder: Warranted, dedupe_key: str) -> bool:
        """Gives whether a row is pending for it."""
        known_since = self.now if self.booked_now else reminder.visit.created_at
        if reminder.due is None:
            self.steps.add(_due(reminder, run_at=self.now, not_sent=Reason.QUIET_HOURS))
        elif reminder.due - known_since < SOONEST:
            if self.booked_now or reminder.due > self.now:
                self.steps.add(_due(reminder, run_at=reminder.due, not_sent=Reason.BOOKED_TOO_LATE))
        elif reminder.due > self.now:
            self.steps.add(_due(reminder, run_at=reminder.due, dedupe_key=dedupe_key))
            return True
        return False

    def _take_up(self, row: Job, reminder: Warranted, dedupe_key: str) -> bool:
        """Unless it has left once, its time is over, or it had been asked for too late."""
        if reminder.due is None or reminder.due <= self.now or row.sends:
            return False
        asked_for = row.finished_at if row.last_error == Reason.BOOKED_TOO_LATE else None
        if asked_for is not None and reminder.due - asked_for < SOONEST:
            return False
        self.steps.take_up(row, reminder.due, dedupe_key)
        self._reroute(row, reminder)
        return True


def plan(visits: Collection[Visit], *, salon: SalonSettings, now: datetime) -> list[Due]:
    """Of visits that an operation has just changed, in its transaction: makes what is pending true, and gives
    what is new, to be enqueued with the rest.

    Two statements where nothing was pending; one where no rule is in force: what may be pending all the same
    is `keep_planned`'s to cancel.
    """
    return _plan(visits, rules=in_force(), salon=salon, now=now, booked_now=True)


def plan_again(
    visits: Collection[Visit], *, rules: Sequence[ReminderRule], salon: SalonSettings, now: datetime
) -> list[Due]:
    """As `plan`, of locked visits that nothing has happened to."""
    return _plan(visits, rules=rules, salon=salon, now=now, booked_now=False)


def differs(
    visits: Collection[Visit], *, rules: Sequence[ReminderRule], salon: SalonSettings, now: datetime
) -> bool:
    """Whether there is anything to do. Changes nothing."""
    planner = Planner(salon=salon, now=now, booked_now=False, rules=rules)
    return not planner.look(visits).nothing


def _plan(
    visits: Collection[Visit],
    *,
    rules: Sequence[ReminderRule],
    salon: SalonSettings,
    now: datetime,
    booked_now: bool,
) -> list[Due]:
    if not visits or (booked_now and not rules):
        return []
    planner = Planner(salon=salon, now=now, booked_now=booked_now, rules=rules)
    steps = planner.look(visits)
    write(steps, now=now)
    left_alone = _left_alone(steps, visits, zone_of=salon) if rules else []
    if not left_alone:
        return steps.new
    others = Planner(salon=salon, now=now, booked_now=False, rules=rules).look(left_alone)
    write(others, now=now)
    return [*steps.new, *others.new]


def _left_alone(steps: Steps, visits: Collection[Visit], *, zone_of: SalonSettings) -> list[Visit]:
    """The other visits of a client on a date whose one reminder was cancelled with that of these visits, and
    not made anew with it."""
    dates: set[tuple[int, str]] = set()
    for dedupe_key in steps.cancelled_by_date - {due.dedupe_key for due in steps.new}:
        _, _, client_id, day = dedupe_key.split(":")
        dates.add((int(client_id), day))
    wanted = Q()
    for whose, day in sorted(dates):
        first = datetime.fromisoformat(day).date()
        wanted |= Q(
            client_id=whose,
            start_at__gte=day_start(first, zone=zone_of.zone),
            start_at__lt=day_start(first + ONE_DAY, zone=zone_of.zone),
        )
    if not dates:
        return []
    others = Visit.objects.filter(wanted, status=Booking.Status.SCHEDULED)
    others = others.exclude(pk__in=[each.pk for each in visits])
    return list(others.select_related("client").prefetch_related("bookings__client").order_by("pk"))


def _can_be_reminded(visit: Visit, *, now: datetime) -> bool:
    """Whoever comes without an appointment, the walk-in, is reminded of nothing."""
    somebody = visit.items[0].for_somebody
    return somebody and visit.status == Booking.Status.SCHEDULED and visit.start_at > now


def _rows(visits: Iterable[Visit], groups: Groups) -> Rows:
    """The jobs there are for what is warranted, and what is pending for these visits; by once_key."""
    ids = [each.pk for each in visits]
    once_keys = [each.once_key for group in groups.values() for each in group]
    found = Job.objects.filter(
        Q(once_key__in=once_keys)
        | Q(IS_LIVE, IS_PENDING, visit_id__in=ids, type=REMINDER)
        | Q(IS_PENDING, dedupe_key__in=list(groups)),
    )
    return {row.once_key: row for row in found.order_by("pk")}


def _why_not(row: Job, visit: Visit, *, now: datetime) -> Reason:
    """Why a pending reminder of this visit is not to leave."""
    if visit.status == Booking.Status.CANCELLED:
        return Reason.CANCELLED_MEANWHILE
    if visit.status == Booking.Status.PROVISIONAL:
        return Reason.PROVISIONAL_MEANWHILE
    if visit.status != Booking.Status.SCHEDULED:
        return Reason.VISIT_CLOSED
    if Recipient(row.recipient).client_id != visit.client_id:
        return Reason.ANOTHER_CLIENT
    if not row.once_key.endswith(visit.start_at.astimezone(UTC).isoformat()):
        return Reason.MOVED_MEANWHILE
    if visit.start_at <= now:
        return Reason.TOO_LATE
    return Reason.RULE_CHANGED


def _due(reminder: Warranted, *, run_at: datetime, dedupe_key: str | None = None, not_sent: str = "") -> Due:
    visit, rule = reminder.visit, reminder.rule
    first = visit.items[0]
    channel, to = _way(reminder)
    return Due(
        type=REMINDER,
        once_key=reminder.once_key,
        run_at=run_at,
        booking_id=first.pk,
        visit_id=visit.pk,
        client_id=visit.client_id,
        recipient=Recipient.client(visit.client_id),
        to=to,
        channel=channel,
        payload={"rule_id": rule.pk},
        dedupe_key=dedupe_key,
        is_new=True,
        not_sent=str(not_sent),
    )


def _way(reminder: Warranted) -> tuple[str, str]:
    """By which channel it leaves, and where to as known now; "" where there is nothing."""
    client = reminder.visit.items[0].client
    if reminder.rule.channel == ReminderRule.Channel.SMS:
        return SMS, "" if client is None else textable(client)
    return EMAIL, "" if client is None else client.email
