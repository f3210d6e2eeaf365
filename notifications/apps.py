from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from notifications.checks import check_handlers


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Messages")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        checks.register(check_handlers)
        # It brings in what speaks to a Redis. Left to their first use, the thread that wakes workers and a
        # request's would each find half of it, and the request is answered 500.
        import_string(settings.CACHES["default"]["BACKEND"])
