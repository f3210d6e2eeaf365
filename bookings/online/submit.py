"""Booking online: one submission, from the form or its JSON twin (contract §9)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from bookings import lifecycle
from bookings.errors import ClientAlreadyInSession, SessionFull, SlotTaken
from bookings.models import Booking, Hold, MailedCode, OnlineSubmission, PublicHold, Visit
from bookings.online import code as codes
from bookings.online import limits, proof
from bookings.online.choice import Choice, chosen
from bookings.online.contact import (
    Contact,
    Found,
    client_for,
    keep_consent,
    make_client,
    read_contact,
    typed_on_visit,
)
from bookings.online.digests import body_digest, digest
from bookings.online.holding import (
    keep_for_code,
    kept_for,
    on_grid,
    own_token,
    require_offered,
    stranger,
    take_turn,
)
from bookings.online.starts import nearest_to
from bookings.online.submission import (
    Booked,
    CodeAsked,
    NotAPerson,
    NotOffered,
    OnlineBookingOff,
    PleaseCall,
    PolicyChanged,
    SlotGone,
    Submission,
    TooManySubmissions,
)
from staff.access.actor import Actor
from staff.access.idempotency import KeyReused
from staff.models import SalonSettings
from staff.wire.refusals import BadRequest, Refused

QUICKEST = timedelta(seconds=3)
MOST_AHEAD = 2
NO_PART_OF_THE_BODY = {"proof", "code", "honeypot", "form_age", "idempotency_key"}
_KEY = re.compile(r"[!-~]{22,255}")


class ProofSpent(Exception):
    """Somebody else has sent the same proof meanwhile."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A submission that was read and found whole; `scope` and `body_hash` as in OnlineSubmission."""

    submission: Submission
    scope: str
    body_hash: str
    contact: Contact
    choices: Sequence[Choice]
    address: str
    user_agent: str
    door: str


def submit(
    submission: Submission,
    *,
    address: str,
    user_agent: str,
    door: str,
    salon: SalonSettings,
    now: datetime,
) -> Booked | CodeAsked:
    """Book it, or ask for the code that proves the mail address.

    `address`: of the network (`limits.address_of`); `door`: "page" or "public", for the history. The same key
    and the same body again give the same visit (Booked.replayed). Raises BadRequest with `details` by field
    (first_name, last_name, email, phone, note, items, policy_version, idempotency_key), NotOffered,
    PolicyChanged, NotAPerson (400); OnlineBookingOff, SlotGone (with `nearest`), PleaseCall, CodeSpent (409);
    KeyReused (422); TooManySubmissions (429). A refusal stores nothing.
    """
    scope, body_hash = scope_of(submission, purpose=f"visit\n{door}"), hash_of(submission)
    before = taken_before(scope, body_hash)
    if before is not None:
        return _replayed(before, submission)
    if salon.online_booking == SalonSettings.OnlineBooking.OFF:
        raise OnlineBookingOff
    check_person(submission)
    asked = _Asked(
        submission=submission,
        scope=scope,
        body_hash=body_hash,
        contact=read_contact(submission, salon=salon),
        choices=chosen(submission.items, location=submission.location),
        address=address,
        user_agent=user_agent,
        door=door,
    )
    _check_policy(submission, salon=salon)
    try:
        return _carried_out(asked, salon=salon, now=now)
    except Refused as refused:
        twin = _twin_of(asked)
        if twin is not None:
            return _replayed(twin, submission)
        if not isinstance(refused, SlotTaken | SessionFull):
            raise
        nearest = nearest_to(asked.choices, submission.start_at, salon=salon, now=now)
        raise SlotGone(nearest=nearest, zone=salon.zone) from refused


def _carried_out(asked: _Asked, *, salon: SalonSettings, now: datetime) -> Booked | CodeAsked:
    entry = enter(
        asked.submission,
        asked.contact,
        scope=asked.scope,
        body_hash=asked.body_hash,
        address=asked.address,
        salon=salon,
        now=now,
    )
    if isinstance(entry, CodeAsked):
        return entry
    if entry.needs_code:
        return _ask_code(asked, salon=salon, now=now)
    try:
        return _book(asked, entry, salon=salon, now=now)
    except ProofSpent:
        return _ask_code(asked, salon=salon, now=now)


def _twin_of(asked: _Asked) -> OnlineSubmission | None:
    """The same submission, sent twice at once: what was refused here may be what the other one took."""
    with transaction.atomic():
        take_turn()
        return taken_before(asked.scope, asked.body_hash)


@dataclass(frozen=True, slots=True)
class Entry:
    """How a submission came in: with the mailed `code`, with a proof alone, or not yet (`needs_code`)."""

    needs_code: bool = False
    code: MailedCode | None = None

    @property
    def verified(self) -> bool:
        return self.code is not None


def enter(
    submission: Submission,
    contact: Contact,
    *,
    scope: str,
    body_hash: str,
    address: str,
    salon: SalonSettings,
    now: datetime,
) -> Entry | CodeAsked:
    """Whether it may go on. Raises TooManySubmissions (429), CodeSpent (409), KeyReused (422)."""
    code = codes.waiting_code(scope, body_hash)
    if code is not None and submission.code:
        right = codes.is_right(code, submission.code, now=now)
        return Entry(code=code) if right else codes.asked(code, wrong=True)
    if code is not None and codes.is_waiting(code, now=now):
        return codes.asked(code)
    verdict = limits.count_submission(address=address, contacts=contact.digests, now=now)
    if verdict == limits.Verdict.REFUSED:
        raise TooManySubmissions(retry_after=600)
    everybody = limits.code_for_everybody(salon, now=now)
    solved = proof.is_solved(submission.proof, now=now)
    return Entry(needs_code=everybody or not solved or verdict == limits.Verdict.CODE)


def scope_of(submission: Submission, *, purpose: str) -> str:
    """Raises BadRequest for a key that somebody could guess."""
    if _KEY.fullmatch(submission.idempotency_key) is None:
        raise BadRequest.field(
            "idempotency_key", "Send a random key of 22 to 255 printable characters, the same in a retry."
        )
    return digest("submission", f"{purpose}\n{submission.idempotency_key}")


def hash_of(submission: Submission) -> str:
    sent = asdict(submission)
    return body_digest({name: value for name, value in sent.items() if name not in NO_PART_OF_THE_BODY})


def check_person(submission: Submission) -> None:
    """Raises NotAPerson."""
    quick = submission.form_age is not None and submission.form_age < QUICKEST
    if submission.honeypot or quick:
        raise NotAPerson


def taken_before(scope: str, body_hash: str) -> OnlineSubmission | None:
    """The same submission that had its effect before. Raises KeyReused (422) for another with its key."""
    found = OnlineSubmission.objects.filter(scope=scope).select_related("visit").first()
    if found is not None and found.body_hash != body_hash:
        raise KeyReused
    return found


def _replayed(before: OnlineSubmission, submission: Submission) -> Booked:
    visit: Visit | None = before.visit
    if visit is None:
        raise KeyReused
    typed = visit.contact_typed or {}
    return Booked(visit, typed.get("first_name", ""), typed.get("email", submission.email), replayed=True)


def _check_policy(submission: Submission, *, salon: SalonSettings) -> None:
    """Raises PolicyChanged where there is a text, and this version of it was not ticked."""
    if any(salon.policy_text.values()) and submission.policy_version != salon.policy_version:
        sentence = "Read the terms as they are now, and tick that you accept them."
        raise PolicyChanged.field("policy_version", sentence, code=PolicyChanged.code)


def _ask_code(asked: _Asked, *, salon: SalonSettings, now: datetime) -> Booked | CodeAsked:
    """Raises SlotTaken, BadRequest, TooManySubmissions."""
    with transaction.atomic():
        take_turn()
        before = taken_before(asked.scope, asked.body_hash)
        if before is not None:
            return _replayed(before, asked.submission)
        held = keep_for_code(
            asked.choices,
            start_at=asked.submission.start_at,
            address=asked.address,
            contact=asked.contact.mail_digest,
            instead_of=asked.submission.hold_token,
            salon=salon,
            now=now,
        )
        code = codes.mail_code(
            asked.contact,
            scope=asked.scope,
            body_hash=asked.body_hash,
            hold_token="" if held is None else held.token,
            now=now,
        )
    return codes.asked(code)


