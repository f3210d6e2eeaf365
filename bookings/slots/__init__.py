"""How a slot is refused (contract §1.3, §1.5), in the order in which a write meets it.

`refused_to_everybody`: times in order, own agenda, holiday, staff and service. `availability.rules`: the
table of what speaks against a time; `warn_or_refuse` tells the desk of it and refuses a client. `busy`: the
lock, and the database's no as SlotTaken; `sqlite_guard` is that no on SQLite, migration 0002 on PostgreSQL.
"""
