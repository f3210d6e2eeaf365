"""Who knocks at the doors in the access matrix, and one row of everything behind them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection
from django.utils import timezone
from knox.models import AuthToken

from bookings.feeds.addresses import make_feed, note_fetch
from bookings.lifecycle import fingerprint
from bookings.models import (
    Booking,
    CalendarFeed,
    Feedback,
    Hold,
    NoShowFee,
    ReminderRule,
    Visit,
    WaitlistEntry,
    WaitlistOffer,
)
from bookings.self_service.unsubscribe import unsubscribe_token
from bookings.self_service.visit_link import print_links
from clients.models import Client
from notifications.models import (
    Channel,
    FollowupSequence,
    Job,
    Notification,
    OptOut,
    WebhookDelivery,
    WebhookEndpoint,
)
from notifications.password_reset import token_for
from staff.models import (
    ApiKey,
    Holiday,
    Location,
    OpeningException,
    SalonSettings,
    Service,
    ServiceDuration,
    Staff,
    TimeOff,
    WorkingHours,
)
from tests.cast.factories import (
    AMSTERDAM,
    make_ada,
    make_bea,
    make_booking,
    make_client,
    make_cora,
    make_holiday,
    make_hours,
    make_key,
    make_location,
    make_salon,
    make_service,
    make_staff,
    make_time_off,
    token_of,
)
from tests.cast.texts import make_channel

ZONE = ZoneInfo(AMSTERDAM)
BEAS_SECRET = "only-for-bea"
"""Stands in texts that hang on Bea's bookings: nobody limited to another agenda may read it."""
ALERT = "Alert-for-staff-alone"
CLIENTS_SECRET = "Adams-not-for-strangers"
"""Stands in what the salon knows of Alice beyond her first name: nobody without a login may read it."""

HOOK = "http://127.0.0.1:9/hook"
"""Where webhooks go: nobody listens there."""

DIALECTS = ("simplespa", "amelia", "eagenda")
MODES = {"read": ApiKey.Mode.READ, "write": ApiKey.Mode.WRITE, "both": ApiKey.Mode.READ_WRITE}


@dataclass(frozen=True)
class Caller:
    """Somebody with (or without) a credential. `kind` is a column of the table of rules."""

    name: str
    kind: str
    secret: str | None = None
    mode: str = ""
    dead: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """The credential where the native API, SimpleSpa and eAgenda, and where Amelia look for it."""
        if self.secret is None:
            return {}
        return {"authorization": f"Bearer {self.secret}", "amelia": self.secret}


CALLER_NAMES = (
    "anonymous",
    "staff",
    "other",
    "desk",
    "admin",
    *(f"{dialect} {mode}" for dialect in ("native", *DIALECTS) for mode in MODES),
    "deactivated",
    "expired token",
    "revoked key",
    "expired key",
    "unknown token",
    "unknown key",
)


@dataclass
class House:
    """The salon of the matrix. Rows that belong to somebody belong to Bea, the `staff` of the rules.

    `service` is a class, which `cut` is not; `coming` is a cut, `page_token` that of its client's page.
    """

    feed: CalendarFeed
    feed_token: str
    service: Service
    cut: Service
    location: Location
    bea: Staff
    cora: Staff
    dora: Staff
    ada: Staff
    spare: Staff
    alice: Client
    bob: Client
    booking: Booking
    request: Booking
    visit: Booking
    rated: Booking
    review: Feedback
    fee: NoShowFee
    entry: WaitlistEntry
    unoffered: WaitlistEntry
    offer: WaitlistOffer
    hold: Hold
    hours: WorkingHours
    exception: OpeningException
    time_off: TimeOff
    holiday: Holiday
    key: ApiKey
    sequence: FollowupSequence
    rule: ReminderRule
    job: Job
    notification: Notification
    endpoint: WebhookEndpoint
    channel: Channel
    opt_out: OptOut
    delivery: WebhookDelivery
    unsubscribe_token: str
    reset_token: str
    coming: Booking
    page_token: str

    @property
    def shown(self) -> str:
        """What the page of `coming` sends along."""
        return fingerprint(Visit.objects.get(pk=self.coming.visit_id))

    def at(self, days: int, hour: int = 10) -> str:
        """A wall-clock time, so many days from the first free Monday."""
        return f"{moment(days, hour).astimezone(ZONE):%Y-%m-%d %H:%M}"

    def order(self, **changes: Any) -> dict[str, Any]:
        return {
            "client_id": self.alice.pk,
            "staff_id": self.bea.pk,
            "service_id": self.service.pk,
            "start_at": self.at(1, 15),
            "end_at": self.at(1, 16),
            **changes,
        }


