"""Staff: the people of the salon, and the user model (docs/adr/0034)."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from staff.storage.columns import LineField, MailAddressField
from staff.wire.addresses import login_address


class StaffManager(BaseUserManager["Staff"]):
    def get_by_natural_key(self, username: str | None) -> Staff:
        return self.get(email=login_address(username or ""))

    def create_user(self, email: str | None, password: str | None = None, **fields: Any) -> Staff:
        """Make a person; without a password (or e-mail) they never log in."""
        person = self.model(email=login_address(email) if email else None, **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Staff:
        fields.setdefault("bookable", False)
        return self.create_user(email, password, role=Staff.Role.ADMIN, **fields)


class Staff(AbstractBaseUser):
    """A person who works in the salon.

    `email` is unique and lower case, null for a person who never logs in. Role admin may use
    Django admin and every endpoint; role staff may not enter Django admin. `is_active` False
    means the person takes no bookings and cannot log in.
    """

    class Role(models.TextChoices):
        STAFF = "staff", "Staff"
        ADMIN = "admin", "Admin"

    name = LineField(max_length=200)
    email = MailAddressField(unique=True, null=True, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.STAFF)
    bookable = models.BooleanField(default=True, help_text="Clients can be booked with this person.")
    sees_all_bookings = models.BooleanField(
        default=False, help_text="Front desk: not limited by the personal agenda."
    )
    phone = LineField(max_length=40, blank=True, default="")
    color = models.CharField(max_length=20, blank=True, default="")
    location = models.ForeignKey(
        "staff.Location", null=True, blank=True, on_delete=models.PROTECT, related_name="staff"
    )
    services: models.ManyToManyField[Any, Any] = models.ManyToManyField(
        "staff.Service", blank=True, related_name="staff"
    )
    is_active = models.BooleanField(default=True)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    online = models.BooleanField(
        default=True, db_default=True, help_text="Clients may choose this person when they book online."
    )
    bio = models.TextField(max_length=2000, blank=True, default="", db_default="")

    objects: ClassVar[StaffManager] = StaffManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name_plural = "staff"
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="staff_email_lower_case"),
            models.CheckConstraint(condition=models.Q(role__in=["staff", "admin"]), name="staff_role_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        """How Django admin greets."""
        return self.name

    @property
    def is_admin(self) -> bool:
        return self.role == self.Role.ADMIN

    @property
    def is_staff(self) -> bool:
        """Django admin's word for "may enter the admin site"."""
        return self.is_active and self.is_admin

    @property
    def is_superuser(self) -> bool:
        return self.is_staff

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return self.is_staff

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff
