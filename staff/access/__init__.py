"""Who is calling, and what they may do: logins, keys, throttles, idempotency (contract §0, §1.5)."""
