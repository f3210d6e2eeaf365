"""Who may call: API keys, and the answers kept for a repeated Idempotency-Key."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q


class ApiKey(models.Model):
    """A key of one dialect. Only `secret_hash` (sha256 of a 256-bit secret) is stored.

    `recent_writes` holds the times (ISO 8601, UTC) of the writes of the last minute: SimpleSpa's
    limit is counted there, under a lock on this row (contract §2).
    """

    class Dialect(models.TextChoices):
        NATIVE = "native", "Native"
        SIMPLESPA = "simplespa", "SimpleSpa"
        AMELIA = "amelia", "Amelia"
        EAGENDA = "eagenda", "eAgenda"

    class Mode(models.IntegerChoices):
        READ = 1, "read"
        WRITE = 2, "write"
        READ_WRITE = 3, "read_write"

    name = models.CharField(max_length=200)
    dialect = models.CharField(max_length=20, choices=Dialect, default=Dialect.NATIVE)
    mode = models.PositiveSmallIntegerField(choices=Mode, default=Mode.READ_WRITE)
    prefix = models.CharField(max_length=32, unique=True, editable=False)
    secret_hash = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    recent_writes: Any = models.JSONField(default=list, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        "staff.Staff", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(mode__gte=1, mode__lte=3), name="api_key_mode_known"),
            models.CheckConstraint(
                condition=Q(dialect__in=["native", "simplespa", "amelia", "eagenda"]),
                name="api_key_dialect_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentAnswer(models.Model):
    """The 2xx answer to a request that carried an Idempotency-Key, kept 24 h (contract §0)."""

    scope = models.CharField(max_length=64, unique=True, help_text="sha256 of credential, path and key")
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.TextField(default="")
    created_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.scope
