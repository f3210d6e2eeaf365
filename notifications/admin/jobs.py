"""Jobs in admin: to read, and to try again what is dead or uncertain. Each by POST."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from notifications import outbox
from notifications.models import Job
from notifications.outbox.retry_by_hand import RETRIABLE
from staff.admin.readonly import ReadOnlyAdmin
from staff.wire.refusals import Refused


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ("run_at", "state", "type", "booking_id", "attempts", "short_error", "finished_at")
    list_filter = ("state", "type")
    search_fields = ("=booking_id", "once_key", "last_error")
    search_help_text = _("A booking's number, a key, or words of the error.")
    date_hierarchy = "created_at"
    actions = ("retry",)
    fields = (
        ("type", "state"),
        ("booking_id", "recipient"),
        "message_sent",
        ("run_at", "first_run_at"),
        ("attempts", "sends"),
        "last_error",
        ("sending_at", "lease_until", "finished_at"),
        "external_id",
        "payload",
        "once_key",
        "dedupe_key",
        "created_at",
    )
    readonly_fields = ("message_sent",)

    @admin.display(description=_("last error"))
    def short_error(self, job: Job) -> str:
        return job.last_error[:80]

    @admin.display(description=_("message"))
    def message_sent(self, job: Job) -> str:
        message = getattr(job, "message", None)
        if message is None:
            return "-"
        address = reverse("admin:notifications_message_change", args=[message.pk])
        return format_html('<a href="{}">{} ({})</a>', address, message, message.get_state_display())

    def get_urls(self) -> list[URLPattern]:
        again = path(
            "<int:job_id>/retry/", self.admin_site.admin_view(self.retry_view), name="notifications_job_retry"
        )
        return [again, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        job = self.get_object(request, object_id)
        again = job is not None and job.state in RETRIABLE
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "can_be_retried": again}
        )

    @method_decorator(require_POST)
    def retry_view(self, request: HttpRequest, job_id: int) -> HttpResponse:
        self._retry(request, [job_id])
        return HttpResponseRedirect(reverse("admin:notifications_job_change", args=[job_id]))

    @admin.action(description=_("Try the chosen dead or uncertain jobs again"))
    def retry(self, request: HttpRequest, jobs: QuerySet[Job]) -> None:
        self._retry(request, list(jobs.order_by("id").values_list("id", flat=True)))

    def _retry(self, request: HttpRequest, job_ids: list[int]) -> None:
        retried = 0
        for job_id in job_ids:
            try:
                outbox.retry(job_id, now=timezone.now())
            except Refused as refused:
                messages.error(request, f"#{job_id}: {gettext(refused.message)}")
            else:
                retried += 1
        if retried:
            messages.success(request, _("Due again: %(count)d.") % {"count": retried})
