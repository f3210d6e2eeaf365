"""API keys and logins in admin: a secret is shown once, a login can be ended."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from knox.models import AuthToken

from staff.access.auth import make_key_secret
from staff.access.keys import revoke_key
from staff.admin.base import KeptAdmin
from staff.admin.searching import FoldedSearch
from staff.models import ApiKey, Staff

admin.site.unregister(Group)
admin.site.unregister(AuthToken)


@admin.register(ApiKey)
class ApiKeyAdmin(FoldedSearch, KeptAdmin):
    """The dialect is chosen once; what was lost is revoked and made anew."""

    list_display = ("name", "dialect", "mode", "prefix", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("dialect", "mode", ("revoked_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "prefix")
    fields = ("name", "dialect", "mode", "expires_at", "prefix", "last_used_at", "revoked_at", "created_by")
    readonly_fields = ("prefix", "last_used_at", "revoked_at", "created_by")
    actions = ("revoke",)

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is None else ("dialect", *self.readonly_fields)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if not change:
            form.secret, obj.prefix, obj.secret_hash = make_key_secret()
            obj.created_by = request.user if isinstance(request.user, Staff) else None
            request.new_key_secret = form.secret  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: Any = None) -> HttpResponse:
        """The page that shows the secret, this once; it is neither stored nor put into a message."""
        context = {
            **self.admin_site.each_context(request),
            "title": _("API key “%(name)s”") % {"name": obj.name},
            "opts": self.opts,
            "key": obj,
            "secret": request.new_key_secret,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/staff/apikey/made.html", context)

    @admin.action(description=_("Revoke the chosen keys"))
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        now = timezone.now()
        chosen = [revoke_key(key.pk, now=now) for key in keys]
        names = ", ".join(key.name for key in chosen)
        messages.success(request, _("Revoked: %(names)s.") % {"names": names})


@admin.register(AuthToken)
class LoginAdmin(FoldedSearch):
    """Who is logged in to the API; deleting a row ends that login."""

    list_display = ("user", "created", "expiry")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("user__name", "user__email")
    fields = ("user", "created", "expiry")
    readonly_fields = fields
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
