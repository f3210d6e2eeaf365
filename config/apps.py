"""The wiring as an app: registers the system checks of the settings and of what they lead to."""

from django.apps import AppConfig
from django.core import checks

from config.checks import check_settings
from config.postgres.pooler import check_pooler


class WiringConfig(AppConfig):
    name = "config"
    label = "wiring"

    def ready(self) -> None:
        checks.register(check_settings, "settings")
        checks.register(check_pooler, checks.Tags.database)
