"""What the salon decides: its people, services, hours and settings."""
