"""Speaks the SimpleSpa wire format (contract §2)."""
