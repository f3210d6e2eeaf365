"""What the tests of the client's own page need: its link, its forms, its twins."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from bookings.models import Booking, Visit
from bookings.self_service.visit_link import print_links
from tests.cast.pages import browser


def token_of(booking: Booking) -> str:
    """As the mails about it print it."""
    visit = Visit.objects.get(pk=booking.visit_id)
    return print_links([visit])[visit.pk]


def page_of(booking: Booking, part: str = "") -> str:
    return f"/v/{token_of(booking)}" + (f"/{part}" if part else "")


def twin_of(booking: Booking, part: str = "") -> str:
    return f"/api/public/visits/{token_of(booking)}" + (f"/{part}" if part else "")


def shown_at(address: str) -> str:
    """What the page's forms send along."""
    found = re.search(r'name="shown" value="([^"]*)"', browser().get(address).content.decode())
    return "" if found is None else found[1]


def post_page(booking: Booking, part: str, **fields: str) -> Any:
    """As the page's form does it, opened just now."""
    return browser().post(page_of(booking, part), {"shown": shown_at(page_of(booking)), **fields})


def choices_at(address: str) -> dict[str, str]:
    """The radio buttons of the page for moving: label to value."""
    body = browser().get(address).content.decode()
    found = re.findall(r'<input type="radio" name="start" value="([^"]*)"><span>([^<]*)</span>', body)
    return {html.unescape(label): html.unescape(value) for value, label in found}


def get_json(address: str) -> Any:
    return browser().get(address).json()


def post_json(booking: Booking, part: str, **fields: Any) -> Any:
    """To the twin, with what it shows now."""
    body = {"shown": get_json(twin_of(booking))["shown"], **fields}
    return browser().post(twin_of(booking, part), json.dumps(body), content_type="application/json")
