"""Speaks the eAgenda wire format (contract §4)."""
