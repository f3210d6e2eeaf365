"""Staff in admin: the same rules as the API (`staff.salon.people`), with their working hours on the page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, ReadOnlyPasswordHashField, SetPasswordMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from staff.access.accounts import log_out_everywhere
from staff.admin.base import say_affected, say_outside_hours
from staff.admin.searching import FoldedSearch
from staff.admin.week import WeekPage, week_link
from staff.models import Staff, WorkingHours
from staff.salon.affected import Touched
from staff.salon.people import NEEDS_EMAIL, LastAdmin, is_active_admin, locked_with_admins

AT_WORK: tuple[Any, Any] = (
    _("At work"),
    {"fields": (("bookable", "sees_all_bookings"), "phone", "color", "location", "services")},
)
ONLINE: tuple[Any, Any] = (_("Online booking"), {"fields": ("online", "bio")})


class StaffForm(forms.ModelForm):
    """Refuses what would leave the salon without an administrator. Runs inside admin's transaction."""

    password = ReadOnlyPasswordHashField(help_text=_("Setting another one ends every login."))

    class Meta:
        model = Staff
        fields = (
            "name",
            "email",
            "role",
            "is_active",
            "bookable",
            "sees_all_bookings",
            "phone",
            "color",
            "location",
            "services",
            "online",
            "bio",
        )

    def clean_email(self) -> str | None:
        return (self.cleaned_data.get("email") or "").lower() or None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if (
            cleaned.get("role") == Staff.Role.ADMIN
            and not cleaned.get("email")
            and "email" not in self.errors
        ):
            self.add_error("email", gettext(NEEDS_EMAIL))
        stays = cleaned.get("role") == Staff.Role.ADMIN and bool(cleaned.get("is_active"))
        if self.instance.pk is not None and not stays:
            stored, other_admins = locked_with_admins(self.instance.pk)
            if is_active_admin(stored) and not other_admins:
                raise ValidationError(gettext(LastAdmin.message), code=LastAdmin.code)
        return cleaned


class NewStaffForm(SetPasswordMixin, StaffForm):
    """A password is optional: who has none never logs in."""

    password1, password2 = SetPasswordMixin.create_password_fields()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("password1", "password2"):
            self.fields[name].required = False
        self.fields["password1"].help_text = _("Leave both empty for somebody who never logs in.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if cleaned.get("password1") or cleaned.get("password2"):
            self.validate_passwords()
            if not cleaned.get("email"):
                self.add_error("password1", _("Give an e-mail address too; it is what one logs in with."))
        return cleaned

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.cleaned_data.get("password2"):
            self.validate_password_for_user(self.instance)

    def save(self, commit: bool = True) -> Staff:
        person: Staff = super().save(commit=False)
        person.set_password(self.cleaned_data.get("password1") or None)
        if commit:
            person.save()
            self.save_m2m()
        return person


class EndLoginsForm(AdminPasswordChangeForm):
    """Another password ends every login of the person."""

    def save(self, commit: bool = True) -> Staff:
        person: Staff = super().save(commit=commit)
        log_out_everywhere(person)
        return person


class WorkingHoursInline(admin.TabularInline):
    model = WorkingHours
    extra = 0
    verbose_name_plural = _("working hours (salon wall clock; several rows a day make breaks)")


@admin.register(Staff)
class StaffAdmin(FoldedSearch, WeekPage, UserAdmin):
    form = StaffForm
    add_form = NewStaffForm
    change_password_form = EndLoginsForm
    list_display = ("name", "is_active", "role", "bookable", "sees_all_bookings", "location", "email", "week")
    list_filter = ("is_active", "role", "bookable", "location", "services")
    list_select_related = ("location",)
    list_per_page = 50
    search_fields = ("name", "email", "phone")
    ordering = ("name", "id")
    filter_horizontal = ()
    readonly_fields = ("key", "last_login", "created_at")
    inlines = (WorkingHoursInline,)
    actions = None
    fieldsets = (
        (None, {"fields": ("name", "email", "password", ("role", "is_active"))}),
        AT_WORK,
        ONLINE,
        (_("Details"), {"fields": ("key", "last_login", "created_at")}),
    )
    add_fieldsets = (
        (None, {"classes": ("wide",), "fields": ("name", "email", "password1", "password2", "role")}),
        AT_WORK,
        ONLINE,
    )

    @admin.display(description=_("hours"))
    def week(self, person: Staff) -> str:
        return week_link(person.pk, label=gettext("The week"))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """A box to tick for each service, which needs no script and no explaining."""
        options.setdefault("widget", forms.CheckboxSelectMultiple)
        return super().formfield_for_manytomany(db_field, request, **options)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        before = list(WorkingHours.objects.filter(staff=form.instance.pk))
        super().save_formset(request, form, formset, change)
        if formset.has_changed():
            after = list(WorkingHours.objects.filter(staff=form.instance.pk))
            say_outside_hours(request, before=before, after=after)

    def save_model(self, request: HttpRequest, obj: Staff, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change and not obj.is_active:
            log_out_everywhere(obj)
            if "is_active" in form.changed_data:
                say_affected(request, Touched(timezone.now(), staff_ids=frozenset([obj.pk])))
