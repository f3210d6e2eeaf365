"""What changes of a visit of several bookings set in motion for all of them at once (contract §1.4, "visit").

One mail, one debounce, one calendar event, one fee and one request for a review: of a visit, not of its
bookings. `effects` does what each booking owes for itself. What the client was told stands on each booking
(`announced_*`); a mail about the visit tells of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bookings import after_visit, noshow
from bookings.lifecycle import inapp_lines
from bookings.lifecycle.announced import ANNOUNCED_COLUMNS, Announced, assign
from bookings.lifecycle.former_client import told_before
from bookings.lifecycle.mail_types import (
    RESENT,
    STANDING_MAILS,
    TAKING_BACK,
    arrival,
    asking_mail,
    client_move_delay,
    closing_mail,
    mail_to_client,
    update_mail_delay,
)
from bookings.lifecycle.outcome import Before, Change
from bookings.lifecycle.series_mails import (
    SERIES_KEYS,
    drop_series_update,
    moved_in_series,
    of_series,
    series_update_of,
)
from bookings.models import Booking, Visit
from bookings.why_not_sent import Reason
from clients.models import Client
from clients.records import count_no_show
from notifications import outbox
from notifications.outbox import Due, Recipient

SCHEDULED = Booking.Status.SCHEDULED
PROVISIONAL = Booking.Status.PROVISIONAL
COMPLETED = Booking.Status.COMPLETED
CANCELLED = Booking.Status.CANCELLED
NO_SHOW = Booking.Status.NO_SHOW


@dataclass(frozen=True, slots=True)
class VisitChange:
    """What one operation did to a visit: the changes of its bookings, in their order. All of one client."""

    visit: Visit
    changes: Sequence[Change]
    befores: Mapping[int, Before | None]
    """As the bookings were, by id; None of one that is new."""

    @classmethod
    def of(cls, visit: Visit, changes: Sequence[Change]) -> VisitChange:
        return cls(visit, changes, {each.booking.pk: each.before for each in changes})

    @property
    def last(self) -> Change:
        return self.changes[-1]

    @property
    def former(self) -> Before | None:
        """One of its bookings as it was, all of one client; None where all are new."""
        return next((before for before in self.befores.values() if before is not None), None)

    def _status_before(self, item: Booking) -> str:
        """ "" of one that was not there."""
        if item.pk not in self.befores:
            return item.status
        before = self.befores[item.pk]
        return "" if before is None else before.status

    def before(self, test: Callable[[str], bool]) -> list[Booking]:
        """The bookings whose status before passes the test."""
        return [each for each in self.visit.items if test(self._status_before(each))]

    @property
    def created(self) -> bool:
        return all(not self._status_before(each) for each in self.visit.items)

    @property
    def client_changed(self) -> bool:
        return any(each.client_changed for each in self.changes)

    @property
    def stood(self) -> bool:
        return bool(self.before(lambda status: status in Booking.OCCUPYING))

    @property
    def stands(self) -> bool:
        return any(each.stands for each in self.visit.items)

    @property
    def was_cancelled(self) -> bool:
        return not self.created and not self.before(lambda status: status not in ("", CANCELLED))

    @property
    def is_cancelled(self) -> bool:
        return self.visit.status == CANCELLED

    @property
    def was_asked(self) -> bool:
        return bool(self.before(lambda status: status == PROVISIONAL))

    @property
    def asks(self) -> bool:
        """A native change to `provisional`: the client is mailed links."""
        return any(
            each.entered(PROVISIONAL) and each.booking.provisional_token is not None for each in self.changes
        )

    @property
    def differs(self) -> bool:
        """Another booking stands, at another time or with somebody else who was asked for.

        That one is done, or was missed, is no news for the client, nor is a correction of what is over.
        """
        return any(
            each.created or not each.stood or each.moved or (each.restaffed and each.booking.staff_requested)
            if each.stands
            else each.entered(CANCELLED) and (each.stood or not each.ended)
            for each in self.changes
        )

    @property
    def silent(self) -> bool:
        last = self.last
        return not last.notify_client or not last.booking.for_somebody or self.visit.end_at <= last.now

    @property
    def names_walk_in(self) -> bool:
        return any(each.names_walk_in for each in self.changes)


def set_in_motion(changes: Sequence[Change]) -> list[Due]:
    """What the changes of one visit of several bookings owe together; gives the jobs."""
    visit = changes[0].booking.visit
    if visit is None:
        return []
    change = VisitChange.of(visit, changes)
    if not change.created:
        _drop_what_is_moot(change)
    return [*_owed(change), *_fee(change), *_review(change)]


def _drop_what_is_moot(change: VisitChange) -> None:
    if change.client_changed and change.former is not None:
        former = Recipient.client(change.former.client_id)
        _drop(change, STANDING_MAILS, reason=Reason.ANOTHER_CLIENT, recipient=former)
    if change.stood and not change.stands:
        why = Reason.CANCELLED_MEANWHILE if change.is_cancelled else Reason.VISIT_CLOSED
        _drop(change, STANDING_MAILS, reason=why)
        drop_series_update(change.last, reason=why)
    if change.asks:
        _drop(change, STANDING_MAILS, reason=Reason.ASKED_AGAIN)
    if change.was_asked and change.visit.status == SCHEDULED:
        moot = ["booking.provisional", "booking.created", "visit.requested"]
        _drop(change, moot, reason=Reason.ACCEPTED_MEANWHILE)
    if not change.is_cancelled and (change.was_cancelled or change.client_changed):
        present = Recipient.client(change.visit.client_id)
        _drop(change, TAKING_BACK, reason=Reason.RESTORED, recipient=present)


def _owed(change: VisitChange) -> list[Due]:
    """The one mail of the visit, and the lines for the salon."""
    if change.created and change.last.in_series:
        return []
    if change.created:
        inapp_lines.tell_salon_of_visit(change.visit, arrival(change.visit.items), change.last)
        return _announcement(change) if change.stands else []
    if change.names_walk_in:
        return []
    if change.client_changed:
        return [*_tell_former_client(change), *(_announcement(change) if change.stands else [])]
    if change.was_asked and change.visit.status == SCHEDULED:
        _tell_of_answer(change)
        return _announcement(change)
    if change.asks:
        inapp_lines.tell_salon_of_visit(change.visit, "booking.new", change.last)
        return _mail(change, "booking.provisional")
    if change.is_cancelled and not change.was_cancelled:
        return _cancelled(change)
    if change.was_cancelled and change.stands:
        return _restored(change)
    return _moved(change) if change.stands and change.differs else []


def _tell_of_answer(change: VisitChange) -> None:
    """To a request of which nothing is open any more. What the salon had confirmed before stands, whatever
    became of the rest."""
    refused = any(each.entered(CANCELLED) for each in change.changes)
    if change.last.announced_by_page:
        answer = "booking.declined" if refused else "booking.accepted"
        inapp_lines.tell_salon_of_visit(change.visit, answer, change.last)
    elif change.last.lapsed:
        inapp_lines.tell_salon_of_visit(change.visit, "booking.lapsed", change.last)


def _announcement(change: VisitChange) -> list[Due]:
    if change.visit.status == PROVISIONAL:
        asking = asking_mail(change.visit.items)
        return [] if asking is None else _mail(change, asking)
    return _mail(change, "booking.created")


def _cancelled(change: VisitChange) -> list[Due]:
    if change.last.announced_by_page:
        inapp_lines.tell_salon_of_visit(change.visit, "booking.declined", change.last)
        _believes_in_nothing(change.visit)
        return []
    if change.last.lapsed:
        inapp_lines.tell_salon_of_visit(change.visit, "booking.lapsed", change.last)
    elif change.last.by_client:
        inapp_lines.tell_salon_of_visit(change.visit, "booking.cancelled_by_client", change.last)
    return _mail(change, closing_mail(change.last))


def _believes_in_nothing(visit: Visit) -> None:
    """Who declined has not been told of what was cancelled before, and now need not be."""
    known = [each for each in visit.items if each.announced_as]
    for each in known:
        assign(each, Announced())
    if known:
        Booking.objects.bulk_update(known, ANNOUNCED_COLUMNS)


def _restored(change: VisitChange) -> list[Due]:
    """Tell the client anew unless they still believe in this visit; then only what is different."""
    standing = [each for each in change.visit.items if each.stands]
    taken_back = outbox.on_its_way(visit_id=change.visit.pk, types=[*TAKING_BACK, RESENT])
    if taken_back or not any(each.announced_as for each in change.visit.items):
        return _announcement(change)
    believed = {
        (each.pk, each.announced_start_at, each.announced_end_at)
        for each in change.visit.items
        if each.announced_as
    }
    if believed == {(each.pk, each.start_at, each.end_at) for each in standing}:
        return []
    return _moved(change)


def _moved(change: VisitChange) -> list[Due]:
    """One pending update mail for the visit, due a while after the latest change; of a client's own move at
    once, but not one soon after another."""
    key = update_of(change.visit.pk)
    if change.last.by_client:
        inapp_lines.tell_salon_of_move(change.changes)
        delay = client_move_delay(change.visit.pk, now=change.last.now)
        return _mail(change, "booking.updated", delay=delay, dedupe_key=key)
    delay = update_mail_delay(start_at=change.visit.start_at, now=change.last.now)
    standing = next((each for each in change.visit.items if each.stands), change.visit.items[0])
    booking_ids = moved_in_series(standing)
    if not booking_ids:
        return _mail(change, "booking.updated", delay=delay, dedupe_key=key)
    dues = _mail(change, "booking.updated", delay=delay, dedupe_key=series_update_of(standing))
    return [of_series(due, booking_ids) for due in dues]


def update_of(visit_id: int | None) -> str:
    """One pending update mail for a visit (contract §7 "mails")."""
    return f"booking.updated:visit:{visit_id}"


def _tell_former_client(change: VisitChange) -> list[Due]:
    """What the former client was told, or is being told at this moment, is taken back."""
    befores = {pk: before for pk, before in change.befores.items() if before is not None}
    first = next(iter(befores.values()))
    ended = max(each.end_at for each in befores.values()) <= change.last.now
    closed = all(each.status == CANCELLED for each in befores.values())
    if first.client_id is None or not first.for_somebody:
        return []
    if not change.last.notify_client or ended or closed:
        return []
    being_told = outbox.on_its_way(
        visit_id=change.visit.pk,
        types=[*STANDING_MAILS, RESENT],
        recipient=Recipient.client(first.client_id),
    )
    announced = {
        str(pk): told_before(before, being_told=being_told)
        for pk, before in befores.items()
        if before.announced_as or (being_told and before.stood)
    }
    client = Client.objects.filter(pk=first.client_id).first()
    due = mail_to_client(
        "booking.cancelled",
        change.changes,
        booking=change.visit.items[0],
        client=client,
        client_id=first.client_id,
        run_at=change.last.now,
        payload={"announced_each": announced},
    )
    return [due]


def _fee(change: VisitChange) -> list[Due]:
    """One fee for all no-shows of the visit, once nothing of it stands (contract §7 "no-show fee")."""
    missed_before = change.before(lambda status: status == NO_SHOW)
    missed = [each for each in change.visit.items if each.status == NO_SHOW]
    _count_missed(change, before=bool(missed_before), now=bool(missed))
    was_due = bool(missed_before) and not change.stood
    is_due = bool(missed) and not change.stands
    same = [each.pk for each in missed_before] == [each.pk for each in missed]
    if (was_due, is_due) == (False, False) or (was_due and is_due and same and not change.client_changed):
        return []
    last = change.last
    dues: list[Due] = []
    if was_due:
        for item in missed_before:
            dues += noshow.undo(booking=item, now=last.now)
    if is_due and not change.names_walk_in:
        dues += noshow.charge(bookings=missed, event=last.event, salon=last.salon, now=last.now)
    return dues


def _count_missed(change: VisitChange, *, before: bool, now: bool) -> None:
    """A client's no_show_count counts visits."""
    former = change.former
    if before and (not now or change.client_changed) and former is not None:
        count_no_show(former.client_id, by=-1)
    if now and (not before or change.client_changed):
        count_no_show(change.visit.client_id, by=1)


def _review(change: VisitChange) -> list[Due]:
    """One request for the visit; what was cancelled with its booking is asked for another completed one."""
    if change.names_walk_in:
        return []
    if not any(each.took_up(COMPLETED) or each.gave_up(COMPLETED) for each in change.changes):
        return []
    done = next((each for each in change.visit.items if each.status == COMPLETED), None)
    if done is None:
        return []
    last = change.last
    return after_visit.ask_for_review(booking=done, event=last.event, salon=last.salon, now=last.now)


def _mail(
    change: VisitChange, type: str, *, delay: timedelta = timedelta(0), dedupe_key: str | None = None
) -> list[Due]:
    if change.silent:
        return []
    due = mail_to_client(
        type,
        change.changes,
        booking=change.visit.items[0],
        client=change.visit.client,
        client_id=change.visit.client_id or 0,
        run_at=change.last.now + delay,
        dedupe_key=dedupe_key,
    )
    return [due]


def _drop(
    change: VisitChange, types: Collection[str], *, reason: Reason, recipient: Recipient | None = None
) -> None:
    outbox.drop(
        visit_id=change.visit.pk,
        types=list(types),
        reason=reason,
        recipient=recipient,
        sparing=SERIES_KEYS,
        now=change.last.now,
    )
