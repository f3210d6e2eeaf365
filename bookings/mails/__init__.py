"""What a client is told, in words: rendering of booking mails (contract §1.4, design §5 "Language")."""
