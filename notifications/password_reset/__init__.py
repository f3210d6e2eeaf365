"""A forgotten password: the link by mail, and what it opens (contract §1.5)."""

from notifications.password_reset.reset import ask_for_reset, person_behind, reset_password, token_for

__all__ = ["ask_for_reset", "person_behind", "reset_password", "token_for"]
