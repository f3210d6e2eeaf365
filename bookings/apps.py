from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _

from bookings import kept_totals
from bookings.slots import sqlite_guard


class BookingsConfig(AppConfig):
    name = "bookings"
    verbose_name = _("Bookings")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        post_migrate.connect(sqlite_guard.install_after_migrate, sender=self)
        post_migrate.connect(kept_totals.install_after_migrate, sender=self)
