"""The salon's rules, as an administrator writes them and as planning reads them (contract §10 "rules")."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time
from typing import Any

from django.db import transaction
from django.db.models import Exists, Q, QuerySet

from bookings.models import Booking, ReminderRule, Visit
from notifications.models import Channel
from staff.models import SalonSettings
from staff.storage.prepared_statements import PreparedRows
from staff.storage.storing import locked, store_changes, stored
from staff.wire.refusals import BadRequest, Conflict

WHEN = "when"

SHIPPED: tuple[dict[str, Any], ...] = (
    {
        "name": "Two days before",
        "days_before": 2,
        "at": time(18),
        "channel": "mail",
        "asks_confirmation": True,
    },
    {"name": "Three hours before", "minutes_before": 180, "channel": "sms"},
)
"""What a new salon begins with."""


class TooManyRules(Conflict):
    code = "too_many_rules"
    message = (
        f"There are {ReminderRule.MOST} reminder rules already; change one of them, or remove one first."
    )


def in_force() -> list[ReminderRule]:
    """Those by which something is sent: the active ones; by SMS only where there is a channel. One
    statement."""
    return _IN_FORCE.all()


def _in_force() -> QuerySet[ReminderRule]:
    a_channel = Exists(Channel.objects.filter(is_active=True, kind=Channel.Kind.SMS))
    by_mail = Q(channel=ReminderRule.Channel.MAIL)
    return ReminderRule.objects.filter(by_mail | a_channel, is_active=True).order_by("pk")


_IN_FORCE = PreparedRows(ReminderRule, _in_force)


def is_for(rule: ReminderRule, visit: Visit, *, first_visits: Iterable[int]) -> bool:
    """Whether the rule is for a visit with these `items`. `first_visits`: the ids of those that are their
    clients' first (`first_ones`)."""
    standing = [each for each in visit.items if each.status == Booking.Status.SCHEDULED]
    return (
        (rule.service_id is None or any(each.service_id == rule.service_id for each in standing))
        and (rule.location_id is None or any(each.location_id == rule.location_id for each in standing))
        and (not rule.first_visit_only or visit.pk in first_visits)
    )


def first_ones(rules: Iterable[ReminderRule], visits: Iterable[Visit]) -> set[int]:
    """Which of these visits no earlier one of the client comes before, but for missed and cancelled ones. No
    statement where no rule asks."""
    if not any(rule.first_visit_only for rule in rules):
        return set()
    wanted = list(visits)
    counting = Visit.objects.filter(
        client_id__in={each.client_id for each in wanted},
        status__in=[Booking.Status.SCHEDULED, Booking.Status.PROVISIONAL, Booking.Status.COMPLETED],
    )
    first: dict[int | None, tuple[Any, int]] = {}
    for client_id, start_at, pk in counting.order_by().values_list("client_id", "start_at", "pk"):
        first[client_id] = min(first.get(client_id, (start_at, pk)), (start_at, pk))
    return {each.pk for each in wanted if first.get(each.client_id, (None, None))[1] == each.pk}


def all_rules() -> QuerySet[ReminderRule]:
    return ReminderRule.objects.order_by("pk")


def add_rule(*, fields: Mapping[str, Any]) -> ReminderRule:
    """Raises TooManyRules, BadRequest."""
    with transaction.atomic():
        # Two at once must not both find the last place.
        locked(SalonSettings.objects.all(), 1)
        if ReminderRule.objects.count() >= ReminderRule.MOST:
            raise TooManyRules
        return stored(ReminderRule(**fields))


def change_rule(rule_id: int, *, fields: Mapping[str, Any]) -> ReminderRule:
    """What is absent stays. Raises NotFound, BadRequest."""
    with transaction.atomic():
        rule = locked(all_rules(), rule_id)
        store_changes(rule, fields)
    return rule


def remove_rule(rule_id: int) -> None:
    """What is pending for it is not sent. Raises NotFound."""
    with transaction.atomic():
        locked(all_rules(), rule_id).delete()


def columns_of_when(when: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of `when`: one of both ways. Raises BadRequest."""
    minutes, days, at = when.get("minutes_before"), when.get("days_before"), when.get("at")
    if (minutes is None) == (days is None and at is None):
        raise BadRequest.field(WHEN, "Send either minutes_before, or days_before and at.")
    if minutes is None and (days is None or at is None):
        missing = "days_before" if days is None else "at"
        raise BadRequest.field(f"{WHEN}.{missing}", "This field is required with the other one.")
    return {"minutes_before": minutes, "days_before": days, "at": at}
