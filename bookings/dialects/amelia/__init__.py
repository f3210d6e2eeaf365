"""Speaks the Amelia wire format (contract §3)."""
