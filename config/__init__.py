"""Wiring only. The Celery application is imported here so that the web process publishes through it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
