"""Clients: found, merged, exported, erased."""