def moment(days: int, hour: int) -> datetime:
    """`hour` o'clock in Amsterdam, `days` after the Monday of the week after next, in UTC."""
    today = timezone.now().astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    day = today + timedelta(days=14 - today.weekday() + days)
    return day.replace(hour=hour, tzinfo=ZONE).astimezone(UTC)


def make_house() -> House:
    make_salon(business_name="Salon Zonne", online_booking="instant")
    now = timezone.now()
    service, location = make_service(max_capacity=3), make_location()
    cut = make_service("Cut")
    bea, cora = make_bea(services=[service, cut]), make_cora(services=[service])
    dora, ada = make_staff("Dora Desk", sees_all_bookings=True), make_ada()
    spare = make_staff("Spare Person")
    for person in (bea, cora):
        make_hours(person)
    ServiceDuration.objects.create(service=service, staff=bea, duration_minutes=60)
    alice = make_client(
        "Alice",
        CLIENTS_SECRET,
        email=f"{CLIENTS_SECRET.lower()}@example.com",
        notes=CLIENTS_SECRET,
        alert=ALERT,
        marketing_consent=True,
    )
    bob = make_client("Bob", "Brown", alert=ALERT)

    def booked(days: int, hour: int = 10, **order: Any) -> Booking:
        order = {"internal_notes": f"{BEAS_SECRET} {CLIENTS_SECRET}"} | order
        return make_booking(
            client=order.pop("client", alice),
            staff=order.pop("staff", bea),
            service=order.pop("service", service),
            start_at=moment(days, hour),
            **order,
        )

    visit, rated, missed = booked(-21), booked(-20), booked(-19)
    Booking.objects.filter(pk__in=[visit.pk, rated.pk]).update(status="completed")
    Booking.objects.filter(pk=visit.pk).update(feedback_token="visit-token")
    Booking.objects.filter(pk=rated.pk).update(feedback_token="rated-token")
    Booking.objects.filter(pk=missed.pk).update(status="no-show")
    entry = WaitlistEntry.objects.create(
        client=bob, service=service, date=moment(3, 10).date(), status="notified"
    )
    visit.refresh_from_db()
    booking, coming = booked(0), booked(3, 9, service=cut)
    Visit.objects.filter(pk=booking.visit_id).update(
        contact_typed={
            "first_name": "Alice",
            "last_name": CLIENTS_SECRET,
            "email": "",
            "phone": "+31612345678",
            "note": CLIENTS_SECRET,
            "marketing_consent": False,
            "locale": "",
            "verified": False,
            "new_client": False,
            "perhaps_client_ids": [],
            "taken_over_at": None,
        }
    )
    Job.objects.filter(booking_id=booking.pk).update(state="done")
    job = _dead_job("booking.created", now=now)
    endpoint = WebhookEndpoint.objects.create(url=HOOK, secret="whsec")
    feed, feed_token = make_feed(person=bea, scope="own", detail="initials", now=now)
    note_fetch(feed, program="Calendar/1.0", now=now)
    return House(
        feed=feed,
        feed_token=feed_token,
        service=service,
        cut=cut,
        location=location,
        bea=bea,
        cora=cora,
        dora=dora,
        ada=ada,
        spare=spare,
        alice=alice,
        bob=bob,
        booking=booking,
        request=booked(0, 13, provisional=True),
        visit=visit,
        rated=rated,
        review=Feedback.objects.create(booking=rated, rating=5, comment=BEAS_SECRET, created_at=now),
        fee=NoShowFee.objects.create(
            booking=missed,
            event=missed.events.get(),
            client=alice,
            amount_minor=2000,
            currency="EUR",
            state="paid",
            pay_token="pay-token",
            pay_until=now + timedelta(days=7),
            created_at=now,
        ),
        entry=entry,
        unoffered=WaitlistEntry.objects.create(client=alice, service=service, date=moment(3, 10).date()),
        offer=WaitlistOffer.objects.create(
            entry=entry,
            token="offer-token",
            staff=cora,
            start_at=moment(3, 10),
            end_at=moment(3, 11),
            expires_at=now + timedelta(days=1),
            created_at=now,
        ),
        hold=_hold(service, cora, now=now),
        hours=WorkingHours.objects.filter(staff=bea).order_by("id")[0],
        exception=_exception(bea, moment(6, 10).date()),
        time_off=make_time_off(bea, moment(4, 9), hours=4, reason=BEAS_SECRET),
        holiday=make_holiday(moment(5, 10).date(), "A free day"),
        key=make_key("Somebody's")[0],
        sequence=FollowupSequence.objects.create(name="After care"),
        rule=ReminderRule.objects.create(name="Rule", minutes_before=60, is_active=False),
        job=job,
        endpoint=endpoint,
        channel=make_channel(),
        opt_out=OptOut.objects.create(
            number="+31612345679", digest="0" * 64, source=OptOut.Source.REPLY, created_at=timezone.now()
        ),
        delivery=WebhookDelivery.objects.create(
            endpoint=endpoint,
            job=_dead_job("webhook.deliver", now=now),
            event_type="booking.created",
            body="{}",
            message_id="msg_1",
            created_at=now,
        ),
        notification=Notification.objects.create(
            staff=bea, type="booking.new", title=BEAS_SECRET, created_at=now
        ),
        unsubscribe_token=unsubscribe_token(alice),
        reset_token=token_for(bea),
        coming=coming,
        page_token=print_links([Visit.objects.get(pk=coming.visit_id)])[coming.visit_id],
    )


