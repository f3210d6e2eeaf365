"""What the worker does that is no mail: money at Stripe, webhooks. `settings.HANDLERS` names the classes."""
