"""Calendars that staff subscribe to: made for whoever works here, shown once, revoked (contract §11)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from bookings.feeds.addresses import feed_address, feeds_visible_to, make_feed, revoke_feed, rotate_feed
from bookings.models import CalendarFeed
from staff.admin.base import acting, say_refusal
from staff.wire.refusals import NotFound, Refused


class FeedForm(forms.ModelForm):
    """Hands what was chosen to `bookings.feeds`; its refusals become form errors."""

    token = ""

    class Meta:
        model = CalendarFeed
        fields = ("staff", "scope", "detail")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.instance, self.token = make_feed(
                    person=cleaned["staff"],
                    scope=cleaned["scope"],
                    detail=cleaned["detail"],
                    now=timezone.now(),
                )
            except Refused as refused:
                say_refusal(self, refused)
        return cleaned

    def _post_clean(self) -> None:
        """It is made; there is nothing left to build."""


@admin.register(CalendarFeed)
class CalendarFeedAdmin(admin.ModelAdmin):
    form = FeedForm
    list_display = ("staff", "scope", "detail", "last_fetched_at", "last_fetched_by", "created_at")
    list_filter = ("scope", "detail", "staff")
    list_select_related = ("staff",)
    list_per_page = 50
    search_fields = ("staff__name", "last_fetched_by")
    search_help_text = _("A person's name, or what the program calls itself.")
    readonly_fields = ("created_at", "last_fetched_at", "last_fetched_by")
    actions = None

    def get_fields(self, request: HttpRequest, obj: CalendarFeed | None = None) -> Any:
        chosen = ("staff", "scope", "detail")
        return chosen if obj is None else (*chosen, *self.readonly_fields)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """An address that is known shows what it was made for."""
        return False

    def get_urls(self) -> list[URLPattern]:
        rotate = path(
            "<int:feed_id>/rotate/",
            self.admin_site.admin_view(self.rotate_view),
            name="bookings_calendarfeed_rotate",
        )
        return [rotate, *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: CalendarFeed, form: Any, change: bool) -> None:
        """Made by the form."""
        request.new_feed_token = form.token  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: CalendarFeed, post_url_continue: Any = None
    ) -> HttpResponse:
        return self._shown(request, obj, request.new_feed_token)  # type: ignore[attr-defined]

    def delete_model(self, request: HttpRequest, obj: CalendarFeed) -> None:
        revoke_feed(self._feeds(request), obj.pk)

    @method_decorator(require_POST)
    def rotate_view(self, request: HttpRequest, feed_id: int) -> HttpResponse:
        """Another address; the one before opens nothing from now on. Raises Http404."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        try:
            feed, token = rotate_feed(self._feeds(request), feed_id)
        except NotFound as absent:
            raise Http404 from absent
        self.log_change(request, feed, _("The address was changed."))
        return self._shown(request, feed, token)

    def _feeds(self, request: HttpRequest) -> QuerySet[CalendarFeed]:
        return feeds_visible_to(acting(request))

    def _shown(self, request: HttpRequest, feed: CalendarFeed, token: str) -> HttpResponse:
        """The page that shows the address, this once; it is neither stored nor put into a message."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("The calendar of %(name)s") % {"name": feed.staff.name},
            "opts": self.opts,
            "feed": feed,
            "address": feed_address(token),
        }
        return TemplateResponse(request, "admin/bookings/calendarfeed/made.html", context)
