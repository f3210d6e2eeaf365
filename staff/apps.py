from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.apps import apps as apps_of_today
from django.apps.registry import Apps
from django.contrib.admin import apps as admin_apps
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from staff.admin_words import speak


def keep_settings_row(using: str = DEFAULT_DB_ALIAS, apps: Apps = apps_of_today, **kwargs: Any) -> None:
    """The post_migrate receiver: the salon's settings are one row that is always there, after `flush` too.

    `apps` are the models as the migrations left them, which need not be today's.
    """
    try:
        model = apps.get_model("staff", "SalonSettings")
    except LookupError:
        return
    model._base_manager.using(using).get_or_create(pk=1)


class StaffConfig(AppConfig):
    name = "staff"
    verbose_name = _("The salon")
    default = True
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(keep_settings_row, sender=self)


class SalonAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS for `django.contrib.admin`: names our admin site, which needs the models."""

    default = False
    default_site = "staff.admin_site.SalonAdminSite"

    def ready(self) -> None:
        """Before admin's forms are made of them, which this does."""
        speak(apps_of_today.get_models())
        super().ready()
