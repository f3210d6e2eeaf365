"""A door's refusal, as a form error."""

from __future__ import annotations

from django import forms

from staff.wire.refusals import Refused


def say_refusal(form: forms.BaseForm, refused: Refused) -> None:
    """Put the refusal's sentences at the fields they name, else above the form."""
    named = {
        name.removesuffix("_id"): sentences
        for name, sentences in (refused.details or {}).items()
        if name.removesuffix("_id") in form.fields
    }
    for name, sentences in named.items():
        for sentence in sentences:
            form.add_error(name, sentence)
    if not named:
        form.add_error(None, _sentence(refused))


def _sentence(refused: Refused) -> str:
    taken = refused.conflicts or []
    by = ", ".join(f"#{each['booking_id']} {each['start_at']} - {each['end_at'][11:16]}" for each in taken)
    return f"{refused.message} ({by})" if by else refused.message