def _book(asked: _Asked, entry: Entry, *, salon: SalonSettings, now: datetime) -> Booked:
    """All of it or nothing: the proof counts, the hold is given up, the client is found or made."""
    submission, contact = asked.submission, asked.contact
    with transaction.atomic():
        take_turn()
        before = taken_before(asked.scope, asked.body_hash)
        if before is not None:
            return _replayed(before, submission)
        if not entry.verified and not proof.spend(submission.proof):
            raise ProofSpent
        _check_ahead(contact, now=now)
        kept = "" if entry.code is None else entry.code.hold_token
        token = own_token(kept or submission.hold_token, now=now)
        found = client_for(contact, salon=salon, now=now)
        try:
            with transaction.atomic():
                visit = _booked(asked, found, token=token, salon=salon, now=now)
        except ClientAlreadyInSession:
            # Who is in this class already is nobody's business: a client of their own, and a hint.
            perhaps = [found.client.pk, *found.perhaps]
            found = make_client(contact, perhaps=perhaps, salon=salon, now=now)
            visit = _booked(asked, found, token=token, salon=salon, now=now)
        visit.contact_typed = typed_on_visit(contact, found, verified=entry.verified)
        visit.save(update_fields=["contact_typed"])
        if entry.verified:
            keep_consent(found, contact, now=now)
        keep_key(contact, visit, scope=asked.scope, body_hash=asked.body_hash, now=now)
        PublicHold.objects.filter(token=token or "").delete()
    return Booked(visit, contact.first_name, contact.email)


def _booked(asked: _Asked, found: Found, *, token: str | None, salon: SalonSettings, now: datetime) -> Visit:
    """Through the door, as a client. Raises SlotTaken, SessionFull, BadRequest, ClientAlreadyInSession."""
    submission, contact = asked.submission, asked.contact
    kept = kept_for(asked.choices, token=token, start_at=submission.start_at)
    actor = stranger(asked.door, f"{contact.first_name} {contact.last_name}", found.client.pk)
    instant = salon.online_booking == SalonSettings.OnlineBooking.INSTANT
    how: dict[str, Any] = {
        "client_id": found.client.pk,
        "start_at": submission.start_at,
        "hold_token": token,
        "notes": contact.note,
        "base_url": submission.base_url,
        "source": Booking.ONLINE,
        "accepted": lifecycle.Acceptance(
            locale=contact.locale or salon.locale, ip=asked.address, user_agent=asked.user_agent
        ),
        "by_client": True,
        "status": Booking.Status.SCHEDULED if instant else Booking.Status.PROVISIONAL,
        "detail": "online" if instant else "",
    }
    try:
        if asked.choices[0].offer.seats > 1:
            return _seat(asked.choices[0], how, kept=kept, actor=actor, salon=salon, now=now)
        if not kept and not on_grid(asked.choices, start_at=submission.start_at, salon=salon):
            raise NotOffered
        items = [
            lifecycle.ItemOrder(
                each.offer.id,
                None if each.person is None else each.person.id,
                same_start=each.same_start,
                staff_requested=each.person is not None,
                among=each.asked.among,
            )
            for each in asked.choices
        ]
        order = lifecycle.VisitOrder(items=items, **how)
        return lifecycle.book_visit(actor=actor, order=order, salon=salon, now=now).visit
    except (SlotTaken, SessionFull, ClientAlreadyInSession):
        raise
    except BadRequest as refused:
        raise NotOffered from refused


def _seat(
    choice: Choice,
    how: dict[str, Any],
    *,
    kept: Sequence[Hold],
    actor: Actor,
    salon: SalonSettings,
    now: datetime,
) -> Visit:
    """In the class that stands there, or the first in a new one."""
    [seat] = kept or require_offered([choice], start_at=how["start_at"], salon=salon, now=now)
    order = lifecycle.Order(
        staff_id=seat.staff_id,
        service_id=choice.offer.id,
        end_at=seat.end_at,
        staff_requested=choice.person is not None,
        **how,
    )
    booking = lifecycle.book(actor=actor, order=order, salon=salon, now=now).booking
    assert booking.visit is not None
    return booking.visit


def _check_ahead(contact: Contact, *, now: datetime) -> None:
    """Raises PleaseCall where two visits that were booked online by this address or number are to come."""
    same = Q(mail=contact.mail_digest)
    if contact.number_digest:
        same |= Q(number=contact.number_digest)
    ahead = OnlineSubmission.objects.filter(
        same, visit__start_at__gt=now, visit__status__in=Booking.OCCUPYING
    )
    if ahead.count() >= MOST_AHEAD:
        raise PleaseCall


def keep_key(contact: Contact, visit: Visit | None, *, scope: str, body_hash: str, now: datetime) -> None:
    """The submission has had its effect: its key finds it again, and its code is void."""
    OnlineSubmission.objects.create(
        scope=scope,
        body_hash=body_hash,
        visit=visit,
        mail=contact.mail_digest,
        number=contact.number_digest,
        created_at=now,
    )
    MailedCode.objects.filter(scope=scope).update(tries=codes.MOST_TRIES)
