"""What online booking keeps beside the visit (contract §9).

Whoever is looked up stands here as a keyed digest (`bookings.online.digests`): no row but `MailedCode` says
whose it is.
"""

from __future__ import annotations

from django.db import models

from staff.storage.columns import MailAddressField


class OnlineSubmission(models.Model):
    """A submission that became a visit, found again by its idempotency key (`scope`: path and key).

    `body_hash`: of what was sent, without proof and code. `mail` and `number`: digests of what was typed.
    """

    scope = models.CharField(max_length=64, unique=True)
    body_hash = models.CharField(max_length=64)
    visit = models.ForeignKey("bookings.Visit", on_delete=models.CASCADE, related_name="+", null=True)
    mail = models.CharField(max_length=64)
    number = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["mail"], name="online_submission_mail"),
            models.Index(fields=["number"], condition=~models.Q(number=""), name="online_submission_number"),
            models.Index(fields=["created_at"], name="online_submission_created"),
        ]

    def __str__(self) -> str:
        return f"online submission #{self.pk}"


class MailedCode(models.Model):
    """Six digits on their way to a typed address. They are not stored: `nonce` and our key make them.

    For one submission (`scope` and `body_hash`, as above), until `expires_at` (UTC). `hold_token`: of the
    time that is kept meanwhile, "" for none.
    """

    scope = models.CharField(max_length=64, unique=True)
    body_hash = models.CharField(max_length=64)
    email = MailAddressField()
    locale = models.CharField(max_length=10, blank=True, default="")
    nonce = models.CharField(max_length=64)
    tries = models.PositiveSmallIntegerField(default=0)
    hold_token = models.CharField(max_length=64, blank=True, default="")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="mailed_code_expiry")]

    def __str__(self) -> str:
        return f"mailed code #{self.pk}"


class PublicHold(models.Model):
    """Whose a hold is that was made without a login: `address` and `contact` are digests.

    `token` is that of `Hold`; the row lives as long as the hold could.
    """

    token = models.CharField(max_length=64, unique=True)
    address = models.CharField(max_length=64)
    contact = models.CharField(max_length=64, blank=True, default="")
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="public_hold_expiry")]

    def __str__(self) -> str:
        return f"public hold #{self.pk}"


class SpentChallenge(models.Model):
    """A challenge that was solved, so that it counts once; kept until it expires (UTC)."""

    challenge = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="spent_challenge_expiry")]

    def __str__(self) -> str:
        return f"spent challenge #{self.pk}"


class OnlineAttack(models.Model):
    """So many submissions came at once that the code is asked of everybody until then (UTC)."""

    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"online attack #{self.pk}"
