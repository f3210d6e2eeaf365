"""Public HTML pages behind the links in a client's mails (contract §1.4): no cookie, no script, no login."""
