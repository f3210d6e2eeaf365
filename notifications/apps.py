from django.apps import AppConfig
from django.core import checks

from notifications.checks import check_handlers


class NotificationsConfig(AppConfig):
    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_handlers)
