"""Clients in admin: archived, never deleted; merging two is in the API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from clients.models import Client
from clients.numbers import with_numbers_read
from clients.records import archive_client, check_birthday
from clients.search import found_by
from clients.walk_in import IsWalkIn, check_no_person
from staff.admin.base import say_affected, say_refusal
from staff.models import SalonSettings
from staff.salon.affected import Touched
from staff.wire.refusals import BadRequest


class FoundByClient(admin.ModelAdmin):
    """Rows that are found by their client; `search_fields` are numbers, looked at for a number alone."""

    search_help_text = _("The client's name, e-mail or telephone number, or a booking's number.")
    searched_besides = ""

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        found = found_by(queryset, search_term, client="client", besides=self.searched_besides)
        if search_term.strip().isdecimal():
            found |= super().get_search_results(request, queryset, search_term)[0]
        return found, False


class ArchivedFilter(admin.SimpleListFilter):
    """Without a choice the archived ones are left out, as in the API."""

    title = _("archived")
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("only", _("Only archived")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The first one is no choice at all."""
        first, *others = super().choices(changelist)
        yield {**first, "display": _("Not archived")}
        yield from others

    def queryset(self, request: HttpRequest, clients: QuerySet[Client]) -> QuerySet[Client]:
        match self.value():
            case "all":
                return clients
            case "only":
                return clients.filter(archived_at__isnull=False)
        return clients.filter(archived_at__isnull=True)


class ClientForm(forms.ModelForm):
    """The same rules as the API (`clients.records`)."""

    def clean(self) -> dict[str, Any]:
        cleaned, salon = super().clean() or {}, SalonSettings.load()
        try:
            check_birthday(cleaned.get("birthday"), salon=salon, now=timezone.now())
            check_no_person(self.instance, cleaned)
        except (BadRequest, IsWalkIn) as refused:
            say_refusal(self, refused)
        return with_numbers_read(cleaned, country=salon.country, notes="")


@admin.register(Client)
class ClientAdmin(admin.ModelAdmin):
    form = ClientForm
    list_display = ("name", "email", "phone", "mobile", "alert", "no_show_count", "marketing_consent")
    list_filter = (ArchivedFilter, "marketing_consent", "locale")
    list_per_page = 50
    show_full_result_count = False
    search_fields = ("searched",)
    search_help_text = _("Names, e-mail, telephone numbers as dialled; accents do not count.")
    ordering = ("first_name", "last_name", "id")
    actions = ("archive",)
    readonly_fields = ("no_show_count", "key", "merged_into", "archived_at", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": (("first_name", "last_name"), "email", ("phone", "mobile"))}),
        (_("About"), {"fields": ("alert", "birthday", "locale", "marketing_consent", "notes")}),
        (
            _("Details"),
            {"fields": ("no_show_count", "key", "archived_at", "merged_into", "created_at", "updated_at")},
        ),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Client], search_term: str
    ) -> tuple[QuerySet[Client], bool]:
        """The list that a form offers leaves the archived ones out."""
        found = found_by(queryset, search_term)
        if request.path.endswith("/autocomplete/"):
            found = found.filter(archived_at__isnull=True)
        return found, False

    @admin.action(description=_("Archive the chosen clients"))
    def archive(self, request: HttpRequest, clients: QuerySet[Client]) -> None:
        now = timezone.now()
        salon = SalonSettings.load()
        people = [client for client in clients if not client.is_walk_in]
        archived = [archive_client(client.pk, salon=salon, now=now) for client in people]
        messages.success(request, _("Archived: %(count)d.") % {"count": len(archived)})
        for client in archived:
            say_affected(request, Touched(now, client_id=client.pk))