def _exception(person: Staff, day: date) -> OpeningException:
    made = OpeningException.objects.create(
        scope="staff", date_from=day, date_to=day, hours=[["10:00", "12:00"]]
    )
    made.people.add(person)
    return made


def _dead_job(type: str, *, now: datetime) -> Job:
    return Job.objects.create(
        type=type, once_key=type, state="dead", run_at=now, first_run_at=now, created_at=now
    )


def _hold(service: Service, staff: Staff, *, now: datetime) -> Hold:
    """As if kept long enough for the whole test."""
    return Hold.objects.create(
        token="hold-token",
        staff=staff,
        service=service,
        start_at=moment(4, 14),
        end_at=moment(4, 15),
        expires_at=now + timedelta(hours=1),
        created_at=now,
    )


def make_callers(house: House) -> dict[str, Caller]:
    """Everybody of CALLER_NAMES, with live and dead credentials."""
    gone = make_staff("Gone Person", email="gone@salon.example", role=Staff.Role.ADMIN)
    _, expired_token = AuthToken.objects.create(house.ada, expiry=timedelta(seconds=-1))
    now = timezone.now()
    callers = [
        Caller("anonymous", "anonymous"),
        Caller("staff", "staff", token_of(house.bea)),
        Caller("other", "other", token_of(house.cora)),
        Caller("desk", "desk", token_of(house.dora)),
        Caller("admin", "admin", token_of(house.ada)),
        *(
            Caller(f"{dialect} {mode}", dialect, make_key(dialect=dialect, mode=power)[1], mode)
            for dialect in ("native", *DIALECTS)
            for mode, power in MODES.items()
        ),
        Caller("deactivated", "anonymous", token_of(gone), dead=True),
        Caller("expired token", "anonymous", expired_token, dead=True),
        Caller("revoked key", "anonymous", make_key(revoked_at=now)[1], dead=True),
        Caller("expired key", "anonymous", make_key(expires_at=now)[1], dead=True),
        Caller("unknown token", "anonymous", "f" * 64, dead=True),
        Caller("unknown key", "anonymous", "bkey_" + "f" * 43, dead=True),
    ]
    Staff.objects.filter(pk=gone.pk).update(is_active=False)
    assert tuple(each.name for each in callers) == CALLER_NAMES
    return {each.name: each for each in callers}


def set_agenda(*, personal: bool) -> None:
    SalonSettings.objects.update(staff_personal_agenda_enabled=personal)


@contextmanager
def writes() -> Iterator[list[str]]:
    """The writing statements sent to the database, but for throttles and what a key notes of its use."""
    seen: list[str] = []
    throttles = str(settings.CACHES["default"].get("LOCATION", "")) or "no table at all"

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        verb = sql.lstrip().partition(" ")[0].upper()
        counted = throttles in sql or '"last_used_at"' in sql or '"recent_writes"' in sql
        if verb in ("INSERT", "UPDATE", "DELETE", "REPLACE", "TRUNCATE") and not counted:
            seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield seen
