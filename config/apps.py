"""The wiring as an app: registers the system checks of the settings."""

from django.apps import AppConfig
from django.core import checks

from config.checks import check_settings


class WiringConfig(AppConfig):
    name = "config"
    label = "wiring"

    def ready(self) -> None:
        checks.register(check_settings, "settings")
