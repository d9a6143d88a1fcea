"""The line of a receipt: what AWS called what was sent, where the context did not go with it whole.

The consumer sees the same IDs, so that both ends meet where nothing can be injected. docs/spec/lines.md
"""

from __future__ import annotations

from observe import settings, stdout, wire
from observe.identity import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from observe.context import Context

EVENT = "observe.receipt"
IDS_MAX = 100


def write(service: str, operation: str, ids: Sequence[str], sender: Context) -> None:
    """Write one line for one call. ids: of all that was sent with success; sender: the call's own context."""
    found = settings.get()
    line = fields(found.level if found.json_mode else "INFO", "receipt")
    line["span_id"] = sender.span_id
    receipts: dict[str, Any] = {"service": service, "operation": operation, "ids": list(ids[:IDS_MAX])}
    if len(ids) > IDS_MAX:
        receipts["omitted"] = len(ids) - IDS_MAX
    stdout.write(wire.log_line({**line, "event": EVENT, "receipts": receipts}))
