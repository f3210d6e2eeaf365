"""Follow-up sequences in admin, with their steps."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from notifications.models import FollowupSequence, FollowupStep


class StepInline(admin.StackedInline):
    model = FollowupStep
    extra = 0


@admin.register(FollowupSequence)
class FollowupSequenceAdmin(admin.ModelAdmin):
    actions = None
    inlines = (StepInline,)
    list_display = ("name", "is_active", "service", "steps_count", "stop_on_rebook")
    list_filter = ("is_active", "stop_on_rebook", "service")
    list_select_related = ("service",)
    search_fields = ("name", "steps__subject", "steps__body")
    search_help_text = _("Words of the name or of a step.")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(steps_in_all=Count("steps", distinct=True))

    @admin.display(description=_("steps"), ordering="steps_in_all")
    def steps_count(self, sequence: Any) -> int:
        return int(sequence.steps_in_all)
