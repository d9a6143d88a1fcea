"""Amazon Lex, V2 and V1: a bot's dialogue or fulfilment; request and session attributes may carry headers.

https://docs.aws.amazon.com/lexv2/latest/dg/lambda-input-format.html
https://docs.aws.amazon.com/lex/latest/dg/lambda-input-response-format.html
"""

from __future__ import annotations

from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record; what came with this request wins over the session.

    event: {"requestAttributes": {name: value}, "sessionState": {"sessionAttributes": {name: value}}}; V1 has
    {"sessionAttributes"} at the top
    """
    session = mapping(event.get("sessionState")).get("sessionAttributes", event.get("sessionAttributes"))
    return [Record({**lower(session), **lower(event.get("requestAttributes"))})]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `<hook> <intent>`; what was said, and by whom, stays out."""
    state = mapping(event.get("sessionState"))
    intent = mapping(state.get("intent")) or mapping(event.get("currentIntent"))
    return f"{text(event.get('invocationSource'))} {text(intent.get('name'))}".strip() or "Lex", {}


LEX = Source(
    "Lex",
    trigger="other",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe,
)
