"""visit.reminder: of a visit to come, or of all of a client on a date (contract §10; docs/adr/0100)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from bookings.mails.appointment import require_status, sorted_out
from bookings.mails.client_mail import (
    ClientReader,
    not_needed,
    put_off,
    read_recipient,
    require_texts_wanted,
    require_theirs,
)
from bookings.mails.details import Times, if_unable, rows
from bookings.mails.page_link import links_to, pages_of
from bookings.models import Booking, Reminded, ReminderRule, Visit, counted
from bookings.quiet_hours import NEAREST, out_of_quiet_hours
from bookings.reminders.due import salon_date, useful_until
from bookings.reminders.rules import first_ones, is_for
from bookings.why_not_sent import Reason
from notifications.handlers import Text
from notifications.letters.handler import LetterHandler
from notifications.letters.language import long_date, moment
from notifications.letters.letter import Button, Letter
from notifications.models import SMS, Job, Message
from staff.models import SalonSettings
from staff.salon.schedule import ONE_DAY
from staff.wire.times import day_start

Subject = tuple[ReminderRule, list[list[Booking]]]
"""The rule, and the visits that its reminder may tell of, each with all of its bookings."""


class ReminderMail(LetterHandler[Subject, ClientReader]):
    """Of the visit `Job.visit_id`; by a rule of days before, of all visits of its client on that date that no
    message by this rule has told of. `payload`: rule_id."""

    type = "visit.reminder"
    urgency = Job.Urgency.IN_ITS_TURN

    def read(self, job: Job) -> tuple[Subject, ClientReader]:
        rule = ReminderRule.objects.filter(pk=job.payload["rule_id"], is_active=True).first()
        if rule is None:
            raise not_needed(Reason.RULE_CHANGED)
        reader = ClientReader.of(read_recipient(job))
        visits = _visits(job, rule, reader=reader)
        if not visits:
            raise not_needed(Reason.GONE)
        return (rule, visits), reader

    def compose_text(self, job: Job, *, now: datetime) -> Text:
        """Raises TryLater until the end of the quiet hours, where that is time enough."""
        _require_no_quiet_hours(job, now=now)
        return super().compose_text(job, now=now)

    def letter(self, job: Job, subject: Subject, *, reader: ClientReader, now: datetime) -> Letter:
        rule, visits = subject
        first_visits = first_ones([rule], [_visit_of(items) for items in visits])

        def check(items: list[Booking]) -> None:
            _require_warranted(items, job=job, rule=rule, reader=reader, now=now)
            if not is_for(rule, _visit_of(items), first_visits=first_visits):
                raise not_needed(Reason.RULE_CHANGED)

        telling = [items for items, _nothing in sorted_out(visits, tell=check)]
        return _words(telling, rule=rule, reader=reader)

    def sent(self, job: Job, message: Message, *, now: datetime) -> None:
        """Notes which visits it was, so that no other one by this rule tells of them."""
        told = message.facts.get("reminds", ())
        there = set(
            Visit.objects.filter(pk__in=[each["visit_id"] for each in told]).values_list("pk", flat=True)
        )
        Reminded.objects.bulk_create(
            (
                Reminded(
                    visit_id=each["visit_id"],
                    message=message,
                    rule_id=job.payload["rule_id"],
                    client_id=each["client_id"],
                    start_at=datetime.fromisoformat(each["start_at"]),
                    asks=each["asks"],
                    due_at=job.first_run_at,
                    sent_at=message.sent_at or now,
                )
                for each in told
                if each["visit_id"] in there
            ),
            ignore_conflicts=True,
        )


def _visits(job: Job, rule: ReminderRule, *, reader: ClientReader) -> list[list[Booking]]:
    """By their start; of a rule by date those of the client on the date of the job's visit."""
    visit = Visit.objects.filter(pk=job.visit_id or 0).first()
    if visit is None:
        return []
    ids = [visit.pk]
    if rule.is_by_date:
        day = salon_date(_planned_for(job), zone=reader.salon.zone)
        others = Visit.objects.filter(
            client=reader.client,
            status=Booking.Status.SCHEDULED,
            start_at__gte=day_start(day, zone=reader.salon.zone),
            start_at__lt=day_start(day + ONE_DAY, zone=reader.salon.zone),
        )
        ids += [pk for pk in others.values_list("pk", flat=True) if pk != visit.pk]
    with_all = Booking.objects.select_related("client", "staff", "service", "location", "visit")
    found: dict[int, list[Booking]] = {}
    for booking in with_all.filter(visit_id__in=ids).order_by("position", "pk"):
        found.setdefault(booking.visit_id or 0, []).append(booking)
    for items in found.values():
        for each in items:
            each.visit = items[0].visit
        _visit_of(items).items = items
    return sorted(found.values(), key=lambda items: (_visit_of(items).start_at, _visit_of(items).pk))


def _planned_for(job: Job) -> datetime:
    """The start that the job was made for: the visit may have another one by now."""
    return datetime.fromisoformat(job.once_key.split(":", 4)[4])


