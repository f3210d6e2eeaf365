"""Parts of services in forms: written as one would say them, refused as the API does (contract §7)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from staff.admin.base import say_refusal
from staff.models import Service, ServiceDuration
from staff.salon.durations import ONE_PERSON_AT_A_TIME, with_parts
from staff.salon.parts import GAP, WORK, PartJson, Parts
from staff.wire.refusals import BadRequest


def parts_in_words(parts: Parts) -> str:
    return ", ".join(
        str(each["minutes"]) if each["kind"] == WORK else f"gap {each['minutes']}" for each in parts
    )


class PartsField(forms.CharField):
    """Minutes in words, such as `30, gap 45, 30`; nothing means work from start to end."""

    def to_python(self, value: Any) -> list[PartJson]:  # type: ignore[override]
        typed = super().to_python(value) or ""
        return [_part(each) for each in typed.replace(";", ",").split(",") if each.strip()]

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else parts_in_words(value or [])

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return self.to_python(data) != (initial or [])
        except ValidationError:
            return True


def _part(text: str) -> PartJson:
    kind, _, minutes = text.strip().lower().rpartition(" ")
    if kind.strip() not in ("", WORK, GAP) or not minutes.isascii() or not minutes.isdigit():
        said = gettext("%(typed)s: write it as 30, or as gap 45.") % {"typed": text.strip()}
        raise ValidationError(said, code="invalid")
    return {"kind": kind.strip() or WORK, "minutes": int(minutes[:6])}


class MinutesForm(forms.ModelForm):
    """`duration_minutes` follows from parts, unless it is typed as well: then they must agree."""

    parts = PartsField(
        label=capfirst(_("parts")),
        required=False,
        help_text=_(
            "Minutes of work, and gaps in which the person is free for somebody else, such as "
            "30, gap 45, 30. Empty: work from start to end."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        minutes = self.fields["duration_minutes"]
        minutes.required = False
        minutes.help_text = _("Empty: as long as the parts.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors.keys() & {"parts", "duration_minutes"}:
            return cleaned
        typed = cleaned["duration_minutes"]
        if not cleaned["parts"]:
            if typed is None:
                self.add_error("duration_minutes", _("Say how many minutes it takes, or give the parts."))
            return cleaned
        sent: dict[str, Any] = {"parts": cleaned["parts"]}
        if typed is not None and "duration_minutes" in self.changed_data:
            sent["duration_minutes"] = typed
        try:
            cleaned |= with_parts(None, sent)
        except BadRequest as refused:
            say_refusal(self, refused)
        return cleaned


class ServiceForm(MinutesForm):
    class Meta:
        model = Service
        fields = (
            "name",
            "category",
            "is_active",
            "duration_minutes",
            "parts",
            "buffer_before_minutes",
            "buffer_after_minutes",
            "price",
            "min_capacity",
            "max_capacity",
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if len(cleaned.get("parts") or []) > 1 and cleaned.get("max_capacity", 1) > 1:
            self.add_error("parts", ONE_PERSON_AT_A_TIME)
        return cleaned


class OwnMinutesForm(MinutesForm):
    class Meta:
        model = ServiceDuration
        fields = ("staff", "duration_minutes", "parts")


class OwnMinutesFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        for form in self.forms:
            several = len(getattr(form, "cleaned_data", {}).get("parts") or []) > 1
            if several and form not in self.deleted_forms and (self.instance.max_capacity or 1) > 1:
                form.add_error("parts", ONE_PERSON_AT_A_TIME)
