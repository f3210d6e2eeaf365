"""The form of a visit: what was typed goes through the door at once, each refusal to its field (contract §7).

Names: VisitForm, ItemForm. Plain rows, so that it works without JavaScript.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms.utils import from_current_timezone
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from bookings import lifecycle
from bookings.admin.told_in_person import check_reason, told_field
from bookings.errors import HolidayClosed, VisitBegun
from bookings.models import Booking, BookingEvent, Visit
from bookings.slots.availability.wishes import MOST_ITEMS
from staff.access.actor import Actor
from staff.admin.base import say_refusal
from staff.models import Service, Staff
from staff.salon.schedule import ONE_DAY
from staff.wire.refusals import BadRequest, Refused

ROWS_TO_ADD = 3
"""Of a visit that is there; who needs more saves and goes on."""

OF_THE_START = frozenset({HolidayClosed.code, VisitBegun.code})
"""Refusals that name no field, and are about when the visit begins."""

SEE_BELOW = _("Nothing was saved; see the services below.")

Choices = Sequence[tuple[int | str, str]]


class ItemForm(forms.Form):
    """One service of a visit; a row without anything is left out."""

    service = forms.TypedChoiceField(label=capfirst(_("service")), coerce=int, empty_value=None)
    staff = forms.TypedChoiceField(coerce=int, empty_value=None, required=False, label=_("Who does it"))
    staff_requested = forms.BooleanField(required=False, label=_("The client asked for this person"))
    start_at = forms.TimeField(
        required=False,
        label=_("Begins at"),
        widget=forms.TimeInput(attrs={"size": 6, "placeholder": "10:45"}, format="%H:%M"),
    )
    after = forms.BooleanField(required=False, label=_("Begins with the one before"))

    def __init__(self, data: Any, *, number: int, starts_visit: bool, services: Choices, people: Choices):
        super().__init__(
            data, prefix=f"items-{number}", empty_permitted=not starts_visit, use_required_attribute=False
        )
        self.number = number
        self.fields["service"].choices = [("", "-"), *services]  # type: ignore[attr-defined]
        self.fields["staff"].choices = [("", _("Anybody who is free")), *people]  # type: ignore[attr-defined]
        if number == 1:
            del self.fields["after"]
        if starts_visit:
            del self.fields["start_at"]

    def order(self, begins: datetime) -> lifecycle.ItemOrder:
        """Of a visit that begins then; a time before that is of the day after. Raises ValidationError."""
        typed = self.cleaned_data
        return lifecycle.ItemOrder(
            service_id=typed["service"],
            staff_id=typed["staff"],
            staff_requested=typed["staff_requested"],
            same_start=typed.get("after", False),
            start_at=_next(typed.get("start_at"), begins),
        )


def _next(clock: time | None, begins: datetime) -> datetime | None:
    """The first instant from `begins` on with that time on the salon's wall clock, which is active."""
    if clock is None:
        return None
    first = timezone.localtime(begins)
    day = first.date() if clock >= first.time() else first.date() + ONE_DAY
    return from_current_timezone(datetime.combine(day, clock))


class RemoveWidget(forms.CheckboxSelectMultiple):
    """The bookings of the visit; those that are cancelled stand there without a tick to set."""

    cancelled: frozenset[int] = frozenset()

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        if value in self.cancelled:
            option["attrs"]["disabled"] = True
        return option


