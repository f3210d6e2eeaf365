"""A person's week in admin: seven lines such as `09:00-12:30, 13:00-17:00`, replaced at once (contract §6a).

Names: WeekPage, week_link. What bounds a row by dates is shown beside its day and kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext as _

from staff.access.auth import actor_for
from staff.admin.base import say_outside_hours
from staff.admin.hours import HoursField
from staff.models import SalonSettings, Staff, WorkingHours
from staff.salon.opening import replace_week
from staff.wire.refusals import Refused
from staff.wire.times import print_clock

DAYS = tuple(WEEKDAYS.items())


class WeekForm(forms.Form):
    """One line for each weekday, Monday first."""

    def __init__(self, *args: Any, rows: Iterable[WorkingHours], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual: dict[int, list[list[str]]] = defaultdict(list)
        dated: dict[int, list[str]] = defaultdict(list)
        for row in rows:
            if _is_dated(row):
                dated[row.weekday].append(_told(row))
            else:
                usual[row.weekday].append([print_clock(row.opens), print_clock(row.closes)])
        for weekday, name in DAYS:
            kept = "; ".join(dated[weekday])
            self.fields[_line(weekday)] = HoursField(
                label=name,
                required=False,
                initial=usual[weekday],
                help_text=_("Kept as well: %(hours)s.") % {"hours": kept} if kept else "",
                widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
            )

    def hours(self) -> Iterator[dict[str, Any]]:
        """What was typed, as rows without dates."""
        for weekday, _name in DAYS:
            for opens, closes in self.cleaned_data[_line(weekday)]:
                yield {"weekday": weekday, "opens": opens, "closes": closes}


class WeekPage(admin.ModelAdmin):
    """Adds the page `<id>/week/` to the people of the salon."""

    def get_urls(self) -> list[URLPattern]:
        week = path(
            "<int:staff_id>/week/", self.admin_site.admin_view(self.week_view), name="staff_staff_week"
        )
        return [week, *super().get_urls()]

    def week_view(self, request: HttpRequest, staff_id: int) -> HttpResponse:
        """Raises Http404, PermissionDenied."""
        person = Staff.objects.filter(pk=staff_id).first()
        if person is None:
            raise Http404
        if not self.has_change_permission(request, person):
            raise PermissionDenied
        typed = request.POST if request.method == "POST" else None
        form = WeekForm(typed, rows=person.working_hours.all())
        if form.is_valid() and self._replaced(request, person, form):
            return HttpResponseRedirect(week_address(person.pk))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("The week of %(name)s") % {"name": person.name},
            "person": person,
            "form": form,
        }
        return TemplateResponse(request, "admin/staff/staff/week.html", context)

    def _replaced(self, request: HttpRequest, person: Staff, form: WeekForm) -> bool:
        """False, with the reason in the form, where it is refused."""
        if not isinstance(request.user, Staff):
            raise PermissionDenied
        actor = actor_for(request.user, salon=SalonSettings.load(), channel="admin")
        try:
            with transaction.atomic():
                Staff.objects.select_for_update(no_key=True).get(pk=person.pk)
                kept = [_as_fields(row) for row in person.working_hours.all() if _is_dated(row)]
                before, week = replace_week(person.pk, actor=actor, rows=[*form.hours(), *kept])
        except Refused as refused:
            form.add_error(None, _(refused.message))
            return False
        self.log_change(request, person, _("The week's hours were replaced."))
        messages.success(request, _("The week of %(name)s is saved.") % {"name": person.name})
        if not week:
            nothing = _("%(name)s has no hours at all now, so nothing is offered.")
            messages.warning(request, nothing % {"name": person.name})
        say_outside_hours(request, before=before, after=week)
        return True


def week_address(staff_id: int) -> str:
    return reverse("admin:staff_staff_week", args=[staff_id])


def week_link(staff_id: int, *, label: str) -> str:
    return format_html('<a href="{}">{}</a>', week_address(staff_id), label)


def _line(weekday: int) -> str:
    return f"day_{weekday}"


def _is_dated(row: WorkingHours) -> bool:
    return row.valid_from is not None or row.valid_until is not None


def _as_fields(row: WorkingHours) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("weekday", "opens", "closes", "valid_from", "valid_until")}


def _told(row: WorkingHours) -> str:
    """A row with its dates, in words."""
    told = [f"{print_clock(row.opens)}-{print_clock(row.closes)}"]
    if row.valid_from:
        told.append(_("from %(day)s") % {"day": date_format(row.valid_from)})
    if row.valid_until:
        told.append(_("until %(day)s") % {"day": date_format(row.valid_until)})
    return " ".join(told)
