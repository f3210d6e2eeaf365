"""The native API of the salon's side (contract §1.5)."""