def _visit_of(items: Sequence[Booking]) -> Visit:
    visit = items[0].visit
    if visit is None:
        raise not_needed(Reason.GONE)
    return visit


def _require_warranted(
    items: list[Booking], *, job: Job, rule: ReminderRule, reader: ClientReader, now: datetime
) -> None:
    """Raises NotNeeded."""
    visit = _visit_of(items)
    require_theirs(items[0], reader)
    require_status(items, Booking.Status.SCHEDULED)
    planned_for = _planned_for(job)
    same_date = salon_date(visit.start_at, zone=reader.salon.zone) == salon_date(
        planned_for, zone=reader.salon.zone
    )
    if not (rule.is_by_date and same_date) and visit.start_at != planned_for:
        raise not_needed(Reason.MOVED_MEANWHILE)
    if visit.start_at <= now or now > useful_until(job.first_run_at, start_at=visit.start_at):
        raise not_needed(Reason.TOO_LATE)
    if job.channel != SMS and not reader.email:
        raise not_needed(Reason.NO_ADDRESS)
    if not any(each.announced_as == Booking.Status.SCHEDULED for each in items):
        raise not_needed(Reason.NEVER_ANNOUNCED)
    if rule.skip_if_confirmed and visit.client_confirmed_at is not None:
        raise not_needed(Reason.ALREADY_CONFIRMED)
    if Reminded.objects.filter(
        visit=visit, rule_id=rule.pk, client_id=reader.client.pk, start_at=visit.start_at
    ).exists():
        raise not_needed(Reason.ALREADY_SENT)
    if job.channel == SMS:
        for each in counted(items):
            require_texts_wanted(each)


def _require_no_quiet_hours(job: Job, *, now: datetime) -> None:
    """A text that is late may have come into them. Raises NotNeeded, TryLater."""
    morning = out_of_quiet_hours(now, salon=SalonSettings.load())
    if morning == now:
        return
    visit = Visit.objects.filter(pk=job.visit_id or 0).first()
    if visit is None:
        raise not_needed(Reason.GONE)
    latest = min(useful_until(job.first_run_at, start_at=visit.start_at), visit.start_at - NEAREST)
    put_off(until=morning, latest=latest)


def _words(visits: Sequence[list[Booking]], *, rule: ReminderRule, reader: ClientReader) -> Letter:
    zone = reader.salon.zone
    standing = [counted(items) for items in visits]
    times = [Times.of(items) for items in standing]
    pages = pages_of(visits, reader=reader)
    open_questions = [
        rule.asks_confirmation and _visit_of(items).client_confirmed_at is None for items in visits
    ]
    asks = any(open_questions)
    first = times[0].start_at
    if len(visits) == 1:
        subject = _("Reminder: your appointment on %(when)s") % {"when": moment(first, zone=zone)}
        introduction = _("This is a reminder of your appointment. We look forward to seeing you.")
    else:
        subject = _("Reminder: your appointments on %(date)s") % {"date": long_date(first, zone=zone)}
        introduction = _("This is a reminder of your appointments. We look forward to seeing you.")
    return Letter(
        subject=subject,
        introduction=introduction,
        rows=[
            row
            for items, each in zip(standing, times, strict=True)
            for row in rows(items, reader=reader, times=each)
        ],
        question=_("Will you come? Please tell us with one click.") if asks else "",
        buttons=_buttons(pages, times, open_questions, reader=reader),
        links=links_to(pages, [each.start_at for each in times], reader=reader),
        closing=[if_unable(reader)],
        text=_text(subject, by_answer=open_questions.count(True) == 1, asks=asks),
        text_link=pages[open_questions.index(True) if asks else 0],
        facts={
            "reminds": [
                {
                    "visit_id": _visit_of(items).pk,
                    "client_id": reader.client.pk,
                    "start_at": _visit_of(items).start_at.isoformat(),
                    "asks": asks_here,
                }
                for items, asks_here in zip(visits, open_questions, strict=True)
            ]
        },
    )


def _buttons(
    pages: Sequence[str], times: Sequence[Times], open_questions: Sequence[bool], *, reader: ClientReader
) -> list[Button]:
    """To the page of each visit that is to be confirmed: what confirms is the button there."""
    if len(pages) == 1:
        return [Button(_("Confirm that I am coming"), pages[0])] if open_questions[0] and pages[0] else []
    return [
        Button(_("Confirm: %(when)s") % {"when": moment(each.start_at, zone=reader.salon.zone)}, page)
        for page, each, asks in zip(pages, times, open_questions, strict=True)
        if asks and page
    ]


def _text(subject: str, *, asks: bool, by_answer: bool) -> str:
    """`by_answer`: a yes says for which one."""
    if not asks:
        return f"{subject}."
    if by_answer:
        return _("%(subject)s. Will you come? Answer YES or confirm here:") % {"subject": subject}
    return _("%(subject)s. Will you come? Confirm here:") % {"subject": subject}
