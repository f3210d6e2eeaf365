"""Lists and texts by language in forms: as one would type them (contract §6a "settings, new")."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings


class LinesField(forms.CharField):
    """A list of strings, one a line."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 3}), **kwargs)

    def to_python(self, value: Any) -> list[str]:  # type: ignore[override]
        typed = super().to_python(value) or ""
        return [line.strip() for line in typed.splitlines() if line.strip()]

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else "\n".join(value or [])

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.to_python(data) != (initial or [])


class LanguageTextsWidget(forms.MultiWidget):
    """A box for each language, under its name."""

    template_name = "admin/staff/widgets/language_texts.html"

    def __init__(self) -> None:
        boxes: dict[str, forms.Widget | type[forms.Widget]] = {
            code: forms.Textarea(attrs={"rows": 6, "lang": code}) for code, _ in settings.LANGUAGES
        }
        super().__init__(boxes)

    def decompress(self, value: Any) -> list[str]:
        return [(value or {}).get(code, "") for code, _ in settings.LANGUAGES]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for box, (_, language) in zip(context["widget"]["subwidgets"], settings.LANGUAGES, strict=True):
            box["language"] = language
        return context


class TextByLanguageField(forms.MultiValueField):
    """`{language code: text}`, without the empty ones."""

    def __init__(self, *, longest: int, **kwargs: Any) -> None:
        boxes = [forms.CharField(required=False, max_length=longest) for _ in settings.LANGUAGES]
        super().__init__(boxes, widget=LanguageTextsWidget(), require_all_fields=False, **kwargs)

    def compress(self, values: list[str]) -> dict[str, str]:
        typed = zip(settings.LANGUAGES, values, strict=False)
        return {code: text for (code, _), text in typed if text}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.clean(data) != (initial or {})
