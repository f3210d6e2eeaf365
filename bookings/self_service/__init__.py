"""What a client may do with a mailed link, above the door (contract §1.4)."""
