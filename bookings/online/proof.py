"""Proof of work against programs: ALTCHA, our own server (contract §9 "proof of work"; docs/adr/0088).

A solved challenge counts once: its id is kept until it expires.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from altcha import v1 as altcha
from django.db import IntegrityError, transaction

from bookings.models import SpentChallenge
from bookings.online.digests import digest

VALID = timedelta(minutes=20)
HARDEST = 50_000
"""The largest number to be found: well under a second of a telephone's time."""

LONGEST_PROOF = 2_000


def challenge(*, now: datetime) -> dict[str, str | int]:
    """A challenge as the ALTCHA widget takes it: `algorithm`, `challenge`, `maxnumber`, `salt`, `signature`.

    Valid for 20 minutes; nothing is stored until it is solved.
    """
    made = altcha.create_challenge(
        altcha.ChallengeOptions(max_number=HARDEST, hmac_key=_key(), expires=now + VALID)
    )
    return {
        "algorithm": made.algorithm,
        "challenge": made.challenge,
        "maxnumber": made.max_number,
        "salt": made.salt,
        "signature": made.signature,
    }


def is_solved(proof: str, *, now: datetime) -> bool:
    """Whether `proof` (base64 of JSON, as the widget sends it) solves a challenge of ours that is still valid
    and has not counted yet. A read; what is no proof at all is not solved."""
    solution = _read(proof)
    if solution is None or _expires_at(solution) <= now:
        return False
    solved, _why = altcha.verify_solution(solution, _key(), check_expires=False)
    return solved and not SpentChallenge.objects.filter(challenge=solution["challenge"]).exists()


def spend(proof: str) -> bool:
    """Count a solved challenge, in the caller's transaction; False where it has counted meanwhile."""
    solution = _read(proof)
    if solution is None:
        return False
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(challenge=solution["challenge"], expires_at=_expires_at(solution))
    except IntegrityError:
        return False
    return True


def forget_spent(*, now: datetime) -> int:
    """Periodic: challenges that have expired cannot be used again anyway; gives how many."""
    return SpentChallenge.objects.filter(expires_at__lte=now).delete()[0]


def _read(proof: str) -> Any:
    """The solution as a dictionary of what it must have; None for anything else."""
    if not proof or len(proof) > LONGEST_PROOF:
        return None
    try:
        solution = json.loads(base64.b64decode(proof, validate=True))
    except ValueError:
        return None
    wanted = {"algorithm": str, "challenge": str, "number": int, "salt": str, "signature": str}
    if not isinstance(solution, dict):
        return None
    if any(type(solution.get(name)) is not kind for name, kind in wanted.items()):
        return None
    if not all(each.isascii() for each in solution.values() if isinstance(each, str)):
        return None
    return solution if solution["algorithm"] == altcha.SHA256 else None


def _expires_at(solution: dict[str, Any]) -> datetime:
    """As the challenge itself says; the signature covers it."""
    said = parse_qs(solution["salt"].partition("?")[2]).get("expires", ["0"])[0]
    return datetime.fromtimestamp(int(said) if said.isdecimal() and len(said) < 12 else 0, tz=UTC)


def _key() -> str:
    return digest("proof", "altcha")
