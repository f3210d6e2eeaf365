"""F14: a provider of texts hangs, refuses, breaks and repeats itself while the worker is killed."""

from __future__ import annotations

import itertools
import random
import time
import urllib.error
import urllib.request
from collections import Counter
from statistics import median
from typing import Any

from tests.cast.text_server import SEVEN_KEY, SIGNING_KEY, Taken, TextServer, seven_call, text_server
from tests.chaos.house import Ground, House
from tests.chaos.kills import book_under_kills, states
from tests.chaos.ledger import Ledger, counted
from tests.chaos.programs import until
from tests.chaos.sizes import Sizes

FAULTS = ("refused", "429", "503", "500", "cut", "hang", "dropped")
ONE_IN = 5
"""Of so many texts one meets a fault."""

HANG_SECONDS = 12.0
"""Longer than we wait."""

HANGING = 16
"""So many bookings, half of them told by text, while nothing is answered."""

MAIL_SECONDS = 8.0
"""Within so many after the last booking its confirmation is there."""

WORDS = ("TRANSMITTED", "DELIVERED", "TRANSMITTED")
REPEATS = 2


def f14(ground: Ground, sizes: Sizes) -> list[Ledger]:
    ledger = Ledger(
        "F14",
        "a provider of texts hangs, refuses, answers 429 and 5xx, cuts the line; worker killed meanwhile",
        f"{sizes.bookings} bookings, half of them of clients without a mail address; one text in {ONE_IN} "
        f"meets {', '.join(FAULTS)}; lease {sizes.lease} s; seed {sizes.seed}",
    )
    with text_server() as provider:
        provider.hang_seconds = HANG_SECONDS
        variables = {"SEVEN_API_BASE": provider.url}
        with ground.house("postgres", lease=sizes.lease, variables=variables) as house:
            house.start(web=2, worker=True)
            channel = _set_up(house)
            provider.faults = _faults(sizes)
            _answers, kills, _last_kill = book_under_kills(house, sizes)
            ledger.say("asked", house.requests.asked)
            waited = house.wait_for_jobs(sizes.lease * 4 + 120, hurry=True)
            met = sizes.bookings - len(provider.faults)
            provider.faults.clear()
            ledger.say("faults", f"{kills} kills; {-(-met // ONE_IN)} faults of the provider")
            ledger.say(
                "found", f"texts taken {len(provider.taken)}; jobs {states(house)}; over after {waited}"
            )
            _check_before_receipts(house, provider, ledger, kills=kills)
            _deliver(house, provider, channel, ledger, sizes)
            _check_mails(house, ledger)
            _book_while_it_hangs(house, provider, ledger)
    ledger.close()
    return [ledger]


def _set_up(house: House) -> dict[str, Any]:
    """Every second client has a mobile number and no mail address; the channel, as it is answered."""
    credentials = {"api_key": SEVEN_KEY, "signing_key": SIGNING_KEY}
    channel = {"provider": "seven", "name": "SMS", "sender": "Salon", "credentials": credentials}
    made = house.desk.ask("POST", "/api/channels", channel | {"daily_cap": 100_000})
    assert made.status == 201, made
    assert house.desk.ask("PUT", "/api/settings", {"sms_when_no_mail": True}).status == 200
    for number, client_id in enumerate(house.salon.clients[::2]):
        fields = {"email": "", "mobile": f"+3161{number:07d}"}
        assert house.desk.ask("PUT", f"/api/clients/{client_id}", fields).status == 200
    body: dict[str, Any] = made.body
    return body


def _faults(sizes: Sizes) -> list[str]:
    """In the order of the requests, each in its turn; "" is none."""
    turns = itertools.cycle(FAULTS)
    return [next(turns) if number % ONE_IN == 0 else "" for number in range(sizes.bookings)]


def _check_before_receipts(house: House, provider: TextServer, ledger: Ledger, *, kills: int) -> None:
    taken = Counter(each.reference for each in provider.taken)
    ledger.promise(
        "0 texts twice, whatever was killed",
        kept=max(taken.values(), default=0) <= 1,
        found=f"most copies of one text {max(taken.values(), default=0)} in {kills} kills",
    )
    rows = _texts(house)
    open_ones = [each for each in rows if each[1] in ("pending", "claimed")]
    ledger.promise("every text has ended", kept=not open_ones, found=f"{len(open_ones)} have not")
    said_sent = [each for each in rows if each[2] in ("sent", "delivered") and not taken[each[0]]]
    ledger.promise("none is said to be sent that was not taken", kept=not said_sent, found=str(said_sent[:3]))
    said_not = [each for each in rows if each[2] == "not_sent" and taken[each[0]]]
    ledger.promise("none is said not to be sent that was taken", kept=not said_not, found=str(said_not[:3]))
    found = Counter(f"{each[2]}{', taken' if taken[each[0]] else ''}" for each in rows)
    ledger.say("found", f"texts by state: {counted(found)}")
    visits = house.rows.one(
        "SELECT count(DISTINCT visit_id) FROM bookings_booking b JOIN clients_client c ON c.id = b.client_id "
        "WHERE c.email = ''"
    )
    ledger.promise("one text for each visit", kept=len(rows) == visits, found=f"{len(rows)} of {visits}")


