"""Reminder rules in admin (contract §10 "rules")."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from bookings.models import ReminderRule


class ReminderRuleForm(forms.ModelForm):
    def clean(self) -> dict[str, Any] | None:
        fields = super().clean() or {}
        minutes, days, at = (fields.get(name) for name in ("minutes_before", "days_before", "at"))
        if (minutes is None) == (days is None and at is None):
            raise ValidationError(
                gettext("Say either how many minutes before, or how many days before and at what time.")
            )
        if minutes is None and (days is None or at is None):
            raise ValidationError(gettext("Days before and the time go together: fill in both."))
        if self.instance.pk is None and ReminderRule.objects.count() >= ReminderRule.MOST:
            raise ValidationError(
                gettext("There are %(count)d rules already; change one of them, or remove one first.")
                % {"count": ReminderRule.MOST}
            )
        return fields


@admin.register(ReminderRule)
class ReminderRuleAdmin(admin.ModelAdmin):
    actions = None
    form = ReminderRuleForm
    list_display = ("name", "is_active", "channel", "when", "asks_confirmation", "service", "location")
    list_filter = ("is_active", "channel")
    list_select_related = ("service", "location")
    search_fields = ("name",)
    list_per_page = 50
    fields = (
        "name",
        "is_active",
        "channel",
        ("days_before", "at"),
        "minutes_before",
        "asks_confirmation",
        "skip_if_confirmed",
        "service",
        "location",
        "first_visit_only",
    )

    @admin.display(description=_("when"))
    def when(self, rule: ReminderRule) -> str:
        if rule.at is None:
            return gettext("%(minutes)d minutes before") % {"minutes": rule.minutes_before or 0}
        return gettext("%(days)d days before at %(time)s") % {
            "days": rule.days_before or 0,
            "time": f"{rule.at:%H:%M}",
        }
