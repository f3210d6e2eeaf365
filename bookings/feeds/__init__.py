"""Calendars that staff subscribe to: their addresses, and what a program reads there (contract §11)."""