def _deliver(
    house: House, provider: TextServer, channel: dict[str, Any], ledger: Ledger, sizes: Sizes
) -> None:
    """Each text's receipts, repeated and shuffled, some of them forged."""
    url = channel["receipts_url"]
    calls = [
        (text, word, key)
        for text in provider.taken
        for word in WORDS * REPEATS
        for key in (SIGNING_KEY, "forged")
    ]
    random.Random(sizes.seed).shuffle(calls)
    answers = Counter((key == SIGNING_KEY, _post(house, url, text, word, key)) for text, word, key in calls)
    signed = len(calls) // 2
    ledger.promise(
        "signed receipts are taken, forged ones are not",
        kept=answers == {(True, 204): signed, (False, 403): signed},
        found=counted(
            Counter({f"{'signed' if each[0] else 'forged'} {each[1]}": n for each, n in answers.items()})
        ),
    )
    taken = {each.reference for each in provider.taken}
    rows = _texts(house)
    wrong = [each for each in rows if (each[2] == "delivered") != (each[0] in taken)]
    ledger.promise(
        "each text's state is true, or uncertain where nothing was taken",
        kept=not wrong and all(each[2] in ("uncertain", "not_sent") for each in rows if each[0] not in taken),
        found=str(wrong[:3]),
    )
    stored = house.rows.one("SELECT count(*) FROM notifications_receipt")
    ledger.promise(
        "each receipt is stored once", kept=stored == len(set(WORDS)) * len(taken), found=f"{stored} rows"
    )


def _check_mails(house: House, ledger: Ledger) -> None:
    made = {
        message_id: created.timestamp()
        for message_id, created in house.rows.all(
            "SELECT message_id, created_at FROM notifications_message "
            "WHERE channel = 'email' AND \"to\" <> ''"
        )
    }
    waits = [each.at - made[each.message_id] for each in house.office.accepted if each.message_id in made]
    lost = set(made) - {each.message_id for each in house.office.accepted}
    ledger.promise(
        "no confirmation by mail is lost, or later than a killed worker's lease",
        kept=not lost and max(waits) <= house.lease + 60,
        found=f"lost {len(lost)}; median {median(waits):.1f} s, longest {max(waits):.0f} s",
    )


def _book_while_it_hangs(house: House, provider: TextServer, ledger: Ledger) -> None:
    """No kills: what a provider that answers nobody does to the mails."""
    before = {each.message_id for each in house.office.accepted}
    provider.faults += ["hang"] * HANGING
    began = time.time()
    booked = [house.desk.book(house.slots.order()) for _ in range(HANGING)]
    wanted = sum(each.body["client_id"] in house.salon.clients[1::2] for each in booked)
    found: list[float] = []
    for _ in until(60):
        found = [each.at - began for each in house.office.accepted if each.message_id not in before]
        if len(found) >= wanted:
            break
    provider.faults.clear()
    slowest = max(found, default=0.0)
    ledger.promise(
        "confirmations by mail are not held up by a provider that hangs",
        kept=len(found) == wanted and slowest < (booked[-1].began - began) + MAIL_SECONDS,
        found=f"{len(found)} of {wanted}; the last {slowest:.1f} s after the first of {HANGING} bookings",
    )


def _texts(house: House) -> list[tuple[Any, ...]]:
    """Reference, the job's state, the message's state."""
    return house.rows.all(
        "SELECT m.message_id, j.state, m.state FROM notifications_message m "
        "JOIN notifications_job j ON j.id = m.job_id WHERE m.channel = 'sms' ORDER BY m.id"
    )


def _post(house: House, url: str, text: Taken, word: str, key: str) -> int:
    data = {"msg_id": text.id, "status": word, "foreign_id": text.reference}
    call = seven_call(url, "dlr", data, key=key)
    headers = {**call["headers"], "Content-Type": call["content_type"]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{house.port}{call['path']}", data=call["data"], headers=headers, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
