"""What a change sets in motion: contract §1.4, row by row.

Runs in the change's own transaction. A job's once_key carries the audit event, so each row of the
table happens once per change of that kind.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from django.db.models import Q

from bookings import after_visit, noshow, reminders, waitlist, webhooks
from bookings.lifecycle import in_person, inapp_lines, mail_types, visit_effects, visit_leaving
from bookings.lifecycle.former_client import tell_former_client
from bookings.lifecycle.mail_types import RESENT, STANDING_MAILS, TAKING_BACK, mail_to_client
from bookings.lifecycle.outcome import Change
from bookings.lifecycle.series_mails import (
    SERIES_KEYS,
    drop_series_update,
    joined,
    moved_in_series,
    of_series,
    series_update_of,
)
from bookings.models import Booking, Visit
from bookings.why_not_sent import Reason
from clients.records import count_no_show
from notifications import inapp, outbox
from notifications.models import Job
from notifications.outbox import Due, Recipient

SCHEDULED = Booking.Status.SCHEDULED
PROVISIONAL = Booking.Status.PROVISIONAL
COMPLETED = Booking.Status.COMPLETED
CANCELLED = Booking.Status.CANCELLED
NO_SHOW = Booking.Status.NO_SHOW


def set_in_motion(change: Change, *, queueing: bool = True) -> list[Due]:
    """As `set_all_in_motion`, for one change."""
    [dues] = set_all_in_motion([change], queueing=queueing)
    return dues


def set_all_in_motion(changes: Sequence[Change], *, queueing: bool = True) -> list[list[Due]]:
    """Of changes of one transaction that are all written; gives the jobs that each of them made due.

    First who waits, then who is told: jobs come after waitlist entries in the order of the locks, and among
    them by client and series, as two of these transactions may move the same ones. Who has locked an entry,
    as a change with `waited` has, or one that offered its slot, waits for no other: one that somebody else
    has locked is passed over then. `queueing` False: this transaction has locked entries before.
    """
    queueing = queueing and not any(each.waited.any for each in changes)
    for each in changes:
        if each.freed_slot and _offer_to_waitlist(each, queueing=queueing):
            queueing = False
        waitlist.pass_on_slots(each.waited, salon=each.salon, now=each.now)
    order = sorted(range(len(changes)), key=lambda place: _whose(changes[place].booking))
    told = {place: _tell(changes[place]) for place in order}
    for places in _of_one_visit(changes, order):
        told[places[0]] += visit_effects.set_in_motion([changes[place] for place in places])
    in_person.keep_owed(changes)
    if changes:
        webhooks.announce([each.event for each in changes], now=changes[0].now)
        reminding = reminders.plan(_to_remind_of(changes), salon=changes[0].salon, now=changes[0].now)
        owed = joined([due for dues in told.values() for due in dues])
        outbox.enqueue([*owed, *reminding], now=changes[0].now)
    return [told[place] for place in range(len(changes))]


def _to_remind_of(changes: Sequence[Change]) -> list[Visit]:
    """The visits whose reminders may have become others, in id order."""
    visits = [
        visit
        for change in changes
        for visit in (change.booking.visit, change.left_visit)
        if visit is not None and change.is_for_reminders
    ]
    return [visit for _, visit in sorted({visit.pk: visit for visit in visits}.items())]


def _whose(booking: Booking) -> tuple[int, int]:
    return booking.client_id or 0, booking.series_id or 0


def _of_one_visit(changes: Sequence[Change], order: Sequence[int]) -> list[list[int]]:
    """The places of changes that a visit of several bookings owes for together."""
    found: dict[int | None, list[int]] = {}
    for place in order:
        if changes[place].of_several:
            found.setdefault(changes[place].booking.visit_id, []).append(place)
    return list(found.values())


def _tell(change: Change) -> list[Due]:
    if change.of_several:
        dues = _of_item(change)
    elif change.created:
        dues = _booked(change)
    else:
        if change.left_visit is not None:
            visit_leaving.leave_mails(change, change.left_visit)
        _drop_what_is_moot(change)
        dues = [*_undone(change), *_owed(change)]
        if _asks_client(change):
            inapp_lines.tell_salon(change, "booking.new")
        elif change.restaffed and change.stands:
            inapp_lines.tell_staff_member(change, "booking.new")
    return dues


def _of_item(change: Change) -> list[Due]:
    """What one of several bookings of a visit owes for itself (contract §1.4, "visit")."""
    booking = change.booking
    if change.created and booking.client_id is not None:
        after_visit.stop_for_rebooking(client_id=booking.client_id, now=change.now)
    if change.gave_up(COMPLETED):
        after_visit.stop(booking_id=booking.pk, now=change.now)
    had_ended = change.before is not None and change.before.end_at <= change.now
    if had_ended and (not change.stands or (change.moved and not change.ended)):
        inapp.withdraw(booking_id=booking.pk, type="booking.followup")
    if change.restaffed and change.stands:
        inapp_lines.tell_staff_member(change, "booking.new")
    if change.took_up(COMPLETED) and not change.names_walk_in:
        return after_visit.follow_up(booking=booking, event=change.event, salon=change.salon, now=change.now)
    return []


def _asks_client(change: Change) -> bool:
    """A native change to `provisional`: the client is mailed links; a dialect's makes no token."""
    return change.entered(PROVISIONAL) and change.booking.provisional_token is not None


