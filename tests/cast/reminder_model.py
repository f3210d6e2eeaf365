"""Which reminders a salon's visits warrant, reckoned without looking at what the product has planned."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from bookings.models import ReminderRule, Visit
from notifications.models import Job

Key = tuple[int, int, int, datetime]
"""Visit, rule, client, start."""


@dataclass
class ReminderModel:
    """To be asked after every step; the salon's clock shows UTC. `since`: when each was first warranted."""

    since: dict[Key, datetime] = field(default_factory=dict)
    _rules: dict[int, ReminderRule] = field(default_factory=dict, init=False)
    _visits: dict[int, Visit] = field(default_factory=dict, init=False)

    def check(self) -> None:
        now = timezone.now()
        self._rules = {each.pk: each for each in ReminderRule.objects.all()}
        self._visits = {each.pk: each for each in Visit.objects.all()}
        groups = self._groups(now)
        self._note_new(groups, now)
        rows = list(Job.objects.filter(type="visit.reminder", state="pending"))
        waiting = [row for row in rows if row.run_at > now]
        expected = {
            name for name, keys in groups.items() if any(self._is_sent_later(key, now) for key in keys)
        }
        assert sorted(row.dedupe_key or "" for row in waiting) == sorted(expected)
        warranted = {key: name for name, keys in groups.items() for key in keys}
        for row in rows:
            _, visit_id, rule_id, client_id, start_at = row.once_key.split(":", 4)
            key = (int(visit_id), int(rule_id), int(client_id), datetime.fromisoformat(start_at))
            if key[3] > now:
                assert warranted[key] == row.dedupe_key
                assert (row.visit_id, row.recipient) == (key[0], f"client:{key[2]}")
                assert row.run_at == _due(self._rules[key[1]], key[3])

    def _groups(self, now: datetime) -> dict[str, list[Key]]:
        """By what one message tells of."""
        found: dict[str, list[Key]] = {}
        for visit in self._visits.values():
            if visit.status != "scheduled" or visit.start_at <= now or visit.client_id is None:
                continue
            for rule in self._rules.values():
                name = f"reminder:{visit.pk}:{rule.pk}"
                if rule.at is not None:
                    name = f"reminder:{rule.pk}:{visit.client_id}:{visit.start_at.astimezone(UTC).date()}"
                found.setdefault(name, []).append((visit.pk, rule.pk, visit.client_id, visit.start_at))
        return found

    def _note_new(self, groups: dict[str, list[Key]], now: datetime) -> None:
        """One that comes to others which are told in time is told with them."""
        for keys in groups.values():
            in_time = any(key in self.since and self._is_sent_later(key, now) for key in keys)
            for key in keys:
                self.since.setdefault(key, self._visits[key[0]].created_at if in_time else now)

    def _is_sent_later(self, key: Key, now: datetime) -> bool:
        due = _due(self._rules[key[1]], key[3])
        return due > now and due - self.since[key] >= timedelta(hours=2)


def _due(rule: ReminderRule, start_at: datetime) -> datetime:
    if rule.at is None:
        return start_at - timedelta(minutes=rule.minutes_before or 0)
    day = start_at.astimezone(UTC).date() - timedelta(days=rule.days_before or 0)
    return datetime.combine(day, rule.at, UTC)
