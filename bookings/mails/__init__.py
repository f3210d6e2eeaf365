"""What a client is told, in words: rendering of booking mails (contract §1.4; languages: docs/adr/0011)."""