def _booked(change: Change) -> list[Due]:
    """POST, regular, provisional or from the waitlist; a dialect may write any status at once."""
    if not change.in_series:
        inapp_lines.tell_salon(change, mail_types.arrival([change.booking]))
    if change.booking.client_id is not None:
        after_visit.stop_for_rebooking(client_id=change.booking.client_id, now=change.now)
    if change.in_series and change.stands:
        return []
    return _announcement(change) if change.stands else _closed(change)


def _drop_what_is_moot(change: Change) -> None:
    """Mails that have not left and would no longer be true (contract §1.3 "status change")."""
    if change.client_changed and change.left_visit is None and change.before is not None:
        former = Recipient.client(change.before.client_id)
        _drop(change, STANDING_MAILS, reason=Reason.ANOTHER_CLIENT, recipient=former)
    if change.left(Booking.OCCUPYING) and not change.stands:
        why = Reason.CANCELLED_MEANWHILE if change.entered(CANCELLED) else Reason.VISIT_CLOSED
        _drop(change, STANDING_MAILS, reason=why)
        drop_series_update(change, reason=why)
    if _asks_client(change):
        _drop(change, STANDING_MAILS, reason=Reason.ASKED_AGAIN)
    if change.left(PROVISIONAL) and change.entered(SCHEDULED):
        _drop(change, ["booking.provisional", "visit.requested"], reason=Reason.ACCEPTED_MEANWHILE)
    if change.booking.status != CANCELLED and (change.left(CANCELLED) or change.client_changed):
        present = Recipient.client(change.booking.client_id)
        _drop(change, TAKING_BACK, reason=Reason.RESTORED, recipient=present)


def _undone(change: Change) -> list[Due]:
    """Leaving completed or no-show takes back what that had set in motion."""
    booking, before = change.booking, change.before
    if change.gave_up(COMPLETED):
        after_visit.stop(booking_id=booking.pk, now=change.now)
    if change.left_visit is not None:
        return visit_leaving.fee_of_who_stays(change, change.left_visit)
    if before is None or not change.gave_up(NO_SHOW):
        return []
    count_no_show(before.client_id, by=-1)
    return noshow.undo(booking=booking, now=change.now)


def _owed(change: Change) -> list[Due]:
    """What the new status, the new times or the new client owe."""
    if change.names_walk_in:
        if change.took_up(NO_SHOW):
            count_no_show(change.booking.client_id, by=1)
        return []
    if change.client_changed:
        left = visit_leaving.tell_of_leaving(change)
        return [
            *(left or tell_former_client(change)),
            *(_announcement(change) if change.stands else _closed(change)),
        ]
    if change.entered(SCHEDULED) and change.left(PROVISIONAL):
        if change.announced_by_page:
            inapp_lines.tell_salon(change, "booking.accepted")
        return _announcement(change)
    if change.entered(SCHEDULED):
        return _restored(change)
    if change.entered(PROVISIONAL):
        return _requested(change)
    if change.entered(COMPLETED, CANCELLED, NO_SHOW):
        return _closed(change)
    if change.stands and (change.moved or (change.restaffed and change.booking.staff_requested)):
        return _moved(change)
    return []


def _announcement(change: Change) -> list[Due]:
    """The first mail about a standing booking: confirmation, request, or waitlist confirmation."""
    booking = change.booking
    if booking.status == PROVISIONAL:
        asking = mail_types.asking_mail([booking])
        return [] if asking is None else _mail(change, asking)
    entry = booking.waitlist
    if entry is not None and entry.client_id == booking.client_id and not change.client_changed:
        return _mail(change, "waitlist.confirmed")
    return _mail(change, "booking.created")


def _requested(change: Change) -> list[Due]:
    """To `provisional`: a native one asks the client by mail; a dialect's asks nobody."""
    if _asks_client(change):
        return _mail(change, "booking.provisional")
    return _moved(change) if change.moved else []


def _restored(change: Change) -> list[Due]:
    """To `scheduled` from a closed status: tell the client unless they still believe in this booking.

    A cancellation mail that was not sent has been dropped, so nothing goes out; one that is on its
    way counts as sent, and the confirmation waits behind it.
    """
    booking = change.booking
    if booking.announced_as != SCHEDULED or _is_being_taken_back(booking):
        return _mail(change, "booking.created")
    if (booking.announced_start_at, booking.announced_end_at) != (booking.start_at, booking.end_at):
        return _moved(change)
    return []


