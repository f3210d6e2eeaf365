"""The product's settings for a real worker process that carries out the outbox' own test jobs."""

from config.settings import *  # noqa: F403

HANDLERS = {
    "test.counted": "tests.cast.outbox.counted",
    "test.optional": "tests.cast.outbox.optional",
    "test.effect": "tests.cast.outbox.effect",
}
