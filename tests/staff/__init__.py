"""The salon's own side: who may log in, and its settings, hours and services."""
