"""The Celery application: executor and clock of the jobs in the database, never their memory."""

import os
import signal
import warnings
from typing import Any

from celery import Celery
from celery.signals import beat_embedded_init, setup_logging, worker_init
from kombu.transport.virtual import Channel

from config.postgres import serve_people
from config.processes import end_with_parent
from config.refusal import refuse_wrong_settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# The danger it tells of is pickle, which settings.CELERY_ACCEPT_CONTENT leaves out.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

# Wake-ups may be lost, so a channel that closes gives none back. It would be to a broker that has just gone:
# kombu then asks a connection it has taken apart for a client, which ends the worker, or writes a file.
Channel.do_restore = False

app = Celery("bookings")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**kwargs: Any) -> None:
    """Django has set logging up from settings.LOGGING; a receiver keeps Celery from doing it again."""


@worker_init.connect
def _refuse_wrong_settings(**kwargs: Any) -> None:
    refuse_wrong_settings()
    serve_people()


@beat_embedded_init.connect
def _end_with_worker(**kwargs: Any) -> None:
    """The embedded clock must not outlive a worker that was killed."""
    end_with_parent(signal.SIGTERM)
