"""The tick in a form that the client has been told in person (contract §11 "notify: false")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

WHY = _("Say why, for the history: you have ticked that the client has been told.")


def told_field() -> forms.BooleanField:
    return forms.BooleanField(
        required=False,
        label=_("The client has been told"),
        help_text=_("No mail about this change; needs a reason. What was owed before leaves all the same."),
    )


def check_reason(form: forms.BaseForm, cleaned: Mapping[str, Any]) -> None:
    if cleaned.get("told_in_person") and "reason" in cleaned and not cleaned["reason"].strip():
        form.add_error("reason", WHY)
