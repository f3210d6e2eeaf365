"""The outbox, mails on their way, webhooks, a person's own lines."""
