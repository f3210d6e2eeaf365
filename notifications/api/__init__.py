"""The native API of what is told: one's own notifications, jobs, follow-up sequences (contract §1.5)."""
