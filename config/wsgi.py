"""The WSGI application. A wrong setting stops the process here, with the check's own words."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from config.postgres import serve_people
from config.refusal import refuse_wrong_settings
from staff.wire.wsgi import guard

MANY_OBJECTS = 10_000
"""More than a page of bookings is made of, so that an ordinary call is over before Python looks for garbage;
few enough that a look takes no longer than a call."""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

serve_people()
application = guard(get_wsgi_application())
refuse_wrong_settings()
# What has been imported stays. Looked through for garbage again and again it costs a twentieth of all calls,
# and each time whoever is asking just then a pause.
get_resolver().url_patterns  # noqa: B018  the first request would import the views
gc.collect()
gc.freeze()
gc.set_threshold(MANY_OBJECTS)
