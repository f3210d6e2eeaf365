"""What a write would do, said before it is done (contract §11 "Dry run"; docs/adr/0096).

`traces` reads what a write leaves beside its answer, by comparing rows inside its transaction with those
after its rollback; `answer` prints it.
"""

from bookings.dry_run.answer import DryRunJson, WouldJson, foreseen
from bookings.dry_run.side_effects import Marks, Traces

__all__ = ["DryRunJson", "Marks", "Traces", "WouldJson", "foreseen"]
