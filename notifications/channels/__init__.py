"""Texts: what leaves by a provider of SMS, and what comes back (contract §10; docs/adr/0102).

`sending` carries one text out; `seven` and `twilio` speak to their providers; `receipts` and `replies` take
what these send back, once `doors` has found it signed.
"""
