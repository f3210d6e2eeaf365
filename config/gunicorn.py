"""gunicorn's settings: `gunicorn -c config/gunicorn.py config.wsgi`. WEB_CONCURRENCY sets the workers."""

import os
import shutil
import tempfile
from pathlib import Path

from config.logs import logging_settings

host = os.environ.get("HOST") or "127.0.0.1"
port = os.environ.get("PORT") or "8000"
bind = f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
worker_class = "config.web_worker.JsonThreadWorker"
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = 4
timeout = 60
graceful_timeout = 20
keepalive = 5
limit_request_line = 8190
control_socket_disable = True
# Only a proxy that settings.TRUSTED_PROXIES counts may say what the scheme is.
forwarded_allow_ips = "*" if int(os.environ.get("TRUSTED_PROXIES") or 0) else ""
# No header may rewrite the path, whoever sends it.
forwarder_headers = ""
# A heartbeat file on a disk that stalls would get healthy workers killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None

logconfig_dict = logging_settings(for_people=os.environ.get("DEMO") == "1")

# Before anything imports prometheus_client, which looks for it then. Each process has files of its own. HUP
# has this file read again by the same parent: its new processes count on where the former ones stopped.
_COUNTERS = "bookings-metrics-"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_counters = os.environ.get(_FOLDER, "")
if os.environ.get("METRICS_TOKEN") and f"{_COUNTERS}{os.getpid()}-" not in _counters:
    _counters = tempfile.mkdtemp(prefix=f"{_COUNTERS}{os.getpid()}-", dir=worker_tmp_dir)
    os.environ[_FOLDER] = _counters


def on_exit(server: object) -> None:
    """Of the parent of all workers only."""
    if f"{_COUNTERS}{os.getpid()}-" in _counters:
        shutil.rmtree(_counters, ignore_errors=True)
