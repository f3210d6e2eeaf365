"""Our PostgreSQL backend for Django: its own but for how a kept connection is tested (see `base`)."""
