"""AWS Config: a custom rule's evaluation, on a change or on a schedule. No carrier.

https://docs.aws.amazon.com/config/latest/developerguide/evaluate-config_develop-rules_example-events.html
"""

from __future__ import annotations

from observe.source import Record, Source, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(_event: Mapping[str, Any]) -> list[Record]:
    """Return one Record without headers."""
    return [Record({})]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `evaluate <rule>`; the result token is a secret."""
    return f"evaluate {text(event.get('configRuleName'))}".strip(), {}


CONFIG_RULE = Source(
    "Config rule",
    trigger="other",
    kind=KIND_CONSUMER,
    public=False,
    records=records,
    describe=describe,
)
