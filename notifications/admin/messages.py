"""The message log in admin: what was sent, to whom, and why not; and the salon's own words for each type.

A mail is shown in a frame of its own whose policy forbids scripts, forms and outside resources: what a
client's name or notes carried into it can do nothing here.
"""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF
from csp.decorators import csp, csp_update
from django import forms
from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext, override
from django.utils.translation import gettext_lazy as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from notifications.channels.segments import length_of
from notifications.letters.language import moment
from notifications.letters.text import said
from notifications.models import Message, MessageText
from notifications.registry import handler_of, is_mail
from staff.admin.readonly import ReadOnlyAdmin
from staff.models import SalonSettings
from staff.salon.base_urls import public_url

BODIES = ("html", "text", "ics", "headers", "facts")
EXAMPLE_LINK = f"/v/{'x' * 22}"
SHOWN_MAIL = {
    "default-src": [NONE],
    "style-src": ["'unsafe-inline'"],
    "img-src": ["data:"],
    "frame-ancestors": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "sandbox": True,
}


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "state", "type", "channel", "to", "subject", "reason", "booking_id")
    list_display_links = ("created_at", "type")
    list_filter = ("state", "channel", "type", "locale")
    search_fields = ("to", "subject", "=booking_id", "=client_id", "=message_id")
    search_help_text = _("An address, words of the subject, a booking's or client's number, a Message-ID.")
    date_hierarchy = "created_at"
    fields = (
        ("type", "state", "reason"),
        ("channel", "to", "locale"),
        ("sent_by", "segments", "cost", "currency"),
        "subject",
        ("sent_at", "created_at"),
        "mail_shown",
        "text",
        "ics",
        ("booking_id", "client_id", "job_made"),
        "message_id",
        "headers",
    )
    readonly_fields = ("mail_shown", "job_made")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        messages = super().get_queryset(request)
        match = request.resolver_match
        in_list = match is not None and match.url_name == "notifications_message_changelist"
        return messages.defer(*BODIES) if in_list else messages.select_related("job")

    @admin.display(description=_("the mail"))
    def mail_shown(self, message: Message) -> str:
        if not message.html:
            return "-"
        address = reverse("admin:notifications_message_html", args=[message.pk])
        return format_html(
            '<iframe src="{}" title="{}" sandbox width="640" height="640"></iframe>',
            address,
            _("The mail as it was sent"),
        )

    @admin.display(description=_("job"))
    def job_made(self, message: Message) -> str:
        address = reverse("admin:notifications_job_change", args=[message.job_id])
        return format_html('<a href="{}">{} ({})</a>', address, message.job, message.job.get_state_display())

    def get_urls(self) -> list[URLPattern]:
        shown = path(
            "<int:message_id>/html/",
            self.admin_site.admin_view(self.html_view),
            name="notifications_message_html",
        )
        return [shown, *super().get_urls()]

    @method_decorator(csp_update({"frame-src": [SELF]}))
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        return super().change_view(request, object_id, form_url, extra_context)

    @method_decorator([require_safe, csp(SHOWN_MAIL), xframe_options_sameorigin])
    def html_view(self, request: HttpRequest, message_id: int) -> HttpResponse:
        """The HTML as it was sent. Raises Http404, also for who may not see messages."""
        message = Message.objects.filter(pk=message_id).first()
        if message is None or not self.has_view_permission(request, message):
            raise Http404
        return HttpResponse(message.html)


class MessageTextForm(forms.ModelForm):
    """Offers the types of mails whose words are ours, and the languages there are."""

    type = forms.ChoiceField(label=capfirst(_("type")))
    locale = forms.ChoiceField(label=capfirst(_("locale")), choices=settings.LANGUAGES)

    class Meta:
        model = MessageText
        fields = ("type", "locale", "subject", "introduction", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["type"] = forms.ChoiceField(
            label=capfirst(_("type")), choices=[(each, each) for each in _mail_types()]
        )


@admin.register(MessageText)
class MessageTextAdmin(admin.ModelAdmin):
    form = MessageTextForm
    actions = None
    list_display = ("type", "locale", "subject")
    list_filter = ("type", "locale")
    search_fields = ("subject", "introduction", "text")
    list_per_page = 50
    fields = ("type", "locale", "subject", "introduction", "text", "as_text")
    readonly_fields = ("as_text",)

    @admin.display(description=_("the SMS, and how long it is"))
    def as_text(self, own: MessageText) -> str:
        """Once it is saved; with an example of our sentence and a link as long as they are."""
        with override(own.locale or get_language()):
            when = moment(timezone.now(), zone=SalonSettings.load().zone)
            sentence = gettext("Your appointment on %(when)s is confirmed") % {"when": when}
        name, link = SalonSettings.load().business_name, public_url("", EXAMPLE_LINK)
        example = said(own.text, salon=name, text=sentence, link=link)
        length = length_of(example)
        how_long = gettext("Segments: %(segments)d (%(encoding)s, %(units)d characters)") % length._asdict()
        return format_html("{}<br><strong>{}</strong>", example, how_long)


def _mail_types() -> list[str]:
    """The types whose words the salon can replace."""
    handlers = {each: handler_of(each) for each in settings.HANDLERS}
    return sorted(
        each
        for each, handler in handlers.items()
        if is_mail(handler) and not getattr(handler, "worded_by_salon", False)
    )
