"""Our PostgreSQL backend for Django: its own, with two things less to pay for every call (see `base`)."""
