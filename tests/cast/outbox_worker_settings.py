"""The product's settings for a real worker process that carries out the outbox' own test jobs."""

from config.settings import *  # noqa: F403

HANDLERS = {
    "test.counted": "tests.cast.outbox.Counted",
    "test.optional": "tests.cast.outbox.Optional",
    "test.effect": "tests.cast.outbox.EffectCast",
}