def _is_being_taken_back(booking: Booking) -> bool:
    """Whether a mail that it does not take place is leaving at this moment; of its own, or with others."""
    if outbox.on_its_way(booking_id=booking.pk, types=[*TAKING_BACK, RESENT]):
        return True
    if booking.series_id is None:
        return False
    leaving = Job.objects.filter(
        Q(state=Job.State.CLAIMED) | Q(state=Job.State.PENDING, sending_at__isnull=False),
        type="booking.cancelled",
        recipient=Recipient.client(booking.client_id),
    )
    payloads = leaving.values_list("payload", flat=True)
    return any(booking.pk in payload.get("booking_ids", []) for payload in payloads)


def _moved(change: Change) -> list[Due]:
    """One pending update mail per booking, due a while after the latest move; of a client's own at once, but
    not one soon after another."""
    if not change.ended:
        inapp.withdraw(booking_id=change.booking.pk, type="booking.followup")
    key = visit_effects.update_of(change.booking.visit_id)
    if change.by_client:
        inapp_lines.tell_salon_of_move([change])
        delay = mail_types.client_move_delay(change.booking.visit_id, now=change.now)
        return _mail(change, "booking.updated", delay=delay, dedupe_key=key)
    booking_ids = moved_in_series(change.booking)
    if not booking_ids:
        delay = mail_types.update_mail_delay(start_at=change.booking.start_at, now=change.now)
        return _mail(change, "booking.updated", delay=delay, dedupe_key=key)
    present = Booking.objects.filter(pk__in=booking_ids, end_at__gt=change.now)
    starts = present.order_by().values_list("start_at", flat=True) if len(booking_ids) > 1 else []
    delay = mail_types.update_mail_delay(start_at=min([change.booking.start_at, *starts]), now=change.now)
    dues = _mail(change, "booking.updated", delay=delay, dedupe_key=series_update_of(change.booking))
    return [of_series(due, booking_ids) for due in dues]


def _closed(change: Change) -> list[Due]:
    """To completed, no-show or cancelled."""
    booking, now = change.booking, change.now
    inapp.withdraw(booking_id=booking.pk, type="booking.followup")
    if change.took_up(COMPLETED):
        return after_visit.start(booking=booking, event=change.event, salon=change.salon, now=now)
    if change.took_up(NO_SHOW):
        count_no_show(booking.client_id, by=1)
        return noshow.charge(bookings=[booking], event=change.event, salon=change.salon, now=now)
    if change.created or (change.client_changed and not _has_yet_to_hear(change)):
        return []
    return _cancelled(change)


def _has_yet_to_hear(change: Change) -> bool:
    """Whether who got a cancelled booking back takes it for standing, and no mail to come says otherwise."""
    booking = change.booking
    if not booking.announced_as:
        return False
    coming = Job.objects.filter(
        booking_id=booking.pk,
        type="booking.cancelled",
        recipient=Recipient.client(booking.client_id),
        state__in=[Job.State.PENDING, Job.State.CLAIMED],
    )
    return not coming.exists()


def _cancelled(change: Change) -> list[Due]:
    """A request that was declined on our page, or that lapsed, has its own words."""
    if change.announced_by_page:
        inapp_lines.tell_salon(change, "booking.declined")
        return []
    if change.lapsed:
        inapp_lines.tell_salon(change, "booking.lapsed")
    elif change.by_client:
        inapp_lines.tell_salon(change, "booking.cancelled_by_client")
    return _mail(change, mail_types.closing_mail(change))


def _offer_to_waitlist(change: Change, *, queueing: bool) -> bool:
    """The waitlist step, for the slot the booking had before. Gives whether an entry may be locked now."""
    before = change.before
    if before is None or before.start_at <= change.now:
        return False
    return waitlist.offer_freed_slot(
        freed=waitlist.FreedSlot(
            staff_id=before.staff_id,
            service_id=before.service_id,
            start_at=before.start_at,
            end_at=before.end_at,
            client_id=before.client_id,
            booking_id=change.booking.pk,
            base_url=change.booking.base_url,
        ),
        event_id=change.event.pk,
        salon=change.salon,
        now=change.now,
        queueing=queueing,
    )


def _mail(
    change: Change, type: str, *, delay: timedelta = timedelta(0), dedupe_key: str | None = None
) -> list[Due]:
    """One mail to the booking's client; none when this change is silent or the visit has ended."""
    booking = change.booking
    silent = not change.notify_client or not booking.for_somebody or change.ended
    if silent or booking.client_id is None:
        return []
    due = mail_to_client(
        type,
        [change],
        booking=booking,
        client=booking.client,
        client_id=booking.client_id,
        run_at=change.now + delay,
        dedupe_key=dedupe_key,
    )
    return [due]


def _drop(
    change: Change, types: Collection[str], *, reason: Reason, recipient: Recipient | None = None
) -> None:
    outbox.drop(
        booking_id=change.booking.pk,
        types=list(types),
        reason=reason,
        recipient=recipient,
        sparing=SERIES_KEYS,
        now=change.now,
    )
