"""Working hours, time off, holidays and exceptions in admin; what is still booked then is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from staff.admin.base import say_affected, say_outside_hours
from staff.admin.hours import HoursField
from staff.admin.searching import FoldedSearch
from staff.admin.week import week_link
from staff.models import Holiday, OpeningException, SalonSettings, TimeOff, WorkingHours
from staff.salon.affected import Touched
from staff.salon.exceptions import check_apart, exceptions, touched_by
from staff.salon.opening import day_touched
from staff.wire.refusals import BadRequest


@admin.register(WorkingHours)
class WorkingHoursAdmin(FoldedSearch):
    list_display = ("staff", "weekday", "opens", "closes", "valid_from", "valid_until", "whole_week")
    list_filter = ("staff", "weekday")
    list_select_related = ("staff",)
    search_fields = ("staff__name",)
    actions = None

    @admin.display(description=_("whole week"))
    def whole_week(self, row: WorkingHours) -> str:
        return week_link(row.staff_id, label=_("The week of %(name)s") % {"name": row.staff.name})

    def save_model(self, request: HttpRequest, obj: WorkingHours, form: Any, change: bool) -> None:
        before = list(WorkingHours.objects.filter(pk=obj.pk)) if change else []
        super().save_model(request, obj, form, change)
        say_outside_hours(request, before=before, after=[obj])

    def delete_model(self, request: HttpRequest, obj: WorkingHours) -> None:
        super().delete_model(request, obj)
        say_outside_hours(request, before=[obj], after=[])


@admin.register(TimeOff)
class TimeOffAdmin(FoldedSearch):
    list_display = ("staff", "start_at", "end_at", "reason")
    list_filter = ("staff",)
    list_select_related = ("staff",)
    search_fields = ("staff__name", "reason")
    date_hierarchy = "start_at"
    ordering = ("-start_at",)
    actions = None

    def save_model(self, request: HttpRequest, obj: TimeOff, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        say_affected(request, Touched(obj.start_at, obj.end_at, frozenset([obj.staff_id])))


@admin.register(Holiday)
class HolidayAdmin(FoldedSearch):
    list_display = ("date", "name")
    search_fields = ("name",)
    date_hierarchy = "date"
    ordering = ("-date",)
    actions = None

    def save_model(self, request: HttpRequest, obj: Holiday, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        zone = SalonSettings.load().zone
        say_affected(request, day_touched(obj.date, zone=zone))


NOT_OF_PEOPLE = _(
    "The scope you chose is not about people alone: choose another scope, or leave the people out."
)
NOT_OF_A_LOCATION = _(
    "The scope you chose is not about one location: choose another scope, or leave the location out."
)


class OpeningExceptionForm(forms.ModelForm):
    hours = HoursField(
        label=capfirst(_("hours")),
        required=False,
        help_text=_("Such as 09:00-12:30, 13:00-17:00, on the salon's clock; empty means closed."),
    )

    class Meta:
        model = OpeningException
        fields = ("name", "date_from", "date_to", "every_year", "hours", "scope", "people", "location")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = exceptions().filter(pk=self.instance.pk or 0).first()
        self.fields["date_to"].required = False
        self.fields["date_to"].help_text = _("The last day; the same day without it.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, scope = cleaned.get("date_from"), cleaned.get("scope")
        cleaned["date_to"] = cleaned.get("date_to") or first
        if first and cleaned["date_to"] < first:
            self.add_error("date_to", _("It must not be before the first day."))
        if scope == OpeningException.Scope.STAFF and not cleaned.get("people"):
            self.add_error("people", _("Choose whose hours these are."))
        if scope == OpeningException.Scope.LOCATION and not cleaned.get("location"):
            self.add_error("location", _("Choose the location."))
        if scope and scope != OpeningException.Scope.STAFF and cleaned.get("people"):
            self.add_error("people", NOT_OF_PEOPLE)
        if scope and scope != OpeningException.Scope.LOCATION and cleaned.get("location"):
            self.add_error("location", NOT_OF_A_LOCATION)
        try:
            check_apart(cleaned.get("hours") or [])
        except BadRequest as refused:
            self.add_error("hours", refused.message.removeprefix("hours: "))
        return cleaned


@admin.register(OpeningException)
class OpeningExceptionAdmin(FoldedSearch):
    form = OpeningExceptionForm
    list_display = ("date_from", "date_to", "every_year", "name", "open", "scope", "whose")
    list_filter = ("scope", "every_year")
    search_fields = ("name",)
    filter_horizontal = ("people",)
    ordering = ("-date_from",)
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[OpeningException]:
        return super().get_queryset(request).select_related("location").prefetch_related("people")

    @admin.display(description=_("open"))
    def open(self, exception: OpeningException) -> str:
        return HoursField().prepare_value(exception.hours) or gettext("closed")

    @admin.display(description=_("whose"))
    def whose(self, exception: OpeningException) -> str:
        names = [person.name for person in exception.people.all()]
        return ", ".join(names) or str(exception.location or gettext("everybody"))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        after = exceptions().get(pk=form.instance.pk)
        say_affected(request, _touched([after] if form.before is None else [form.before, after]))

    def delete_model(self, request: HttpRequest, obj: OpeningException) -> None:
        touched = _touched([obj])
        super().delete_model(request, obj)
        say_affected(request, touched)


def _touched(changed: Sequence[OpeningException]) -> Touched:
    return touched_by(*changed, zone=SalonSettings.load().zone, now=timezone.now())
