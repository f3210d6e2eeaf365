"""The WSGI application. A wrong setting stops the process here, with the check's own words."""

import os

from django.core.wsgi import get_wsgi_application

from config.postgres import serve_people
from config.refusal import refuse_wrong_settings
from staff.wire.wsgi import guard

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

serve_people()
application = guard(get_wsgi_application())
refuse_wrong_settings()
