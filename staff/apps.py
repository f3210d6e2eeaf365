from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StaffConfig(AppConfig):
    name = "staff"
    default = True
    default_auto_field = "django.db.models.BigAutoField"


class SalonAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS for `django.contrib.admin`: names our admin site, which needs the models."""

    default = False
    default_site = "staff.admin_site.SalonAdminSite"
