"""The edge: what every request and answer goes through."""
