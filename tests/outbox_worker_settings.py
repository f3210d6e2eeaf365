"""The product's settings for a real worker process that carries out the outbox' own test jobs."""

from config.settings import *  # noqa: F403

HANDLERS = {
    "test.counted": "tests.outbox_cast.counted",
    "test.optional": "tests.outbox_cast.optional",
    "test.effect": "tests.outbox_cast.effect",
}