class VisitForm(forms.ModelForm):
    """Hands what was typed to the door: the same rules, refusals and mails as the API.

    Of a visit that is there only what was changed goes to the door: its bookings may differ in the rest.
    """

    actor: ClassVar[Actor]

    start_at = forms.SplitDateTimeField(
        widget=AdminSplitDateTime, label=_("Begins"), help_text=_("The salon's wall clock.")
    )
    notes = Booking._meta.get_field("notes").formfield(widget=AdminTextareaWidget(attrs={"rows": 3}))
    internal_notes = Booking._meta.get_field("internal_notes").formfield(
        widget=AdminTextareaWidget(attrs={"rows": 3})
    )
    remove = forms.TypedMultipleChoiceField(
        coerce=int,
        required=False,
        widget=RemoveWidget,
        label=_("Bookings"),
        help_text=_("Tick those to cancel out of this visit; the others stay as they are."),
    )
    allow_overlap = forms.BooleanField(
        label=_("Overlap"),
        required=False,
        help_text=_("Book even though the time is taken. It is written into the history."),
    )
    told_in_person = told_field()
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    reason = forms.CharField(
        label=capfirst(_("reason")),
        required=False,
        max_length=BookingEvent.LONGEST_REASON,
        help_text=_("For the history of the bookings."),
    )

    class Meta:
        model = Visit
        fields = ("client", "start_at", "status")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.warnings: list[lifecycle.Warning] = []
        self.fields["client"].required = True
        if self.instance.pk is None:
            del self.fields["remove"]
            self.fields["status"].choices = [  # type: ignore[attr-defined]
                ("scheduled", _("Scheduled")),
                ("provisional", _("Provisional: ask the client by mail")),
            ]
        else:
            self._show(self.instance)
        self.rows = self._rows()

    def _show(self, visit: Visit) -> None:
        first = next((each for each in visit.items if each.stands), visit.items[0])
        self.initial["seen_version"] = visit.version
        self.initial["notes"], self.initial["internal_notes"] = first.notes, first.internal_notes
        self.fields["start_at"].help_text = _("Another start moves all that stand by the same minutes.")
        self.fields["status"].help_text = _("Of all its bookings; cancelled: the client is told by mail.")
        remove = self.fields["remove"]
        remove.choices = [(each.pk, _told(each)) for each in visit.items]  # type: ignore[attr-defined]
        remove.widget.cancelled = frozenset(
            each.pk for each in visit.items if each.status == Booking.Status.CANCELLED
        )

    def _rows(self) -> list[ItemForm]:
        new = self.instance.pk is None
        services = list(
            Service.objects.filter(is_active=True, max_capacity=1).order_by("name").values_list("pk", "name")
        )
        people = list(
            Staff.objects.filter(is_active=True, bookable=True).order_by("name").values_list("pk", "name")
        )
        return [
            ItemForm(
                self.data if self.is_bound else None,
                number=number,
                starts_visit=new and number == 1,
                services=services,
                people=people,
            )
            for number in range(1, (MOST_ITEMS if new else ROWS_TO_ADD) + 1)
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        check_reason(self, cleaned)
        if any(row.errors for row in self.rows):
            self.add_error(None, SEE_BELOW)
        if not self.errors:
            filled = [row for row in self.rows if row.has_changed()]
            try:
                with transaction.atomic():
                    outcome = self._through_the_door(cleaned, filled)
            except Refused as refused:
                self._say(refused, filled)
            else:
                self.instance, self.warnings = outcome.visit, outcome.warnings
        return cleaned

    def _through_the_door(
        self, cleaned: dict[str, Any], filled: Sequence[ItemForm]
    ) -> lifecycle.VisitOutcome:
        """Raises Refused."""
        items = list(_ordered(filled, begins=cleaned["start_at"]))
        if self.instance.pk is None:
            order = lifecycle.VisitOrder(
                client_id=cleaned["client"].pk,
                items=items,
                start_at=cleaned["start_at"],
                provisional=cleaned["status"] == Booking.Status.PROVISIONAL,
                notes=cleaned["notes"],
                internal_notes=cleaned["internal_notes"],
                allow_overlap=cleaned["allow_overlap"],
                reason=cleaned["reason"],
                told_in_person=cleaned["told_in_person"],
                source="admin",
            )
            return lifecycle.book_visit(actor=self.actor, order=order)
        changes: dict[str, Any] = {
            name: cleaned[name]
            for name in ("start_at", "status", "notes", "internal_notes")
            if name in self.changed_data
        }
        if "client" in self.changed_data:
            changes["client_id"] = cleaned["client"].pk
        return lifecycle.change_visit(
            actor=self.actor,
            visit_id=self.instance.pk,
            changes=changes,
            items=lifecycle.ItemChanges(add=items, remove=cleaned["remove"]),
            how=lifecycle.How(
                reason=cleaned["reason"],
                allow_overlap=cleaned["allow_overlap"],
                ask_by_mail=True,
                told_in_person=cleaned["told_in_person"],
            ),
            expected_version=cleaned["seen_version"],
        )

    def _say(self, refused: Refused, filled: Sequence[ItemForm]) -> None:
        """Put the refusal at its field, of this form or of a row."""
        if refused.code in OF_THE_START:
            refused = BadRequest.field("start_at", refused.message)
        elif refused.details is not None and "items.add" in refused.details:
            refused = BadRequest.field("items.0.service_id", refused.details["items.add"][0])
        say_refusal(self, refused, rows=filled or self.rows)
        if not self.errors:
            self.add_error(None, SEE_BELOW)

    def _post_clean(self) -> None:
        """The door has checked and saved; there is nothing left to build."""


def _ordered(filled: Iterable[ItemForm], *, begins: datetime) -> Iterable[lifecycle.ItemOrder]:
    """Raises BadRequest for a time that the clocks show twice that day, or never."""
    for number, row in enumerate(filled):
        try:
            yield row.order(begins)
        except ValidationError as wrong:
            raise BadRequest.field(f"items.{number}.start_at", wrong.messages[0]) from wrong


def _told(booking: Booking) -> SafeString:
    """When, what, by whom and how it stands, with the way to its page."""
    begins, ends = timezone.localtime(booking.start_at), timezone.localtime(booking.end_at)
    return format_html(
        '{}-{} {}, {}{} <a href="{}">{} #{}</a>',
        f"{begins:%H:%M}",
        f"{ends:%H:%M}",
        _("%(service)s with %(person)s") % {"service": booking.service.name, "person": booking.staff.name},
        str(booking.get_status_display()).lower(),
        f", {_('asked for')}" if booking.staff_requested else "",
        reverse("admin:bookings_booking_change", args=[booking.pk]),
        _("booking"),
        booking.pk,
    )
