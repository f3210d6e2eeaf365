"""Whom a job is for."""

from __future__ import annotations

from typing import Self

_CLIENT, _STAFF, _ENDPOINT = "client:", "staff:", "webhook:"

ONE_AT_A_TIME = _ENDPOINT
"""Begins the recipients that get one thing at a time, whatever booking it is about."""


class Recipient(str):
    """`Job.recipient` in words: "client:5", "staff:2", "webhook:3", or "" for nobody.

    What is due to one recipient about one booking leaves in the order in which it became due.
    """

    __slots__ = ()

    @classmethod
    def client(cls, pk: int | None) -> Self:
        """None, the client of a booking that has none, is nobody's."""
        return cls(f"{_CLIENT}{pk}")

    @classmethod
    def staff(cls, pk: int) -> Self:
        return cls(f"{_STAFF}{pk}")

    @classmethod
    def endpoint(cls, pk: int) -> Self:
        """An endpoint of the salon's webhooks."""
        return cls(f"{_ENDPOINT}{pk}")

    @property
    def client_id(self) -> int | None:
        return self._number_after(_CLIENT)

    @property
    def staff_id(self) -> int | None:
        return self._number_after(_STAFF)

    def _number_after(self, prefix: str) -> int | None:
        number = self.removeprefix(prefix)
        return int(number) if self.startswith(prefix) and number.isdecimal() else None


NOBODY = Recipient("")
