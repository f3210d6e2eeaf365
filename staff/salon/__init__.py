"""What the salon decides: its services, hours, settings and clock."""
