"""SimpleSpa's twelve status codes over our two columns (contract §5)."""

from __future__ import annotations

LABELS = {
    0: "New",
    5: "Rebooked",
    7: "Request",
    10: "Online",
    12: "Payment Due",
    15: "Canceled",
    17: "No-Show",
    20: "Confirmed",
    22: "Confirmed (No SMS)",
    25: "Arrived",
    30: "Paid",
    40: "Completed",
}

WRITTEN_AS: dict[int, tuple[str, str]] = {
    0: ("scheduled", "new"),
    5: ("scheduled", "rebooked"),
    7: ("provisional", ""),
    10: ("scheduled", "online"),
    12: ("provisional", "pending_payment"),
    15: ("cancelled", ""),
    17: ("no-show", ""),
    20: ("scheduled", ""),
    22: ("scheduled", "confirmed_no_sms"),
    25: ("scheduled", "arrived"),
    30: ("completed", "paid"),
    40: ("completed", ""),
}

SHOWN_AS: dict[tuple[str, str], int] = {pair: code for code, pair in WRITTEN_AS.items()} | {
    ("scheduled", "in_progress"): 25,
    ("provisional", "pending_form"): 7,
    ("provisional", "pending_companions"): 7,
    ("cancelled", "client"): 15,
    ("cancelled", "google"): 15,
    ("cancelled", "rejected"): 15,
}


def pairs_of(code: int) -> list[tuple[str, str]]:
    """Every (status, detail) that is shown as `code`."""
    return [pair for pair, shown in SHOWN_AS.items() if shown == code]
