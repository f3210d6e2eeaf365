"""Names our admin site to Django; apart from the site itself, which needs the models."""

from django.contrib.admin.apps import AdminConfig


class SalonAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS for `django.contrib.admin`."""

    default_site = "staff.admin_site.SalonAdminSite"
