"""The server behind DATABASE_URL: whether it takes writes, and which of the hosts it is (contract §12)."""

from __future__ import annotations

from config.postgres.base import DatabaseWrapper


def takes_writes(wire: DatabaseWrapper) -> bool:
    """No while it stands by, or has been told to read only."""
    with wire.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        return bool(cursor.fetchone()[0] == "off")


def host_number(wire: DatabaseWrapper) -> int | None:
    """Which of the hosts of the address it is, from 1: a number tells a stranger nothing of our network.

    None where it is none of several.
    """
    settings = wire.settings_dict
    hosts, ports = str(settings["HOST"]).split(","), str(settings["PORT"]).split(",")
    if len(hosts) == 1:
        return 1
    places = list(zip(hosts, ports, strict=True))
    info = wire.connection.info
    place = (info.host, str(info.port))
    return places.index(place) + 1 if place in places else None
