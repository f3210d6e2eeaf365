"""`make chaos`: the fault runs of the promises in docs/operations.md, with real processes on loopback."""
