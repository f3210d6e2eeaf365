"""The WSGI application. A wrong setting stops the process here, with the check's own words."""

import os

from django.core.checks import ERROR, run_checks
from django.core.management.base import SystemCheckError
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

if serious := [message for message in run_checks() if message.level >= ERROR]:
    raise SystemCheckError("\n".join(str(message) for message in serious))
