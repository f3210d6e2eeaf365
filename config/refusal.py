"""No process serves with wrong settings."""

from django.core.checks import ERROR, run_checks
from django.core.management.base import SystemCheckError


def refuse_wrong_settings() -> None:
    """Run the system checks (those of the database left out: it may be away for a moment).

    Raises SystemCheckError with the words of every check that found an error.
    """
    if serious := [message for message in run_checks() if message.level >= ERROR]:
        raise SystemCheckError("\n".join(str(message) for message in serious))
