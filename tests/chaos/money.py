"""F7, F8: Stripe refuses, breaks and cuts the line; its webhooks come late, often, shuffled and forged."""

from __future__ import annotations

import itertools
import time
import urllib.error
import urllib.request
from collections import Counter
from typing import Any

from tests.cast.stripe_server import StripeServer, signed, stripe_server
from tests.chaos.house import Ground, House
from tests.chaos.kills import states
from tests.chaos.ledger import Ledger, counted
from tests.chaos.sizes import Sizes

API_KEY = "sk_test_faults"
SECRET = "whsec_faults"
FAULTS = ("429", "saved_500", "saved_500_after", "500", "timeout_after", "cut", "hang")
TIMES = 3
"""Each fault so often: the library itself tries three times."""
REPEATS = 5
OLD_SECONDS = 3600.0


def f7(ground: Ground, sizes: Sizes) -> list[Ledger]:
    """Stripe's faults while fees are asked for, then (F8) its webhooks."""
    ledger = Ledger(
        "F7",
        "Stripe: 429, saved 500, cut lines, timeouts",
        f"{sizes.fees} fees; {', '.join(FAULTS)} {TIMES} times each",
    )
    hooks = Ledger(
        "F8", "webhooks repeated, shuffled, forged, old", f"{sizes.fees} fees, {REPEATS} times each"
    )
    with stripe_server(api_key=API_KEY) as stripe:
        variables = {
            "STRIPE_API_KEY": API_KEY,
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "STRIPE_API_BASE": stripe.url,
        }
        fees = {"noshow_enabled": True, "noshow_fee_type": "fixed", "noshow_fee_value": 20}
        with ground.house("postgres", lease=sizes.lease, salon=fees, variables=variables) as house:
            house.start(web=2, worker=True)
            _ask_for_fees(house, stripe, ledger, sizes)
            ledger.close()
            hooks = Ledger(
                "F8", "webhooks repeated, shuffled, forged, old", f"{sizes.fees} fees, {REPEATS} times each"
            )
            _deliver(house, stripe, hooks, sizes)
            hooks.close()
    return [ledger, hooks]


def _ask_for_fees(house: House, stripe: StripeServer, ledger: Ledger, sizes: Sizes) -> None:
    for fault in itertools.chain(*zip(*[FAULTS] * TIMES, strict=True)):
        stripe.fail_next(fault)
    missed = []
    for _ in range(sizes.fees):
        booking = house.desk.book(house.slots.order()).body["id"]
        missed.append((booking, house.desk.change(booking, {"status": "no-show"})))
    slowest = max(answer.seconds for _booking, answer in missed)
    bad = Counter(answer.status for _booking, answer in missed if answer.status != 200)
    waited = house.wait_for_jobs(sizes.lease * 4 + 90, hurry=True)
    ledger.say("asked", f"{len(missed)} no-shows; the slowest PUT took {slowest:.1f} s")
    ledger.promise("the PUT never waits for Stripe", kept=slowest < 5 and not bad, found=counted(bad))
    asked = Counter(each.status for each in stripe.seen if each.method == "POST")
    ledger.say(
        "faults", f"POSTs to Stripe by answer (0: line cut): {counted(asked)}; left {len(stripe.faults)}"
    )
    ledger.say("found", f"jobs {states(house)}; over after {waited if waited is None else round(waited)} s")
    fees = house.rows.all("SELECT f.id, f.booking_id, f.state FROM bookings_noshowfee f ORDER BY f.id")
    ledger.promise(
        "one fee for each", kept=Counter(fee[1] for fee in fees) == Counter(pk for pk, _answer in missed)
    )
    live: Counter[Any] = Counter(
        each["client_reference_id"] for each in stripe.books.sessions.values() if each["status"] == "open"
    )
    rows = house.rows.all("SELECT fee_id, session_id FROM bookings_stripesession WHERE state = 'open'")
    ledger.promise(
        "one live session for each fee, and ours is Stripe's",
        kept=Counter(row[0] for row in rows) == Counter(fee[0] for fee in fees)
        and {row[1] for row in rows}
        == {pk for pk, each in stripe.books.sessions.items() if each["status"] == "open"},
        found=f"{len(rows)} of ours, {sum(live.values())} live at Stripe",
    )
    mails = _mails(house)
    ledger.promise(
        "one fee mail each",
        kept=mails == Counter({pk: 1 for pk, _answer in missed}) and waited is not None,
        found=f"{sum(mails.values())} mails to {len(mails)} bookings",
    )


def _mails(house: House) -> Counter[int]:
    """Fee mails that arrived, by booking."""
    ids = dict(
        house.rows.all("SELECT message_id, booking_id FROM notifications_message WHERE type = 'noshow.mail'")
    )
    return Counter(ids[each.message_id] for each in house.office.accepted if each.message_id in ids)


def _deliver(house: House, stripe: StripeServer, ledger: Ledger, sizes: Sizes) -> None:
    address = f"http://127.0.0.1:{house.port}/api/stripe/webhook"
    for session_id in stripe.books.with_status("open"):
        stripe.books.pay(session_id)
    events = list(stripe.books.events)
    forged = Counter(_post(address, *signed(each, "whsec_somebody_else")) for each in events)
    old = Counter(_post(address, *signed(each, SECRET, at=time.time() - OLD_SECONDS)) for each in events)
    unsigned = Counter(_post(address, signed(each, SECRET)[0], "") for each in events[:3])
    paid = house.rows.one("SELECT count(*) FROM bookings_noshowfee WHERE state = 'paid'")
    ledger.promise(
        "forged, old and unsigned ones: 400 and no effect",
        kept=set(forged) == set(old) == set(unsigned) == {400} and paid == 0,
        found=f"forged {counted(forged)}; old {counted(old)}; unsigned {counted(unsigned)}; paid {paid}",
    )
    got = stripe.deliver(address, secret=SECRET, repeats=REPEATS, seed=sizes.seed)
    ledger.promise("every real one 200", kept=set(got) == {200}, found=counted(got))
    house.wait_for_jobs(30, hurry=True)
    fee_states = dict(house.rows.all("SELECT state, count(*) FROM bookings_noshowfee GROUP BY state"))
    ledger.promise("every fee paid", kept=fee_states == {"paid": sizes.fees}, found=str(fee_states))
    known = [each for each in events if each["type"].startswith("checkout.session.")]
    taken = house.rows.one("SELECT count(*) FROM bookings_stripeevent")
    ledger.promise(
        "every event about a session taken once",
        kept=taken == len(known),
        found=f"{taken} of {len(known)} ({len(events) - len(known)} of types that say nothing to us)",
    )
    told = house.rows.all(
        "SELECT booking_id, staff_id, count(*) FROM notifications_notification WHERE type = 'noshow.paid' "
        "GROUP BY booking_id, staff_id"
    )
    counts = Counter(count for _booking, _staff, count in told)
    ledger.promise(
        "everybody told once",
        kept=len({each[0] for each in told}) == sizes.fees and set(counts) == {1},
        found=f"{len(told)} notices about {len({each[0] for each in told})} fees",
    )
    refunds = len(stripe.books.refunds)
    mails = _mails(house)
    ledger.promise(
        "no refund and no second mail",
        kept=refunds == 0 and set(mails.values()) == {1},
        found=f"{refunds} refunds",
    )


def _post(address: str, body: bytes, signature: str) -> int:
    headers = {"Content-Type": "application/json", **({"Stripe-Signature": signature} if signature else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, body, headers), timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
